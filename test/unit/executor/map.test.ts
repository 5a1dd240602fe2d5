import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from 'vitest';
import {
  CancelledError,
  SendError,
  TaskGroup,
  ThreadDiedError,
  ThreadPoolExecutor,
  TimeoutError,
} from '../../../src/index.ts';
import { jobs, raised, release, sharedFlag } from '../../fixtures/jobs.ts';

let pool: ThreadPoolExecutor;

beforeAll(() => {
  pool = new ThreadPoolExecutor({ threads: 2, name: 'map' });
});

afterAll(() => pool.shutdown({ cancelRunning: true }));

const double = (n: number): number => n * 2;
const failOnThree = (n: number): number => {
  if (n === 3) throw new RangeError('three');
  return n;
};

async function collect<T>(results: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const one of results) all.push(one);
  return all;
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

/** An input that counts what was taken from it, and notices its end. */
function counted(count: number): { items: Iterable<number>; taken(): number; closed(): boolean } {
  let taken = 0;
  let closed = false;
  const items = (function* () {
    try {
      while (taken < count) yield taken++;
    } finally {
      closed = true;
    }
  })();
  return { items, taken: () => taken, closed: () => closed };
}

describe('Executor.map()', () => {
  test.each([[1], [3], [1000], ['auto' as const]])(
    'yields results in the order of the items, in chunks of %s',
    async (chunkSize) => {
      expect(await collect(pool.map(double, upTo(100), { chunkSize }))).toEqual(upTo(100).map((n) => n * 2));
    },
  );

  test('takes sync and async iterables, generators among them', async () => {
    async function* later(): AsyncGenerator<number> {
      for (const n of upTo(10)) {
        await null;
        yield n;
      }
    }
    expect(await collect(pool.map(double, later(), { chunkSize: 3 }))).toEqual(upTo(10).map((n) => n * 2));
    expect(await collect(pool.map(double, new Set([1, 2])))).toEqual([2, 4]);
    expect(await collect(pool.map(double, []))).toEqual([]);
  });

  test('unordered, yields results as they come', async () => {
    const slow = sharedFlag();
    const results = pool.map(
      (flag: Int32Array | number) => {
        if (typeof flag === 'number') return flag;
        Atomics.wait(flag, 1, 0);
        return 'slow';
      },
      [slow, 1, 2],
      { ordered: false },
    );
    expect((await results.next()).value).toBe(1);
    expect((await results.next()).value).toBe(2);
    release(slow);
    expect((await results.next()).value).toBe('slow');
    expect(await results.next()).toEqual({ done: true, value: undefined });
  });

  test('passes args after each item, and never an index', async () => {
    const gather = (...all: unknown[]): unknown[] => all;
    expect(await collect(pool.map(gather, ['a']))).toEqual([['a']]);
    expect(await collect(pool.map(jobs.add, [1, 2], { args: [10] }))).toEqual([11, 12]);
  });

  test('with entries, yields index, item and value', async () => {
    expect(await collect(pool.map(double, [5, 6], { entries: true }))).toEqual([
      { index: 0, item: 5, value: 10 },
      { index: 1, item: 6, value: 12 },
    ]);
  });

  test('is pulled no further ahead than buffer, which fills before the first next()', async () => {
    const input = counted(100);
    const results = pool.map(double, input.items, { buffer: 5 });
    expect(input.taken()).toBe(5);
    await results.next();
    expect(input.taken()).toBeLessThanOrEqual(6);
    await results.return?.();
  });

  test('reads ahead twice the threads by default', async () => {
    const input = counted(100);
    const results = pool.map(double, input.items);
    expect(input.taken()).toBe(4);
    await results.return?.();
  });

  test.each([[1], [4]])(
    'stops at the first error, after the results before it, and closes the input (chunks of %s)',
    async (chunkSize) => {
      const input = counted(1000);
      const results = pool.map(failOnThree, input.items, { chunkSize });
      for (const n of [0, 1, 2]) expect(await results.next()).toEqual({ done: false, value: n });
      await expect(results.next()).rejects.toThrow('three');
      expect(await results.next()).toEqual({ done: true, value: undefined });
      expect(input.closed()).toBe(true);
      expect(input.taken()).toBeLessThan(100);
    },
  );

  test('takes nothing more from its input once an item is known to have failed', async () => {
    const input = counted(1000);
    const results = pool.map(failOnThree, input.items, { chunkSize: 4, buffer: 4 });
    for (const n of [0, 1, 2]) expect(await results.next()).toEqual({ done: false, value: n });
    expect(input.taken()).toBe(4);
    await expect(results.next()).rejects.toThrow('three');
  });

  test('skips failing items with onError skip', async () => {
    expect(await collect(pool.map(failOnThree, upTo(6), { onError: 'skip', chunkSize: 2 }))).toEqual([
      0, 1, 2, 4, 5,
    ]);
  });

  test('settles every item with onError settle', async () => {
    const results = await collect(pool.map(failOnThree, [2, 3], { onError: 'settle' }));
    expect(results[0]).toEqual({ status: 'fulfilled', value: 2 });
    expect(results[1]).toMatchObject({
      status: 'rejected',
      reason: { name: 'RangeError', message: 'three' },
    });
  });

  test('gives the error of its input after the results before it', async () => {
    const broken = (function* () {
      yield 1;
      throw new RangeError('bad input');
    })();
    const results = pool.map(double, broken);
    expect(await results.next()).toEqual({ done: false, value: 2 });
    await expect(results.next()).rejects.toThrow('bad input');
    expect((await results.next()).done).toBe(true);
  });

  test('an item that cannot be sent fails alone, with the path to it', async () => {
    const items: unknown[] = [1, new WeakMap(), 3];
    const results = await collect(pool.map((x: unknown) => x, items, { onError: 'settle', chunkSize: 3 }));
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect((results[1] as PromiseRejectedResult).reason).toBeInstanceOf(SendError);
  });

  test('a result that cannot be sent fails alone', async () => {
    const results = await collect(
      pool.map((n: number) => (n === 1 ? { open: new WeakMap() } : n), upTo(3), {
        onError: 'settle',
        chunkSize: 3,
      }),
    );
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(String((results[1] as PromiseRejectedResult).reason)).toContain('WeakMap cannot be sent');
  });

  test('an item that kills its thread fails alone where its chunk may be run again', async () => {
    const deadly = (n: number): number => (n === 2 ? process.exit(1) : n);
    const results = await collect(
      pool.with({ idempotent: true }).map(deadly, upTo(6), { onError: 'settle', chunkSize: 6 }),
    );
    expect(results.map((one) => (one.status === 'fulfilled' ? one.value : one.reason.name))).toEqual([
      0,
      1,
      'ThreadDiedError',
      3,
      4,
      5,
    ]);
  });

  test('without that, the items of the chunk that have no result fail with ThreadDiedError', async () => {
    const deadly = (n: number): number => (n === 2 ? process.exit(1) : n);
    const results = await collect(pool.map(deadly, upTo(6), { onError: 'settle', chunkSize: 3 }));
    expect(results.slice(3)).toEqual([3, 4, 5].map((value) => ({ status: 'fulfilled', value })));
    expect((results[2] as PromiseRejectedResult).reason).toBeInstanceOf(ThreadDiedError);
  });

  test('leaving the loop cancels what is left and closes the input', async () => {
    const input = counted(1000);
    for await (const result of pool.map(double, input.items)) if (result >= 4) break;
    expect(input.closed()).toBe(true);
    expect(pool.statistics()).toMatchObject({ queued: 0, running: 0 });
  });

  test('disposing does the same', async () => {
    const input = counted(1000);
    const results = pool.map(double, input.items);
    await results[Symbol.asyncDispose]();
    expect(input.closed()).toBe(true);
    expect((await results.next()).done).toBe(true);
  });

  test('ends with the reason of its signal', async () => {
    const controller = new AbortController();
    const flag = sharedFlag();
    const results = pool.map(jobs.spinUntilCancelled, [flag], { signal: controller.signal });
    const first = results.next();
    await raised(flag);
    controller.abort(new RangeError('enough'));
    await expect(first).rejects.toThrow('enough');
    expect((await results.next()).done).toBe(true);
    await raised(flag, 1);
    const aborted = pool.map(double, [1], { signal: AbortSignal.abort('before') });
    await expect(aborted.next()).rejects.toBe('before');
  });

  test('ends with TimeoutError when its time is up, counted from the call', async () => {
    const flag = sharedFlag();
    const results = pool.map(jobs.spinUntilCancelled, [flag], { timeout: 20 });
    await expect(results.next()).rejects.toBeInstanceOf(TimeoutError);
    expect(await collect(pool.map(double, upTo(4)))).toEqual([0, 2, 4, 6]);
  });

  test('ends with the task that reads it: its jobs are cancelled and the input is closed', async () => {
    const input = counted(1000);
    const flag = sharedFlag();
    await TaskGroup.run(async (group) => {
      const reader = group.spawn(async () => {
        await collect(
          pool.map(
            (n: number, f: Int32Array) => {
              Atomics.store(f, 0, 1);
              Atomics.notify(f, 0);
              return n;
            },
            input.items,
            { args: [flag] },
          ),
        );
      });
      await raised(flag);
      reader.cancel();
      await expect(Promise.resolve(reader)).rejects.toBeInstanceOf(CancelledError);
    });
    expect(input.closed()).toBe(true);
    expect(pool.statistics().queued).toBe(0);
  });

  test.each([
    [{ chunkSize: 0 }, RangeError],
    [{ chunkSize: 'big' }, TypeError],
    [{ buffer: 0 }, RangeError],
    [{ buffer: 1.5 }, RangeError],
    [{ onError: 'ignore' }, TypeError],
    [{ timeout: -1 }, RangeError],
    [{ args: 5 }, TypeError],
  ])('refuses options %j at the call', (options, type) => {
    expect(() => pool.map(double, [1], options as never)).toThrow(type);
  });

  test('refuses an input that is not iterable at the call', () => {
    expect(() => pool.map(double, 5 as never)).toThrow('items must be iterable, received 5');
    expect(() => pool.map(5 as never, [1])).toThrow('fn must be a function');
  });

  test('infers what it yields', () => {
    expectTypeOf(pool.map(double, [1])[Symbol.asyncIterator]().next()).resolves.toMatchTypeOf<
      IteratorResult<number, unknown>
    >();
  });
});
