/** The jobs that this thread has submitted and that have not ended. For tests. */
import { Atomics } from '#atomics';
import { IntMap } from '../core/int-map.ts';
import { FIRST_TOKEN, JOB_STATE } from '../memory/layout.ts';
import { ownParking } from '../park/own-parking.ts';
import { blockedAt } from './whereabouts.ts';

/** Jobs by their addresses. */
interface HasJobs {
  readonly jobs: IntMap<unknown>;
}

/** By a number of each. */
const working = new IntMap<HasJobs>();
let made = 0;

/** A number for who has jobs. */
export function workNumber(): number {
  return ++made;
}

/** It has jobs under way from now on, or has none any more. */
export function works(number: number, who: HasJobs | undefined): void {
  if (who === undefined) working.delete(number);
  else working.set(number, who);
}

/** How many jobs of this thread go on by themselves: those whose threads are blocked at a shared object do not. */
export function ownWork(): number {
  let count = 0;
  for (const { jobs } of working.values()) {
    const { heap } = ownParking();
    for (const job of jobs.keys()) {
      const token = Atomics.load(heap.words, job + JOB_STATE);
      if (token < FIRST_TOKEN || blockedAt(heap, token) === undefined) count++;
    }
  }
  return count;
}
