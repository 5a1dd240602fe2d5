import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decode } from '../../../src/codec/decode.ts';
import { encode } from '../../../src/codec/encode.ts';
import { explainCloneFailure } from '../../../src/codec/refusal.ts';
import {
  CancelledError,
  CaptureError,
  HeddleError,
  SendError,
  TaskGroupError,
  ThreadDiedError,
} from '../../../src/core/errors.ts';

class UserError extends Error {
  readonly detail: unknown;

  constructor(message: string, detail: unknown) {
    super(message);
    this.detail = detail;
  }
}

const functions = new Map<string, unknown>();

/** A trip to another thread: encoded, cloned as a message is, decoded. */
function trip<T>(value: T): T {
  const wire = encode(value, 'value', {
    referenceTo: (fn) => {
      if (fn.name === 'closure') throw new CaptureError('captures x', ['x']);
      functions.set(fn.name, fn);
      return { name: fn.name };
    },
    moduleOfClass: () => undefined,
  });
  return decode(structuredClone(wire), {
    resolveReference: (reference) => functions.get((reference as { name: string }).name),
    findClass: () => undefined,
    openParcel: () => undefined,
  }) as T;
}

describe('encode() and decode()', () => {
  test('give values as structured clone does', () => {
    const shared = { n: 1 };
    const value = {
      list: [1, 'two', 3n, null, undefined, true, NaN, -0],
      date: new Date(0),
      pattern: /x/gi,
      map: new Map<unknown, unknown>([[shared, new Set([shared])]]),
      bytes: new Uint8Array([1, 2]),
      twice: [shared, shared],
    };
    const again = trip(value);
    expect(again).toEqual(structuredClone(value));
    expect(again.twice[0]).toBe(again.twice[1]);
  });

  test('copy nothing where there is nothing special', () => {
    const value = { deep: [new Map([[1, { a: 1 }]])] };
    const hooks = { referenceTo: () => 0, moduleOfClass: () => undefined };
    const wire = encode(value, 'value', hooks);
    expect(wire.value).toBe(value);
    expect(wire.specials).toBe(undefined);
  });

  test('keep the class, name, message, stack, cause and own fields of an error', () => {
    const error = Object.assign(new RangeError('outer', { cause: new TypeError('inner') }), {
      code: 'E_X',
      data: [1],
    });
    const again = trip(error);
    expect(again).toBeInstanceOf(RangeError);
    expect(again).toMatchObject({ message: 'outer', code: 'E_X', data: [1], stack: error.stack });
    expect(again.cause).toBeInstanceOf(TypeError);
    expect(Object.keys(again)).toEqual(['code', 'data']);
  });

  test("keep heddle's own errors, groups of them too", () => {
    const died = new ThreadDiedError('gone', { reason: 'exit', exitCode: 3 });
    expect(trip(died)).toBeInstanceOf(ThreadDiedError);
    expect(trip(died)).toMatchObject({
      reason: 'exit',
      exitCode: 3,
      code: 'ERR_HEDDLE_THREAD_DIED',
      name: 'ThreadDiedError',
    });
    const group = new TaskGroupError([died, new CancelledError('c')]);
    const again = trip(group);
    expect(again).toBeInstanceOf(TaskGroupError);
    expect(again).toBeInstanceOf(AggregateError);
    expect(again).toBeInstanceOf(HeddleError);
    expect(again.errors[0]).toBeInstanceOf(ThreadDiedError);
    expect(again.errors[0]).toBe(again.cause);
    expect(again.find(CancelledError)).toBeInstanceOf(CancelledError);
  });

  test('keep the cause and the fields of a DOMException', () => {
    const made = Object.assign(new DOMException('gone', 'AbortError'), {
      attempt: 3,
      cause: new TypeError('why'),
    });
    const again = trip(made) as DOMException & { attempt: number; cause: unknown };
    expect(again).toBeInstanceOf(DOMException);
    expect([again.name, again.message, again.code, again.attempt]).toEqual(['AbortError', 'gone', 20, 3]);
    expect(again.cause).toBeInstanceOf(TypeError);
  });

  test('keep a DOMException', () => {
    const again = trip(new DOMException('stopped', 'AbortError'));
    expect(again).toBeInstanceOf(DOMException);
    expect(again).toMatchObject({ name: 'AbortError', message: 'stopped', code: 20 });
  });

  test('give an error of an unknown class a class of the same name', () => {
    const again = trip(new UserError('mine', { deep: true }));
    expect(again).toBeInstanceOf(Error);
    expect(again.constructor.name).toBe('UserError');
    expect(again).toMatchObject({ message: 'mine', detail: { deep: true } });
    expect(trip(new UserError('b', 0)).constructor).toBe(again.constructor);
  });

  test('keep errors anywhere inside, shared and cyclic ones as they are', () => {
    const error = new Error('again and again');
    const value = {
      list: [error],
      map: new Map([[error, error]]),
      set: new Set([error]),
      self: undefined as unknown,
    };
    value.self = value;
    (error as { owner?: unknown }).owner = value;
    const again = trip(value);
    const [first] = again.list;
    expect(first?.message).toBe('again and again');
    expect([...again.map.keys()][0]).toBe(first);
    expect(again.map.get(first as Error)).toBe(first);
    expect(again.set.has(first as Error)).toBe(true);
    expect(again.self).toBe(again);
    expect((first as { owner?: unknown }).owner).toBe(again);
  });

  test('an error arrives though a field, or its cause, cannot be sent', () => {
    const fields = { symbol: Symbol('s'), host: new WeakMap(), deep: { host: new WeakMap() }, fine: 1 };
    const again = trip(Object.assign(new Error('with a socket', { cause: new WeakMap() }), fields));
    expect(again.message).toBe('with a socket');
    expect(Object.keys(again)).toEqual(['fine']);
    expect(again.cause).toBe(undefined);
  });

  test('leave to structured clone what only it knows, beside an error too', () => {
    const value = { error: new Error('x'), boxed: new Number(5), blob: new Blob(['abc']) };
    const again = trip(value);
    expect(again.boxed).toEqual(new Number(5));
    expect(again.blob).toBeInstanceOf(Blob);
    expect(() => trip({ error: new Error('x'), host: new WeakMap() })).toThrow('could not be cloned');
  });

  test('carry functions by reference', () => {
    const named = function named(): void {};
    expect(trip({ list: [named] }).list[0]).toBe(named);
  });

  test.each([
    [{ a: [Symbol('s')] }, 'value.a[0]: Symbol(s) cannot be sent to a thread'],
    [{ 'a b': { c: Symbol('s') } }, 'value["a b"].c: Symbol(s) cannot be sent'],
    [new Map([['k', Symbol('s')]]), 'value.get("k"): Symbol(s) cannot be sent'],
  ])('refuse with the path: %#', (value, message) => {
    expect(() => trip(value)).toThrow(SendError);
    expect(() => trip(value)).toThrow(message);
  });

  test('a class instance with functions inside is itself what cannot be sent', () => {
    class Socket {
      readonly onData = (): void => {};
    }
    expect(() => trip({ args: { socket: new Socket() } })).toThrow(
      'value.args.socket: Socket cannot be sent to a thread',
    );
  });

  test('a function that captures is refused with its CaptureError', () => {
    expect(() => trip({ fn: function closure() {} })).toThrow(CaptureError);
  });

  test('explainCloneFailure() finds what structured clone refused', () => {
    const cause = new Error('could not be cloned');
    expect(explainCloneFailure({ list: [1, { w: new WeakMap() }] }, 'args', cause)).toMatchObject({
      path: 'args.list[1].w',
      message: 'args.list[1].w: WeakMap cannot be sent to a thread',
      cause,
    });
  });

  test('a value with an error inside is otherwise equal to its structured clone, for any value', () => {
    const anything = fc.anything({
      withDate: true,
      withMap: true,
      withSet: true,
      withTypedArray: true,
      withSparseArray: true,
      withBigInt: true,
    });
    fc.assert(
      fc.property(anything, (value) => {
        const again = trip({ value, error: new Error('x') });
        expect(again.value).toEqual(structuredClone(value));
      }),
      { numRuns: 500, seed: 20261121 },
    );
  });
});
