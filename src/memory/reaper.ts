/**
 * What a dead thread left behind, found by looking at every block and mended.
 *
 * A thread announces nothing while it lives: its token stands in every word that matters (who owns a lock, who is in a
 * section, whose block this is). So the paths that are walked millions of times pay nothing, and a death costs a walk
 * over the blocks in use, some nanoseconds each.
 *
 * ```text
 * 1. The record's token is negated: from now on the thread is known to be dead. Who hands something to it afterwards
 *    sees that, and mends it by itself.
 * 2. Sections it was in are torn, and its nodes leave their lists: after this nobody can set a cell of it any more.
 * 3. What it held of objects, and items of queues that it had in hand, are taken back (`kinds.ts`). What its handles held is
 *    dropped, and parcels to the dead.
 * 4. Each object is asked to recover (`kinds.ts`): locks it owned go to the next, and so on.
 * 5. Every thread is asked to look at its waits: the dead one may have set some and not told.
 * 6. Unless some thread is just telling somebody (it may touch a cell of the dead one), its blocks are freed, and its
 *    record is anybody's. Else whoever was telling does all this again: it sees `UNREAPED`. So does who ends the last of the
 *    jobs that the dead one waited for: as long as one runs, the record stays as it is.
 * ```
 *
 * Each step looks at the state it finds and changes it by compare-and-swap, so it may be done by several threads at
 * once, be interrupted by the death of the reaper, and be done again. What a slow reaper meets may be mended, freed and
 * used anew by then: so it looks again in the section of the object whether the block is the dead one's still. A cell
 * has no section, and is not changed.
 */
import { Atomics } from '#atomics';
import { SHARED } from './blocks.ts';
import { dropParcel, dropRecord, freeLeftRecord, freeObject, HANDLE_WORDS } from './handles.ts';
import { type Heap, recordOf } from './heap.ts';
import { kindOf, POOL } from './kinds.ts';
import {
  CELL,
  FIRST_OBJECT_KIND,
  FIRST_RECORD,
  FIRST_TOKEN,
  GARBAGE,
  HANDLE,
  ITEM,
  ITEM_STATE,
  JOB,
  JOB_ENDER,
  JOB_OWNER,
  KIND,
  LIST_COUNT,
  LIST_HEAD,
  LIST_TAIL,
  MOST_THREADS,
  NEXT_TOKEN,
  NODE,
  NODE_LINKED,
  NODE_LIST,
  NODE_NEXT,
  NODE_PREVIOUS,
  OBJECT,
  PARCEL,
  PARCEL_FROM,
  PARCEL_TO,
  RECORD_TELLING,
  RECORD_THREAD_ID,
  RECORD_TOKEN,
  RECORD_WORDS,
  REFS,
  SECTION,
  TORN,
  UNREAPED,
} from './layout.ts';
import { enterSection } from './section.ts';

/** Wakes a thread, and makes it look at all its waits: what `park/` does. */
export type AskToLook = (words: Int32Array, token: number) => void;

/** The tokens of a thread that lives or is taken to, by the runtime's number of it. */
export function tokensOfThread(words: Int32Array, threadId: number): number[] {
  const found: number[] = [];
  for (const token of livingThreads(words))
    if (Atomics.load(words, recordOf(token) + RECORD_THREAD_ID) === threadId) found.push(token);
  return found;
}

/** A thread that holds nothing gives its token back. */
export function leave({ words, record, token }: Heap): void {
  Atomics.compareExchange(words, record + RECORD_TOKEN, token, 0);
}

/**
 * The threads with these tokens have ended, or are about to and use nothing shared any more. All that have must be given at
 * once: who mends what one has left waits for those that are not known to be dead, also for another token of the same thread.
 */
export function reap(heap: Heap, dead: readonly number[], askToLook: AskToLook): void {
  markDead(heap, dead);
  reapDead(heap, askToLook);
}

/** The same, and mends nothing of others: for a thread that knows only the kinds that it has used itself. */
export function reapOnly(heap: Heap, dead: readonly number[], askToLook: AskToLook): void {
  markDead(heap, dead);
  for (const token of dead) mend(heap, token, askToLook);
}

function markDead({ words }: Heap, dead: readonly number[]): void {
  for (const token of dead) Atomics.compareExchange(words, recordOf(token) + RECORD_TOKEN, token, -token);
}

/** Mends what all threads left that are known to be dead: an earlier reaper may not have finished. */
export function reapDead(heap: Heap, askToLook: AskToLook): void {
  for (const token of tokens(heap.words)) if (token < 0) mend(heap, -token, askToLook);
}

function mend(heap: Heap, dead: number, askToLook: AskToLook): void {
  const { words } = heap;
  tearSections(heap, dead);
  // First, while the objects are still held in which it waits.
  unlinkNodes(heap, dead);
  reclaimItems(heap, dead);
  reclaimJobs(heap, dead);
  dropRecords(heap, dead);
  recoverObjects(heap);
  for (const token of livingThreads(words)) askToLook(words, token);
  if (!nobodyIsTelling(words)) {
    // Whoever stops telling after this sees it; whoever stopped before is not seen telling.
    Atomics.store(words, UNREAPED, 1);
    if (!nobodyIsTelling(words)) return;
  }
  const isOver = buryJobs(heap, dead);
  heap.blocks.reap(dead);
  if (isOver) Atomics.compareExchange(words, recordOf(dead) + RECORD_TOKEN, -dead, 0);
}

/**
 * Parcels from a dead thread to this one whose message never arrived, by the runtime's numbers of both. To be called
 * after the last message.
 */
export function dropParcelsFrom(heap: Heap, dead: number, here: number): void {
  const { words, blocks } = heap;
  for (let block = blocks.nextUsed(0); block !== 0; block = blocks.nextUsed(block)) {
    if (words[block + KIND] !== PARCEL || words[block + PARCEL_FROM] !== dead) continue;
    const to = words[block + PARCEL_TO]!;
    if (Atomics.load(words, recordOf(to) + RECORD_THREAD_ID) === here) dropParcel(heap, block, to);
  }
}

/** What stands in the records: tokens of the living, negative ones of the dead. */
function tokens(words: Int32Array): number[] {
  const found: number[] = [];
  const used = Math.min(Atomics.load(words, NEXT_TOKEN), MOST_THREADS);
  for (let slot = 0; slot < used; slot++) {
    const token = Atomics.load(words, FIRST_RECORD + slot * RECORD_WORDS + RECORD_TOKEN);
    if (Math.abs(token) >= FIRST_TOKEN) found.push(token);
  }
  return found;
}

/** The tokens of threads that are not known to be dead. */
export function livingThreads(words: Int32Array): number[] {
  return tokens(words).filter((token) => token > 0);
}

export function nobodyIsTelling(words: Int32Array): boolean {
  for (const token of livingThreads(words))
    if (Atomics.load(words, recordOf(token) + RECORD_TELLING) !== 0) return false;
  return true;
}

function tearSections({ words, blocks }: Heap, dead: number): void {
  for (let block = blocks.nextUsed(0); block !== 0; block = blocks.nextUsed(block)) {
    if (words[block + KIND]! < FIRST_OBJECT_KIND) continue;
    const seen = Atomics.load(words, block + SECTION);
    if (Math.abs(seen) === dead) Atomics.compareExchange(words, block + SECTION, seen, TORN);
    // In any case: who died may have left it and not notified, or torn it.
    Atomics.notify(words, block + SECTION);
  }
}

function unlinkNodes(heap: Heap, dead: number): void {
  const { words, blocks } = heap;
  for (let block = blocks.nextUsed(0); block !== 0; block = blocks.nextUsed(block)) {
    const kind = words[block + KIND];
    if ((kind !== CELL && kind !== NODE) || blocks.stateOf(block) !== dead) continue;
    const object = Atomics.load(words, block + OBJECT);
    if (object !== 0) unlink(heap, block, object, dead);
  }
}

function reclaimItems(heap: Heap, dead: number): void {
  const { words, blocks } = heap;
  for (let block = blocks.nextUsed(0); block !== 0; block = blocks.nextUsed(block)) {
    if (words[block + KIND] !== ITEM || Atomics.load(words, block + ITEM_STATE) !== dead) continue;
    const object = Atomics.load(words, block + OBJECT);
    kindOf(words[object + KIND]!)?.reclaimItem?.(heap, object, block, dead);
  }
}

/** Jobs that the dead thread ran end; those that it waits for leave their queue, or are freed when they end. */
function reclaimJobs(heap: Heap, dead: number): void {
  const { words, blocks } = heap;
  for (let block = blocks.nextUsed(0); block !== 0; block = blocks.nextUsed(block)) {
    if (words[block + KIND] !== JOB || !concerns(heap, block, dead)) continue;
    kindOf(POOL)?.reclaimJob?.(heap, Atomics.load(words, block + OBJECT), block, dead);
  }
}

/** False if some have not ended: whoever ends them raises `UNREAPED`. */
function buryJobs(heap: Heap, dead: number): boolean {
  const { words, blocks } = heap;
  let done = true;
  for (let block = blocks.nextUsed(0); block !== 0; block = blocks.nextUsed(block)) {
    if (words[block + KIND] !== JOB || !concerns(heap, block, dead)) continue;
    if (kindOf(POOL)?.buryJob?.(heap, block, dead) === false) done = false;
  }
  return done;
}

/** Whether the thread was to end the job, or waited for it; or did so for another that had died. */
function concerns({ words, blocks }: Heap, job: number, thread: number): boolean {
  if (blocks.stateOf(job) !== SHARED) return false;
  if (Atomics.load(words, job + JOB_ENDER) === thread) return true;
  return Math.abs(Atomics.load(words, job + JOB_OWNER)) === thread;
}

function dropRecords(heap: Heap, dead: number): void {
  const { words, blocks } = heap;
  for (let block = blocks.nextUsed(0); block !== 0; block = blocks.nextUsed(block)) {
    const kind = words[block + KIND];
    const object = Atomics.load(words, block + OBJECT);
    if (kind !== HANDLE && kind !== PARCEL) continue;
    const state = blocks.stateOf(block);
    const to = words[block + PARCEL_TO]!;
    // To anybody who is dead: its sender may have died over seeing that. What is no token says that the block was freed.
    if (kind === PARCEL && state === SHARED && to >= FIRST_TOKEN && heap.isDead(to))
      dropParcel(heap, block, to);
    else if (kind === HANDLE && state === SHARED) freeLeftRecord(heap, block, object, dead);
    else if (state === dead && object !== 0) {
      kindOf(words[object + KIND]!)?.reclaim?.(heap, object, block, dead);
      dropRecord(heap, block, object, dead);
    }
  }
}

/**
 * As `WaitQueue.remove`, but of a cell that was set the object stays: it tells who was given what. Nothing if the block
 * is not the dead one's any more: another reaper was faster, and it may stand in the same list for somebody else.
 */
function unlink(heap: Heap, node: number, object: number, dead: number): void {
  const { words, token: me } = heap;
  if (Atomics.compareExchange(words, object + SECTION, 0, me) !== 0) enterSection(heap, object);
  if (words[node - 1] === dead && words[node + OBJECT] === object && words[node + NODE_LINKED] === 1) {
    const list = object + words[node + NODE_LIST]!;
    const next = words[node + NODE_NEXT]!;
    const previous = words[node + NODE_PREVIOUS]!;
    if (previous === 0) words[list + LIST_HEAD] = next;
    else words[previous + NODE_NEXT] = next;
    if (next === 0) words[list + LIST_TAIL] = previous;
    else words[next + NODE_PREVIOUS] = previous;
    words[list + LIST_COUNT]! -= 1;
    words[node + NODE_LINKED] = 0;
  }
  if (Atomics.compareExchange(words, object + SECTION, me, 0) !== me) {
    Atomics.compareExchange(words, object + SECTION, -me, 0);
    Atomics.notify(words, object + SECTION);
  }
}

/** Each object is held meanwhile: others may drop it, and its block must not become another under the one who mends. */
function recoverObjects(heap: Heap): void {
  const { words, blocks } = heap;
  const record = makeRecord(heap);
  for (let block = blocks.nextUsed(0); block !== 0; block = blocks.nextUsed(block)) {
    if (words[block + KIND]! < FIRST_OBJECT_KIND) continue;
    const refs = Atomics.load(words, block + REFS);
    if (refs === GARBAGE || (refs < 0 && heap.isDead(-refs))) freeObject(heap, block, refs);
    else if (refs > 0 && (record === 0 || holdObject(heap, record, block))) {
      kindOf(words[block + KIND]!)?.recover(heap, block);
      if (record !== 0) dropRecord(heap, record, block, heap.token);
    }
  }
  if (record !== 0) blocks.free(record);
}

/** A record to hold objects with; 0 if the region is full, which must not keep anybody from mending. */
function makeRecord({ words, blocks }: Heap): number {
  const record = blocks.allocate(HANDLE_WORDS) ?? 0;
  if (record !== 0) words[record + KIND] = HANDLE;
  return record;
}

/** Lets a record hold what was seen to be an object. False if nobody holds it any more. */
function holdObject(heap: Heap, record: number, object: number): boolean {
  const { words, token: me } = heap;
  let held = false;
  if (Atomics.compareExchange(words, object + SECTION, 0, me) !== 0) enterSection(heap, object);
  if (words[object + KIND]! >= FIRST_OBJECT_KIND && words[object + REFS]! > 0) {
    words[record + OBJECT] = object;
    words[object + REFS]! += 1;
    held = true;
  }
  if (Atomics.compareExchange(words, object + SECTION, me, 0) !== me) {
    Atomics.compareExchange(words, object + SECTION, -me, 0);
    Atomics.notify(words, object + SECTION);
  }
  return held;
}
