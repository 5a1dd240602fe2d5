/** What is done with all jobs of a pool, whichever thread waits for them. */
import { Atomics } from '#atomics';
import { complete } from '../jobs/job-block.ts';
import { evict } from '../jobs/job-removal.ts';
import type { JobStore } from '../jobs/job-store.ts';
import { EVICTED, KILL, NO_REASON } from '../jobs/states.ts';
import { FIRST_TOKEN, JOB, JOB_CANCEL, JOB_FLAGS, JOB_STATE, KIND, OBJECT } from '../memory/layout.ts';
import { callErrand } from '../park/mailbox.ts';

/** Ends all jobs that are queued. */
export function evictJobs(store: JobStore): void {
  for (let job = evict(store); job !== 0; job = evict(store)) complete(store.parking, job, EVICTED);
}

/** Cancels all jobs that run. */
export function cancelRunningJobs(store: JobStore): void {
  const { words } = store.parking.heap;
  for (const job of jobsIn(store)) {
    const token = Atomics.load(words, job + JOB_STATE);
    if (token < FIRST_TOKEN || Atomics.compareExchange(words, job + JOB_CANCEL, 0, NO_REASON) !== 0) continue;
    callErrand(words, token);
  }
}

/** Those that are to be ended by force, with their threads. */
export function jobsToKill(store: JobStore): number[] {
  const { words } = store.parking.heap;
  return jobsIn(store).filter((job) => (words[job + JOB_FLAGS]! & KILL) !== 0);
}

function jobsIn({ parking, object }: JobStore): number[] {
  const { words, blocks } = parking.heap;
  const found: number[] = [];
  for (let block = blocks.nextUsed(0); block !== 0; block = blocks.nextUsed(block))
    if (words[block + KIND] === JOB && words[block + OBJECT] === object) found.push(block);
  return found;
}
