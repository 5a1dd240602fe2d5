import { afterAll, describe, expect, test } from 'vitest';
import { OwnerDiedError } from '../../../src/core/errors.ts';
import type { Future } from '../../../src/executor/future.ts';
import { ThreadPoolExecutor } from '../../../src/executor/thread-pool-executor.ts';
import { LifoQueue } from '../../../src/queue/lifo-queue.ts';
import { PriorityQueue } from '../../../src/queue/priority-queue.ts';
import { Queue } from '../../../src/queue/queue.ts';
import { Lock } from '../../../src/sync/lock.ts';
import { failure, turn } from '../../fixtures/awaiting.ts';
import { raised, sharedFlag } from '../../fixtures/jobs.ts';
import { type End, queueJobs } from '../../fixtures/queue-jobs.ts';
import { traces } from '../../fixtures/queue-traces.ts';

const pool = new ThreadPoolExecutor({ threads: 3 });
const mortal = pool.with({ onCancel: 'terminate', grace: 0 });
afterAll(() => pool.shutdown({ cancelPending: true, cancelRunning: true }));

const ENDS: readonly End[] = ['exit', 'throw', 'terminate'];
const EMPTY = { items: 0, parcels: 0, cells: 0 };
const CLASSES = [
  ['Queue', Queue],
  ['LifoQueue', LifoQueue],
  ['PriorityQueue', PriorityQueue],
] as const;

/** Lets the thread of a job end in that way, and resolves once it has. */
async function kill(job: Future<unknown>, how: End, flag: Int32Array): Promise<void> {
  Atomics.store(flag, 0, 1);
  Atomics.notify(flag, 0);
  if (how === 'terminate') job.cancel();
  await job.error();
  while (pool.statistics().abandoned > 0) await turn();
  // Five deaths within a second, and no job finished, would break the pool.
  await pool.submit(queueJobs.nothing);
}

async function settled(promise: Promise<unknown>): Promise<boolean> {
  let done = false;
  const tell = (): void => {
    done = true;
  };
  promise.then(tell, tell);
  await turn();
  return done;
}

describe.each(CLASSES)('%s', (_, Class) => {
  // What becomes of a thread is the same for all classes.
  describe.each(Class === Queue ? ENDS : ENDS.slice(0, 1))('a thread that ends by %s', (how) => {
    test('while it awaits an item leaves no trace: the next gets it', async () => {
      const queue = new Class<string>();
      const flag = sharedFlag(2);
      const job = mortal.submit(queueJobs.waitAndEnd, queue, 'get', how, flag);
      while (queue.statistics().getters < 1) await turn();
      const next = queue.get();
      await kill(job, how, flag);
      expect(queue.statistics().getters).toBe(1);
      queue.tryPut('a');
      expect(await next).toBe('a');
      expect(queue.statistics()).toMatchObject({ size: 0, unfinished: 1, waiting: 0 });
      expect(traces(queue)).toEqual(EMPTY);
    });

    test('while it awaits room has not put its item: the next is let in', async () => {
      const queue = new Class<string>({ capacity: 1 });
      queue.tryPut('a');
      const flag = sharedFlag(2);
      const job = mortal.submit(queueJobs.waitAndEnd, queue, 'put', how, flag);
      while (queue.statistics().putters < 1) await turn();
      const next = queue.put('b');
      await kill(job, how, flag);
      expect(queue.statistics()).toMatchObject({ size: 1, putters: 1, unfinished: 1 });
      expect(await queue.get()).toBe('a');
      await next;
      expect(await queue.get()).toBe('b');
      expect(traces(queue)).toEqual(EMPTY);
    });

    test('while it joins leaves no trace', async () => {
      const queue = new Class<string>();
      queue.tryPut('a');
      const flag = sharedFlag(2);
      const job = mortal.submit(queueJobs.waitAndEnd, queue, 'join', how, flag);
      while (queue.statistics().joiners < 1) await turn();
      const join = queue.join();
      await kill(job, how, flag);
      expect(queue.statistics().joiners).toBe(1);
      await queue.get();
      queue.taskDone();
      await join;
    });

    test('with items that it had taken and not marked: they count as done, and one join() is told', async () => {
      const queue = new Class<string>();
      for (let n = 0; n < 6; n++) queue.tryPut('a');
      const flag = sharedFlag(2);
      const job = mortal.submit(queueJobs.takeAndEnd, queue, 4, 1, how, flag);
      await raised(flag, 1);
      expect(queue.statistics()).toMatchObject({ size: 2, unfinished: 5 });
      const joins = [queue.join(), queue.join()];
      await kill(job, how, flag);
      expect(queue.statistics()).toMatchObject({ size: 2, unfinished: 2, joiners: 2 });
      for (let n = 0; n < 2; n++) {
        await queue.get();
        expect(await settled(joins[0]!)).toBe(false);
        queue.taskDone();
      }
      const error = (await failure(joins[0]!)) as Error;
      expect(error).toBeInstanceOf(OwnerDiedError);
      expect(error.message).toMatch(
        /^Joined .*queue, but thread \d+ ended, or gave up its last handle, with items that it had not marked as done$/,
      );
      await joins[1];
      await queue.join();
      expect(queue.unfinished).toBe(0);
      expect(traces(queue)).toEqual(EMPTY);
    });

    test('with all that was left: who joins is told at once; or who joins then, once, if nobody did', async () => {
      for (const early of [true, false]) {
        const queue = new Class<string>();
        queue.tryPut('a');
        const flag = sharedFlag(2);
        const job = mortal.submit(queueJobs.takeAndEnd, queue, 1, 0, how, flag);
        await raised(flag, 1);
        const join = early ? failure(queue.join()) : undefined;
        await kill(job, how, flag);
        expect(await (join ?? failure(queue.join()))).toBeInstanceOf(OwnerDiedError);
        await queue.join();
        queue.joinSync();
      }
    });

    test('with all that it took marked as done leaves nothing to tell', async () => {
      const queue = new Class<string>();
      queue.tryPut('a');
      const flag = sharedFlag(2);
      const job = mortal.submit(queueJobs.takeAndEnd, queue, 1, 1, how, flag);
      await raised(flag, 1);
      await kill(job, how, flag);
      await queue.join();
      expect(queue.unfinished).toBe(0);
    });
  });

  test.each(['get', 'put', 'join'] as const)(
    'a thread that is terminated while it is blocked in %sSync() leaves no trace',
    async (action) => {
      const queue = new Class<string>({ capacity: 1 });
      if (action !== 'get') queue.tryPut('a');
      const before = traces(queue);
      const job = mortal.submit(queueJobs.blockUntilTerminated, queue, action);
      while (queue.waiting < 1) await turn();
      await kill(job, 'terminate', sharedFlag());
      expect(queue.waiting).toBe(0);
      expect(traces(queue)).toEqual(before);
      if (action === 'get') queue.tryPut('a');
      expect(queue.statistics()).toMatchObject({ size: 1, unfinished: 1 });
      expect(await queue.get()).toBe('a');
      queue.taskDone();
      await queue.join();
    },
  );

  test('an item for a thread that died before it took it goes to the next getter, and nothing is said to be lost', async () => {
    const queue = new Class<string>();
    const flag = sharedFlag(2);
    const job = pool.submit(queueJobs.deafUntilEnd, queue, 'get', flag);
    await raised(flag, 1);
    const next = queue.get();
    queue.tryPut('a');
    // It is kept for the first, which does not hear of it.
    expect(await settled(next)).toBe(false);
    expect(queue.statistics()).toMatchObject({ size: 1, getters: 1 });
    await kill(job, 'exit', flag);
    expect(await next).toBe('a');
    queue.taskDone();
    await queue.join();
    expect(traces(queue)).toEqual(EMPTY);
  });

  test('an item of a thread that was let in before it died is in the queue, once', async () => {
    const queue = new Class<string>({ capacity: 1 });
    queue.tryPut('a');
    const flag = sharedFlag(2);
    const job = pool.submit(queueJobs.deafUntilEnd, queue, 'put', flag);
    await raised(flag, 1);
    expect(await queue.get()).toBe('a');
    expect(queue.size).toBe(1);
    await kill(job, 'exit', flag);
    expect(await queue.get()).toBe('put by the dead');
    expect(queue.statistics()).toMatchObject({ size: 0, unfinished: 2 });
    expect(traces(queue)).toEqual(EMPTY);
  });

  test('what a thread has put stays when it ends, with the shared objects in it', async () => {
    const queue = new Class<unknown>();
    const lock = new Lock();
    using guard = lock.acquireSync();
    const job = pool.submit(queueJobs.putAndExit, queue, [{ lock }, 'a', { lock }]);
    await job.error();
    expect(queue.size).toBe(3);
    const items = await queue.getMany(3);
    const locks = items.filter((item) => typeof item === 'object') as { lock: Lock }[];
    expect(locks.map((item) => item.lock.locked)).toEqual([true, true]);
    void guard;
  });

  test('who waits behind the dead goes on: a shut down queue refuses it, a cleared one lets it through', async () => {
    const queue = new Class<string>();
    const flag = sharedFlag(2);
    const job = pool.submit(queueJobs.deafUntilEnd, queue, 'get', flag);
    await raised(flag, 1);
    const next = failure(queue.get());
    queue.tryPut('a');
    queue.shutdown({ immediate: true });
    expect(await next).toMatchObject({ code: 'ERR_HEDDLE_QUEUE_SHUT_DOWN' });
    const join = queue.join();
    await kill(job, 'exit', flag);
    // What was kept for the dead is dropped too.
    await join;
    expect(queue.statistics()).toMatchObject({ size: 0, bytes: 0, unfinished: 0 });
    expect(traces(queue)).toEqual(EMPTY);
  });
});

test('deaths one after the other leave the counts right', async () => {
  const queue = new Queue<number>({ capacity: 4 });
  for (let round = 0; round < 6; round++) {
    for (let n = 0; n < 3; n++) queue.tryPut(n);
    const how = ENDS[round % 3]!;
    const flag = sharedFlag(2);
    const job = mortal.submit(queueJobs.takeAndEnd, queue, 2, round % 2, how, flag);
    await raised(flag, 1);
    await kill(job, how, flag);
    expect(queue.statistics()).toMatchObject({ size: 1, unfinished: 1, waiting: 0 });
    await queue.get();
    queue.taskDone();
    expect(await failure(queue.join())).toBeInstanceOf(OwnerDiedError);
    await queue.join();
    expect(traces(queue)).toEqual(EMPTY);
  }
});
