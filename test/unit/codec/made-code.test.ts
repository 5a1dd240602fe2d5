import { deepStrictEqual } from 'node:assert/strict';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { FlatEncoder } from '../../../src/codec/flat-encoder.ts';

afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});

const texts = Array.from({ length: 40 }, (_, length) => [
  'x'.repeat(length),
  'é'.repeat(length),
  'Ω'.repeat(length),
]);
const value = {
  records: Array.from({ length: 30 }, (_, id) => ({
    id,
    'a "quoted" key': texts[id],
    '\u2028': { 7: 'x', constructor: 1 },
  })),
  texts,
};

/** Reads it again and again with a decoder that is loaded now. */
async function read(times: number): Promise<void> {
  const encoder = new FlatEncoder();
  const size = encoder.encode(value);
  const words = new Int32Array(size);
  const bytes = new Uint8Array(words.buffer);
  encoder.copyTo(words, bytes, 0);
  vi.resetModules();
  const { FlatDecoder } = await import('../../../src/codec/flat-decoder.ts');
  const decoder = new FlatDecoder();
  for (let time = 0; time < times; time++) {
    deepStrictEqual(decoder.decode(words, bytes, 0, size), value);
  }
}

describe('Code that is made for what is read often', () => {
  test('is made after some time, and reads the same', async () => {
    const made = vi.fn();
    const Original = Function;
    vi.stubGlobal('Function', function make(...args: string[]) {
      made(args.at(-1));
      return new Original(...args);
    });
    await read(1);
    expect(made).not.toHaveBeenCalled();
    await read(200);
    expect(made.mock.calls.flat()).toContainEqual(expect.stringContaining('"a \\"quoted\\" key":next()'));
    // Two shapes of keys, and texts of up to 24 characters in two widths.
    expect(made.mock.calls.length).toBeLessThan(60);
  });

  test('is done without where the runtime allows no code of strings, which is tried once', async () => {
    const refuse = vi.fn(() => {
      throw new EvalError('Code generation from strings disallowed for this context');
    });
    vi.stubGlobal('Function', refuse);
    await read(200);
    expect(refuse).toHaveBeenCalledTimes(1);
  });

  test('calls no setter that Object.prototype got later', async () => {
    let called = false;
    const encoder = new FlatEncoder();
    const size = encoder.encode({ id: 1 });
    const words = new Int32Array(size);
    const bytes = new Uint8Array(words.buffer);
    encoder.copyTo(words, bytes, 0);
    const { FlatDecoder } = await import('../../../src/codec/flat-decoder.ts');
    const decoder = new FlatDecoder();
    for (let time = 0; time < 200; time++) decoder.decode(words, bytes, 0, size);
    Object.defineProperty(Object.prototype, 'id', {
      configurable: true,
      set: () => {
        called = true;
      },
    });
    try {
      expect(Object.keys(decoder.decode(words, bytes, 0, size) as object)).toEqual(['id']);
      expect(called).toBe(false);
    } finally {
      Reflect.deleteProperty(Object.prototype, 'id');
    }
  });
});
