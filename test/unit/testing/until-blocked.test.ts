import { afterAll, describe, expect, test } from 'vitest';
import {
  Barrier,
  Condition,
  Event,
  Latch,
  Lock,
  Queue,
  Semaphore,
  TaskGroup,
  ThreadPoolExecutor,
  TimeoutError,
} from '../../../src/index.ts';
import { untilBlocked, VirtualClock } from '../../../src/testing/index.ts';
import { failure } from '../../fixtures/awaiting.ts';

const pool = new ThreadPoolExecutor({ threads: 1 });
afterAll(() => pool.shutdown());

describe('untilBlocked()', () => {
  test('resolves when so many wait, here or blocked in a thread', async () => {
    const lock = new Lock();
    const guard = lock.acquireSync();
    const here = lock.acquire();
    await untilBlocked(lock);
    const there = pool.submit((given: Lock) => given.acquireSync().release(), lock);
    await untilBlocked(lock, 2);
    expect(lock.statistics().waiting).toBe(2);
    guard.release();
    (await here).release();
    await there;
  });

  test('of every kind of object', async () => {
    const condition = new Condition();
    const queue = new Queue({ capacity: 1 });
    queue.tryPut(0);
    const full = queue.put(1);
    await untilBlocked(queue);
    queue.tryGet();
    await full;
    const [event, latch, barrier, semaphore] = [new Event(), new Latch(1), new Barrier(2), new Semaphore(0)];
    await TaskGroup.run(async (group) => {
      group.spawn(() => event.wait());
      group.spawn(() => latch.wait());
      group.spawn(() => barrier.wait());
      group.spawn(() => semaphore.take());
      group.spawn(async () => {
        const guard = await condition.lock.acquire();
        await condition.wait(guard).finally(() => guard.release());
      });
      for (const object of [event, latch, barrier, semaphore, condition]) await untilBlocked(object);
      group.cancel();
    });
  });

  test('with 0 resolves at once', async () => {
    await untilBlocked(new Lock(), 0);
  });

  test('says how many waited when time is up, by real time', async () => {
    using _ = VirtualClock.install();
    const error = await failure(untilBlocked(new Lock(), 2, { timeout: 5 }));
    expect(error).toBeInstanceOf(TimeoutError);
    expect((error as Error).message).toContain('Only 0 of 2 waited');
  });

  test('refuses what has no waiters', async () => {
    expect(await failure(untilBlocked({} as never))).toBeInstanceOf(TypeError);
    expect(await failure(untilBlocked(new Lock(), -1))).toBeInstanceOf(RangeError);
  });
});
