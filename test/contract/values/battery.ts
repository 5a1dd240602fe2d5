/**
 * What structured clone takes, and what it refuses, as one table: after the battery of the Web Platform Tests
 * (`html/webappapis/structured-clone`), without what only browsers have.
 */
import { createSecretKey } from 'node:crypto';
import { runInNewContext } from 'node:vm';
import { growable, outOfBounds, resizable } from './resizable.ts';

export interface Row {
  readonly name: string;
  /** A new one each time, in whichever thread. */
  readonly make: () => unknown;
  /** Only a message carries it: what becomes bytes is refused. */
  readonly byMessage?: boolean;
}

class Point {
  readonly x = 1;
  readonly #y = 2;
  get sum(): number {
    return this.x + this.#y;
  }
}
class List extends Array<unknown> {
  override *[Symbol.iterator](): ArrayIterator<unknown> {
    yield 'not what is in it';
  }
}
class Dictionary extends Map<unknown, unknown> {
  override *entries(): MapIterator<[unknown, unknown]> {
    yield ['not', 'what is in it'];
  }
  override [Symbol.iterator](): MapIterator<[unknown, unknown]> {
    return this.entries();
  }
}

function row(name: string, make: () => unknown): Row {
  return { name, make };
}

function define(to: object, key: PropertyKey, descriptor: PropertyDescriptor): object {
  return Object.defineProperty(to, key, { configurable: true, ...descriptor });
}

const PRIMITIVES: readonly unknown[] = [
  undefined,
  null,
  true,
  false,
  '',
  'this is a sample string',
  '\0',
  'é ÿ',
  'Ω 漢 😀',
  'lone \ud800 high',
  'lone \udc00 low',
  '\ud800',
  0.2,
  0,
  -0,
  1,
  -1,
  2 ** 27,
  2 ** 31,
  -(2 ** 31),
  NaN,
  Infinity,
  -Infinity,
  Number.MAX_VALUE,
  Number.MIN_VALUE,
  9007199254740992,
  -9007199254740994,
  0n,
  -1n,
  12n,
  -(2n ** 63n),
  2n ** 63n,
  9007199254740994n,
  -(2n ** 64n),
  2n ** 4000n + 1n,
];

function named(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'bigint') return `${String(value).slice(0, 20)}n`;
  return Object.is(value, -0) ? '-0' : String(value);
}

const DATES = [0, -0, 1.7e12, -8.64e15, 8.64e15, NaN];

const PATTERNS = [
  /a/,
  /a/dgimsuy,
  /a\/b[/]\n/u,
  /(?:)/,
  /\//,
  /\n/,
  /Ω\u2028/,
  // Of a flag that is newer than these sources.
  Reflect.construct(RegExp, ['[\\p{L}--[a-z]]', 'v']) as RegExp,
];

const ERRORS = [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError];

const VIEWS = [
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
  ...('Float16Array' in globalThis
    ? [(globalThis as unknown as { Float16Array: Float64ArrayConstructor }).Float16Array]
    : []),
] as readonly Float64ArrayConstructor[];

/** Bytes that are not all the same. */
function bytes(length: number, max?: number): ArrayBuffer {
  const buffer = max === undefined ? new ArrayBuffer(length) : resizable(length, max);
  for (let index = 0; index < length; index++) new Uint8Array(buffer)[index] = 37 * index + 1;
  return buffer;
}

function cyclic(): object {
  const map = new Map<unknown, unknown>();
  const set = new Set<unknown>();
  const list: unknown[] = [];
  const object = { list, map, set, object: undefined as unknown };
  object.object = object;
  list.push(list, object, map, set);
  map.set(map, map).set('set', set).set(object, list);
  set.add(set).add(map).add(list);
  return object;
}

function sharedTwice(): object {
  const one = { n: 1 };
  const date = new Date(5);
  const buffer = bytes(16);
  return {
    list: [one, one, date, date],
    map: new Map<unknown, unknown>([[one, one]]),
    set: new Set([one, date]),
    views: [new Uint8Array(buffer), new Int16Array(buffer, 2, 3), new DataView(buffer, 4)],
    buffer,
    boxed: new Array(2).fill(Object('x')),
    pattern: new Array(2).fill(/x/),
  };
}

function errorWithMore(): Error {
  const error = new RangeError('outer', { cause: new TypeError('inner', { cause: { deep: [1] } }) });
  return Object.assign(error, { code: 'E_MORE', when: new Date(3), map: new Map([[1, error]]) });
}

const OBJECTS: readonly Row[] = [
  row('an empty object', () => ({})),
  row('an empty array', () => []),
  row('an object of all primitives', () => Object.fromEntries(PRIMITIVES.map((one, at) => [`k${at}`, one]))),
  row('an array of all primitives', () => [...PRIMITIVES]),
  row('a Map of all primitives', () => new Map(PRIMITIVES.map((one) => [one, one]))),
  row('a Set of all primitives', () => new Set(PRIMITIVES)),
  row('a sparse array', () => Object.assign(new Array(10), { 2: 'two', 5: undefined })),
  row('an array of holes', () => new Array(3)),
  row('an array of holes as long as can be', () => new Array(2 ** 32 - 1)),
  row('the same with one item', () => Object.assign(new Array(2 ** 32 - 1), { 4294967293: {} })),
  row('an array with a property', () => Object.assign(['a'], { foo: 'bar', '-1': { x: 1 } })),
  row('a long array with a property', () =>
    Object.assign(Array.from({ length: 3000 }, String), { foo: 'bar' }),
  ),
  row('what a regular expression matched', () => /(?<b>b)(c)?/.exec('abd')),
  row('an object with indices and a length', () => ({ 10: 'x', 2: 'y', length: 11, a: 1 })),
  row('keys in their order', () => ({ z: 1, a: 2, 7: 3, 1: 4, [-1]: 5, '': 6, 'a b': 7, 4294967295: 8 })),
  row('keys that look like something', () =>
    JSON.parse(
      '{"__proto__":{"polluted":1},"constructor":{"prototype":2},"toString":3,"hasOwnProperty":4,"then":5}',
    ),
  ),
  row(
    'an own __proto__ in a Map of objects',
    () => new Map([['__proto__', JSON.parse('{"__proto__":null}')]]),
  ),
  row('cycles', cyclic),
  row('references that are shared', sharedTwice),
  row('a property of the prototype', () =>
    Object.create({ inherited: 1 }, { own: { value: 2, enumerable: true } }),
  ),
  row('an object without a prototype', () => Object.assign(Object.create(null), { a: 1 })),
  row('a property that is not enumerable', () => define({ seen: 1 }, 'hidden', { value: 2 })),
  row('one that is not writable', () => define({}, 'fixed', { value: [1], enumerable: true })),
  row('one that is not configurable', () =>
    Object.defineProperty({}, 'fixed', { value: {}, enumerable: true, writable: true }),
  ),
  row('one whose key is a symbol', () => ({ [Symbol('key')]: 1, [Symbol.iterator]: 2, a: 3 })),
  row('a getter', () => define({ a: 1 }, 'b', { get: () => ({ got: 2 }), enumerable: true })),
  row('a getter that is not enumerable', () => define({ a: 1 }, 'b', { get: () => Symbol('never asked') })),
  row('a frozen object', () => Object.freeze({ a: Object.freeze([1]) })),
  row('a sealed object', () => Object.seal({ a: 1 })),
  row('an instance of a class', () => new Point()),
  row('instances in instances', () => Object.assign(new Point(), { points: [new Point(), new Point()] })),
  row('an instance of a subclass of Array', () => List.from(['a', { b: 1 }])),
  row('an instance of a subclass of Map', () => new Dictionary([['a', { b: 1 }]])),
  row('an instance of a subclass of Date', () => new (class extends Date {})(5)),
  row('an instance of a subclass of Uint8Array', () => new (class extends Uint8Array {})(3)),
  row('a Map with a property', () => Object.assign(new Map([[1, 2]]), { extra: 1 })),
  row('a Date with a property', () => Object.assign(new Date(1), { extra: 1 })),
  row('an object that says it is an Error', () => ({ [Symbol.toStringTag]: 'Error', a: 1 })),
  row('an object that says it is a Map', () => define({ a: 1 }, Symbol.toStringTag, { value: 'Map' })),
  row('an object with the prototype of Map', () => Object.create(Map.prototype)),
  row('an object with the prototype of Date', () => Object.assign(Object.create(Date.prototype), { a: 1 })),
  row('an object with the prototype of ArrayBuffer', () => Object.create(ArrayBuffer.prototype)),
  row('a Map of objects', () => new Map([[{ k: 1 }, { v: [new Map([['deep', new Set([{}])]])] }]])),
  row('an empty Map and an empty Set', () => [new Map(), new Set()]),
  row('nested a thousand deep', () => {
    let value: object = {};
    for (let depth = 0; depth < 1000; depth++) value = depth % 2 === 0 ? [value] : { a: value };
    return value;
  }),
  row('1,500 numbers', () => Array.from({ length: 1500 }, (_, at) => at / 2)),
  row('1,500 objects', () =>
    Array.from({ length: 1500 }, (_, id) => ({ id, name: `n${id}`, on: id % 2 === 0 })),
  ),
  row('a dictionary of 1,500 keys', () =>
    Object.fromEntries(Array.from({ length: 1500 }, (_, at) => [`k${at}`, at])),
  ),
  row('a string of 300,000 characters', () => 'long text '.repeat(30_000)),
  row('the same of 16 bits', () => 'λόγος '.repeat(50_000)),
  row('a string with a lone surrogate at its end', () => `${'x'.repeat(300_000)}\ud83d`),
  row('a Map of another realm', () => runInNewContext('new Map([[1, {a: new Set([[2]])}]])')),
  row('an object of another realm', () => runInNewContext('({a: [1, {b: new Date(5)}], r: /x/g})')),
  row('an array of another realm', () => runInNewContext('[1, [2], new Uint8Array([1, 2])]')),
  row('boxed values with properties', () => [
    Object.assign(Object('ab'), { x: 1 }),
    Object.assign(Object(1), { x: 1 }),
  ]),
];

const BINARY: readonly Row[] = [
  row('an ArrayBuffer', () => bytes(7)),
  row('an ArrayBuffer of nothing', () => new ArrayBuffer(0)),
  row('an ArrayBuffer of 128 KB', () => bytes(2 ** 17)),
  row('a resizable ArrayBuffer', () => bytes(9, 64)),
  row('a resizable ArrayBuffer of nothing', () => bytes(0, 64)),
  ...VIEWS.flatMap((View) => [
    row(`a ${View.name}`, () => new View(bytes(16))),
    row(`a ${View.name} of nothing`, () => new View(0)),
    row(`a part of a ${View.name}`, () => new View(bytes(64), 16, 3)),
    row(`a ${View.name} that grows with its buffer`, () => new View(bytes(16, 64), 8)),
    row(`a ${View.name} of fixed length over what may grow`, () => new View(bytes(16, 64), 8, 1)),
  ]),
  row('a DataView', () => new DataView(bytes(16))),
  row('a part of a DataView', () => new DataView(bytes(16), 3, 5)),
  row('a DataView that grows with its buffer', () => new DataView(bytes(16, 64), 3)),
  row('a Buffer', () => Buffer.from(bytes(13))),
  row('a Uint8Array with a property', () => Object.assign(Uint8Array.of(1), { extra: 1 })),
  row('a Uint8Array that lies about itself', () =>
    define(define(Uint8Array.of(1, 2, 3), 'byteLength', { value: 1 }), 'buffer', { value: bytes(1) }),
  ),
  row('an ArrayBuffer that lies about itself', () => define(bytes(8), 'byteLength', { value: 2 ** 40 })),
  row('a SharedArrayBuffer', () => sharedBytes()),
  row('a growable SharedArrayBuffer', () => growable(8, 16)),
  row('views of one SharedArrayBuffer', () => {
    const buffer = sharedBytes();
    return [new Int32Array(buffer), new Uint8Array(buffer, 3, 2), new DataView(buffer, 1), buffer];
  }),
];

function sharedBytes(): SharedArrayBuffer {
  const buffer = new SharedArrayBuffer(8);
  new Uint8Array(buffer).set([1, 2, 3]);
  return buffer;
}

const FAULTS: readonly Row[] = [
  ...ERRORS.flatMap((Type) => [
    row(`a ${Type.name}`, () => new Type('what is wrong')),
    row(`a ${Type.name} without a message`, () => new Type()),
    row(`a ${Type.name} with a cause`, () => new Type('outer', { cause: new Type('inner') })),
  ]),
  row('an error with an empty message', () => new Error('')),
  row('an error with the cause undefined', () => new Error('x', { cause: undefined })),
  row('an error with another name', () => Object.assign(new Error('x'), { name: 'Mine' })),
  row('an error with the name of a class', () => Object.assign(new Error('x'), { name: 'RangeError' })),
  row('an error with fields', errorWithMore),
  row('an error that is its own cause', () => {
    const error = new Error('x');
    error.cause = error;
    return error;
  }),
  row('an error with an own __proto__', () =>
    define(new Error('x'), '__proto__', { value: { a: 1 }, enumerable: true }),
  ),
  row('an error whose message is a getter', () => define(new Error('x'), 'message', { get: () => 'got' })),
  row('an error without a stack', () => define(new Error('x'), 'stack', { value: undefined })),
  row('an error of another realm', () => runInNewContext('Error.stackTraceLimit = 0; new TypeError("x")')),
  row(
    'an AggregateError',
    () => new AggregateError([new TypeError('a'), 'b', { c: 1 }], 'all', { cause: 1 }),
  ),
  row('a DOMException', () => new DOMException('stopped', 'AbortError')),
  row('errors in everything', () => {
    const error = new TypeError('x');
    return { error, map: new Map([[error, new Set([error])]]), list: [error, [error]] };
  }),
];

/** What structured clone takes. */
export const TAKEN: readonly Row[] = [
  ...PRIMITIVES.map((one) => row(`${typeof one} ${named(one)}`, () => one)),
  ...[true, false, '', 'Ω', 0, -0, NaN, 1.5, 5n, -(2n ** 70n)].map((one) =>
    row(`the object of ${typeof one} ${named(one)}`, () => Object(one)),
  ),
  ...DATES.map((time) => row(`the date ${named(time)}`, () => new Date(time))),
  ...PATTERNS.map((pattern) =>
    row(`the pattern ${JSON.stringify(String(pattern))}`, () => new RegExp(pattern)),
  ),
  row('a pattern with a lastIndex', () => Object.assign(/x/g, { lastIndex: 3 })),
  ...OBJECTS,
  ...BINARY,
  ...FAULTS,
  ...[
    row('a Blob', () => new Blob(['abc', Uint8Array.of(0, 255)], { type: 'text/x' })),
    row('an empty Blob', () => new Blob([])),
    row('a File', () => new File(['abc'], 'name.txt', { type: 'text/x', lastModified: 5 })),
    row('a key', () => createSecretKey(Buffer.from('secret'))),
  ].map((one) => ({ ...one, byMessage: true })),
];

function detached(): ArrayBuffer {
  const buffer = new ArrayBuffer(8);
  structuredClone(buffer, { transfer: [buffer] });
  return buffer;
}

/** What structured clone refuses, and heddle with a `SendError`. */
export const REFUSED: readonly Row[] = [
  row('a symbol', () => Symbol('s')),
  row('a symbol that is known', () => Symbol.iterator),
  row('the object of a symbol', () => Object(Symbol('s'))),
  row('a WeakMap', () => new WeakMap()),
  row('a WeakSet', () => new WeakSet()),
  row('a WeakRef', () => new WeakRef({})),
  row('a proxy', () => new Proxy({ a: 1 }, {})),
  row('a proxy of an array', () => new Proxy([1], {})),
  row('a detached ArrayBuffer', detached),
  row('a view of a detached ArrayBuffer', () => {
    const view = new Uint8Array(8);
    structuredClone(view.buffer, { transfer: [view.buffer] });
    return view;
  }),
  row('a view that is out of bounds', () => outOfBounds((buffer) => new Uint8Array(buffer, 8))),
  row('a view of fixed length that is', () => outOfBounds((buffer) => new Uint16Array(buffer, 8, 2))),
  row('a DataView that is', () => outOfBounds((buffer) => new DataView(buffer, 8))),
  row('a Response', () => new Response()),
];
