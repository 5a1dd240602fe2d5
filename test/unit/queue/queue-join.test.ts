import { afterAll, describe, expect, test } from 'vitest';
import { InvalidStateError, OwnerDiedError } from '../../../src/core/errors.ts';
import { ThreadPoolExecutor } from '../../../src/executor/thread-pool-executor.ts';
import { LifoQueue } from '../../../src/queue/lifo-queue.ts';
import { PriorityQueue } from '../../../src/queue/priority-queue.ts';
import { Queue } from '../../../src/queue/queue.ts';
import { failure, thrown, turn } from '../../fixtures/awaiting.ts';
import { raised, sharedFlag } from '../../fixtures/jobs.ts';
import { queueJobs } from '../../fixtures/queue-jobs.ts';

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

describe.each([
  ['Queue', Queue],
  ['LifoQueue', LifoQueue],
  ['PriorityQueue', PriorityQueue],
] as const)('%s', (_, Class) => {
  test('join() resolves at once if nothing was put, and else when all that was put is done', async () => {
    const queue = new Class<number>();
    await queue.join();
    queue.joinSync();
    queue.tryPut(1);
    queue.tryPut(2);
    const join = queue.join();
    await queue.get();
    await queue.get();
    expect(await settled(join)).toBe(false);
    queue.taskDone();
    expect(await settled(join)).toBe(false);
    queue.taskDone();
    await join;
    queue.joinSync();
  });

  test('join() resolves if the count reached 0, even if a put follows at once', async () => {
    const queue = new Class<number>();
    queue.tryPut(1);
    const join = queue.join();
    queue.tryGet();
    queue.taskDone();
    queue.tryPut(2);
    const later = queue.join();
    await join;
    expect(await settled(later)).toBe(false);
    expect(queue.statistics()).toMatchObject({ unfinished: 1, joiners: 1 });
    queue.tryGet();
    queue.taskDone();
    await later;
  });

  test('many join, here and in threads, and all are let through', async () => {
    const queue = new Class<number>();
    queue.tryPut(1);
    const here = [queue.join(), queue.join(), queue.join({ timeout: 10_000 })];
    const there = [pool.submit(queueJobs.join, queue), pool.submit(queueJobs.joinSync, queue)];
    while (queue.statistics().joiners < 5) await turn();
    queue.tryGet();
    queue.taskDone();
    queue.tryPut(2);
    await Promise.all([...here, ...there]);
    expect(queue.statistics()).toMatchObject({ joiners: 0, unfinished: 1 });
  });

  test('an item that is put while one joins must be done too', async () => {
    const queue = new Class<number>();
    queue.tryPut(1);
    const join = queue.join();
    queue.tryPut(2);
    queue.tryGet();
    queue.taskDone();
    expect(await settled(join)).toBe(false);
    expect(queue.clear()).toBe(1);
    await join;
  });

  test('an item that waits to be put does not count before it is in', async () => {
    const queue = new Class<number>({ capacity: 1 });
    queue.tryPut(1);
    const put = queue.put(2);
    expect(queue.unfinished).toBe(1);
    await queue.get();
    await put;
    expect(queue.unfinished).toBe(2);
  });

  test('one taskDone() too many is an InvalidStateError, and nothing has changed', async () => {
    const queue = new Class<number>({ name: 'q' });
    expect(thrown(() => queue.taskDone())).toBeInstanceOf(InvalidStateError);
    queue.tryPut(1);
    // Not taken yet.
    expect(thrown(() => queue.taskDone())).toBeInstanceOf(InvalidStateError);
    await queue.get();
    queue.taskDone();
    const error = thrown(() => queue.taskDone()) as Error;
    expect(error).toBeInstanceOf(InvalidStateError);
    expect(error.message).toMatch(/^Cannot mark an item of .*queue "q" as done: this thread has taken none/);
    expect(queue.unfinished).toBe(0);
  });

  test('taskDone() belongs to the thread that took the item: elsewhere it is an InvalidStateError', async () => {
    const queue = new Class<number>();
    queue.tryPut(1);
    queue.tryPut(2);
    await queue.get();
    expect(await failure(pool.submit(queueJobs.done, queue))).toBeInstanceOf(InvalidStateError);
    const flag = sharedFlag(3);
    const worker = pool.submit(queueJobs.work, queue, flag);
    await raised(flag, 1);
    expect(queue.unfinished).toBe(2);
    queue.taskDone();
    // The other is the worker's.
    expect(thrown(() => queue.taskDone())).toBeInstanceOf(InvalidStateError);
    const join = queue.join();
    Atomics.store(flag, 0, 1);
    Atomics.notify(flag, 0);
    await Promise.all([join, worker]);
  });

  test('what a thread took and did not mark counts as done when it gives up its last handle, and join() is told', async () => {
    const queue = new Class<number>();
    for (const n of [1, 2, 3]) queue.tryPut(n);
    const join = queue.join();
    await pool.submit(queueJobs.takeAndDispose, queue, 2);
    expect(queue.unfinished).toBe(1);
    queue.tryGet();
    queue.taskDone();
    const error = (await failure(join)) as Error;
    expect(error).toBeInstanceOf(OwnerDiedError);
    expect(error.message).toMatch(/gave up its last handle/);
    await queue.join();
  });

  test('taskDone() may be called for what was taken by any handle and form, in any task of the thread', async () => {
    const queue = new Class<unknown>();
    const carrier = new Queue<Queue<unknown>>();
    carrier.tryPut(queue);
    const other = await carrier.get();
    for (let n = 0; n < 6; n++) queue.tryPut(n);
    await queue.get();
    other.getSync();
    queue.tryGet();
    await other.getMany(2);
    for (const _ of queue.valuesSync()) break;
    for (let n = 0; n < 6; n++) await Promise.resolve().then(() => (n % 2 === 0 ? queue : other).taskDone());
    expect(thrown(() => other.taskDone())).toBeInstanceOf(InvalidStateError);
    await queue.join();
  });

  test('a waiter that got its item must mark it as well', async () => {
    const queue = new Class<number>();
    const get = queue.get();
    queue.tryPut(1);
    await get;
    const join = queue.join();
    expect(await settled(join)).toBe(false);
    queue.taskDone();
    await join;
  });
});

test('joinSync() blocks until other threads have done all', async () => {
  const queue = new Queue<number>();
  const flag = sharedFlag(3);
  queue.tryPut(1);
  const worker = pool.submit(queueJobs.work, queue, flag);
  await raised(flag, 1);
  setTimeout(() => {}, 0);
  Atomics.store(flag, 0, 1);
  Atomics.notify(flag, 0);
  queue.joinSync();
  expect(queue.unfinished).toBe(0);
  await worker;
});

describe('a handle', () => {
  test('that was given up has not taken along what its thread had taken: another one marks it as done', async () => {
    const queue = new Queue<number>();
    const carrier = new Queue<Queue<number>>();
    const copies = [];
    for (let n = 0; n < 2; n++) {
      carrier.tryPut(queue);
      copies.push(await carrier.get());
    }
    queue.tryPut(1);
    await copies[0]!.get();
    copies[0]![Symbol.dispose]();
    copies[1]!.taskDone();
    await queue.join();
  });
});
