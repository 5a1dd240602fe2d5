import { expect, test } from 'vitest';
import { ThreadPoolExecutor } from '../../../src/executor/thread-pool-executor.ts';
import { LifoQueue } from '../../../src/queue/lifo-queue.ts';
import { PriorityQueue } from '../../../src/queue/priority-queue.ts';
import { Queue } from '../../../src/queue/queue.ts';
import { Lock } from '../../../src/sync/lock.ts';
import { failure } from '../../fixtures/awaiting.ts';
import { queueJobs } from '../../fixtures/queue-jobs.ts';
import { enterMainLoop, nothingLeft, recordsInUse, usedBlocks } from '../../stress/heap-watch.ts';

test.each([
  ['Queue', Queue],
  ['LifoQueue', LifoQueue],
  ['PriorityQueue', PriorityQueue],
] as const)('the memory of the items of a %s comes back at once, however they leave', async (_, Class) => {
  const before = usedBlocks();
  {
    using inner = new Lock();
    using queue = new Class<unknown>({ capacity: 30 });
    const fill = (): void => {
      for (let n = 0; n < 10; n++) queue.tryPut({ n, inner, text: 'x'.repeat(n * 100) });
    };
    fill();
    for (const item of await queue.getMany(10)) (item as { inner: Lock }).inner[Symbol.dispose]();
    fill();
    (queue.peek()!.value as { inner: Lock }).inner[Symbol.dispose]();
    expect(queue.clear()).toBe(10);
    fill();
    queue.capacity = 1;
    expect(queue.tryPut({ inner })).toBe(false);
    await failure(queue.put({ inner }, { timeout: 1 }));
    const refused = [queue.put(inner), queue.put({ inner })].map((put) => failure(put));
    queue.shutdown({ error: Object.assign(new Error('kept'), { inner }) });
    queue.shutdown({ error: { inner } });
    for (const error of await Promise.all(refused)) (error as { inner: Lock }).inner[Symbol.dispose]();
    // Ten items are in it yet, and the error.
  }
  expect(usedBlocks()).toEqual(before);
});

test('the memory of a queue comes back with what is in it, when its thread has ended', async () => {
  enterMainLoop();
  const before = usedBlocks();
  const records = recordsInUse();
  const pool = new ThreadPoolExecutor({ threads: 1 });
  await pool.submit(queueJobs.makeAndForget);
  await pool.shutdown();
  pool[Symbol.dispose]();
  await nothingLeft(before, records);
});
