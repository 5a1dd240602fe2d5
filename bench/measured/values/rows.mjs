/**
 * The values of the table, by group. Each is sent as an argument and comes back as the result; `wrong` says what is wrong
 * with what came, where that is not how it differs from what was sent. A row without `make` stands for what this build of
 * heddle has not.
 */
import { createSecretKey } from 'node:crypto';
import * as heddle from '../../../dist/index.js';
import { double, Money, PartError, Point } from './sent.mjs';

const row = (name, make, wrong) => ({ name, make, wrong });

function nested(depth) {
  let value = {};
  for (let at = 0; at < depth; at++) value = { a: value };
  return value;
}

function cyclic() {
  const value = { list: [], map: new Map() };
  value.self = value;
  value.list.push(value.list, value);
  value.map.set(value.map, value);
  return value;
}

function sharedTwice() {
  const one = { n: 1 };
  return { list: [one, one], map: new Map([[one, one]]) };
}

function resizable() {
  const buffer = new ArrayBuffer(8, { maxByteLength: 64 });
  return [buffer, new Uint8Array(buffer), new Uint8Array(buffer, 2, 3)];
}

const isFunction = (copy) => (typeof copy === 'function' && copy(21) === 42 ? undefined : 'no function');

function isLock(copy) {
  const guard = copy.tryAcquire?.();
  guard?.release();
  return guard === undefined ? 'no lock' : undefined;
}

async function readsTwice(copy) {
  if (typeof copy?.[Symbol.asyncIterator] !== 'function') return 'nothing to iterate over';
  const read = [];
  for await (const one of copy) read.push(one);
  return read.join() === '1,2' ? undefined : `gives ${read}`;
}

/** What callbacks were called with. */
const heard = [];

export const groups = {
  'Plain data': [
    row('numbers, `-0`, `NaN`, `Infinity`', () => [1, 0.1, -0, NaN, Infinity, -Infinity, 2 ** 53]),
    row('strings, lone surrogates', () => ['', 'text', 'Ω 😀', '\ud800']),
    row('`undefined`', () => ({ a: undefined, list: [undefined] })),
    row('`undefined` alone', () => undefined),
    row('bigints', () => [1n, -(2n ** 70n)]),
    row('boxed primitives', () => [Object(1), Object('a'), Object(true), Object(1n)]),
    row('`Date`, an invalid one too', () => [new Date(5), new Date(NaN)]),
    row('`RegExp`', () => /a(?<b>b)/giu),
    row('`Map`, `Set`', () => new Map([[{ k: 1 }, new Set([1, { a: 1 }])]])),
    row('sparse arrays', () => Object.assign(new Array(10), { 3: 'three' })),
    row('arrays with a property', () => Object.assign([1], { extra: 2 })),
    row('shared references', sharedTwice),
    row('cycles', cyclic),
    row('the key `__proto__`', () => JSON.parse('{"__proto__":{"a":1},"b":2}')),
    row('nested 1,000 deep', () => nested(1000)),
    row('nested 100,000 deep', () => nested(100_000)),
  ],
  Memory: [
    row('`ArrayBuffer`, typed arrays, `DataView`', () => {
      const buffer = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8).buffer;
      return [buffer, new Uint8Array(buffer, 1, 2), new Float64Array(buffer), new DataView(buffer, 3)];
    }),
    row('resizable buffers and views of them', resizable),
    row('`SharedArrayBuffer`', () => new SharedArrayBuffer(8)),
    row('`Buffer`', () => Buffer.from(new ArrayBuffer(4))),
    row('a detached buffer', () => {
      const buffer = new ArrayBuffer(8);
      structuredClone(buffer, { transfer: [buffer] });
      return buffer;
    }),
  ],
  Errors: [
    row('`TypeError`', () => new TypeError('x')),
    row('with a `cause`', () => new Error('outer', { cause: new RangeError('inner') })),
    row('with fields', () => Object.assign(new Error('x'), { code: 'E_X', data: [1] })),
    row('of a class of your own', () => new PartError('no such part', 'wheel')),
    row('`AggregateError`', () => new AggregateError([new TypeError('a'), new RangeError('b')], 'all')),
    row('`DOMException`', () => new DOMException('stopped', 'AbortError')),
  ],
  'Of the platform': [
    row('`Blob`, `File`', () => [new Blob(['abc']), new File(['abc'], 'name.txt')]),
    row('keys of `node:crypto`', () => createSecretKey(Buffer.from('secret'))),
    row('`URL`', () => new URL('https://example.org/a?b=1#c')),
    row('`URLSearchParams`', () => new URLSearchParams('a=1&a=2')),
    row('`Headers`', () => new Headers({ accept: 'text/html' })),
    row('`Temporal`', globalThis.Temporal && (() => Temporal.Instant.from('2026-01-01T00:00:00Z'))),
    row('`Request`, `Response`', () => new Response('abc')),
    row(
      '`AbortSignal`',
      () => new AbortController().signal,
      (copy) => (copy instanceof AbortSignal ? undefined : 'no signal'),
    ),
    row('`ReadableStream`', () => ReadableStream.from([1, 2]), readsTwice),
  ],
  'Functions and objects': [
    row('a function of a module', () => double, isFunction),
    row(
      'the same inside an object',
      () => ({ list: [double] }),
      (copy) => isFunction(copy.list?.[0]),
    ),
    row('an inline function', () => (n) => 2 * n, isFunction),
    row('instances of a class', () => new Point(1)),
    row(
      'getters',
      () => ({
        get a() {
          return 1;
        },
      }),
      (copy) => (copy.a === 1 ? undefined : 'lost'),
    ),
    row(
      'registered classes',
      () => new Money(5),
      (copy) => (copy instanceof Money && copy.twice === 10 ? undefined : 'no Money'),
    ),
    row(
      'callbacks',
      () => heddle.callback((n) => heard.push(n)),
      async (copy) => {
        copy(7);
        for (let turns = 0; turns < 1000 && !heard.includes(7); turns++) await heddle.sleep(1);
        return heard.includes(7) ? undefined : 'nothing heard';
      },
    ),
    row(
      'generators',
      () =>
        (function* () {
          yield 1;
          yield 2;
        })(),
      readsTwice,
    ),
    row(
      'async generators',
      () =>
        (async function* () {
          yield 1;
          yield 2;
        })(),
      readsTwice,
    ),
    row('symbols', () => Symbol('s')),
    row('`WeakMap`', () => new WeakMap()),
    row('promises', () => ({ promise: Promise.resolve(1) })),
    row('proxies', () => new Proxy({ a: 1 }, {})),
  ],
  'Of heddle': [
    row('`Lock` and its kin', () => new heddle.Lock(), isLock),
    row(
      '`Queue`',
      () => new heddle.Queue(),
      (copy) => (copy.tryPut?.(1) === true ? undefined : 'no queue'),
    ),
    row(
      '`Future`',
      () => {
        const { future, resolve } = heddle.Future.withResolvers();
        resolve(1);
        return { future };
      },
      async (copy) => ((await copy.future) === 1 ? undefined : 'no future'),
    ),
    row(
      '`Shared` tables',
      () => new heddle.Shared({ a: 1 }),
      (copy) => (copy.get?.().a === 1 ? undefined : 'no table'),
    ),
  ],
};

export const rows = Object.values(groups).flat();
