/** How an executor is brought to its end: shutdown() of pools, stop() of loop threads. */
import { describe, expect, test } from 'vitest';
import { CancelledError, ShutDownError, type ThreadPoolExecutor } from '../../../src/index.ts';
import { failure, thrown } from '../../fixtures/awaiting.ts';
import { BEGUN, COUNT, ENDED, jobs, SEEN, until } from './jobs.ts';
import {
  EXECUTORS,
  eachOwnExecutor,
  elsewhere,
  flag,
  goOn,
  loopThread,
  occupy,
  pool,
  raised,
  THREADED,
  VIEW,
} from './stand.ts';

const OWNERS = EXECUTORS.filter((one) => one !== VIEW);

describe('Bringing an executor to its end', () => {
  eachOwnExecutor(OWNERS, (implementation, start) => {
    test('of one that never ran anything', async () => {
      await (await start()).end();
    });

    test('twice, and at the same time, is as good as once', async () => {
      const subject = await start();
      await subject.executor.submit(jobs.nothing);
      await Promise.all([subject.end(), subject.end({ cancelPending: true }), subject.end()]);
      await subject.end();
    });

    test('refuses what comes later with ShutDownError, in every form', async () => {
      const { executor, end } = await start();
      const ending = end();
      await expect(executor.submit(jobs.add, 1, 1)).rejects.toBeInstanceOf(ShutDownError);
      await ending;
      await expect(executor.submit(jobs.add, 1, 1)).rejects.toBeInstanceOf(ShutDownError);
      await expect(executor.trySubmit(jobs.add, 1, 1)).rejects.toBeInstanceOf(ShutDownError);
      await expect(executor.with({ name: 'late' }).submit(jobs.add, 1, 1)).rejects.toBeInstanceOf(
        ShutDownError,
      );
    });

    test('refuses submitSync(), waitForRoom() and map() as well', async () => {
      const { executor, end } = await start();
      await end();
      expect(thrown(() => executor.submitSync(jobs.add, 1, 1))).toBeInstanceOf(ShutDownError);
      await expect(executor.waitForRoom()).rejects.toBeInstanceOf(ShutDownError);
      const results = executor.map(jobs.add, [1], { args: [1] });
      await expect(results.next()).rejects.toBeInstanceOf(ShutDownError);
    });

    test('runs what was submitted before', async () => {
      const { executor, end } = await start();
      const words = flag();
      const futures = Array.from({ length: 10 }, () => executor.submit(jobs.count, words));
      await end();
      expect((await Promise.all(futures)).toSorted((a, b) => a - b)).toEqual(futures.map((_, n) => n + 1));
    });

    test('awaits what runs, and lets it end', async () => {
      const { executor, end } = await start();
      const words = flag();
      const running = executor.submit(jobs.hold, words);
      await raised(words, BEGUN);
      let ended = false;
      const ending = end().then(() => {
        ended = true;
      });
      await expect(executor.submit(jobs.nothing)).rejects.toBeInstanceOf(ShutDownError);
      expect(ended).toBe(false);
      goOn(words);
      await ending;
      expect(await running).toBe('done');
      expect([Atomics.load(words, ENDED), Atomics.load(words, SEEN)]).toEqual([1, 2]);
    });

    test('cancelRunning cancels also what runs, and awaits its end', async () => {
      const { executor, end } = await start();
      const words = flag();
      const running = executor.submit(jobs.hold, words);
      await raised(words, BEGUN);
      const ending = end({ cancelRunning: true });
      await expect(running).rejects.toBeInstanceOf(CancelledError);
      await ending;
      expect([Atomics.load(words, ENDED), Atomics.load(words, SEEN)]).toEqual([1, 1]);
    });

    test('awaits a job that was cancelled and goes on', async () => {
      const { executor, end } = await start();
      const words = flag();
      const deaf = executor.submit(jobs.holdDeaf, words);
      await raised(words, BEGUN);
      deaf.cancel();
      await failure(deaf);
      const ending = end();
      goOn(words);
      await ending;
      expect(Atomics.load(words, ENDED)).toBe(1);
    });

    test('a later call may cancel what the first would have awaited', async () => {
      const { executor, end } = await start();
      const words = flag();
      const running = executor.submit(jobs.hold, words);
      await raised(words, BEGUN);
      const first = end();
      const second = end({ cancelPending: true, cancelRunning: true });
      await expect(running).rejects.toBeInstanceOf(CancelledError);
      await Promise.all([first, second]);
    });

    test.each([[{ cancelPending: 1 }], [{ cancelRunning: 'yes' }], [5]])(
      'refuses options %j',
      async (options) => {
        const { executor, end } = await start();
        await expect(end(options as never)).rejects.toBeInstanceOf(TypeError);
        expect(await executor.submit(jobs.add, 1, 1)).toBe(2);
      },
    );

    if (implementation.threads === 0) return;

    test('never blocks the calling loop: it turns while a job blocks its thread', async () => {
      const { executor, end } = await start();
      const { release, done } = await occupy(executor, implementation.threads);
      const ending = end();
      let turns = 0;
      await until(() => ++turns > 100);
      release();
      await Promise.all([ending, done]);
    });

    test('cancelPending cancels the queue and lets what runs end', async () => {
      const { executor, end } = await start();
      const words = flag();
      const { release, done } = await occupy(executor, implementation.threads);
      const queued = Array.from({ length: 3 }, () => executor.submit(jobs.count, words));
      const ending = end({ cancelPending: true });
      for (const future of queued) await expect(future).rejects.toBeInstanceOf(CancelledError);
      release();
      expect(await done).toEqual(Array(implementation.threads).fill('done'));
      await ending;
      expect(Atomics.load(words, COUNT)).toBe(0);
    });

    test('while its threads start: what was submitted runs, no thread is left', async () => {
      const { executor, end } = await start();
      const result = executor.submit(jobs.add, 1, 1);
      await end();
      expect(await result).toBe(2);
    });

    test('in a done callback of its own job', async () => {
      const { executor, end } = await start();
      await new Promise<void>((resolve) => {
        executor.submit(jobs.nothing).addDoneCallback(() => resolve(end()));
      });
      await expect(executor.submit(jobs.nothing)).rejects.toBeInstanceOf(ShutDownError);
    });

    test('lets no job be lost that another thread submits meanwhile: it runs, or is refused', async ({
      skip,
    }) => {
      skip(!implementation.shared);
      const { executor, end } = await start();
      const words = flag();
      const storm = [1, 2].map(() => elsewhere().submit(jobs.countFrom, executor, 'async', words, 1000));
      await raised(words, COUNT, 20);
      await end();
      for (const error of await Promise.all(storm.map(failure))) expect(error).toBeInstanceOf(ShutDownError);
    });
  });
});

describe('ThreadPoolExecutor', () => {
  test('dispose drains', async () => {
    let results: Promise<number[]>;
    {
      await using one: ThreadPoolExecutor = pool();
      results = Promise.all([1, 2, 3].map((n) => one.submit(jobs.add, n, n)));
    }
    expect(await results).toEqual([2, 4, 6]);
  });

  test('dispose cancels with onDispose: cancel', async () => {
    const one = pool({ onDispose: 'cancel' });
    const words = flag();
    const running = one.submit(jobs.hold, words);
    await raised(words, BEGUN);
    const queued = one.submit(jobs.add, 1, 1);
    await Promise.all([
      expect(running).rejects.toBeInstanceOf(CancelledError),
      expect(queued).rejects.toBeInstanceOf(CancelledError),
      one[Symbol.asyncDispose](),
    ]);
    expect(Atomics.load(words, ENDED)).toBe(1);
  });

  test('shutdownSync() runs what waits, blocks until every thread has ended, refuses what comes', async () => {
    const one = pool({ threads: 2 });
    const words = flag();
    const futures = Array.from({ length: 5 }, () => one.submit(jobs.count, words));
    one.shutdownSync();
    expect(one.size).toBe(0);
    expect(Atomics.load(words, COUNT)).toBe(5);
    await Promise.all(futures);
    await expect(one.submit(jobs.nothing)).rejects.toBeInstanceOf(ShutDownError);
    one.shutdownSync();
    await until(() => one.size === 0);
  });

  test('shut down by another thread is shut down for all', async () => {
    const one = pool();
    await one.submit(jobs.nothing);
    await elsewhere().submit((given: ThreadPoolExecutor) => given.shutdown(), one);
    await expect(one.submit(jobs.nothing)).rejects.toBeInstanceOf(ShutDownError);
    await one.shutdown();
    expect(one.size).toBe(0);
  });

  test('shutdown() inside a job of the pool, not awaited there: the job ends, and so does the pool', async () => {
    const one = pool();
    const result = one.submit((given: ThreadPoolExecutor) => {
      void given.shutdown();
      return 'asked';
    }, one);
    expect(await result).toBe('asked');
    await one.shutdown();
    expect(one.size).toBe(0);
  });
});

describe('EventLoopThread', () => {
  test('stopSync() blocks until the thread has ended', async () => {
    const loop = await loopThread();
    const words = flag();
    const running = loop.submit(jobs.count, words);
    loop.stopSync();
    expect(loop.closed).toBe(true);
    expect(await running).toBe(1);
    await loop.stopped;
    await expect(loop.submit(jobs.nothing)).rejects.toBeInstanceOf(ShutDownError);
  });

  test('dispose stops it: a graceful stop runs every finally', async () => {
    const words = flag();
    const loop = await loopThread();
    const held = loop.submit(jobs.hold, words);
    await raised(words, BEGUN);
    const disposing = loop[Symbol.asyncDispose]();
    goOn(words);
    await disposing;
    expect(await held).toBe('done');
    expect(Atomics.load(words, ENDED)).toBe(1);
    expect(loop.closed).toBe(true);
  });

  test('its name is in what it refuses', async () => {
    const loop = await loopThread({ name: 'radio' });
    await loop.stop();
    await expect(loop.submit(jobs.nothing)).rejects.toThrow('radio');
    expect(() => loop.callSoon(jobs.nothing)).toThrow(ShutDownError);
  });
});

describe('A view', () => {
  test('cannot shut anything down', () => {
    for (const name of ['shutdown', 'shutdownSync', 'stop', 'resize'] as const)
      expect((pool().with({}) as never)[name]).toBe(undefined);
  });

  test('of a view has the options of both, and the last word', async () => {
    const view = pool().with({ name: 'outer', priority: 1 }).with({ priority: 2 });
    expect(await view.submit(jobs.taskName)).toBe('outer');
    expect(await view.with({ name: 'inner' }).submit(jobs.taskName)).toBe('inner');
  });
});

describe('What outlives nothing', () => {
  eachOwnExecutor(THREADED, ({ threads }, start) => {
    test('futures of jobs that ended can be read after the executor is gone', async () => {
      const { executor, end } = await start();
      const [good, bad] = [executor.submit(jobs.add, 1, 1), executor.submit(jobs.fail)];
      const errors = bad.error();
      await end();
      expect(await good).toBe(2);
      expect(good.tryResult()).toEqual({ value: 2 });
      expect(await errors).toMatchObject({ name: 'PartError' });
      expect(threads).toBeGreaterThan(0);
    });
  });
});
