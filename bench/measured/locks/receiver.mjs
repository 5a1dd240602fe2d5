/** Takes locks that it is sent by the thousand, and gives them up again: at once, or by forgetting them. */
import { parentPort, workerData } from 'node:worker_threads';

const { restore, dispose, locked } = await import(`./peers/${workerData}.mjs`);
parentPort.on('message', ({ tokens, forget }) => {
  if (tokens === undefined) globalThis.gc?.();
  const locks = tokens?.map(restore) ?? [];
  let free = 0;
  for (const lock of locks) if (!locked(lock)) free++;
  if (!forget) for (const lock of locks) dispose(lock);
  parentPort.postMessage(free);
});
