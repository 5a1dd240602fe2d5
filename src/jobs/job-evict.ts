/** Jobs that are queued and will not be run. */
import { Atomics } from '#atomics';
import {
  JOB_ENDER,
  JOB_NEXT,
  JOB_OTHER_END,
  JOB_PREVIOUS,
  JOB_STATE,
  POOL_FIRST,
  POOL_LAST,
  POOL_QUEUED,
  SECTION,
} from '../memory/layout.ts';
import { enterSection } from '../memory/section.ts';
import type { JobStore } from './job-store.ts';

/** Takes the first job out of the queue, for nobody to run it: whoever does this ends it. 0 if there is none. */
export function evict({ parking, object }: JobStore): number {
  const { heap } = parking;
  const { words, token: me } = heap;
  if (Atomics.compareExchange(words, object + SECTION, 0, me) !== 0) enterSection(heap, object);
  const job = words[object + POOL_FIRST]!;
  if (job !== 0) {
    const next = words[job + JOB_NEXT]!;
    const end = words[job + JOB_OTHER_END]!;
    words[job + JOB_STATE] = me;
    words[job + JOB_ENDER] = me;
    words[object + POOL_QUEUED]! -= 1;
    words[object + POOL_FIRST] = next;
    if (next === 0) words[object + POOL_LAST] = 0;
    else words[next + JOB_PREVIOUS] = 0;
    if (end !== job) {
      words[next + JOB_OTHER_END] = end;
      words[end + JOB_OTHER_END] = next;
    }
  }
  if (Atomics.compareExchange(words, object + SECTION, me, 0) !== me) {
    Atomics.compareExchange(words, object + SECTION, -me, 0);
    Atomics.notify(words, object + SECTION);
  }
  return job;
}
