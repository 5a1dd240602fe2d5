import { expect, test } from 'vitest';
import { Event, ThreadPoolExecutor } from '../../../src/index.ts';

test('a SharedArrayBuffer that only a queued job has is there when its turn comes', async () => {
  await using pool = new ThreadPoolExecutor({ threads: 1 });
  const go = new Event();
  const blocker = pool.submit((event: Event) => event.waitSync(), go);
  const queued = pool.submit((view: Int32Array) => view.length, new Int32Array(new SharedArrayBuffer(64)));
  for (let rounds = 0; rounds < 20; rounds++) {
    (globalThis as { gc?: () => void }).gc!();
    // What is told of the collected is told in a task of its own.
    await new Promise((resolve) => setImmediate(resolve));
  }
  go.set();
  await blocker;
  expect(await queued).toBe(16);
});
