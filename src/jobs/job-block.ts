/**
 * A job as a block of shared memory. From the first moment to the last somebody answers for it, so nothing of it is left
 * over, wherever a thread dies:
 *
 * ```text
 * made       its owner's alone; published once it names its owner, who answers for it from then on
 * runs       who runs it takes the arguments out, and puts the result in their place, or into a block that belongs to it
 * ended      the owner frees it; if that is dead, who mends
 * ```
 *
 * Who mends stands in for the dead by a compare-and-swap from their token: as owner in `JOB_OWNER`, as the one to end the job in
 * `JOB_ENDER`. So one does, and if that dies, the next.
 */
import { Atomics } from '#atomics';
import { mayUseBuffers, releaseBuffersIn } from '../codec/item-buffers.ts';
import { SHARED } from '../memory/blocks.ts';
import { dropParcel } from '../memory/handles.ts';
import type { Heap } from '../memory/heap.ts';
import {
  CELL_ASYNC,
  CELL_NEWS,
  CELL_STATE,
  JOB,
  JOB_BEGAN,
  JOB_BYTES,
  JOB_CANCEL,
  JOB_DATA,
  JOB_ENDER,
  JOB_FLAGS,
  JOB_FUNCTION,
  JOB_FUTURE,
  JOB_HIGH,
  JOB_HOME,
  JOB_INTENT,
  JOB_LOW,
  JOB_OUTCOME,
  JOB_OWNER,
  JOB_PARCELS,
  JOB_PARTS,
  JOB_RAN,
  JOB_RESULT,
  JOB_STATE,
  KIND,
  NODE_SETTER,
  OBJECT,
  PARCEL_NEXT,
  PARCEL_TO,
  UNREAPED,
  WAITING,
} from '../memory/layout.ts';
import { wakeThread } from '../park/mailbox.ts';
import type { Parking } from '../park/parking.ts';
import { MADE, NO_REASON } from './states.ts';

/** Where the values of a job begin: an even word. */
export function payloadOf(job: number): number {
  return job + JOB_DATA + ((job + JOB_DATA) & 1);
}

/** Of the blocks that belong to a job: the next of them, the length of what is in them in bytes, and where that begins. */
export const PART_NEXT = 4;
export const PART_BYTES = 5;
const PART_DATA = 15;
/** Of the block of a function: how long it took lately, in microseconds; 0 if it has not been run. Many write it, and none minds. */
export const FUNCTION_TIME = 6;

export function partPayloadOf(part: number): number {
  return part + PART_DATA + ((part + PART_DATA) & 1);
}

const double: Float64Array = new Float64Array(1);
const halves: Int32Array = new Int32Array(double.buffer);
const PRIORITY_0_LOW: number = -(2 ** 31);

/** Says how urgent a job is, before it is put: lower is first. The order of doubles is that of their bits as integers. */
export function setPriority(words: Int32Array, job: number, priority: number): void {
  double[0] = priority + 0;
  const high = halves[1]!;
  const low = halves[0]!;
  // For negative ones it is the other way round.
  words[job + JOB_HIGH] = high < 0 ? high ^ 0x7fffffff : high;
  words[job + JOB_LOW] = (high < 0 ? ~low : low) ^ 0x80000000;
}

/** A job of the pool `object` that this thread waits for; `undefined` if the memory is full. */
export function makeJob(heap: Heap, object: number, bytes: number, flags: number): number | undefined {
  const { words, blocks, token } = heap;
  const job = blocks.allocate(JOB_DATA + 1 + ((bytes + 3) >> 2), false);
  if (job === undefined) return undefined;
  words[job + OBJECT] = object;
  words[job + JOB_STATE] = MADE;
  words[job + NODE_SETTER] = 0;
  words[job + JOB_ENDER] = 0;
  words[job + CELL_ASYNC] = 1;
  words[job + CELL_NEWS] = 0;
  words[job + JOB_OWNER] = token;
  words[job + JOB_PARCELS] = 0;
  words[job + JOB_OUTCOME] = 0;
  words[job + JOB_FUNCTION] = 0;
  words[job + JOB_HOME] = 0;
  words[job + JOB_HIGH] = 0;
  words[job + JOB_LOW] = PRIORITY_0_LOW;
  words[job + JOB_CANCEL] = 0;
  words[job + JOB_BYTES] = bytes;
  words[job + JOB_FLAGS] = flags;
  words[job + JOB_BEGAN] = 0;
  words[job + JOB_RAN] = 0;
  words[job + JOB_RESULT] = 0;
  words[job + JOB_PARTS] = 0;
  words[job + JOB_INTENT] = 0;
  words[job + JOB_FUTURE] = 0;
  // Nothing that would have to be released.
  words[payloadOf(job)] = 0;
  words[job + CELL_STATE] = WAITING;
  blocks.publish(job);
  // Only now: until it is published it is freed with its thread, and nobody may mend it beside that.
  words[job + KIND] = JOB;
  return job;
}

/** A block that belongs to a job, for a value of so many bytes; it is this thread's until `blocks.publish(part, job)`. */
export function makePart(heap: Heap, bytes: number): number | undefined {
  const { words, blocks } = heap;
  const part = blocks.allocate(PART_DATA + 1 + ((bytes + 3) >> 2), false);
  if (part === undefined) return undefined;
  words[part + OBJECT] = 0;
  words[part + PART_NEXT] = 0;
  words[part + PART_BYTES] = bytes;
  return part;
}

/** Hangs outcomes on a job that this thread runs. Its owner looks at them when the job has ended, in whatever way. */
export function addPart({ words, blocks }: Heap, job: number, part: number): void {
  words[part + PART_NEXT] = words[job + JOB_PARTS]!;
  // Should this thread die before it is in the list, it is found here.
  words[job + JOB_INTENT] = part;
  blocks.publish(part, job);
  Atomics.store(words, job + JOB_PARTS, part);
}

/** Takes out the shared objects in a job: this thread has a handle of each, in the order of the parcels. */
export function unpackParcels({ heap, handles }: Parking, job: number): number[] {
  const { words, token: me } = heap;
  const objects: number[] = [];
  let parcel = words[job + JOB_PARCELS]!;
  while (parcel !== 0) {
    const next = words[parcel + PARCEL_NEXT]!;
    Atomics.store(words, parcel + PARCEL_TO, me);
    words[job + JOB_PARCELS] = next;
    objects.push(handles.unpack(parcel));
    parcel = next;
  }
  return objects;
}

/**
 * Ends a job that this thread runs, or whose runner it mends. Its outcome stands in it. Gives false if another does: who took
 * this thread for dead.
 */
export function complete(parking: Parking, job: number, outcome: number): boolean {
  const { words, token: me } = parking.heap;
  if (words[job + JOB_ENDER] !== me) return false;
  words[job + JOB_OUTCOME] = outcome;
  words[job + NODE_SETTER] = me;
  parking.beginTelling();
  try {
    if (Atomics.compareExchange(words, job + CELL_STATE, WAITING, job) !== WAITING) return false;
    tellOwner(parking, job);
    return true;
  } finally {
    parking.endTelling();
  }
}

/** Tells the owner of a job that has ended. While telling: until that is over nobody frees it who mends. */
function tellOwner(parking: Parking, job: number): void {
  const { heap } = parking;
  const { words } = heap;
  const owner = Atomics.load(words, job + JOB_OWNER);
  if (heap.isDead(owner)) {
    // Who mended that left this job alone, for it ran: now it can be freed.
    Atomics.store(words, UNREAPED, 1);
    return;
  }
  // Before it is told: from then on the job is its owner's.
  const sleeps = Atomics.load(words, job + CELL_ASYNC) === 0;
  parking.tell(job, owner, true);
  if (sleeps) wakeThread(words, owner);
}

/** Drops the shared objects in a job: of arguments that nobody opens, or a result that nobody wants. */
export function dropParcels(heap: Heap, job: number): void {
  const { words, token: me } = heap;
  let parcel = words[job + JOB_PARCELS]!;
  while (parcel !== 0) {
    const next = words[parcel + PARCEL_NEXT]!;
    Atomics.store(words, parcel + PARCEL_TO, me);
    words[job + JOB_PARCELS] = next;
    dropParcel(heap, parcel, me);
    parcel = next;
  }
}

/**
 * Frees a job, and what is in it: its owner does when it has ended, or is not queued; or who stands in for one. If it dies over
 * that, the next goes on where it was.
 */
export function freeJob(heap: Heap, job: number): void {
  const { words, blocks } = heap;
  dropParcels(heap, job);
  const intent = words[job + JOB_INTENT]!;
  if (intent !== 0 && intent !== words[job + JOB_PARTS]) freePart(heap, intent, job);
  for (let part = words[job + JOB_PARTS]!; part !== 0; part = words[job + JOB_PARTS]!) {
    // As when it was put into the list: it is found here once it is not there.
    words[job + JOB_INTENT] = part;
    Atomics.store(words, job + JOB_PARTS, words[part + PART_NEXT]!);
    freePart(heap, part, job);
  }
  const result = words[job + JOB_RESULT]!;
  if (result !== 0) freePart(heap, result, job);
  else releaseBuffers(heap, payloadOf(job));
  const reason = words[job + JOB_CANCEL]!;
  if (reason > NO_REASON) freePart(heap, reason, job);
  blocks.free(job);
}

/** Frees a block that belongs to a job. Nothing if it does not belong to it: who made it died, or it was freed. */
function freePart(heap: Heap, part: number, job: number): void {
  if (heap.blocks.stateOf(part) !== SHARED - job) return;
  releaseBuffers(heap, partPayloadOf(part));
  heap.blocks.free(part, job);
}

function releaseBuffers({ words }: Heap, payload: number): void {
  if (mayUseBuffers(words, payload)) releaseBuffersIn(words, payload);
}
