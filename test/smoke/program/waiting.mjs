/** A program whose main loop only waits for a lock that a thread has: it must stay up, and get it. */
import { Lock, ThreadPoolExecutor } from 'heddle';
import { takeAndExit } from './jobs.mjs';

const lock = new Lock();
const pool = new ThreadPoolExecutor({ threads: 1 });
const guard = await lock.acquire();
const job = pool.submit(takeAndExit, lock).catch((error) => error.name);
while (lock.statistics().waiting === 0) await new Promise((resolve) => setTimeout(resolve, 2));
const mine = lock.acquire();
guard.release();
const died = await mine.catch((error) => error);
died.guard.release();
console.log(died.name, await job);
