/**
 * piscina with the settings that were fastest for trivial tasks, of 1, 16, 64 and 1,024 tasks per thread, the three
 * kinds of `atomics` and both of its queues: as many tasks in a thread as are in flight, and `FixedQueue`, with which many
 * tasks may wait. `atomics` makes little difference then; threads that run async tasks need `'async'`.
 */
import { fileURLToPath } from 'node:url';
import { FixedQueue, Piscina } from 'piscina';

export async function open(threads) {
  return openWith(threads, 1024);
}

export async function openLoop(concurrency) {
  return openWith(1, concurrency);
}

function openWith(threads, concurrentTasksPerWorker) {
  const pool = new Piscina({
    filename: fileURLToPath(new URL('../workers/one-argument.mjs', import.meta.url)),
    minThreads: threads,
    maxThreads: threads,
    concurrentTasksPerWorker,
    atomics: 'async',
    taskQueue: new FixedQueue(),
  });
  return (name, args) => pool.run(args, { name });
}
