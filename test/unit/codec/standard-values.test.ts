import { afterEach, describe, expect, test, vi } from 'vitest';
import { makeStandard, standardClassOf, takeStandard } from '../../../src/codec/standard-values.ts';
import { SendError } from '../../../src/core/errors.ts';

/** As the runtime that has it would. */
class Duration {
  readonly seconds: number = 0;
  readonly milliseconds: number = 0;
  get [Symbol.toStringTag](): string {
    return 'Temporal.Duration';
  }
  static from(data: object): Duration {
    return Object.assign(new Duration(), data);
  }
}
Object.defineProperty(Duration.prototype, Symbol.toStringTag, { value: 'Temporal.Duration' });

afterEach(() => vi.unstubAllGlobals());

function trip<T extends object>(value: T): T {
  const name = standardClassOf(value)!;
  return makeStandard(name, structuredClone(takeStandard(name, value))) as T;
}

describe('objects of standard classes', () => {
  test('come out as what they hold', () => {
    expect(trip(new URL('https://user:word@example.org:81/a?b=1#c')).href).toBe(
      'https://user:word@example.org:81/a?b=1#c',
    );
    expect([...trip(new URLSearchParams('a=1&a=2&b='))]).toEqual([
      ['a', '1'],
      ['a', '2'],
      ['b', ''],
    ]);
    const headers = new Headers([
      ['set-cookie', 'a'],
      ['set-cookie', 'b'],
      ['Accept', 'text/html'],
    ]);
    expect([...trip(headers)]).toEqual([...headers]);
    expect(trip(headers).getSetCookie()).toEqual(['a', 'b']);
  });

  test('come out unit by unit where a text would balance them', () => {
    vi.stubGlobal('Temporal', { Duration });
    expect(trip(Duration.from({ milliseconds: 1500 }))).toMatchObject({ seconds: 0, milliseconds: 1500 });
  });

  test('are only those: not what extends them, has their name, or is plain', () => {
    const Mine = { URL: class {} }.URL;
    for (const other of [new (class extends URL {})('http://a'), new Mine(), {}, Object.create(null), []])
      expect(standardClassOf(other)).toBe(undefined);
  });

  test('are an error where the thread has no such class', () => {
    expect(() => makeStandard('Temporal.Instant', '2026-01-01T00:00:00Z')).toThrow(SendError);
    expect(() => makeStandard('Function', 'return 1')).toThrow(SendError);
  });

  test('cannot be read where something only has their prototype', () => {
    expect(() => takeStandard('URL', Object.create(URL.prototype))).toThrow(TypeError);
  });
});
