/** Cancellation is a state, not an event: once a task is cancelled, every further wait of it rejects at once. */
import { describe, expect, test } from 'vitest';
import {
  CancelledError,
  cancelled,
  Event,
  isCancelled,
  Lock,
  Queue,
  Semaphore,
  shield,
  sleep,
  TaskGroup,
  throwIfCancelled,
  withTimeout,
} from '../../../src/index.ts';
import { failure, thrown } from '../../fixtures/awaiting.ts';
import { ENDED, until } from '../executors/jobs.ts';
import { flag, raised } from '../executors/stand.ts';
import { begin, deferred, eachPlace, eachThread, settled, taskOf, turns } from './places.ts';
import { SYNC_WAITS, WAITS, waits } from './waits.ts';
import { CALLED, work } from './work.ts';

describe('In a cancelled task', () => {
  eachPlace((place) => {
    test('every wait rejects at once with the same CancelledError, and leaves no trace', async () => {
      const words = flag();
      const found = new Queue<readonly [string, string]>();
      await TaskGroup.run(async (group) => {
        await begin(group, place(), waits.tryWaits, words, found);
        group.cancel('why');
        await raised(words, ENDED);
      });
      const outcomes: Record<string, string> = {};
      for (let item = found.tryGet(); item !== undefined; item = found.tryGet())
        outcomes[item.value[0]] = item.value[1];
      const names = [...Object.keys(WAITS), ...Object.keys(SYNC_WAITS)];
      expect(outcomes).toEqual(Object.fromEntries(names.map((name) => [name, 'the cancellation'])));
    });
  });

  eachThread((place) => {
    test('a job that is submitted never runs, though a thread is idle', async () => {
      const words = flag();
      for (let round = 0; round < 300; round++) {
        // The threads have gone to sleep, or look for work at that very moment.
        await turns(1);
        const { task } = await taskOf(async (self) => {
          self().cancel();
          return await place().run(work.value, words, round);
        });
        expect(task.status).toBe('cancelled');
      }
      expect(Atomics.load(words, CALLED)).toBe(0);
    });
  });

  test('the same error comes out of each wait, is the reason of the signal, and goes up', async () => {
    const seen: unknown[] = [];
    const { task } = await taskOf(async (self) => {
      self().cancel('why');
      for (let n = 0; n < 3; n++) seen.push(await failure(sleep(0)));
      seen.push(self().signal.reason, thrown(throwIfCancelled));
      await sleep(0);
    });
    expect(await failure(task)).toBe(seen[0]);
    expect(new Set(seen).size).toBe(1);
    expect(seen[0]).toBeInstanceOf(CancelledError);
    expect(seen[0]).toMatchObject({ code: 'ERR_HEDDLE_CANCELLED', cause: 'why' });
    expect(isCancelled(seen[0])).toBe(true);
  });

  test('what never waits works: tryX(), release(), set(), put of an item by tryPut()', async () => {
    const [lock, semaphore, event, queue] = [new Lock(), new Semaphore(0), new Event(), new Queue<number>()];
    const { task } = await taskOf((self) => {
      self().cancel();
      const guard = lock.tryAcquire();
      expect(guard).toBeDefined();
      guard!.release();
      semaphore.release();
      event.set();
      expect(queue.tryPut(1)).toBe(true);
      expect(queue.tryGet()).toEqual({ value: 1 });
      expect(cancelled()).toBe(true);
    });
    expect(task.status).toBe('fulfilled');
    expect([semaphore.value, event.isSet, lock.locked]).toEqual([1, true, false]);
  });

  test('catching the CancelledError does not undo it', async () => {
    let waits = 0;
    const { task } = await taskOf(async (self) => {
      self().cancel();
      while (waits < 10) {
        try {
          await sleep(0);
          break;
        } catch {
          waits++;
        }
      }
      return waits;
    });
    expect(waits).toBe(10);
    expect(task.status).toBe('fulfilled');
    expect(await task).toBe(10);
  });

  test('await of a task or a future is a wait too: it rejects, and what was awaited goes on', async () => {
    const wait = deferred<string>();
    await TaskGroup.run(async (group) => {
      const other = group.spawn(() => wait.promise);
      const awaiting = group.spawn(async () => await other);
      await turns();
      awaiting.cancel('the waiting one');
      await settled(awaiting);
      expect([awaiting.status, other.status]).toEqual(['cancelled', 'pending']);
      wait.resolve('value');
      expect(await other).toBe('value');
    });
  });

  test('blocks that were begun before reject too, and are awaited', async () => {
    const ended: string[] = [];
    const { task } = await taskOf(async (self) => {
      const blocks = [
        TaskGroup.run(() => sleep(Infinity).finally(() => ended.push('group'))),
        withTimeout(60_000, () => sleep(Infinity).finally(() => ended.push('timeout'))),
      ];
      await turns();
      self().cancel('why');
      for (const block of blocks) expect(await shield(() => failure(block))).toMatchObject({ cause: 'why' });
      await sleep(0);
    });
    expect(ended.toSorted()).toEqual(['group', 'timeout']);
    expect(task.status).toBe('cancelled');
  });

  test('waits that nobody awaits any more bring nothing down', async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown): void => void unhandled.push(reason);
    process.on('unhandledRejection', note);
    try {
      const lock = new Lock();
      await TaskGroup.run(async (group) => {
        group.spawn(async () => {
          void sleep(Infinity);
          void new Event().wait();
          void TaskGroup.run(() => sleep(Infinity));
          void withTimeout(60_000, () => sleep(Infinity));
          await sleep(Infinity).catch(() => {});
          void lock.acquire();
          void sleep(0);
        });
        await turns();
        group.cancel();
      });
      await turns(10);
    } finally {
      process.off('unhandledRejection', note);
    }
    expect(unhandled).toEqual([]);
  });

  test('a wait by a signal of its own: an aborted signal goes first', async () => {
    let seen: unknown;
    await taskOf(async (self) => {
      self().cancel();
      seen = await failure(new Lock().acquire({ signal: AbortSignal.abort('aborted') }));
    });
    expect(seen).toBe('aborted');
  });

  test('a wrong argument goes first', async () => {
    const seen: unknown[] = [];
    await taskOf(async (self) => {
      self().cancel();
      seen.push(await failure(sleep(-1)));
      seen.push(await failure(new Lock().acquire({ timeout: -1 })));
      seen.push(await failure(withTimeout(5, 5 as never)));
      seen.push(await failure(TaskGroup.run(5 as never)));
    });
    expect(seen.map((error) => (error as Error).name)).toEqual([
      'RangeError',
      'RangeError',
      'TypeError',
      'TypeError',
    ]);
  });
});

describe('A cancellation', () => {
  test('takes every waiter out of its queue: the next is served, nothing is left', async () => {
    const lock = new Lock();
    const queue = new Queue<number>();
    const guard = lock.tryAcquire()!;
    await TaskGroup.run(async (group) => {
      const leaving = [group.spawn(() => lock.acquire()), group.spawn(() => queue.get())];
      await until(() => lock.statistics().waiting === 1 && queue.statistics().getters === 1);
      const staying = group.spawn(async () => (await lock.acquire()).release());
      const getter = group.spawn(() => queue.get());
      await until(() => lock.statistics().waiting === 2 && queue.statistics().getters === 2);
      for (const task of leaving) task.cancel();
      expect([lock.statistics().waiting, queue.statistics().getters]).toEqual([1, 1]);
      guard.release();
      queue.tryPut(7);
      await staying;
      expect(await getter).toBe(7);
    });
    expect(lock.locked).toBe(false);
  });

  test('is seen by a loop that computes between its waits', async () => {
    const { task } = await taskOf((self) => {
      for (let n = 0; ; n++) {
        throwIfCancelled();
        if (n === 100) self().cancel();
      }
    });
    expect(task.status).toBe('cancelled');
  });

  test('outside any task there is none', () => {
    expect(cancelled()).toBe(false);
    expect(() => throwIfCancelled()).not.toThrow();
  });
});
