/** Jobs that leave the queue otherwise than in their turn. */
import { Atomics } from '#atomics';
import {
  HELD,
  JOB_ENDER,
  JOB_FUTURE,
  JOB_HIGH,
  JOB_HOME,
  JOB_LOW,
  JOB_NEWER,
  JOB_NEXT,
  JOB_OLDER,
  JOB_OTHER_END,
  JOB_PREVIOUS,
  JOB_RAN,
  JOB_STATE,
  LIST_HEAD,
  OWN_NEWEST,
  POOL_FIRST,
  POOL_LAST,
  POOL_QUEUED,
  POOL_ROOM,
  POOL_RUNNING,
  SECTION,
  SETTLEMENT_JOB,
} from '../memory/layout.ts';
import { enterSection } from '../memory/section.ts';
import type { JobStore } from './job-store.ts';
import { MADE, QUEUED } from './states.ts';

/**
 * Takes that very job out of the queue, for this thread to run it: true; or to withdraw it. False if it is not queued. Who
 * did not submit it says what its `future` is in shared memory: then it may have ended, and be something else by now.
 */
export function removeJob(store: JobStore, job: number, runs: boolean, future: number = 0): boolean {
  const { object, record } = store;
  const { heap } = store.parking;
  const { words, token: me } = heap;
  if (Atomics.compareExchange(words, object + SECTION, 0, me) !== 0) enterSection(heap, object);
  const found =
    words[job + JOB_STATE] === QUEUED &&
    (future === 0 || (words[job + JOB_FUTURE] === future && words[future + SETTLEMENT_JOB] === job));
  if (found) {
    const next = words[job + JOB_NEXT]!;
    const previous = words[job + JOB_PREVIOUS]!;
    const end = words[job + JOB_OTHER_END]!;
    const high = words[job + JOB_HIGH]!;
    const low = words[job + JOB_LOW]!;
    const isFirst =
      previous === 0 || words[previous + JOB_HIGH] !== high || words[previous + JOB_LOW] !== low;
    const isLast = next === 0 || words[next + JOB_HIGH] !== high || words[next + JOB_LOW] !== low;
    words[job + JOB_STATE] = runs ? me : MADE;
    if (runs) {
      words[job + JOB_ENDER] = me;
      words[object + POOL_RUNNING]! += 1;
      words[record + HELD]! += 1;
    }
    words[object + POOL_QUEUED]! -= 1;
    if (previous === 0) words[object + POOL_FIRST] = next;
    else words[previous + JOB_NEXT] = next;
    if (next === 0) words[object + POOL_LAST] = previous;
    else words[next + JOB_PREVIOUS] = previous;
    if (isFirst !== isLast) {
      const heir = isFirst ? next : previous;
      words[heir + JOB_OTHER_END] = end;
      words[end + JOB_OTHER_END] = heir;
    }
    const home = words[job + JOB_HOME]!;
    if (home !== 0) {
      const newer = words[job + JOB_NEWER]!;
      const older = words[job + JOB_OLDER]!;
      if (newer === 0) words[home + OWN_NEWEST] = older;
      else words[newer + JOB_OLDER] = older;
      if (older !== 0) words[older + JOB_NEWER] = newer;
      words[job + JOB_HOME] = 0;
      words[job + JOB_RAN] = 0;
    }
  }
  const serves = found && words[object + POOL_ROOM + LIST_HEAD] !== 0;
  if (Atomics.compareExchange(words, object + SECTION, me, 0) !== me) {
    Atomics.compareExchange(words, object + SECTION, -me, 0);
    Atomics.notify(words, object + SECTION);
  }
  if (serves) store.serveRoom();
  return found;
}

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
    const home = words[job + JOB_HOME]!;
    if (home !== 0) {
      const newer = words[job + JOB_NEWER]!;
      const older = words[job + JOB_OLDER]!;
      if (newer === 0) words[home + OWN_NEWEST] = older;
      else words[newer + JOB_OLDER] = older;
      if (older !== 0) words[older + JOB_NEWER] = newer;
      words[job + JOB_HOME] = 0;
      words[job + JOB_RAN] = 0;
    }
  }
  if (Atomics.compareExchange(words, object + SECTION, me, 0) !== me) {
    Atomics.compareExchange(words, object + SECTION, -me, 0);
    Atomics.notify(words, object + SECTION);
  }
  return job;
}
