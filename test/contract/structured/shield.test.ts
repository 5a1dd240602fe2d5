/** Clean-up that has to wait, in tasks that are cancelled; and what is shielded without being told. */
import { describe, expect, test } from 'vitest';
import {
  CancelledError,
  Condition,
  cancelled,
  currentTask,
  EventLoopPool,
  EventLoopThread,
  type Guard,
  InlineExecutor,
  Lock,
  RLock,
  Runner,
  shield,
  sleep,
  TaskGroup,
  ThreadPoolExecutor,
} from '../../../src/index.ts';
import { failure, turn } from '../../fixtures/awaiting.ts';
import { ENDED, SEEN, until } from '../executors/jobs.ts';
import { flag, goOn, raised } from '../executors/stand.ts';
import { begin, deferred, eachPlace, eachThread, groupFailure, settled, taskOf, turns } from './places.ts';
import { CLEANING, work } from './work.ts';

describe('shield()', () => {
  eachPlace((place) => {
    test('lets its work go on to its end, though the caller is cancelled meanwhile', async () => {
      const words = flag();
      let value: unknown;
      let next: unknown;
      const { task } = await taskOf(async (self) => {
        const shielded = shield(() => place().run(work.hold, words));
        await raised(words);
        self().cancel('outside');
        await turns();
        goOn(words);
        value = await shielded;
        next = await failure(sleep(0));
        throw next;
      });
      expect(value).toBe('done');
      expect(next).toMatchObject({ name: 'CancelledError', cause: 'outside' });
      expect(task.status).toBe('cancelled');
    });

    test('works in a task that is cancelled already', async () => {
      let value: unknown;
      const { task } = await taskOf(async (self) => {
        self().cancel();
        value = await shield(() => place().run(work.value, flag(), 'value'));
        await sleep(0);
      });
      expect(value).toBe('value');
      expect(task.status).toBe('cancelled');
    });

    test('gives its error, which counts as a failure though the caller is cancelled', async () => {
      const words = flag();
      const error = await groupFailure(
        TaskGroup.run(async (group) => {
          const task = group.spawn(() => shield(() => place().run(work.crashWhenToldTo, words, 'shielded')));
          await raised(words);
          group.cancel();
          goOn(words);
          await settled(task);
          expect(task.status).toBe('rejected');
        }),
      );
      expect(error.errors).toMatchObject([{ message: 'shielded' }]);
    });

    test('outlives no scope: the end of the task awaits one that nobody awaits', async () => {
      const words = flag();
      let ended = false;
      const running = TaskGroup.run((group) => {
        group.spawn(() => void shield(() => place().run(work.giveWhenToldTo, words, 1)));
      }).then(() => (ended = true));
      await raised(words);
      await turns();
      expect(ended).toBe(false);
      goOn(words);
      await running;
      expect(Atomics.load(words, ENDED)).toBe(1);
    });

    test('in the clean-up of a cancelled task: it runs to its end before the group ends', async () => {
      const words = flag();
      let over = false;
      const running = TaskGroup.run(async (group) => {
        await begin(group, place(), work.cleanUp, words);
        group.cancel();
      }).then(() => (over = true));
      await raised(words, CLEANING);
      await turns();
      expect(over).toBe(false);
      goOn(words);
      await running;
      expect([Atomics.load(words, SEEN), Atomics.load(words, ENDED)]).toEqual([1, 1]);
    });
  });

  test('gives its function a signal that the cancellation of the caller does not abort', async () => {
    const seen: unknown[] = [];
    await taskOf(async (self) => {
      await shield(async (signal) => {
        self().cancel();
        seen.push(signal.aborted, cancelled(), self().signal.aborted, currentTask() === self());
        await sleep(0);
        seen.push(signal.aborted);
      });
      seen.push(cancelled());
    });
    expect(seen).toEqual([false, false, true, true, false, true]);
  });

  test('within a shield is a shield; a group within can be cancelled by itself', async () => {
    const order: string[] = [];
    await taskOf(async (self) => {
      await shield(async () => {
        self().cancel();
        await shield(() => sleep(0));
        await TaskGroup.run(async (group) => {
          group.spawn(() => sleep(Infinity).catch(() => order.push('own cancellation')));
          await turn();
          group.cancel();
        });
        await sleep(0);
        order.push('shielded');
      });
    });
    expect(order).toEqual(['own cancellation', 'shielded']);
  });

  test('gives what its function gives without waiting, and refuses what is no function by rejecting', async () => {
    expect(await shield(() => 1)).toBe(1);
    expect(await failure(shield(5 as never))).toBeInstanceOf(TypeError);
    const error = new Error('own');
    expect(
      await failure(
        shield(() => {
          throw error;
        }),
      ),
    ).toBe(error);
  });
});

/** Runs the clean-up in a task that is cancelled already, and lets it wait for the test. */
async function cleanUpWhileCancelled(
  cleanUp: () => PromiseLike<unknown>,
  letGoOn: () => unknown,
): Promise<{ early: boolean; error: unknown; status: string }> {
  let ended = false;
  let error: unknown;
  let early = true;
  const { task } = await taskOf(async (self) => {
    self().cancel('before');
    const running = (async () => {
      try {
        await cleanUp();
      } catch (thrown) {
        error = thrown;
      }
      ended = true;
    })();
    await turns(20);
    early = ended;
    letGoOn();
    await running;
    await sleep(0);
  });
  return { early, error, status: task.status };
}

const SHIELDED = { early: false, error: undefined, status: 'cancelled' };

describe('Without being told, in a cancelled task these do their work:', () => {
  test.each(['shutdown()', 'asyncDispose'] as const)('ThreadPoolExecutor, %s', async (how) => {
    const pool = new ThreadPoolExecutor({ threads: 1 });
    const words = flag();
    const job = pool.submit(work.hold, words);
    await raised(words);
    const end = (): PromiseLike<unknown> =>
      how === 'shutdown()' ? pool.shutdown() : pool[Symbol.asyncDispose]();
    expect(await cleanUpWhileCancelled(end, () => goOn(words))).toEqual(SHIELDED);
    expect(await job).toBe('done');
    expect(pool.size).toBe(0);
  });

  test.each(['stop()', 'asyncDispose'] as const)('EventLoopThread, %s', async (how) => {
    const loop = await EventLoopThread.start();
    const words = flag();
    const job = loop.submit(work.hold, words);
    await raised(words);
    const end = (): PromiseLike<unknown> => (how === 'stop()' ? loop.stop() : loop[Symbol.asyncDispose]());
    expect(await cleanUpWhileCancelled(end, () => goOn(words))).toEqual(SHIELDED);
    expect(await job).toBe('done');
    expect(loop.closed).toBe(true);
  });

  test.each(['shutdown()', 'asyncDispose'] as const)('EventLoopPool, %s', async (how) => {
    const pool = await EventLoopPool.start({ loops: 1 });
    const words = flag();
    const job = pool.submit(work.hold, words);
    await raised(words);
    const end = (): PromiseLike<unknown> =>
      how === 'shutdown()' ? pool.shutdown() : pool[Symbol.asyncDispose]();
    expect(await cleanUpWhileCancelled(end, () => goOn(words))).toEqual(SHIELDED);
    expect(await job).toBe('done');
  });

  test.each(['shutdown()', 'asyncDispose'] as const)('InlineExecutor, %s', async (how) => {
    const executor = new InlineExecutor();
    const words = flag();
    const job = executor.submit(work.hold, words);
    await raised(words);
    const end = (): PromiseLike<unknown> =>
      how === 'shutdown()' ? executor.shutdown() : executor[Symbol.asyncDispose]();
    expect(await cleanUpWhileCancelled(end, () => goOn(words))).toEqual(SHIELDED);
    expect(await job).toBe('done');
  });

  test.each(['close()', 'asyncDispose'] as const)('Runner, %s', async (how) => {
    const runner = new Runner();
    const words = flag();
    const pool = await runner.run(async () => {
      const made = new ThreadPoolExecutor({ threads: 1 });
      await made.submit(work.value, flag(), 1);
      return made;
    });
    // Deaf: closing the runner cancels it, and awaits its end.
    const job = failure(pool.submit(work.giveWhenToldTo, words, 1));
    await raised(words);
    const end = (): PromiseLike<unknown> =>
      how === 'close()' ? runner.close() : runner[Symbol.asyncDispose]();
    expect(await cleanUpWhileCancelled(end, () => goOn(words))).toEqual(SHIELDED);
    expect(await job).toBeInstanceOf(CancelledError);
    expect(pool.size).toBe(0);
  });

  eachThread((place) => {
    test('closing the results of a map: its jobs are cancelled and awaited', async () => {
      const words = flag();
      const { status } = (
        await taskOf(async (self) => {
          const results = place().executor.map(work.giveWhenToldTo, [words], { args: [1] });
          await raised(words);
          self().cancel();
          let closed = false;
          const closing = results.return!().then(() => (closed = true));
          await turns(20);
          expect(closed).toBe(false);
          goOn(words);
          await closing;
          expect(Atomics.load(words, ENDED)).toBe(1);
          await sleep(0);
        })
      ).task;
      expect(status).toBe('cancelled');
    });
  });
});

describe("Condition.wait()'s re-acquire is shielded", () => {
  for (const [name, lockOf] of [
    ['Lock', () => new Lock()],
    ['RLock', () => new RLock()],
  ] as const)
    test(`${name}: cancelled, it rejects once it has the lock again`, async () => {
      const lock = lockOf();
      const condition = new Condition({ lock });
      const order: string[] = [];
      let held: boolean | undefined;
      await TaskGroup.run(async (group) => {
        const waiting = group.spawn(async () => {
          const guard: Guard = await lock.acquire();
          try {
            await condition.wait(guard);
          } finally {
            order.push('back');
            held = !guard.released;
            guard.release();
          }
        });
        await until(() => condition.statistics().waiting === 1);
        const other = await lock.acquire();
        waiting.cancel();
        await turns(20);
        expect(waiting.status).toBe('pending');
        order.push('released');
        other.release();
        await settled(waiting);
        expect(waiting.status).toBe('cancelled');
      });
      expect(order).toEqual(['released', 'back']);
      expect(held).toBe(true);
      expect(lock.locked).toBe(false);
    });

  test('in a task that is cancelled while it takes the lock again, notified already: the next gets the notification', async () => {
    const condition = new Condition();
    let next = false;
    const ready = deferred();
    await TaskGroup.run(async (group) => {
      const first = group.spawn(async () => {
        const guard = await condition.lock.acquire();
        try {
          await condition.wait(guard);
        } finally {
          guard.release();
        }
      });
      await until(() => condition.statistics().waiting === 1);
      group.spawn(async () => {
        const guard = await condition.lock.acquire();
        await condition.wait(guard);
        next = true;
        guard.release();
        ready.resolve();
      });
      await until(() => condition.statistics().waiting === 2);
      const guard = await condition.lock.acquire();
      condition.notify(guard);
      first.cancel();
      guard.release();
      await ready.promise;
      await settled(first);
      expect(first.status).toBe('cancelled');
    });
    expect(next).toBe(true);
  });
});
