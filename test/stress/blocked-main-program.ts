/**
 * The main thread blocks in `acquireSync()` on a lock whose owner ends meanwhile. Prints as JSON how long that took and
 * what main was told. `node blocked-main-program.ts <way>`
 */
import { Worker } from 'node:worker_threads';
import { Lock, OwnerDiedError, toToken } from '../../src/index.ts';
import type { Death } from './blocked-main-thread.ts';

const way = (process.argv[2] ?? 'exit') as Death;
/** The owner ends so long after it has the lock; main blocks at once, or after it was told to. */
const DELAY = 300;
const EXTENSION = /\.\w+$/.exec(import.meta.url)?.[0] ?? '.ts';

const lock = new Lock({ name: 'blocked main' });
// 0: whether the lock is had. 1: when the owner was about to end, in ms of `start`.
const words = new Int32Array(new SharedArrayBuffer(8));
const start = Date.now();
const data = { token: toToken(lock), words, way, delay: way === 'before' ? 0 : DELAY, start };
const url = new URL(`./blocked-main-thread${EXTENSION}`, import.meta.url);
const limits = way === 'memory' ? { resourceLimits: { maxOldGenerationSizeMb: 40 } } : {};
const ignore = (): void => {};

const killer = way === 'killed' ? new Worker(url, { workerData: data }) : undefined;
const owner = killer === undefined ? new Worker(url, { workerData: data, ...limits }) : undefined;
killer?.on('error', ignore);
owner?.on('error', ignore);
while (Atomics.load(words, 0) === 0) await new Promise((resolve) => setTimeout(resolve, 1));
if (way === 'before') {
  Atomics.store(words, 1, Date.now() - start);
  void owner!.terminate();
}

let outcome = 'acquired';
try {
  lock.acquireSync({ timeout: 10_000 }).release();
} catch (error) {
  outcome = (error as Error).name;
  if (error instanceof OwnerDiedError) (error.guard as Disposable)[Symbol.dispose]();
}
const ms = Date.now() - start - Atomics.load(words, 1);
const usable = lock.tryAcquire() !== undefined;
console.log(JSON.stringify({ way, outcome, ms, usable }));
process.exit(0);
