/** What map() and mapSync() promise, on every executor. */
import { describe, expect, test } from 'vitest';
import {
  CancelledError,
  DeadlockError,
  type Executor,
  ShutDownError,
  TaskGroup,
  TimeoutError,
} from '../../../src/index.ts';
import { failure, thrown, turn } from '../../fixtures/awaiting.ts';
import { BEGUN, COUNT, jobs } from './jobs.ts';
import { EXECUTORS, eachExecutor, elsewhere, flag, goOn, pool, raised, THREADED } from './stand.ts';

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

/** An input that knows what was taken of it, and whether it was closed. */
function input(count: number): { items: Iterable<number>; taken(): number; closed(): boolean } {
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

type Collect = <R>(
  executor: Executor,
  fn: (item: number) => R,
  items: Iterable<number>,
  options?: object,
) => Promise<Awaited<R>[]>;

/** Both forms give the same. */
const FORMS: readonly { form: 'map' | 'mapSync'; all: Collect }[] = [
  {
    form: 'map',
    all: (executor, fn, items, options) => collect(executor.map(fn, items, options ?? {})),
  },
  {
    form: 'mapSync',
    all: async (executor, fn, items, options) => [...executor.mapSync(fn, items, options ?? {})],
  },
];

describe('What both map() and mapSync() give', () => {
  eachExecutor(EXECUTORS, (_, the) => {
    describe.each(FORMS)('$form', ({ all }) => {
      test.each([[1], [3], [1000], ['auto' as const]])(
        'results in the order of the items, in chunks of %s',
        async (chunkSize) => {
          expect(await all(the(), double, upTo(100), { chunkSize })).toEqual(upTo(100).map(double));
        },
      );

      test('of nothing, nothing; of any iterable', async () => {
        expect(await all(the(), double, [])).toEqual([]);
        expect(await all(the(), double, new Set([1, 2]))).toEqual([2, 4]);
        expect(await all(the(), double, input(10).items)).toEqual(upTo(10).map(double));
      });

      test('unordered: all of them', async () => {
        const results = await all(the(), double, upTo(50), { ordered: false });
        expect(results.toSorted((a, b) => a - b)).toEqual(upTo(50).map(double));
      });

      test('args follow the item, and no index is passed', async () => {
        expect(await all(the(), jobs.gather as never, [5])).toEqual([[5]]);
        expect(await all(the(), jobs.gather as never, [5], { args: [1, undefined] })).toEqual([
          [5, 1, undefined],
        ]);
      });

      test('entries: index, item, value', async () => {
        expect(await all(the(), double, [5, 6], { entries: true })).toEqual([
          { index: 0, item: 5, value: 10 },
          { index: 1, item: 6, value: 12 },
        ]);
      });

      test.each([[1], [4]])('skip and settle (chunks of %s)', async (chunkSize) => {
        expect(await all(the(), failOnThree, upTo(6), { onError: 'skip', chunkSize })).toEqual([
          0, 1, 2, 4, 5,
        ]);
        const settled = (await all(the(), failOnThree, upTo(5), {
          onError: 'settle',
          chunkSize,
        })) as unknown as PromiseSettledResult<number>[];
        expect(settled.map(({ status }) => status)).toEqual([
          'fulfilled',
          'fulfilled',
          'fulfilled',
          'rejected',
          'fulfilled',
        ]);
        expect(settled[3]).toMatchObject({ reason: { name: 'RangeError', message: 'three' } });
      });

      test('every item is given to the function exactly once', async () => {
        const words = flag();
        const ranks = (await all(
          the(),
          ((w: Int32Array) => Atomics.add(w, 3, 1)) as never,
          Array(40).fill(words),
          {
            ordered: false,
          },
        )) as number[];
        expect(ranks.toSorted((a, b) => a - b)).toEqual(upTo(40));
        expect(Atomics.load(words, COUNT)).toBe(40);
      });
    });

    test.each([
      [{ chunkSize: 0 }, RangeError],
      [{ chunkSize: 'big' }, TypeError],
      [{ buffer: 0 }, RangeError],
      [{ onError: 'ignore' }, TypeError],
      [{ timeout: -1 }, RangeError],
      [{ args: 5 }, TypeError],
    ])('both refuse options %j at the call', (options, type) => {
      expect(() => the().map(double, [1], options as never)).toThrow(type);
      expect(() => the().mapSync(double, [1], options as never)).toThrow(type);
    });

    test('both refuse at the call what is not iterable, and what is no function', () => {
      expect(() => the().map(double, 5 as never)).toThrow(TypeError);
      expect(() => the().mapSync(double, 5 as never)).toThrow(TypeError);
      expect(() => the().map(5 as never, [1])).toThrow(TypeError);
      expect(() => the().mapSync(5 as never, [1])).toThrow(TypeError);
      expect(() => the().mapSync(double, { async *[Symbol.asyncIterator]() {} } as never)).toThrow(TypeError);
    });
  });
});

describe('map()', () => {
  eachExecutor(EXECUTORS, ({ threads, overlaps }, the) => {
    test('takes async iterables, awaits async functions', async () => {
      async function* later(): AsyncGenerator<number> {
        for (const n of upTo(10)) {
          await turn();
          yield n;
        }
      }
      const doubleLater = async (n: number): Promise<number> => n * 2;
      expect(await collect(the().map(doubleLater, later()))).toEqual(upTo(10).map(double));
    });

    test('fills its buffer before the first next(), and takes no further ahead', async () => {
      const source = input(100);
      const results = the().map(double, source.items, { buffer: 5 });
      expect(source.taken()).toBe(5);
      expect((await results.next()).value).toBe(0);
      expect(source.taken()).toBeLessThanOrEqual(6);
      await results.return?.();
    });

    test('the first error comes after the results before it, ends the iteration, closes the input', async () => {
      const source = input(1000);
      const results = the().map(failOnThree, source.items);
      for (const n of [0, 1, 2]) expect(await results.next()).toEqual({ done: false, value: n });
      await expect(results.next()).rejects.toThrow('three');
      expect((await results.next()).done).toBe(true);
      expect(source.closed()).toBe(true);
      expect(source.taken()).toBeLessThan(100);
    });

    test('leaving the loop, return() and dispose cancel what is left and close the input', async () => {
      for (const leave of ['break', 'return', 'dispose'] as const) {
        const source = input(1000);
        const results = the().map(double, source.items);
        if (leave === 'break') for await (const one of results) if (one >= 4) break;
        if (leave === 'return') await results.return?.();
        if (leave === 'dispose') await results[Symbol.asyncDispose]();
        expect(source.closed()).toBe(true);
        expect(source.taken()).toBeLessThan(50);
        expect((await results.next()).done).toBe(true);
      }
      expect(await the().submit(jobs.add, 1, 1)).toBe(2);
    });

    test('its signal ends it with the reason, its time-out with TimeoutError', async () => {
      const words = flag();
      const controller = new AbortController();
      const aborted = the().map(jobs.hold, [words], { signal: controller.signal });
      const first = aborted.next();
      await raised(words, BEGUN);
      controller.abort(new RangeError('enough'));
      await expect(first).rejects.toThrow('enough');
      expect((await aborted.next()).done).toBe(true);
      const late = the().map(jobs.hold, [flag()], { timeout: 20 });
      await expect(late.next()).rejects.toBeInstanceOf(TimeoutError);
      expect(
        await failure(
          the()
            .map(double, [1], { signal: AbortSignal.abort('before') })
            .next(),
        ),
      ).toBe('before');
    });

    test('ends with the task that reads it', async () => {
      const source = input(1000);
      const words = flag();
      await TaskGroup.run(async (group) => {
        const reader = group.spawn(() =>
          collect(
            the().map(
              async (n: number, w: Int32Array) => {
                Atomics.store(w, 0, 1);
                return n;
              },
              source.items,
              { args: [words] },
            ),
          ),
        );
        await raised(words, BEGUN);
        reader.cancel();
        await expect(Promise.resolve(reader)).rejects.toBeInstanceOf(CancelledError);
      });
      expect(source.closed()).toBe(true);
    });

    // Loops are given their jobs; threads of a pool take theirs.
    test.runIf(threads > 1 && !overlaps)(
      'unordered: results as they come, a slow one holds nobody up',
      async () => {
        const slow = flag();
        const results = the().map(
          (given: Int32Array | number) => {
            if (typeof given === 'number') return given;
            Atomics.wait(given, 1, 0, 8_000);
            return 'slow';
          },
          [slow, 1, 2],
          { ordered: false },
        );
        expect([(await results.next()).value, (await results.next()).value]).toEqual([1, 2]);
        goOn(slow);
        expect((await results.next()).value).toBe('slow');
        expect((await results.next()).done).toBe(true);
      },
    );
  });

  test('of a full pool: takes part in maxPending by waiting, never by PoolFullError', async () => {
    const one = pool({ maxPending: 1 });
    expect(await collect(one.map(double, upTo(20), { buffer: 10 }))).toEqual(upTo(20).map(double));
  });

  test('an item that kills its thread fails alone where its chunk may be run again', async () => {
    const deadly = (n: number): number => (n === 2 ? process.exit(1) : n);
    const results = await collect(
      pool().with({ idempotent: true }).map(deadly, upTo(5), { onError: 'settle', chunkSize: 5 }),
    );
    expect(results.map((each) => (each.status === 'fulfilled' ? each.value : each.reason.name))).toEqual([
      0,
      1,
      'ThreadDiedError',
      3,
      4,
    ]);
  });
});

describe('mapSync()', () => {
  eachExecutor(THREADED, (_, the) => {
    test('blocks for each result, the async ones too', () => {
      expect([...the().mapSync(jobs.addLater, [1, 2], { args: [10] })]).toEqual([11, 12]);
    });

    test('takes no further ahead than buffer, and from the call on', () => {
      const source = input(100);
      const results = the().mapSync(double, source.items, { buffer: 5 });
      expect(source.taken()).toBe(5);
      expect(results.next().value).toBe(0);
      expect(source.taken()).toBeLessThanOrEqual(6);
      results.return?.();
      expect(source.closed()).toBe(true);
    });

    test('the first error is thrown after the results before it, and ends it', () => {
      const source = input(1000);
      const results = the().mapSync(failOnThree, source.items);
      expect([0, 1, 2].map(() => results.next().value)).toEqual([0, 1, 2]);
      expect(thrown(() => results.next())).toMatchObject({ name: 'RangeError', message: 'three' });
      expect(results.next().done).toBe(true);
      expect(source.closed()).toBe(true);
    });

    test('leaving the loop cancels what is left and closes the input', () => {
      const source = input(1000);
      for (const one of the().mapSync(double, source.items)) if (one >= 4) break;
      expect(source.closed()).toBe(true);
      expect(the().submitSync(jobs.add, 1, 1)).toBe(2);
    });

    test('its time-out counts from the call', async () => {
      const words = flag();
      const results = the().mapSync(jobs.hold, [words], { timeout: 20 });
      expect(thrown(() => results.next())).toBeInstanceOf(TimeoutError);
      expect(results.next().done).toBe(true);
    });
  });
});

describe('mapSync() of a full pool', () => {
  test('that others have filled waits for room, never by PoolFullError', async () => {
    const words = flag();
    const full = pool({ maxPending: 0 });
    const held = full.submit(jobs.hold, words);
    await raised(words);
    const results = full.mapSync(double, upTo(5));
    const letGo = elsewhere().submit(jobs.goOnWhenRoomIsWanted, words);
    expect([...results]).toEqual(upTo(5).map(double));
    expect(await held).toBe('done');
    await letGo;
  });

  test('waits no longer than its time-out', async () => {
    const words = flag();
    const full = pool({ maxPending: 0 });
    const held = full.submit(jobs.hold, words);
    await raised(words);
    const results = full.mapSync(double, upTo(5), { timeout: 20 });
    expect(thrown(() => results.next())).toBeInstanceOf(TimeoutError);
    goOn(words);
    expect(await held).toBe('done');
    expect([...full.mapSync(double, [1])]).toEqual([2]);
  });

  test('from its only thread gives its slot away', async () => {
    const full = pool({ maxPending: 0 });
    expect(await full.submit(jobs.mapSyncIn, full as Executor, upTo(5))).toEqual([1, 2, 3, 4, 5]);
    const none = pool({ maxPending: 0, maxSpares: 0 });
    expect(await failure(none.submit(jobs.mapSyncIn, none as Executor, [1]))).toBeInstanceOf(DeadlockError);
  });

  test('ends when that is shut down', async () => {
    const words = flag();
    const full = pool({ maxPending: 0 });
    const held = full.submit(jobs.hold, words);
    await raised(words);
    const mapped = failure(elsewhere().submit(jobs.mapSyncIn, full as Executor, [1]));
    await elsewhere().submit(jobs.goOnWhenRoomIsWanted, flag());
    const ended = full.shutdown();
    expect(await mapped).toBeInstanceOf(ShutDownError);
    goOn(words);
    await Promise.all([held, ended]);
  });
});
