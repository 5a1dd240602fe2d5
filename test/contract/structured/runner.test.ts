/** run() and Runner: the way in, and nothing is left at the end. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  CancelledError,
  currentTask,
  EventLoopPool,
  EventLoopThread,
  InvalidStateError,
  isMainThread,
  outside,
  Runner,
  run,
  shield,
  sleep,
  TaskGroup,
  ThreadPoolExecutor,
  toThread,
} from '../../../src/index.ts';
import { failure } from '../../fixtures/awaiting.ts';
import { ENDED, jobs, SEEN } from '../executors/jobs.ts';
import { flag, goOn, pool, raised } from '../executors/stand.ts';
import { leftJobs } from './left-jobs.ts';
import { deferred, eachPlace, eachThread, turns } from './places.ts';
import { work } from './work.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

describe('run()', () => {
  eachPlace((place) => {
    test('gives the value of main, or its error itself', async () => {
      expect(await run(() => place().run(work.value, flag(), { n: 1 }))).toEqual({ n: 1 });
      expect(await failure(run(() => place().run(work.crash, flag(), 'own')))).toMatchObject({
        name: 'RangeError',
        message: 'own',
      });
    });

    test('cancels and awaits what main left running, then gives the value', async () => {
      const words = flag();
      const value = await run(async () => {
        void TaskGroup.run((group) => void group.spawn(() => place().run(work.hold, words))).catch(() => {});
        await raised(words);
        return 'value';
      });
      expect(value).toBe('value');
      expect([Atomics.load(words, SEEN), Atomics.load(words, ENDED)]).toEqual([1, 1]);
    });

    test('awaits the shielded clean-up of what it cancels', async () => {
      const words = flag();
      let over = false;
      const running = run(async () => {
        void place()
          .run(work.hold, flag())
          .then(undefined, () => {});
        void TaskGroup.run((group) => void group.spawn(() => place().run(work.cleanUp, words))).catch(
          () => {},
        );
        await raised(words);
      }).then(() => (over = true));
      await raised(words, SEEN);
      await turns();
      expect(over).toBe(false);
      goOn(words);
      await running;
      expect(Atomics.load(words, ENDED)).toBe(1);
    });

    test('whose main is cancelled by itself rejects with its CancelledError', async () => {
      const words = flag();
      const error = await failure(
        run(async () => {
          queueMicrotask(() => {});
          const root = currentTask()!;
          const work$ = place().run(work.hold, words);
          await raised(words);
          root.cancel('why');
          await work$;
        }),
      );
      expect(error).toBeInstanceOf(CancelledError);
      expect(error).toMatchObject({ cause: 'why' });
      expect(Atomics.load(words, ENDED)).toBe(1);
    });
  });

  eachThread((place) => {
    test('cancels and awaits jobs that main left running', async () => {
      const words = flag();
      await run(async () => {
        void place().executor.submit(work.hold, words);
        await raised(words);
      });
      expect([Atomics.load(words, SEEN), Atomics.load(words, ENDED)]).toEqual([1, 1]);
    });

    test('is possible in a job: a thread has runs of its own', async () => {
      expect(await run(() => place().run(leftJobs.runThere, 1))).toEqual([1, 'main']);
    });
  });

  test('joins pools and loops that were made inside, wherever; running jobs are cancelled and awaited', async () => {
    const words = flag();
    const made = await run(async () => {
      const inMain = new ThreadPoolExecutor({ threads: 1 });
      void outside(() => failure(inMain.submit(work.hold, words)));
      await raised(words);
      const inTask = await TaskGroup.run(
        async (group) =>
          await group.spawn(async () => {
            const one = new ThreadPoolExecutor({ threads: 1 });
            await one.submit(work.value, flag(), 1);
            return { one };
          }),
      );
      const loop = await EventLoopThread.start();
      const loops = await EventLoopPool.start({ loops: 1 });
      return { inMain, inTask: inTask.one, loop, loops };
    });
    expect([made.inMain.size, made.inTask.size]).toEqual([0, 0]);
    expect([made.inMain.isShutDown, made.inTask.isShutDown]).toEqual([true, true]);
    expect(made.loop.closed).toBe(true);
    expect(made.loops.loops.every(({ closed }) => closed)).toBe(true);
    expect([Atomics.load(words, SEEN), Atomics.load(words, ENDED)]).toEqual([1, 1]);
  });

  test('joins them after a failure too, and before it rejects', async () => {
    let one!: ThreadPoolExecutor;
    const words = flag();
    const error = await failure(
      run(async () => {
        one = new ThreadPoolExecutor({ threads: 1 });
        void outside(() => failure(one.submit(work.hold, words)));
        await raised(words);
        throw new RangeError('main');
      }),
    );
    expect(error).toMatchObject({ message: 'main' });
    expect(one.size).toBe(0);
    expect(Atomics.load(words, ENDED)).toBe(1);
  });

  test('leaves alone what was made before, and what was made outside its tasks', async () => {
    const before = pool();
    const beside = await run(async () => {
      await before.submit(work.value, flag(), 1);
      return outside(() => pool());
    });
    expect([before.isShutDown, beside.isShutDown]).toEqual([false, false]);
    expect(await before.submit(work.value, flag(), 1)).toBe(1);
  });

  test('closes the default pool that toThread() made inside', async () => {
    const { id } = await run(() => toThread(jobs.where));
    expect(id).toBeGreaterThan(0);
    // The next makes one of its own.
    expect((await run(() => toThread(jobs.where))).main).toBe(false);
  });

  test('with a pool gives it the work of toThread(), and does not shut it down', async () => {
    const one = pool({ name: 'given' });
    const { name } = await run(() => toThread(jobs.where), { pool: one });
    expect(name).toContain('given');
    expect(one.isShutDown).toBe(false);
    expect(await one.submit(work.value, flag(), 1)).toBe(1);
  });

  test('terminates what does not end within shutdownTimeout, with one report that names it', async () => {
    const emitted = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const words = flag();
    await run(
      async () => {
        const one = new ThreadPoolExecutor({ threads: 1, name: 'stubborn' });
        void one.submit(jobs.spin, words).catch(() => {});
        await raised(words);
      },
      { shutdownTimeout: 10 },
    );
    const reports = emitted.mock.calls.map(
      ([warning]) => warning as unknown as { code: string; message: string },
    );
    expect(reports.map(({ code }) => code)).toEqual(['HEDDLE_SHUTDOWN_TIMEOUT']);
    expect(reports[0]!.message).toMatch(/spin|stubborn/);
  });

  test('with cleanupTimeout ends though shielded clean-up does not, with a report', async () => {
    const emitted = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const wait = deferred();
    await run(
      () => {
        void shield(() => wait.promise);
      },
      { cleanupTimeout: 10 },
    );
    expect(emitted.mock.calls.map(([warning]) => (warning as unknown as { code: string }).code)).toEqual([
      'HEDDLE_SHUTDOWN_TIMEOUT',
    ]);
    wait.resolve();
  });

  test('while another is under way is refused, inside or beside it; main is not called, the first goes on', async () => {
    const wait = deferred<string>();
    let called = 0;
    const first = run(async () => {
      expect(await failure(run(() => called++))).toBeInstanceOf(InvalidStateError);
      return await wait.promise;
    });
    expect(await failure(run(() => called++))).toBeInstanceOf(InvalidStateError);
    expect(await failure(new Runner().run(() => called++))).toBeInstanceOf(InvalidStateError);
    wait.resolve('first');
    expect(await first).toBe('first');
    expect(called).toBe(0);
    expect(await run(() => 'next')).toBe('next');
  });

  test('is possible again after each way to end', async () => {
    await failure(run(() => Promise.reject(new Error('failed'))));
    await failure(
      run(async () => {
        currentTask()!.cancel();
        await sleep(0);
      }),
    );
    expect(await run(() => isMainThread)).toBe(true);
  });

  test('gives main its signal, aborted once main has ended: leftovers see it', async () => {
    let signal!: AbortSignal;
    await run((given) => {
      signal = given;
      expect(given).toBe(currentTask()?.signal);
      expect(given.aborted).toBe(false);
      void sleep(Infinity).catch(() => {});
    });
    expect(signal.aborted).toBe(true);
  });

  test('leaves no signal handler behind, whichever way it ends', async () => {
    const count = (): number[] => ['SIGINT', 'SIGTERM'].map((name) => process.listenerCount(name));
    const before = count();
    await run(() => {});
    await failure(run(() => Promise.reject(new Error('failed'))));
    await failure(run(5 as never));
    expect(count()).toEqual(before);
  });
});

describe('A Runner', () => {
  test('runs several mains, which share the pools made inside', async () => {
    const runner = new Runner();
    const first = await runner.run(async () => {
      const one = new ThreadPoolExecutor({ threads: 1 });
      return { one, where: await one.submit(jobs.where) };
    });
    const second = await runner.run(() => first.one.submit(jobs.where));
    expect(second).toEqual(first.where);
    expect(first.one.isShutDown).toBe(false);
    await runner.close();
    expect([first.one.isShutDown, first.one.size]).toEqual([true, 0]);
  });

  test('ends what each main left running before the next', async () => {
    const runner = new Runner();
    const words = flag();
    await runner.run(async () => {
      void TaskGroup.run((group) => void group.spawn(() => work.hold(words))).catch(() => {});
      await raised(words);
    });
    expect([Atomics.load(words, SEEN), Atomics.load(words, ENDED)]).toEqual([1, 1]);
    await runner.close();
  });

  test('goes on after a main that failed or was cancelled', async () => {
    const runner = new Runner();
    expect(await failure(runner.run(() => Promise.reject(new RangeError('failed'))))).toMatchObject({
      message: 'failed',
    });
    const cancelled = runner.run(async () => {
      currentTask()!.cancel('why');
      await sleep(0);
    });
    expect(await failure(cancelled)).toMatchObject({ name: 'CancelledError', cause: 'why' });
    expect(await runner.run(() => 3)).toBe(3);
    await runner.close();
  });

  test('close() is idempotent, waits for the same end, and works though nothing was run', async () => {
    const runner = new Runner();
    const words = flag();
    const one = await runner.run(() => new ThreadPoolExecutor({ threads: 1 }));
    const job = failure(one.submit(work.giveWhenToldTo, words, 1));
    await raised(words);
    const ended: string[] = [];
    const closings = ['first', 'second'].map((name) => runner.close().then(() => ended.push(name)));
    await turns(10);
    expect(ended).toEqual([]);
    goOn(words);
    await Promise.all(closings);
    await runner.close();
    expect(await job).toBeInstanceOf(CancelledError);
    expect(one.size).toBe(0);
    const unused = new Runner();
    await unused.close();
    await unused.close();
  });

  test('close() during a run is refused, and the run goes on', async () => {
    const runner = new Runner();
    const value = await runner.run(async () => {
      expect(await failure(runner.close())).toBeInstanceOf(InvalidStateError);
      await sleep(0);
      return 'value';
    });
    expect(value).toBe('value');
    expect(await runner.run(() => 'again')).toBe('again');
    await runner.close();
  });

  test('that is closed runs nothing more', async () => {
    const runner = new Runner();
    await runner.close();
    let called = false;
    expect(await failure(runner.run(() => (called = true)))).toBeInstanceOf(InvalidStateError);
    expect(called).toBe(false);
  });

  test('is closed by its asyncDispose', async () => {
    const runner = new Runner();
    const one = await runner.run(() => new ThreadPoolExecutor({ threads: 1 }));
    await runner[Symbol.asyncDispose]();
    expect(one.isShutDown).toBe(true);
    expect(await failure(runner.run(() => 1))).toBeInstanceOf(InvalidStateError);
  });

  test('refuses wrong options by throwing, and what is no function by rejecting', async () => {
    expect(() => new Runner({ shutdownTimeout: -1 })).toThrow(RangeError);
    expect(() => new Runner({ signals: ['SIGNOTHING' as never] })).toThrow(TypeError);
    expect(() => new Runner({ pool: {} as never })).toThrow(TypeError);
    const runner = new Runner();
    expect(await failure(runner.run(5 as never))).toBeInstanceOf(TypeError);
    await runner.close();
  });
});
