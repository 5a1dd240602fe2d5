import { afterAll, describe, expect, test } from 'vitest';
import { CancelledError, QueueShutDownError, TimeoutError } from '../../../src/core/errors.ts';
import { ThreadPoolExecutor } from '../../../src/executor/thread-pool-executor.ts';
import { LifoQueue } from '../../../src/queue/lifo-queue.ts';
import { PriorityQueue } from '../../../src/queue/priority-queue.ts';
import { Queue } from '../../../src/queue/queue.ts';
import { TaskGroup } from '../../../src/scope/task-group.ts';
import { failure, thrown, turn } from '../../fixtures/awaiting.ts';
import { queueJobs, StoreError } from '../../fixtures/queue-jobs.ts';

const pool = new ThreadPoolExecutor({ threads: 2 });
afterAll(() => pool.shutdown({ cancelPending: true, cancelRunning: true }));

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

function filled(...items: number[]): Queue<number> {
  const queue = new Queue<number>();
  for (const item of items) queue.tryPut(item);
  return queue;
}

test('iterating gives item after item, and ends when the queue is shut down and drained', async () => {
  const queue = filled(1, 2);
  const items = collect(queue);
  await turn();
  queue.tryPut(3);
  await turn();
  queue.tryPut(4);
  queue.shutdown();
  expect(await items).toEqual([1, 2, 3, 4]);
  expect(await collect(queue)).toEqual([]);
  expect([...queue.valuesSync()]).toEqual([]);
});

test('iterating ends at once when the queue is shut down immediately', async () => {
  const queue = new Queue<number>();
  const items = collect(queue);
  await turn();
  queue.shutdown({ immediate: true });
  expect(await items).toEqual([]);
  const full = filled(1, 2);
  full.shutdown({ immediate: true });
  expect(await collect(full)).toEqual([]);
});

test('iterating is in the order of the class', async () => {
  const stack = new LifoQueue<number>();
  const urgent = new PriorityQueue<number>();
  for (const n of [2, 3, 1]) {
    stack.tryPut(n);
    urgent.tryPut(n, { priority: n });
  }
  stack.shutdown();
  urgent.shutdown();
  expect(await collect(stack)).toEqual([1, 3, 2]);
  expect([...urgent.valuesSync()]).toEqual([1, 2, 3]);
});

test('blocking iteration gives the same', () => {
  const queue = filled(1, 2, 3);
  queue.shutdown();
  expect([...queue.valuesSync()]).toEqual([1, 2, 3]);
});

test('iterating throws the error of its own that the queue was shut down with, after what was left', async () => {
  const queue = filled(1, 2);
  queue.shutdown({ error: new StoreError('closed', 3) });
  const seen: number[] = [];
  expect(
    await failure(
      (async () => {
        for await (const item of queue) seen.push(item);
      })(),
    ),
  ).toMatchObject({ name: 'StoreError', shelf: 3 });
  expect(seen).toEqual([1, 2]);
  expect(thrown(() => [...queue.valuesSync()])).toMatchObject({ name: 'StoreError', shelf: 3 });
});

test('leaving the loop takes no further item, and nothing waits on', async () => {
  const queue = filled(1, 2, 3, 4);
  for await (const item of queue) if (item === 2) break;
  expect(queue.size).toBe(2);
  for (const item of queue.valuesSync()) if (item === 3) break;
  expect([queue.size, queue.waiting]).toEqual([1, 0]);
  await failure(
    (async () => {
      for await (const item of queue) throw new Error(`item ${item}`);
    })(),
  );
  queue.tryPut(5);
  expect([queue.size, queue.waiting]).toEqual([1, 0]);
  const values = queue.values();
  await values.return!();
  expect(await values.next()).toEqual({ value: undefined, done: true });
  const valuesSync = queue.valuesSync();
  valuesSync.return!();
  expect(valuesSync.next()).toEqual({ value: undefined, done: true });
  expect(queue.size).toBe(1);
});

test('iterating takes no item ahead of what was asked for', async () => {
  const queue = filled(1, 2, 3);
  const values = queue.values();
  expect(queue.size).toBe(3);
  expect(await values.next()).toEqual({ value: 1, done: false });
  expect(queue.size).toBe(2);
  const valuesSync = queue.valuesSync();
  expect(valuesSync.next()).toEqual({ value: 2, done: false });
  expect(queue.size).toBe(1);
});

test('iterating does not mark items as done', async () => {
  const queue = filled(1, 2);
  queue.shutdown();
  for await (const _ of queue);
  expect(queue.unfinished).toBe(2);
  queue.taskDone();
  queue.taskDone();
  await queue.join();
});

test('two iterations share the items: each comes to one of them', async () => {
  const queue = new Queue<number>();
  const both = [collect(queue), collect(queue.values())];
  for (let n = 0; n < 10; n++) {
    queue.tryPut(n);
    if (n % 3 === 0) await turn();
  }
  queue.shutdown();
  const [first, second] = await Promise.all(both);
  expect([...first!, ...second!].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(first!.length).toBeGreaterThan(0);
  expect(second!.length).toBeGreaterThan(0);
});

test('iterations in threads share the items too, blocking and awaiting', async () => {
  const queue = new Queue<number>({ capacity: 3 });
  const jobs = [pool.submit(queueJobs.drainSync, queue), pool.submit(queueJobs.drain, queue)];
  const here = collect(queue);
  const numbers = Array.from({ length: 300 }, (_, n) => n);
  await queue.putMany(numbers);
  queue.shutdown();
  const all = [...(await here), ...(await jobs[0]!), ...(await jobs[1]!)];
  expect(all.sort((a, b) => a - b)).toEqual(numbers);
});

test('values({ timeout }) is for each wait: it throws when one takes too long', async () => {
  const queue = filled(1);
  const seen: number[] = [];
  const error = await failure(
    (async () => {
      for await (const item of queue.values({ timeout: 30 })) {
        seen.push(item);
        if (item < 4)
          setTimeout(() => {
            queue.tryPut(item + 1);
          }, 15);
      }
    })(),
  );
  expect(error).toBeInstanceOf(TimeoutError);
  // Together they took longer than the time-out.
  expect(seen).toEqual([1, 2, 3, 4]);
  queue.tryPut(9);
  const valuesSync = queue.valuesSync({ timeout: 1 });
  expect(valuesSync.next().value).toBe(9);
  expect(thrown(() => valuesSync.next())).toBeInstanceOf(TimeoutError);
  expect(valuesSync.next()).toEqual({ value: undefined, done: true });
});

test('values({ signal }) throws the reason', async () => {
  const queue = filled(1);
  const controller = new AbortController();
  const items = failure(collect(queue.values({ signal: controller.signal })));
  await turn();
  controller.abort('enough');
  expect(await items).toBe('enough');
  expect(queue.waiting).toBe(0);
});

test('values({ signal }) throws the reason also if that is the shutdown of another queue', async () => {
  const queue = filled(1);
  const controller = new AbortController();
  const items = failure(collect(queue.values({ signal: controller.signal })));
  await turn();
  const reason = new QueueShutDownError('of another queue');
  controller.abort(reason);
  expect(await items).toBe(reason);
});

test('the cancellation of the task ends the loop', async () => {
  const queue = filled(1);
  let error: unknown;
  await TaskGroup.run((group) => {
    group.spawn(async () => {
      error = await failure(collect(queue));
    });
    setImmediate(() => group.cancel());
  });
  expect(error).toBeInstanceOf(CancelledError);
  expect(queue.statistics()).toMatchObject({ size: 0, waiting: 0 });
});

describe('an iterator', () => {
  test('that is asked several times at once gives items in order', async () => {
    const queue = filled(1, 2);
    const values = queue.values();
    const asked = [values.next(), values.next(), values.next()];
    await turn();
    queue.tryPut(3);
    expect((await Promise.all(asked)).map(({ value }) => value)).toEqual([1, 2, 3]);
  });

  test('is itself iterable, and goes on where it was left', async () => {
    const queue = filled(1, 2, 3);
    queue.shutdown();
    const values = queue.values();
    await values.next();
    expect(await collect(values)).toEqual([2, 3]);
  });
});
