/**
 * What a dead thread left in a pool.
 *
 * - **In the section**: the links are made anew from the jobs that are `QUEUED` (`relink`). The counts need no mending: they
 *   changed in one step with the state of a job.
 * - **Jobs that it ran** are ended as `DIED` by who mends (`reclaimJob`), as if that ran them.
 * - **Jobs that it waited for**, or had not put yet: leave the queue, and are freed once nobody can be about to touch them
 *   (`buryJob`); those that run are told to end, and freed when they have: so long the dead thread keeps its
 *   record.
 * - **Its slots** are free again (`reclaimSlots`), and somebody drains if there is anything (`recover`).
 */
import { Atomics } from '#atomics';
import { SHARED } from '../memory/blocks.ts';
import type { Heap } from '../memory/heap.ts';
import {
  BLOCKED,
  CELL_STATE,
  FIRST_TOKEN,
  FUNCTION,
  HANDLE,
  HELD,
  JOB,
  JOB_CANCEL,
  JOB_ENDER,
  JOB_HIGH,
  JOB_HOME,
  JOB_LOW,
  JOB_NEWER,
  JOB_NEXT,
  JOB_OLDER,
  JOB_OTHER_END,
  JOB_OWNER,
  JOB_PREVIOUS,
  JOB_RAN,
  JOB_STATE,
  JOB_TICKET,
  KIND,
  LIST_HEAD,
  LISTS,
  OBJECT,
  OWN_NEWEST,
  POOL_BLOCKED,
  POOL_DRAINING,
  POOL_FIRST,
  POOL_KEEPER,
  POOL_LAST,
  POOL_QUEUED,
  POOL_RUNNING,
  POOL_STATE,
  POOL_WAKING,
  RESERVED,
  SECTION,
  TORN,
  UNREAPED,
  WAITING,
} from '../memory/layout.ts';
import { nobodyIsTelling } from '../memory/reaper.ts';
import { enterSection, settleSection } from '../memory/section.ts';
import { callErrand } from '../park/mailbox.ts';
import { StackProbe } from '../platform/stack.ts';
import { complete, freeJob } from './job-block.ts';
import type { JobStore } from './job-store.ts';
import { DIED, MADE, NO_REASON, OPEN, QUEUED } from './states.ts';

const stack = new StackProbe();

/** For `Kind.rebuild`: makes the lists of jobs anew, in the section of the pool. */
export function relink(heap: Heap, object: number): void {
  const { words, blocks } = heap;
  const jobs: number[] = [];
  for (let block = blocks.nextUsed(0); block !== 0; block = blocks.nextUsed(block)) {
    if (words[block + OBJECT] !== object) continue;
    if (words[block + KIND] === HANDLE) words[block + OWN_NEWEST] = 0;
    else if (words[block + KIND] !== JOB) continue;
    else if (words[block + JOB_STATE] === QUEUED) jobs.push(block);
    else if (words[block + JOB_HOME] !== 0) {
      words[block + JOB_HOME] = 0;
      words[block + JOB_RAN] = 0;
    }
  }
  relinkOwn(words, jobs);
  jobs.sort((a, b) => {
    const high = words[a + JOB_HIGH]! - words[b + JOB_HIGH]!;
    if (high !== 0) return high;
    const low = words[a + JOB_LOW]! - words[b + JOB_LOW]!;
    // By difference: tickets may wrap around.
    return low !== 0 ? low : (words[a + JOB_TICKET]! - words[b + JOB_TICKET]!) | 0;
  });
  let first = 0;
  for (const [index, job] of jobs.entries()) {
    const previous = jobs[index - 1] ?? 0;
    words[job + JOB_PREVIOUS] = previous;
    words[job + JOB_NEXT] = jobs[index + 1] ?? 0;
    const begins =
      previous === 0 ||
      words[previous + JOB_HIGH] !== words[job + JOB_HIGH] ||
      words[previous + JOB_LOW] !== words[job + JOB_LOW];
    if (begins) first = job;
    words[job + JOB_OTHER_END] = first;
    words[first + JOB_OTHER_END] = job;
  }
  words[object + POOL_FIRST] = jobs[0] ?? 0;
  words[object + POOL_LAST] = jobs.at(-1) ?? 0;
}

function relinkOwn(words: Int32Array, jobs: readonly number[]): void {
  const own = jobs.filter((job) => words[job + JOB_HOME] !== 0);
  own.sort((a, b) => (words[a + JOB_TICKET]! - words[b + JOB_TICKET]!) | 0);
  for (const job of own) {
    const home = words[job + JOB_HOME]!;
    const older = words[home + OWN_NEWEST]!;
    words[job + JOB_OLDER] = older;
    words[job + JOB_NEWER] = 0;
    if (older !== 0) words[older + JOB_NEWER] = job;
    words[home + OWN_NEWEST] = job;
  }
}

/** For `Kind.reclaim`: the slots that the record of a dead thread held. */
export function reclaimSlots(heap: Heap, object: number, record: number, dead: number): void {
  const { words, token: me } = heap;
  if (Atomics.compareExchange(words, object + SECTION, 0, me) !== 0) enterSection(heap, object);
  if (words[record - 1] === dead && words[record + OBJECT] === object) {
    words[object + POOL_RUNNING]! -= words[record + HELD]!;
    words[object + POOL_DRAINING]! -= words[record + RESERVED]!;
    words[object + POOL_BLOCKED]! -= words[record + BLOCKED]!;
    // It may be the one that was woken.
    words[object + POOL_WAKING] = 0;
    words[record + HELD] = 0;
    words[record + RESERVED] = 0;
    words[record + BLOCKED] = 0;
  }
  if (Atomics.compareExchange(words, object + SECTION, me, 0) !== me) {
    Atomics.compareExchange(words, object + SECTION, -me, 0);
    Atomics.notify(words, object + SECTION);
  }
}

/** For `Kind.reclaimJob`. */
export function reclaimJob(store: JobStore, job: number, dead: number): void {
  const { parking } = store;
  const { words, token: me } = parking.heap;
  // If it has ended, that was told, or is found by who waits. What has not ended stays as it is while its runner is dead.
  const runs = Atomics.load(words, job + CELL_STATE) === WAITING;
  if (runs && Atomics.compareExchange(words, job + JOB_ENDER, dead, me) === dead)
    complete(parking, job, DIED);
  else if (Atomics.load(words, job + JOB_OWNER) === dead) abandon(store, job, dead);
}

/** The owner is dead: what is queued leaves the queue, and what runs is told to end. */
function abandon({ parking, object }: JobStore, job: number, dead: number): void {
  const { heap } = parking;
  const { words, token: me } = heap;
  // It may have died before the block with the reason belonged to the job.
  const reason = words[job + JOB_CANCEL]!;
  const told = reason > NO_REASON && heap.blocks.stateOf(reason) === SHARED - job ? reason : NO_REASON;
  let runner = 0;
  if (Atomics.compareExchange(words, object + SECTION, 0, me) !== 0) enterSection(heap, object);
  // Who mends too may have been faster, and this be another job by now.
  if (words[job + KIND] === JOB && words[job + OBJECT] === object && words[job + JOB_OWNER] === dead) {
    const state = words[job + JOB_STATE]!;
    if (state === QUEUED) {
      const next = words[job + JOB_NEXT]!;
      const previous = words[job + JOB_PREVIOUS]!;
      const end = words[job + JOB_OTHER_END]!;
      const high = words[job + JOB_HIGH]!;
      const low = words[job + JOB_LOW]!;
      const isFirst =
        previous === 0 || words[previous + JOB_HIGH] !== high || words[previous + JOB_LOW] !== low;
      const isLast = next === 0 || words[next + JOB_HIGH] !== high || words[next + JOB_LOW] !== low;
      words[job + JOB_STATE] = MADE;
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
    } else if (state >= FIRST_TOKEN) {
      runner = state;
      words[job + JOB_CANCEL] = told;
    }
  }
  if (Atomics.compareExchange(words, object + SECTION, me, 0) !== me) {
    Atomics.compareExchange(words, object + SECTION, -me, 0);
    Atomics.notify(words, object + SECTION);
  }
  if (runner !== 0) callErrand(words, runner);
  // One that is shut down ends when nothing is queued.
  else if (Atomics.load(words, object + POOL_STATE) !== OPEN) callErrand(words, words[object + POOL_KEEPER]!);
}

/** For `Kind.buryJob`: the owner is dead, and the job is in no queue. False if it runs, or whoever ended it is telling still. */
export function buryJob(heap: Heap, job: number, dead: number): boolean {
  const { words, token: me } = heap;
  const isMade = Atomics.load(words, job + JOB_STATE) === MADE;
  const hasEnded = isMade || Atomics.load(words, job + CELL_STATE) !== WAITING;
  const owner = Atomics.load(words, job + JOB_OWNER);
  // Who mends too may have been faster, and this be another job by now.
  if (Math.abs(owner) !== dead) return true;
  if (!hasEnded) return false;
  if (!isMade && !nobodyIsTelling(words)) {
    // As in the reaper.
    Atomics.store(words, UNREAPED, 1);
    if (!nobodyIsTelling(words)) return false;
  }
  if (Atomics.compareExchange(words, job + JOB_OWNER, owner, -me) === owner) freeJob(heap, job);
  return true;
}

/** For `Kind.recover`. */
export function recover(store: JobStore): void {
  const { parking, object } = store;
  const { words } = parking.heap;
  stack.probe();
  if (store.read(SECTION) === TORN) settleSection(parking.heap, object);
  const isDue = store.read(POOL_QUEUED) > 0 && store.read(POOL_DRAINING) === 0;
  if (isDue && Atomics.load(words, object + LISTS + LIST_HEAD) !== 0) store.wakeOne();
  store.serveRoom();
}

/** For `Kind.free`: nobody has the pool any more. Jobs that are left are of the dead, and are buried. */
export function freePool(heap: Heap, object: number): void {
  const { words, blocks } = heap;
  for (let block = blocks.nextUsed(0); block !== 0; block = blocks.nextUsed(block))
    if (words[block + OBJECT] === object && words[block + KIND] === FUNCTION) blocks.free(block);
}
