/** What bounds the work: maxPending and room, priority, concurrency, limiters. */
import { describe, expect, test } from 'vitest';
import {
  CancelledError,
  CapacityLimiter,
  PoolFullError,
  ShutDownError,
  TaskGroup,
  type ThreadPoolExecutor,
  type ThreadPoolOptions,
  TimeoutError,
} from '../../../src/index.ts';
import { failure, turn } from '../../fixtures/awaiting.ts';
import { BEGUN, COUNT, ENDED, jobs, until } from './jobs.ts';
import { eachExecutor, elsewhere, flag, goOn, INLINE, LOOP, LOOPS, occupy, pool, raised } from './stand.ts';

for (const scheduling of ['shared', 'stealing'] as const) {
  const open = (options: ThreadPoolOptions = {}): ThreadPoolExecutor => pool({ scheduling, ...options });

  describe(`maxPending, scheduling ${scheduling}`, () => {
    test('past it submit() rejects with PoolFullError, trySubmit() gives undefined; what runs does not count', async () => {
      const one = open({ maxPending: 2 });
      const { release, done } = await occupy(one, 1);
      const queued = [one.submit(jobs.add, 1, 1), one.trySubmit(jobs.add, 2, 2)];
      await expect(one.submit(jobs.add, 3, 3)).rejects.toBeInstanceOf(PoolFullError);
      expect(one.trySubmit(jobs.add, 3, 3)).toBe(undefined);
      expect(one.statistics().queued).toBe(2);
      release();
      await done;
      expect(await Promise.all(queued)).toEqual([2, 4]);
      expect(await one.submit(jobs.add, 4, 4)).toBe(8);
    });

    test('holds for all threads that submit', async () => {
      const one = open({ maxPending: 1 });
      const { release, done } = await occupy(one, 1);
      const queued = one.submit(jobs.add, 1, 1);
      const there = await failure(
        elsewhere().submit(jobs.submitFrom, one, 'async', jobs.add as never, [2, 2]),
      );
      expect(there).toBeInstanceOf(PoolFullError);
      release();
      expect(await queued).toBe(2);
      await done;
    });

    test('a queued job that is cancelled makes room', async () => {
      const one = open({ maxPending: 1 });
      const { release, done } = await occupy(one, 1);
      one.submit(jobs.add, 1, 1).cancel();
      const next = one.submit(jobs.add, 2, 2);
      release();
      expect(await next).toBe(4);
      await done;
    });

    test('0: only what finds a free slot is taken', async () => {
      const one = open({ maxPending: 0 });
      expect(await one.submit(jobs.add, 1, 1)).toBe(2);
      const { release, done } = await occupy(one, 1);
      await expect(one.submit(jobs.add, 1, 1)).rejects.toBeInstanceOf(PoolFullError);
      release();
      await done;
    });
  });

  describe(`waitForRoom(), scheduling ${scheduling}`, () => {
    test('resolves at once while there is room, again and again', async () => {
      const one = open({ maxPending: 1 });
      await one.waitForRoom();
      await one.waitForRoom({ timeout: 0 });
      await open().waitForRoom();
    });

    test('waits while the queue is full, until a job is taken from it', async () => {
      const one = open({ maxPending: 1 });
      const { release, done } = await occupy(one, 1);
      const queued = one.submit(jobs.add, 1, 1);
      let room = false;
      const waiting = one.waitForRoom().then(() => {
        room = true;
      });
      for (let n = 0; n < 20; n++) await turn();
      expect(room).toBe(false);
      release();
      await waiting;
      await Promise.all([queued, done]);
    });

    test('by cancellation of a queued job, too', async () => {
      const one = open({ maxPending: 1 });
      const { release, done } = await occupy(one, 1);
      const queued = one.submit(jobs.add, 1, 1);
      const waiting = one.waitForRoom();
      queued.cancel();
      await waiting;
      release();
      await done;
    });

    test('ends by its time-out, its signal, its task, and the end of the pool', async () => {
      const one = open({ maxPending: 1 });
      const { release, done } = await occupy(one, 1);
      const queued = one.submit(jobs.add, 1, 1);
      await expect(one.waitForRoom({ timeout: 0 })).rejects.toBeInstanceOf(TimeoutError);
      await expect(one.waitForRoom({ timeout: 5 })).rejects.toBeInstanceOf(TimeoutError);
      expect(await failure(one.waitForRoom({ signal: AbortSignal.abort('stop') }))).toBe('stop');
      await expect(one.waitForRoom({ timeout: -1 })).rejects.toBeInstanceOf(RangeError);
      await TaskGroup.run(async (group) => {
        const task = group.spawn(() => one.waitForRoom());
        await turn();
        task.cancel();
        await expect(Promise.resolve(task)).rejects.toBeInstanceOf(CancelledError);
      });
      const waiting = one.waitForRoom();
      const ended = one.shutdown();
      await expect(waiting).rejects.toBeInstanceOf(ShutDownError);
      release();
      await Promise.all([queued, done, ended]);
    });

    test('one who waits for room before each submit never finds the pool full, and all jobs run', async () => {
      const one = open({ maxPending: 2 });
      const results: PromiseLike<number>[] = [];
      for (let n = 0; n < 2000; n++) {
        await one.waitForRoom();
        results.push(one.submit(jobs.add, n, 0));
      }
      expect(await Promise.all(results)).toEqual(results.map((_, n) => n));
    });

    test('in another thread as well', async () => {
      const one = open({ maxPending: 1 });
      const { release, done } = await occupy(one, 1);
      const queued = one.submit(jobs.add, 1, 1);
      const begun = flag();
      const waiting = elsewhere().submit(
        async (given: ThreadPoolExecutor, words: Int32Array) => {
          Atomics.store(words, 0, 1);
          await given.waitForRoom();
          return 'room';
        },
        one,
        begun,
      );
      await raised(begun, BEGUN);
      release();
      expect(await waiting).toBe('room');
      await Promise.all([queued, done]);
    });
  });

  describe(`priority, scheduling ${scheduling}`, () => {
    test('lower runs first, ties in the order of their submit', async () => {
      const one = open();
      const { release, done } = await occupy(one, 1);
      const words = flag();
      const order = [5, 0, 0, -1, 5, -7].map((priority) => one.with({ priority }).submit(jobs.count, words));
      release();
      await done;
      expect(await Promise.all(order)).toEqual([5, 3, 4, 2, 6, 1]);
    });

    test('holds between submitting threads', async () => {
      const one = open();
      const { release, done } = await occupy(one, 1);
      const words = flag();
      const later = one.submit(jobs.count, words);
      const first = elsewhere().submit(
        async (given: ThreadPoolExecutor, count: Int32Array) =>
          given.with({ priority: -1 }).submit((c: Int32Array) => Atomics.add(c, 3, 1) + 1, count),
        one,
        words,
      );
      await until(() => one.statistics().queued === 2);
      release();
      await done;
      expect(await Promise.all([first, later])).toEqual([1, 2]);
    });
  });

  describe(`concurrency, scheduling ${scheduling}`, () => {
    test('so many async jobs run at once in a thread, and no more', async () => {
      const one = open({ concurrency: 3 });
      const words = Array.from({ length: 4 }, flag);
      const held = words.map((each) => one.submit(jobs.hold, each));
      await Promise.all(words.slice(0, 3).map((each) => raised(each, BEGUN)));
      expect(one.statistics()).toMatchObject({ threads: 1, running: 3, queued: 1 });
      expect(Atomics.load(words[3]!, BEGUN)).toBe(0);
      words.forEach(goOn);
      expect(await Promise.all(held)).toEqual(Array(4).fill('done'));
    });

    test('default: one', async () => {
      const one = open();
      const words = [flag(), flag()];
      const held = words.map((each) => one.submit(jobs.hold, each));
      await raised(words[0]!, BEGUN);
      expect(one.statistics()).toMatchObject({ running: 1, queued: 1 });
      words.forEach(goOn);
      await Promise.all(held);
    });
  });
}

describe('limiter', () => {
  eachExecutor([LOOP, LOOPS, INLINE], (_, the) => {
    test('so many of its jobs run at once, in whatever order they come', async () => {
      const limiter = new CapacityLimiter(2);
      const view = the().with({ limiter });
      const words = Array.from({ length: 4 }, flag);
      const held = words.map((each) => view.submit(jobs.hold, each));
      await Promise.all(words.slice(0, 2).map((each) => raised(each, BEGUN)));
      await the().submit(jobs.nothing);
      expect(words.map((each) => Atomics.load(each, BEGUN))).toEqual([1, 1, 0, 0]);
      expect(limiter.borrowed).toBe(2);
      words.forEach(goOn);
      expect(await Promise.all(held)).toEqual(Array(4).fill('done'));
      await until(() => limiter.borrowed === 0);
    });
  });

  test('is common to the pools whose views name it, and others are not held up', async () => {
    const limiter = new CapacityLimiter(1);
    const [a, b] = [pool({ threads: 2 }), pool({ threads: 2 })];
    const [first, second] = [flag(), flag()];
    const one = a.with({ limiter }).submit(jobs.block, first);
    await raised(first, BEGUN);
    const two = b.with({ limiter }).submit(jobs.block, second);
    expect(await Promise.all([a.submit(jobs.add, 1, 1), b.submit(jobs.add, 2, 2)])).toEqual([2, 4]);
    expect(Atomics.load(second, BEGUN)).toBe(0);
    goOn(first);
    await one;
    await raised(second, BEGUN);
    goOn(second);
    await two;
  });

  test('a job that waits for it occupies no thread', async () => {
    const limiter = new CapacityLimiter(1);
    const guard = await limiter.acquire();
    const one = pool();
    const waiting = one.with({ limiter }).submit(jobs.add, 1, 1);
    expect(await one.submit(jobs.add, 2, 2)).toBe(4);
    expect(waiting.status).toBe('pending');
    guard.release();
    expect(await waiting).toBe(2);
  });

  test('its permit comes back when the job fails, is cancelled, or its thread dies', async () => {
    const limiter = new CapacityLimiter(1);
    const view = pool().with({ limiter });
    await failure(view.submit(jobs.fail));
    await failure(view.submit(jobs.exit, 1));
    const words = flag();
    const held = view.submit(jobs.hold, words);
    await raised(words, BEGUN);
    const queued = view.submit(jobs.count, words);
    queued.cancel();
    held.cancel();
    await Promise.all([held, queued].map(failure));
    await raised(words, ENDED);
    expect(await view.submit(jobs.add, 1, 1)).toBe(2);
    expect(Atomics.load(words, COUNT)).toBe(0);
    await until(() => limiter.borrowed === 0);
  });
});
