import { deepStrictEqual } from 'node:assert/strict';
import { createSecretKey } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encode } from '../../../src/codec/encode.ts';
import {
  FLAT,
  SERIALIZED,
  TAG_BITS,
  TAG_MASK,
  WITH_BUFFERS,
  WITH_SPECIALS,
} from '../../../src/codec/flat.ts';
import { ItemDecoder, ItemEncoder, serializeWire } from '../../../src/codec/item.ts';
import type { Special, Wire } from '../../../src/codec/wire.ts';
import { CaptureError, HeddleError, SendError } from '../../../src/core/errors.ts';
import { Lock } from '../../../src/index.ts';

class UserError extends Error {
  readonly detail: unknown;

  constructor(message: string, detail: unknown, options?: ErrorOptions) {
    super(message, options);
    this.detail = detail;
  }
}

/** The two ends of a queue that has room for one item, and what stands behind their hooks. */
class Pair {
  readonly functions = new Map<string, unknown>();
  readonly buffers: SharedArrayBuffer[] = [];
  readonly parcels: object[] = [];
  /** What `findClass` and `resolveReference` give, where that is not at hand. */
  loading: Promise<unknown> | undefined;
  readonly encoder = new ItemEncoder({
    referenceTo: (fn) => {
      if (fn.name === 'closure') throw new CaptureError('captures x', ['x']);
      this.functions.set(fn.name, fn);
      return { name: fn.name };
    },
    moduleOfClass: (error) => (error instanceof UserError ? 'file:///errors.js' : undefined),
    shareBuffer: (buffer) => this.buffers.push(buffer) - 1,
  });
  readonly decoder = new ItemDecoder({
    resolveReference: (reference) => this.loading ?? this.functions.get((reference as { name: string }).name),
    findClass: () => (this.loading as Promise<typeof UserError> | undefined) ?? UserError,
    openParcel: (_, parcel) => this.parcels[parcel],
    bufferOf: (id) => this.buffers[id]!,
  });
  readonly words = new Int32Array(new SharedArrayBuffer(2 ** 20));
  readonly bytes = new Uint8Array(this.words.buffer);
  readonly at = 10;
  size = 0;

  put(value: unknown): void {
    const prepared = this.encoder.prepare(value, 'item');
    if (typeof prepared === 'number') {
      this.encoder.copyTo(this.words, this.bytes, this.at);
      this.size = prepared;
    } else this.#putWire(prepared);
  }

  #putWire(wire: Wire<unknown>): void {
    const parcels = (wire.handles ?? []).map((handle) => this.parcels.push(handle) - 1);
    const bytes = serializeWire(wire, parcels, 'item');
    this.bytes.set(bytes, 4 * this.at);
    this.size = Math.ceil(bytes.length / 4);
  }

  get(options?: { sync: boolean }): unknown {
    return this.decoder.decode(this.words, this.bytes, this.at, this.size, options);
  }

  trip<T>(value: T): T {
    this.put(value);
    return this.get() as T;
  }
}

function errorOf(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

const buffer = new ArrayBuffer(16);
const cyclic: { self?: unknown; list: unknown[] } = { list: [] };
cyclic.self = cyclic;
cyclic.list.push(cyclic, cyclic.list);
const sparse = Object.assign(new Array(5), { 1: 'one', extra: true });

describe('an item', () => {
  test.each<[string, unknown]>([
    ['a number', 1],
    ['an object', { id: 1, name: 'abc' }],
    ['a Map', new Map<unknown, unknown>([[{ a: 1 }, new Map([[1, 2]])]])],
    ['a Set', new Set([1, 'x', { a: 1 }])],
    ['a Date', new Date(1.7e12)],
    ['a date that is none', { at: new Date(NaN) }],
    ['a regular expression', /a+b/giu],
    ['a large bigint', 2n ** 200n],
    ['a negative bigint', [-(2n ** 64n)]],
    ['boxed values', [Object(1), Object('x'), Object(true), Object(1n)]],
    ['a sparse array with a field', sparse],
    ['an array that is only a length', new Array(7)],
    ['-0 and NaN', new Set([NaN, { a: -0 }])],
    ['an object without prototype', Object.assign(Object.create(null), { a: 1 })],
    [
      'an instance of a class',
      new (class Point {
        x = 1;
      })(),
    ],
    ['the key __proto__', JSON.parse('{"a":1,"__proto__":{"polluted":true}}')],
    ['an ArrayBuffer', buffer],
    ['a DataView', new DataView(buffer, 2, 3)],
    ['a Float64Array', Float64Array.of(1.5, NaN, -0)],
    ['a BigInt64Array', BigInt64Array.of(-1n)],
    ['a part of a Uint16Array', Uint16Array.of(1, 2, 3, 4).subarray(1, 3)],
    ['lone surrogates', new Set(['\ud800', 'x\udc00'])],
    ['a dictionary', Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`k${index}`, index]))],
    ['many numbers', Array.from({ length: 5000 }, (_, index) => index / 2)],
    ['a long string', 'long Ω '.repeat(20_000)],
  ])('carries %s as structured clone does', (_, value) => {
    deepStrictEqual(new Pair().trip(value), structuredClone(value));
    deepStrictEqual(new Pair().trip({ inside: [value] }), structuredClone({ inside: [value] }));
  });

  test('carries typed arrays of every class, also where Node would make a Buffer of them', () => {
    const { Float16Array: Half } = globalThis as { Float16Array?: new (length: number) => ArrayBufferView };
    const views = [
      Int8Array,
      Uint8Array,
      Uint8ClampedArray,
      Int16Array,
      Uint16Array,
      Int32Array,
      Uint32Array,
      Float32Array,
      Float64Array,
      BigInt64Array,
      BigUint64Array,
    ].map((type) => new type(3));
    if (Half !== undefined) (views as ArrayBufferView[]).push(new Half(3));
    for (const view of views) deepStrictEqual(new Pair().trip(view), view);
    const bytes = new Pair().trip<Uint8Array>(Buffer.from('bytes'));
    expect(Object.getPrototypeOf(bytes)).toBe(Uint8Array.prototype);
    expect(new TextDecoder().decode(bytes)).toBe('bytes');
  });

  test('copies memory that is not shared: what is received is nobody else’s', () => {
    const pair = new Pair();
    pair.put(Uint8Array.of(1, 2, 3));
    const first = pair.get() as Uint8Array;
    first[0] = 9;
    pair.bytes.fill(0, 4 * pair.at + 64, 4 * pair.at + 128);
    deepStrictEqual(pair.get(), Uint8Array.of(1, 2, 3));
    deepStrictEqual(first, Uint8Array.of(9, 2, 3));
  });

  test('keeps identity: objects twice, cycles, views with one buffer', () => {
    const twice = { n: 1 };
    const again = new Pair().trip({ cyclic, a: twice, b: [twice], m: new Map([[twice, twice]]) });
    expect(again.cyclic.self).toBe(again.cyclic);
    expect(again.cyclic.list[0]).toBe(again.cyclic);
    expect(again.cyclic.list[1]).toBe(again.cyclic.list);
    expect(again.a).toBe(again.b[0]);
    expect([...again.m][0]).toEqual([again.a, again.a]);
    expect(again.m.get(again.a)).toBe(again.a);
    const views = new Pair().trip([new Uint8Array(buffer, 4), new Int16Array(buffer, 0, 2), buffer] as const);
    expect(views[0].buffer).toBe(views[2]);
    expect(views[1].buffer).toBe(views[2]);
  });

  test('pollutes nothing by the key __proto__', () => {
    const again = new Pair().trip(JSON.parse('{"__proto__":{"polluted":true},"f":[]}'));
    expect(Object.keys(again)).toEqual(['__proto__', 'f']);
    expect(Object.getPrototypeOf(again)).toBe(Object.prototype);
    const special = new Pair().trip(
      Object.assign(JSON.parse('{"__proto__":{"polluted":true}}'), { f: new Error('x') }),
    );
    expect(Object.keys(special)).toEqual(['__proto__', 'f']);
    expect(Object.getPrototypeOf(special)).toBe(Object.prototype);
  });

  test('carries errors with their class, cause and fields, and functions', () => {
    const pair = new Pair();
    function double(n: number): number {
      return 2 * n;
    }
    const error = new UserError('outer', { map: new Map([[1, double]]) }, { cause: new TypeError('inner') });
    const again = pair.trip({ error, errors: [error], double });
    expect(again.error).toBeInstanceOf(UserError);
    expect(again.error).toMatchObject({ message: 'outer', stack: error.stack });
    expect(again.error.cause).toBeInstanceOf(TypeError);
    expect((again.error.detail as { map: Map<number, unknown> }).map.get(1)).toBe(double);
    expect(again.errors[0]).toBe(again.error);
    expect(again.double).toBe(double);
    expect(pair.trip(new RangeError('alone'))).toBeInstanceOf(RangeError);
  });

  test('is a promise while a module must be loaded', async () => {
    const pair = new Pair();
    pair.put([new UserError('x', 1)]);
    pair.loading = Promise.resolve(UserError);
    const value = pair.get();
    expect(value).toBeInstanceOf(Promise);
    expect(((await value) as Error[])[0]).toBeInstanceOf(UserError);
  });

  test('waits for no module where the thread is blocked', () => {
    const pair = new Pair();
    pair.put([new UserError('x', 1)]);
    pair.loading = Promise.resolve(UserError);
    const [error] = pair.get({ sync: true }) as [Error];
    expect(error).not.toBeInstanceOf(UserError);
    expect(error.constructor.name).toBe('UserError');
    expect(error).toMatchObject({ message: 'x', detail: 1 });
    pair.put({ f: function known() {} });
    // Nor is it a rejection that nobody handles.
    pair.loading = Promise.reject(new Error('does not load'));
    expect(() => pair.get({ sync: true })).toThrow(SendError);
    expect(() => pair.get({ sync: true })).toThrow(/a module that this thread has not loaded/);
    pair.loading = undefined;
    expect(pair.get({ sync: true })).toEqual({ f: pair.functions.get('known') });
  });

  test('carries handles by parcel, each once, and lets nobody see addresses', () => {
    const pair = new Pair();
    const lock = new Lock();
    const other = new Lock();
    const again = pair.trip({ a: lock, b: [lock], other });
    expect(pair.parcels).toHaveLength(2);
    expect(again.a).toBe(pair.parcels[0]);
    expect(again.b[0]).toBe(again.a);
    expect(again.other).toBe(pair.parcels[1]);
    const wire = pair.encoder.prepare([lock], 'item') as Wire<unknown>;
    const seen: Special[] = [];
    const decoder = new ItemDecoder({
      resolveReference: () => undefined,
      findClass: () => undefined,
      openParcel: (type, parcel) => {
        seen.push({ standIn: {}, kind: 'handle', type, object: 0, parcel });
        return lock;
      },
      bufferOf: () => new SharedArrayBuffer(0),
    });
    const bytes = serializeWire(wire, [41], 'item');
    const words = new Int32Array(1000);
    new Uint8Array(words.buffer).set(bytes);
    expect(decoder.decode(words, new Uint8Array(words.buffer), 0, 1000)).toEqual([lock]);
    expect(seen).toMatchObject([{ parcel: 41 }]);
    for (const handle of [...(wire.handles ?? []), ...(pair.parcels as Disposable[])])
      handle[Symbol.dispose]();
    lock[Symbol.dispose]();
    other[Symbol.dispose]();
  });
});

describe('an item with shared memory', () => {
  test('gets the very buffer that the hooks know, once, and views over it', () => {
    const pair = new Pair();
    const memory = new SharedArrayBuffer(64);
    class Mine extends Uint8Array<SharedArrayBuffer> {}
    const value = {
      memory,
      map: new Map<unknown, unknown>([['a', new Int32Array(memory, 8, 4)]]),
      view: new DataView(memory, 3, 5),
      whole: new Float64Array(memory),
      mine: new Mine(memory, 1, 2),
      none: new Uint8Array(memory, 64),
    };
    const again = pair.trip(value);
    expect(pair.buffers).toEqual([memory]);
    expect(again.memory).toBe(memory);
    const inMap = again.map.get('a') as Int32Array;
    expect(inMap).toBeInstanceOf(Int32Array);
    expect(inMap).toMatchObject({ buffer: memory, byteOffset: 8, length: 4 });
    expect(again.view).toMatchObject({ buffer: memory, byteOffset: 3, byteLength: 5 });
    expect(again.view).toBeInstanceOf(DataView);
    expect(again.whole).toMatchObject({ buffer: memory, byteOffset: 0, length: 8 });
    expect(Object.getPrototypeOf(again.mine)).toBe(Uint8Array.prototype);
    expect(again.mine).toMatchObject({ byteOffset: 1, length: 2 });
    expect(again.none.length).toBe(0);
  });

  test('keeps identity of buffers and views, alone and in errors', () => {
    const pair = new Pair();
    const memory = new SharedArrayBuffer(8);
    expect(pair.trip(memory)).toBe(memory);
    const view = new Uint8Array(memory);
    expect(pair.trip(view).buffer).toBe(memory);
    const again = pair.trip([view, view, new UserError('x', view)] as const);
    expect(again[1]).toBe(again[0]);
    expect(again[2].detail).toBe(again[0]);
  });

  test('keeps views growing that grow with their buffer', () => {
    const pair = new Pair();
    const Growable = SharedArrayBuffer as unknown as new (
      length: number,
      options: { maxByteLength: number },
    ) => SharedArrayBuffer & { grow(length: number): void };
    const memory = new Growable(10, { maxByteLength: 64 });
    const again = pair.trip([
      new Uint8Array(memory, 2),
      new Int32Array(memory),
      new Uint8Array(memory, 0, 4),
    ]);
    expect(again.map(({ length }) => length)).toEqual([8, 2, 4]);
    memory.grow(20);
    expect(again.map(({ length }) => length)).toEqual([18, 5, 4]);
  });

  test('says in its first word whether buffers are inside, for those who drop it unopened', () => {
    const pair = new Pair();
    const flags = [/x/, [new AggregateError([])], [new SharedArrayBuffer(1)]].map((value) => {
      pair.put(value);
      const header = pair.words[pair.at]!;
      expect(header & TAG_MASK).toBe(SERIALIZED);
      return header >>> TAG_BITS;
    });
    expect(flags).toEqual([0, FLAT | WITH_SPECIALS, FLAT | WITH_SPECIALS | WITH_BUFFERS]);
  });

  test('leaves buffers to messages where there is no hook', () => {
    const value = { memory: new SharedArrayBuffer(8), port: new Blob([]) };
    const wire = encode(value, 'value', { referenceTo: () => 0, moduleOfClass: () => undefined });
    expect(wire.value).toBe(value);
    expect(wire.specials).toBe(undefined);
  });

  test('shares no buffer of a value that is refused', () => {
    const pair = new Pair();
    const memory = new SharedArrayBuffer(8);
    expect(() => pair.put([memory, Symbol('s')])).toThrow(SendError);
    expect(pair.buffers).toEqual([]);
  });
});

describe('what cannot be an item', () => {
  test.each<[string, unknown, string]>([
    ['a symbol', { a: [Symbol('s')] }, 'item.a[0]'],
    ['a WeakMap', { a: { weak: new WeakMap() } }, 'item.a.weak'],
    ['a promise', [1, Promise.resolve()], 'item[1]'],
    ['a proxy', { a: new Proxy({ b: 1 }, {}) }, 'item.a'],
    ['a proxy of an array', [[new Proxy([], {})]], 'item[0][0]'],
    ['a Blob', { file: new Blob(['x']) }, 'item.file'],
    ['a key', { key: createSecretKey(Buffer.from('k')) }, 'item.key'],
    [
      'a function inside an instance of a class',
      {
        a: new (class Server {
          handler = (): void => {};
        })(),
      },
      'item.a',
    ],
  ])('%s: refused with the path', (_, value, path) => {
    const pair = new Pair();
    const error = errorOf(() => pair.put(value));
    expect(error).toBeInstanceOf(SendError);
    expect(error).toMatchObject({ path });
    expect((error as Error).message).toContain(`${path}`);
    deepStrictEqual(pair.trip({ a: 1 }), { a: 1 });
  });

  test('a port: refused, not an empty object', () => {
    const { port1, port2 } = new MessageChannel();
    const pair = new Pair();
    expect(errorOf(() => pair.put({ a: new Map([['port', port1]]) }))).toMatchObject({
      path: 'item.a.get("port")',
    });
    class Holder {
      port = port2;
    }
    expect(() => pair.put([new Holder()])).toThrow(SendError);
    port1.close();
    // The class is not to blame for what one of its objects had inside.
    deepStrictEqual(pair.trip([Object.assign(new Holder(), { port: 1 })]), [{ port: 1 }]);
  });

  test('a function that captures: the error of functions comes through', () => {
    const x = 1;
    expect(() =>
      new Pair().put({
        f: function closure() {
          return x;
        },
      }),
    ).toThrow(CaptureError);
  });

  test('a proxy that was revoked, or throws: an error comes out, nothing hangs', () => {
    const pair = new Pair();
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect(() => pair.put(proxy)).toThrow();
    expect(() => pair.put({ proxy })).toThrow();
    const angry = new Proxy(
      {},
      {
        getPrototypeOf() {
          throw new RangeError('mine');
        },
      },
    );
    expect(() => pair.put([angry])).toThrow('item[0]: Proxy cannot be sent to a thread');
    deepStrictEqual(pair.trip({ a: 1 }), { a: 1 });
  });

  test('what a getter throws comes through, on both ways', () => {
    const pair = new Pair();
    const broken = {
      get a(): never {
        throw new RangeError('mine');
      },
    };
    expect(() => pair.put(broken)).toThrow(new RangeError('mine'));
    expect(() => pair.put([new Map(), broken])).toThrow(new RangeError('mine'));
    deepStrictEqual(pair.trip({ a: 1 }), { a: 1 });
  });

  test('a getter that puts an item itself gets both right', () => {
    const pair = new Pair();
    const inner = new Pair();
    const words: unknown[] = [];
    const value = {
      a: 'before',
      get b() {
        const prepared = pair.encoder.prepare({ c: 'inner' }, 'item');
        words.push(typeof prepared);
        const bytes = serializeWire(prepared as Wire<unknown>, [], 'item');
        inner.bytes.set(bytes, 4 * inner.at);
        inner.size = bytes.length;
        return 'after';
      },
    };
    deepStrictEqual(pair.trip(value), { a: 'before', b: 'after' });
    expect(words).toEqual(['object']);
    deepStrictEqual(inner.get(), { c: 'inner' });
  });

  test.each([
    ['objects', (deep: unknown) => ({ deep })],
    ['arrays', (deep: unknown) => [deep]],
    ['maps', (deep: unknown) => new Map([[1, deep]])],
    ['errors', (deep: unknown) => ({ deep, e: new Error('x') })],
  ])('nesting without end: of %s works or is refused as too deep', (_, wrap) => {
    const pair = new Pair();
    let deep: unknown = 1;
    for (let depth = 1; depth <= 10_000; depth++) {
      deep = wrap(deep);
      if (depth !== 100 && depth !== 10_000) continue;
      try {
        pair.trip(deep);
        expect(depth).toBeGreaterThan(0);
      } catch (error) {
        expect(depth).toBe(10_000);
        expect(error).toBeInstanceOf(HeddleError);
        expect(String(error)).toMatch(/nested too deeply|damaged/);
      }
    }
    deepStrictEqual(pair.trip({ a: 1 }), { a: 1 });
  });
});

describe('items of all kinds', () => {
  const anything = fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withSparseArray: true,
    withTypedArray: true,
    withBoxedValues: true,
    withUnicodeString: true,
    maxDepth: 3,
  });

  test('come out as structured clone would give them', () => {
    const pair = new Pair();
    fc.assert(
      fc.property(anything, (value) => {
        deepStrictEqual(pair.trip(value), structuredClone(value));
      }),
      { numRuns: 3000, seed: 20261124 },
    );
  });

  test('come out so beside something special as well', () => {
    const pair = new Pair();
    const special = new SharedArrayBuffer(8);
    fc.assert(
      fc.property(anything, (value) => {
        deepStrictEqual(pair.trip([value, special])[0], structuredClone(value));
        pair.buffers.length = 0;
      }),
      { numRuns: 1000, seed: 20261124 },
    );
  });

  test('are an error when their bytes are damaged, or some value', () => {
    const pair = new Pair();
    fc.assert(
      fc.property(anything, fc.nat(), fc.nat(255), fc.nat(), (value, where, damage, cut) => {
        pair.put([/x/, value]);
        pair.bytes[4 * pair.at + (where % (4 * pair.size))] = damage;
        pair.size -= cut % (pair.size + 1);
        try {
          pair.get();
        } catch (error) {
          expect(error).toBeInstanceOf(HeddleError);
          expect(String(error)).toMatch(/damaged/);
        }
      }),
      { numRuns: 3000, seed: 20261124 },
    );
  });

  test('are an error when more bytes are said to be there than are', () => {
    const pair = new Pair();
    pair.put(/x/);
    for (const length of [-1, 2 ** 31 - 1, 4 * (pair.size - 2) + 1]) {
      pair.words[pair.at + 1] = length;
      expect(() => pair.get()).toThrow(/Cannot read item: its bytes, from word 10/);
    }
    pair.size = 1;
    expect(() => pair.get()).toThrow(HeddleError);
    pair.size = 0;
    expect(() => pair.get()).toThrow(HeddleError);
  });

  test('with specials are an error when those are damaged', () => {
    const pair = new Pair();
    pair.put(/x/);
    pair.words[pair.at] = pair.words[pair.at]! | 16;
    expect(() => pair.get()).toThrow(/damaged/);
  });
});
