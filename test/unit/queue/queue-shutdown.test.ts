import { afterAll, describe, expect, test } from 'vitest';
import { HeddleError, QueueShutDownError, SendError, ShutDownError } from '../../../src/core/errors.ts';
import { ThreadPoolExecutor } from '../../../src/executor/thread-pool-executor.ts';
import { LifoQueue } from '../../../src/queue/lifo-queue.ts';
import { PriorityQueue } from '../../../src/queue/priority-queue.ts';
import { Queue } from '../../../src/queue/queue.ts';
import { Lock } from '../../../src/sync/lock.ts';
import { failure, thrown, turn } from '../../fixtures/awaiting.ts';
import { queueJobs, StoreError } from '../../fixtures/queue-jobs.ts';
import { traces } from '../../fixtures/queue-traces.ts';

const pool = new ThreadPoolExecutor({ threads: 3 });
afterAll(() => pool.shutdown({ cancelPending: true, cancelRunning: true }));

async function settled(promise: Promise<unknown>): Promise<boolean> {
  let done = false;
  const tell = (): void => {
    done = true;
  };
  promise.then(tell, tell);
  await turn();
  return done;
}

/** What every form of putting and getting throws. */
async function refusals(queue: Queue<unknown>): Promise<unknown[]> {
  return [
    await failure(queue.put(1)),
    thrown(() => queue.putSync(1)),
    thrown(() => queue.tryPut(1)),
    await failure(queue.putMany([1])),
    thrown(() => queue.putManySync([1])),
    await failure(queue.get()),
    thrown(() => queue.getSync()),
    thrown(() => queue.tryGet()),
    await failure(queue.getMany(2)),
    thrown(() => queue.getManySync(2)),
    await failure(queue.get({ timeout: 0 })),
    thrown(() => queue.getSync({ timeout: 0 })),
  ];
}

describe.each([
  ['Queue', Queue],
  ['LifoQueue', LifoQueue],
  ['PriorityQueue', PriorityQueue],
] as const)('%s', (_, Class) => {
  test('refuses puts after shutdown, in every form, and gives what is left; then refuses gets', async () => {
    const queue = new Class<unknown>({ name: 'orders' });
    expect(queue.isShutDown).toBe(false);
    queue.tryPut('a');
    queue.tryPut('a');
    queue.shutdown();
    expect(queue.isShutDown).toBe(true);
    const error = (await failure(queue.put('b'))) as Error;
    expect(error).toBeInstanceOf(QueueShutDownError);
    expect(error).toBeInstanceOf(ShutDownError);
    expect(error).toBeInstanceOf(HeddleError);
    expect(error.message).toMatch(/^Cannot put into .*queue "orders": it was shut down$/);
    expect(thrown(() => queue.tryPut('b'))).toBeInstanceOf(QueueShutDownError);
    expect(queue.peek()).toEqual({ value: 'a' });
    expect(await queue.get()).toBe('a');
    expect(queue.getSync()).toBe('a');
    expect(queue.peek()).toBe(undefined);
    for (const refusal of await refusals(queue)) expect(refusal).toBeInstanceOf(QueueShutDownError);
    expect(queue.clear()).toBe(0);
    expect(queue.statistics()).toMatchObject({ size: 0, waiting: 0, unfinished: 2 });
    expect(traces(queue)).toEqual({ items: 0, parcels: 0, cells: 0 });
  });

  test('refuses who waits to put, at shutdown; what is in it stays', async () => {
    const queue = new Class<string>({ capacity: 1 });
    queue.tryPut('a');
    const puts = [queue.put('b'), queue.put('c')].map((put) => failure(put));
    const blocked = failure(pool.submit(queueJobs.putSync, queue, 'd'));
    while (queue.statistics().putters < 3) await turn();
    queue.shutdown();
    for (const refusal of await Promise.all([...puts, blocked]))
      expect(refusal).toBeInstanceOf(QueueShutDownError);
    expect(queue.statistics()).toMatchObject({ size: 1, unfinished: 1, waiting: 0 });
    expect(await queue.get()).toBe('a');
    expect(traces(queue)).toEqual({ items: 0, parcels: 0, cells: 0 });
  });

  test('refuses who waits to get, at shutdown: there is nothing for them', async () => {
    const queue = new Class<string>();
    const gets = [queue.get(), queue.get({ timeout: 10_000 })].map((get) => failure(get));
    const blocked = [pool.submit(queueJobs.getSync, queue), pool.submit(queueJobs.get, queue)].map((job) =>
      failure(job),
    );
    while (queue.statistics().getters < 4) await turn();
    queue.shutdown();
    for (const refusal of await Promise.all([...gets, ...blocked]))
      expect(refusal).toBeInstanceOf(QueueShutDownError);
    expect(queue.waiting).toBe(0);
  });

  test('drops what is in it, if it is shut down immediately, also from what is unfinished', async () => {
    const queue = new Class<string>({ capacity: 2 });
    queue.tryPut('a');
    queue.tryPut('b');
    const put = queue.put('c');
    const join = queue.join();
    expect(await queue.get()).toMatch(/a|b/);
    await turn();
    queue.shutdown({ immediate: true });
    expect(queue.statistics()).toMatchObject({ size: 0, bytes: 0, unfinished: 1 });
    for (const refusal of await refusals(queue)) expect(refusal).toBeInstanceOf(QueueShutDownError);
    expect(await settled(join)).toBe(false);
    queue.taskDone();
    await join;
    // It had come in when there was room.
    await put;
  });

  test('may be shut down again, also immediately then', async () => {
    const queue = new Class<string>();
    queue.tryPut('a');
    queue.tryPut('b');
    queue.shutdown();
    queue.shutdown();
    expect(queue.size).toBe(2);
    queue.shutdown({ immediate: true });
    expect(queue.size).toBe(0);
    // It does not come back to life.
    queue.shutdown();
    for (const refusal of await refusals(queue)) expect(refusal).toBeInstanceOf(QueueShutDownError);
    queue.shutdown({ immediate: true });
    await queue.join();
  });

  test('lets who joins through, when it is shut down immediately and nothing had been taken', async () => {
    const queue = new Class<string>();
    queue.tryPut('a');
    const joins = [queue.join(), queue.join()];
    const blocked = pool.submit(queueJobs.joinSync, queue);
    while (queue.statistics().joiners < 3) await turn();
    queue.shutdown();
    expect(await settled(joins[0]!)).toBe(false);
    queue.shutdown({ immediate: true });
    await Promise.all([...joins, blocked]);
  });

  test('can be joined after shutdown, when what was left is done', async () => {
    const queue = new Class<string>();
    queue.tryPut('a');
    queue.shutdown();
    const join = queue.join();
    await queue.get();
    expect(await settled(join)).toBe(false);
    queue.taskDone();
    await join;
    await queue.join();
  });

  test('gives its item to a getter that was woken before it was shut down immediately', async () => {
    const queue = new Class<string>();
    const get = queue.get();
    queue.tryPut('a');
    queue.shutdown({ immediate: true });
    expect(await get).toBe('a');
    expect(queue.statistics()).toMatchObject({ size: 0, unfinished: 1 });
  });
});

describe('an error of one’s own', () => {
  test('is thrown in every form, with message, fields and cause', async () => {
    const queue = new Queue<unknown>();
    const cause = new RangeError('too high');
    queue.shutdown({ error: new StoreError('closed', 7, { cause }) });
    for (const refusal of await refusals(queue)) {
      expect(refusal).toMatchObject({ message: 'closed', shelf: 7, name: 'StoreError' });
      expect((refusal as Error).cause).toBeInstanceOf(RangeError);
    }
  });

  test('comes to who waits, and who comes, in whichever thread', async () => {
    const queue = new Queue<unknown>();
    const full = new Queue<unknown>({ capacity: 1 });
    full.tryPut(1);
    const job = pool.submit(queueJobs.refusal, queue);
    const waiting = [queue.get(), full.put(2)].map((wait) => failure(wait));
    while (queue.statistics().getters < 2) await turn();
    const error = new StoreError('closed', 7, { cause: new Error('fire') });
    queue.shutdown({ error });
    full.shutdown({ error });
    const expected = { name: 'StoreError', message: 'closed', shelf: 7, cause: 'fire' };
    expect(await job).toMatchObject(expected);
    for (const got of await Promise.all(waiting))
      expect(got).toMatchObject({ ...expected, cause: { message: 'fire' } });
    expect(await pool.submit(queueJobs.refusal, queue)).toMatchObject(expected);
  });

  test('is of the class of a user that both threads have', async () => {
    const queue = new Queue<unknown>();
    const waits = pool.submit(queueJobs.refusal, queue);
    while (queue.statistics().getters < 1) await turn();
    await pool.submit(queueJobs.close, queue);
    expect(await waits).toMatchObject({ isStoreError: true, shelf: 7, cause: 'fire' });
    expect(await pool.submit(queueJobs.refusal, queue)).toMatchObject({ isStoreError: true });
  });

  test('is the first that was given', async () => {
    const queue = new Queue<unknown>();
    queue.tryPut(1);
    queue.shutdown({ error: new StoreError('first', 1) });
    queue.shutdown({ immediate: true, error: new StoreError('second', 2) });
    queue.shutdown();
    expect(await failure(queue.get())).toMatchObject({ message: 'first' });
    expect(traces(queue)).toMatchObject({ items: 1 });
  });

  test('may be anything that can be sent, but for undefined, which is none', async () => {
    for (const error of [null, 0, 'text', { reason: 1 }]) {
      const queue = new Queue<unknown>();
      queue.shutdown({ error });
      expect(await failure(queue.get())).toEqual(error);
      expect(thrown(() => queue.tryPut(1))).toEqual(error);
    }
    const queue = new Queue<unknown>();
    queue.shutdown({ error: undefined });
    expect(await failure(queue.get())).toBeInstanceOf(QueueShutDownError);
  });

  test('may have shared objects in it: each who gets it has handles of the same', async () => {
    const queue = new Queue<unknown>();
    const lock = new Lock();
    queue.shutdown({ error: Object.assign(new Error('locked'), { lock }) });
    const guard = lock.acquireSync();
    for (let n = 0; n < 2; n++) {
      const { lock: received } = (await failure(queue.get())) as { lock: Lock };
      expect(received.locked).toBe(true);
      expect(received.tryAcquire()).toBe(undefined);
    }
    guard.release();
  });

  test('that cannot be sent is refused, and the queue goes on', async () => {
    const queue = new Queue<unknown>();
    const error = { field: Symbol('s') };
    expect(thrown(() => queue.shutdown({ error, immediate: true }))).toBeInstanceOf(SendError);
    expect(queue.isShutDown).toBe(false);
    await queue.put(1);
    expect(await queue.get()).toBe(1);
  });
});

test('shut down is so for everybody', async () => {
  const queue = new Queue<number>();
  queue.shutdown();
  expect(await pool.submit(queueJobs.isRefused, queue)).toEqual([true, true]);
});
