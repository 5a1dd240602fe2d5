import { deepStrictEqual } from 'node:assert/strict';
import { afterAll, describe, expect, test } from 'vitest';
import { CaptureError, SendError } from '../../../src/core/errors.ts';
import { ThreadPoolExecutor } from '../../../src/executor/thread-pool-executor.ts';
import { portable } from '../../../src/function/portable.ts';
import { endCustodian } from '../../../src/memory/custody.ts';
import { LifoQueue } from '../../../src/queue/lifo-queue.ts';
import { PriorityQueue } from '../../../src/queue/priority-queue.ts';
import { Queue } from '../../../src/queue/queue.ts';
import { Event } from '../../../src/sync/event.ts';
import { Lock } from '../../../src/sync/lock.ts';
import { failure, thrown } from '../../fixtures/awaiting.ts';
import { queueJobs, StoreError } from '../../fixtures/queue-jobs.ts';
import { traces } from '../../fixtures/queue-traces.ts';
import { usedBlocks } from '../../stress/heap-watch.ts';

const pool = new ThreadPoolExecutor({ threads: 2 });
afterAll(async () => {
  await pool.shutdown({ cancelPending: true, cancelRunning: true });
  await endCustodian();
});

const EMPTY = { items: 0, parcels: 0, cells: 0 };
const cyclic: { list: unknown[]; self?: unknown } = { list: [] };
cyclic.self = cyclic;
cyclic.list.push(cyclic);

describe('an item', () => {
  test.each<[string, unknown]>([
    ['undefined', undefined],
    ['null', null],
    ['false', false],
    ['0', 0],
    ['-0', -0],
    ['NaN', NaN],
    ['a large number', 2 ** 60],
    ['an empty string', ''],
    ['a string', 'text Ω \ud83e\uddf5'],
    ['a bigint', -(2n ** 100n)],
    ['an object', { id: 1, name: 'x', nested: { list: [1, 'two', null, undefined] } }],
    ['an empty array', []],
    ['a Map', new Map<unknown, unknown>([['a', { b: new Set([1]) }]])],
    ['a Set', new Set(['a', { b: 1 }])],
    ['a Date', new Date(1.7e12)],
    ['a regular expression', /a+b/giu],
    ['a Uint8Array', Uint8Array.of(1, 2, 3)],
    ['a Float64Array', Float64Array.of(1.5, NaN, -0)],
    ['a part of a typed array', Uint16Array.of(1, 2, 3, 4).subarray(1, 3)],
    ['an ArrayBuffer', Uint8Array.of(7).buffer],
    ['something cyclic', cyclic],
    ['something large', Array.from({ length: 20_000 }, (_, n) => ({ n, text: `number ${n}` }))],
    ['megabytes', new Uint8Array(5_000_000).fill(7)],
  ])('may be %s, in every form, to whichever thread', async (_, value) => {
    const queue = new Queue<unknown>();
    queue.tryPut(value);
    deepStrictEqual(queue.peek(), { value });
    deepStrictEqual(queue.tryGet(), { value });
    queue.putSync(value);
    deepStrictEqual(queue.getSync(), value);
    const get = queue.get();
    await queue.put(value);
    deepStrictEqual(await get, value);
    await queue.putMany([value, value]);
    deepStrictEqual(await queue.getMany(5), [value, value]);
    await queue.put(value);
    deepStrictEqual(await pool.submit(queueJobs.getSync, queue), value);
    const there = pool.submit(queueJobs.get, queue);
    await queue.put(value);
    deepStrictEqual(await there, value);
    expect(traces(queue)).toEqual(EMPTY);
    expect(queue.statistics()).toMatchObject({ size: 0, bytes: 0 });
  });

  test('is as it was at the call: later changes to it are not seen', async () => {
    const queue = new Queue<{ n: number; list: number[]; bytes: Uint8Array }>({ capacity: 1 });
    const item = { n: 1, list: [1], bytes: Uint8Array.of(1) };
    const change = (): void => {
      item.n = 2;
      item.list.push(2);
      item.bytes[0] = 2;
    };
    const puts = [queue.put(item), queue.put(item)];
    change();
    for (let n = 0; n < 2; n++)
      expect(await queue.get()).toEqual({ n: 1, list: [1], bytes: Uint8Array.of(1) });
    await Promise.all(puts);
  });

  test('is a copy: what comes out is not what went in, and is nobody else’s', async () => {
    const queue = new Queue<{ n: number }>();
    const item = { n: 1 };
    queue.tryPut(item);
    const seen = queue.peek()!.value;
    seen.n = 5;
    const got = await queue.get();
    expect(got).toEqual({ n: 1 });
    expect(got).not.toBe(item);
  });

  test('may be an error, which keeps its message, its fields and its cause', async () => {
    const queue = new Queue<Error>();
    const cause = new TypeError('inner', { cause: 'text' });
    queue.tryPut(new StoreError('outer', 3, { cause }));
    queue.tryPut(new AggregateError([new RangeError('one'), 'two'], 'both'));
    queue.tryPut(new DOMException('stop', 'AbortError'));
    const got = (await queue.get()) as StoreError;
    expect(got).toMatchObject({ name: 'StoreError', message: 'outer', shelf: 3 });
    expect(got.cause).toBeInstanceOf(TypeError);
    expect((got.cause as Error).cause).toBe('text');
    const both = (await queue.get()) as AggregateError;
    expect(both).toBeInstanceOf(AggregateError);
    expect(both.errors[0]).toBeInstanceOf(RangeError);
    expect(both.errors[1]).toBe('two');
    expect(await queue.get()).toBeInstanceOf(DOMException);
  });

  test('may be an error of a class of the user’s, which it has where its module is', async () => {
    const queue = new Queue<Error>();
    await pool.submit(queueJobs.putError, queue);
    expect(await pool.submit(queueJobs.getError, queue)).toEqual([true, 'outer', 3, 'inner']);
  });

  test('may have shared objects inside, and portable functions: the receiver has the same', async () => {
    const queue = new Queue<{ lock: Lock; event: Event; inner: Queue<string>; fn(): string }>();
    const lock = new Lock();
    const event = new Event();
    const inner = new Queue<string>();
    using guard = lock.acquireSync();
    queue.tryPut({ lock, event, inner, fn: queueJobs.greet });
    expect(traces(queue)).toMatchObject({ items: 1, parcels: 3 });
    expect(await pool.submit(queueJobs.describe, queue)).toEqual([true, true, true, true, 'hello']);
    expect(event.isSet).toBe(true);
    expect(await inner.get()).toBe('from the other side');
    expect(traces(queue)).toEqual(EMPTY);
    void guard;
  });

  test('with shared objects may be looked at: each look gives handles of the same, and the item stays whole', async () => {
    const queue = new Queue<{ first: Lock; second: Event; again: Lock }>();
    const first = new Lock();
    const second = new Event();
    queue.tryPut({ first, second, again: first });
    for (let n = 0; n < 3; n++) {
      const { value } = queue.peek()!;
      expect(value.first).toBeInstanceOf(Lock);
      expect(value.again).toBe(value.first);
      using guard = value.first.acquireSync();
      expect(first.locked).toBe(true);
      void guard;
    }
    queue.peek()!.value.second.set();
    expect(second.isSet).toBe(true);
    first[Symbol.dispose]();
    second[Symbol.dispose]();
    const got = await queue.get();
    expect(got.again).toBe(got.first);
    expect(got.first.locked).toBe(false);
    expect(got.second.isSet).toBe(true);
  });

  test.each([
    ['Queue', Queue],
    ['LifoQueue', LifoQueue],
    ['PriorityQueue', PriorityQueue],
  ] as const)('may be a %s, also the one that it is put into', async (_, Class) => {
    const queue = new Class<unknown>();
    queue.tryPut({ queue });
    queue.tryPut(queue);
    expect(queue.peek()!.value).toBeTruthy();
    const seen = [await queue.get(), await queue.get()];
    for (const one of seen) {
      const received = (one instanceof Queue ? one : (one as { queue: unknown }).queue) as Queue<unknown>;
      expect(received).toBeInstanceOf(Class);
      received.tryPut('through the other');
      expect(await queue.get()).toBe('through the other');
    }
  });

  test('may have shared memory inside: the receiver has the same', async () => {
    const queue = new Queue<Int32Array>();
    const words = new Int32Array(new SharedArrayBuffer(16), 4, 2);
    queue.tryPut(words);
    expect(queue.peek()!.value.buffer).toBe(words.buffer);
    const [here] = await queue.getMany(1);
    expect(here!.buffer).toBe(words.buffer);
    expect([here!.byteOffset, here!.length]).toEqual([4, 2]);
    queue.tryPut(words);
    await pool.submit(queueJobs.addToShared, queue);
    expect(words[0]).toBe(1);
    // What is dropped gives it up, and so does a put that did not succeed.
    for (let n = 0; n < 10; n++) queue.tryPut(words);
    queue.capacity = 1;
    expect(queue.tryPut(words)).toBe(false);
    await failure(queue.put(words, { timeout: 1 }));
    expect(queue.clear()).toBe(10);
    queue.tryPut(words);
    queue.shutdown({ immediate: true });
    expect(traces(queue)).toEqual(EMPTY);
  });

  test('with a function that is not loaded is refused by a thread that is blocked, and does not stay', async () => {
    const queue = new Queue<unknown>();
    const module = 'data:text/javascript,export function unheard() {}';
    const { unheard } = (await import(/* @vite-ignore */ module)) as { unheard(): void };
    portable(module, { unheard });
    queue.tryPut({ unheard, lock: new Lock() });
    expect(await pool.submit(queueJobs.failToLoad, queue)).toBe(true);
    expect(traces(queue)).toEqual(EMPTY);
    expect(queue.size).toBe(0);
  });
});

describe('what cannot be sent', () => {
  const socket = new WeakMap();
  const captured = Math.random();
  const closure = (): number => captured;
  const cases: [string, unknown, string][] = [
    ['a symbol', Symbol('s'), 'item'],
    ['a symbol inside', { a: { b: [1, Symbol('s')] } }, 'item.a.b[1]'],
    ['what is bound to the runtime', { map: { socket } }, 'item.map.socket'],
    ['its controller', [new AbortController()], 'item[0]'],
    ['a target of events', new Map([['on', new EventTarget()]]), 'item.get("on")'],
  ];

  test.each(cases)(
    '%s is refused at the call, with its path, and nothing has changed',
    async (_, value, path) => {
      const queue = new Queue<unknown>();
      queue.tryPut('before');
      const before = usedBlocks();
      for (const error of [
        await failure(queue.put(value)),
        thrown(() => queue.putSync(value)),
        thrown(() => queue.tryPut(value)),
        await failure(queue.putMany([value])),
        thrown(() => queue.putManySync([value])),
      ]) {
        expect(error).toBeInstanceOf(SendError);
        expect((error as SendError).path).toBe(path);
        expect((error as Error).message).toContain(path);
      }
      expect(queue.statistics()).toMatchObject({ size: 1, unfinished: 1, waiting: 0 });
      expect(usedBlocks()).toEqual(before);
    },
  );

  test('also while the queue is full, or shut down: the argument is wrong whatever', async () => {
    const queue = new Queue<unknown>({ capacity: 1 });
    queue.tryPut(1);
    expect(await failure(queue.put(Symbol('s')))).toBeInstanceOf(SendError);
    expect(await failure(queue.put(Promise.resolve()))).toBeInstanceOf(TypeError);
    queue.shutdown();
    expect(await failure(queue.put(Symbol('s')))).toBeInstanceOf(SendError);
    expect(await failure(queue.put(Promise.resolve()))).toBeInstanceOf(TypeError);
  });

  test('a function that captures variables is refused, and names them', async () => {
    const queue = new Queue<unknown>();
    expect(await failure(queue.put({ closure }))).toBeInstanceOf(CaptureError);
    expect(thrown(() => queue.tryPut(closure))).toBeInstanceOf(CaptureError);
    expect(queue.size).toBe(0);
  });

  test('shared objects that stood beside it are given up again', async () => {
    const queue = new Queue<unknown>();
    const lock = new Lock();
    queue.tryPut({ lock });
    await queue.get();
    const before = usedBlocks();
    for (let n = 0; n < 20; n++) expect(() => queue.tryPut({ lock, symbol: Symbol('s') })).toThrow(SendError);
    expect(usedBlocks()).toEqual(before);
  });

  test('what a getter throws comes through, and nothing has changed', () => {
    const queue = new Queue<unknown>();
    const value = {
      get field(): never {
        throw new Error('from the getter');
      },
    };
    expect(() => queue.tryPut(value)).toThrow('from the getter');
    expect(traces(queue)).toEqual(EMPTY);
  });

  const thenable = { then() {} };
  test.each<[string, unknown]>([
    ['a promise', Promise.resolve(1)],
    ['a future', undefined],
    ['another thenable', thenable],
    ['a function with then()', Object.assign(() => {}, { then() {} })],
  ])('%s is a TypeError: await get() would wait for it', async (_, given) => {
    const value = given ?? pool.submit(queueJobs.greet);
    const queue = new Queue<unknown>({ name: 'q' });
    for (const error of [
      await failure(queue.put(value)),
      thrown(() => queue.putSync(value)),
      thrown(() => queue.tryPut(value)),
      await failure(queue.putMany([value])),
    ]) {
      expect(error).toBeInstanceOf(TypeError);
      expect((error as Error).message).toMatch(/wrap it in an object$/);
    }
    expect(queue.size).toBe(0);
  });
});
