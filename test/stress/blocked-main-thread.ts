/** Has the lock on which main blocks, and ends; or starts a thread that does, and terminates it. */
import { Worker, workerData } from 'node:worker_threads';
import { fromToken, type Lock, type Token } from '../../src/index.ts';

/** How the owner ends: before main blocks it is terminated, or while main is blocked, or it is `killed` by a third thread. */
export type Death = 'exit' | 'throw' | 'killed' | 'before' | 'memory' | 'end';

interface Data {
  readonly token: Token;
  readonly words: Int32Array;
  readonly way: Death | 'hold';
  readonly delay: number;
  readonly start: number;
}

const { token, words, way, delay, start } = workerData as Data;

function ends(): void {
  Atomics.store(words, 1, Date.now() - start);
}

if (way === 'killed') {
  const data = { ...(workerData as Data), way: 'hold' };
  const owner = new Worker(new URL(import.meta.url), { workerData: data });
  while (Atomics.load(words, 0) === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  await new Promise((resolve) => setTimeout(resolve, delay));
  ends();
  await owner.terminate();
  setInterval(() => {}, 1000);
} else {
  fromToken<Lock>(token).acquireSync();
  Atomics.store(words, 0, 1);
  if (way === 'hold' || way === 'before') setInterval(() => {}, 1000);
  else
    setTimeout(() => {
      ends();
      if (way === 'exit') process.exit(3);
      if (way === 'throw') throw new Error('planned');
      if (way === 'memory') {
        // Little by little: past its limit a thread has some megabytes until it is ended, and with these the process is.
        let kept: unknown;
        for (let n = 0; ; n++) {
          kept = { kept, n };
          ends();
        }
      }
    }, delay);
}
