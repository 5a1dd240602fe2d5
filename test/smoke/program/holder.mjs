/** A Worker that a user starts: takes the lock of the token it was given, and then does what it was told. */
import { workerData } from 'node:worker_threads';
import { fromToken } from 'heddle';

const { token, word, then } = workerData;
const lock = fromToken(token);
lock.acquireSync();
Atomics.store(word, 0, 1);
Atomics.notify(word, 0);
if (then === 'exit') {
  Atomics.wait(word, 1, 0, 300);
  process.exit(4);
} else if (then === 'throw') {
  Atomics.wait(word, 1, 0, 300);
  throw new Error('as told');
} else Atomics.wait(word, 1, 0);
