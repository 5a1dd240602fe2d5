/**
 * What a dead thread left in a pool.
 *
 * - **In the section**: the links are made anew from the jobs that are `QUEUED` (`relink`). The counts need no mending: they
 *   changed in one step with the state of a job.
 * - **Jobs that it ran** end as `DIED`, and who waits for them is told (`reclaimJob`).
 * - **Jobs that it waited for**, or had not put yet: leave the queue, and are freed once nobody can be about to touch them
 *   (`buryJob`); those that run are told to end, and freed by who runs them.
 * - **Its slots** are free again (`reclaimSlots`), and somebody drains if there is anything (`recover`).
 */
import { Atomics } from '#atomics';
import type { Heap } from '../memory/heap.ts';
import {
  BLOCKED,
  CELL_STATE,
  FUNCTION,
  HELD,
  JOB,
  JOB_CANCEL,
  JOB_HIGH,
  JOB_LOW,
  JOB_NEXT,
  JOB_OTHER_END,
  JOB_OUTCOME,
  JOB_OWNER,
  JOB_PREVIOUS,
  JOB_STATE,
  JOB_TICKET,
  KIND,
  LIST_HEAD,
  LISTS,
  NODE_SETTER,
  OBJECT,
  POOL_BLOCKED,
  POOL_DRAINING,
  POOL_FIRST,
  POOL_LAST,
  POOL_QUEUED,
  POOL_RUNNING,
  RESERVED,
  SECTION,
  TORN,
  WAITING,
} from '../memory/layout.ts';
import { enterSection, settleSection } from '../memory/section.ts';
import { callErrand } from '../park/mailbox.ts';
import { StackProbe } from '../platform/stack.ts';
import { freeEnded, freeJob, tellOwner } from './job-block.ts';
import type { JobStore } from './job-store.ts';
import { DIED, MADE, NO_REASON, QUEUED } from './states.ts';

const stack = new StackProbe();

/** For `Kind.rebuild`: makes the list of jobs anew, in the section of the pool. */
export function relink(heap: Heap, object: number): void {
  const { words, blocks } = heap;
  const jobs: number[] = [];
  for (let block = blocks.nextUsed(0); block !== 0; block = blocks.nextUsed(block)) {
    if (words[block + KIND] !== JOB || words[block + OBJECT] !== object) continue;
    if (words[block + JOB_STATE] === QUEUED) jobs.push(block);
  }
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

/** For `Kind.reclaim`: the slots that the record of a dead thread held. */
export function reclaimSlots(heap: Heap, object: number, record: number, dead: number): void {
  const { words, token: me } = heap;
  if (Atomics.compareExchange(words, object + SECTION, 0, me) !== 0) enterSection(heap, object);
  if (words[record - 1] === dead && words[record + OBJECT] === object) {
    words[object + POOL_RUNNING]! -= words[record + HELD]!;
    words[object + POOL_DRAINING]! -= words[record + RESERVED]!;
    words[object + POOL_BLOCKED]! -= words[record + BLOCKED]!;
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
  const { parking, object } = store;
  const { heap } = parking;
  const { words, token: me } = heap;
  let ended = false;
  let runner = 0;
  parking.beginTelling();
  try {
    if (Atomics.compareExchange(words, object + SECTION, 0, me) !== 0) enterSection(heap, object);
    if (words[job + KIND] === JOB && words[job + OBJECT] === object) {
      const state = words[job + JOB_STATE]!;
      if (state === dead) {
        if (Atomics.load(words, job + CELL_STATE) === WAITING) {
          words[job + JOB_OUTCOME] = DIED;
          words[job + NODE_SETTER] = me;
          ended = Atomics.compareExchange(words, job + CELL_STATE, WAITING, job) === WAITING;
        }
      } else if (state === QUEUED && words[job + JOB_OWNER] === dead) {
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
      } else if (state !== MADE && words[job + JOB_OWNER] === dead) {
        runner = state;
        words[job + JOB_CANCEL] = words[job + JOB_CANCEL] === 0 ? NO_REASON : words[job + JOB_CANCEL]!;
      }
    }
    if (Atomics.compareExchange(words, object + SECTION, me, 0) !== me) {
      Atomics.compareExchange(words, object + SECTION, -me, 0);
      Atomics.notify(words, object + SECTION);
    }
    if (ended) tellOwner(parking, job);
    if (runner !== 0) callErrand(words, runner);
  } finally {
    parking.endTelling();
  }
}

/** For `Kind.buryJob`: the owner is dead, and nobody is about to tell it anything. */
export function buryJob(heap: Heap, job: number, dead: number): void {
  const { words } = heap;
  if (Atomics.load(words, job + JOB_OWNER) !== dead) return;
  if (words[job + JOB_STATE] === MADE) {
    freeEnded(heap, job, WAITING);
    return;
  }
  // Who runs it looks at the owner once it has ended, and this looks whether it has, once that is gone.
  Atomics.compareExchange(words, job + JOB_OWNER, dead, 0);
  freeEnded(heap, job, job);
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

/** For `Kind.free`: nobody has the pool any more, so nobody waits for jobs of it either, or runs any. */
export function freePool(heap: Heap, object: number): void {
  const { words, blocks } = heap;
  for (let block = blocks.nextUsed(0); block !== 0; block = blocks.nextUsed(block)) {
    if (words[block + OBJECT] !== object) continue;
    if (words[block + KIND] === FUNCTION) blocks.free(block);
    else if (words[block + KIND] === JOB) freeJob(heap, block);
  }
}
