/**
 * How many uses each SharedArrayBuffer has that lies with the custodians (`custody.ts`), in words at the end of the
 * region: a slot of two words for each. Threads count; custodians look here which buffers they may let go.
 *
 * ```text
 * slot     ID    truth: whose it is; 0 for nobody's, CLAIMED while it is being filled in
 *          USES  truth: the lower 20 bits are the number of uses, those above are of the id
 * ```
 *
 * An id is never given out twice (2³¹ - 1 of them, then they begin anew), and the slot is the remainder of the id. So a
 * thread that comes late with the id of a buffer which is gone finds another number in the slot, or other bits above
 * the uses, and changes nothing. 0 uses: the buffer is gone, whatever `ID` says; whoever took the last one clears it.
 *
 * **Death of a thread.** Between its claim and its release a use stays for ever, and so does the buffer: a leak of that
 * one. No buffer is lost.
 */
import { Atomics } from '#atomics';
import { HeddleError } from '../core/errors.ts';

/** How many buffers may be shared in this way at a time. */
const SLOTS = 65_536;

const NEXT = 0;
/** Raised by each buffer that is gone: custodians listen at it. */
export const FREED = 1;
/** 1 if a thread other than the root has shared a buffer. */
export const KEPT = 2;
/** 1 when the root's custodian hears everybody. */
export const CUSTODIAN = 3;
/** The token of the thread whose custodian stands in for that of the root, while it starts; its negative from then on. */
export const REGENT = 4;
/** Numbers the places for answers. */
export const ANSWERS = 5;
const FIRST_SLOT = 16;
const SLOT_WORDS = 2;

export const BUFFER_WORDS: number = FIRST_SLOT + SLOTS * SLOT_WORDS;

const CLAIMED = -1;
const LARGEST_ID = 2 ** 31 - 1;
const USES_BITS = 20;
const MOST_USES = 2 ** USES_BITS - 1;
/** One bit less than there is room for: the word stays positive. */
const MARK = 2 ** (31 - USES_BITS) - 1;

function slotOf(id: number): number {
  return FIRST_SLOT + (id % SLOTS) * SLOT_WORDS;
}

/** The uses of a buffer; 0 if the word belongs to another. */
function usesIn(word: number, id: number): number {
  return word >>> USES_BITS === markOf(id) ? word & MOST_USES : 0;
}

function markOf(id: number): number {
  return Math.floor(id / SLOTS) & MARK;
}

/** A new id with one use. @throws HeddleError if there are too many. */
export function claimBuffer(words: Int32Array): number {
  for (let tries = 0; tries < SLOTS; tries++) {
    const id = (Atomics.add(words, NEXT, 1) & LARGEST_ID) + 1;
    // 2³¹ is no int32.
    if (id > LARGEST_ID) continue;
    const slot = slotOf(id);
    if (Atomics.compareExchange(words, slot, 0, CLAIMED) !== 0) continue;
    Atomics.store(words, slot + 1, markOf(id) * (MOST_USES + 1) + 1);
    Atomics.store(words, slot, id);
    return id;
  }
  throw new HeddleError(
    `Cannot share a SharedArrayBuffer: ${SLOTS} are on their way already; take items with buffers out of their queues`,
  );
}

/** Whether the buffer has uses. */
export function isBufferUsed(words: Int32Array, id: number): boolean {
  const slot = slotOf(id);
  return Atomics.load(words, slot) === id && usesIn(Atomics.load(words, slot + 1), id) > 0;
}

/** One more use; false if it has none any more, and is gone. */
export function retainBuffer(words: Int32Array, id: number): boolean {
  const slot = slotOf(id);
  if (Atomics.load(words, slot) !== id) return false;
  for (;;) {
    const before = Atomics.load(words, slot + 1);
    const uses = usesIn(before, id);
    if (uses === 0) return false;
    if (uses === MOST_USES)
      throw new HeddleError(`Cannot share a SharedArrayBuffer: it is on its way ${MOST_USES} times already`);
    if (Atomics.compareExchange(words, slot + 1, before, before + 1) === before) return true;
  }
}

/** One use less; after the last one custodians let the buffer go. False if there was none. */
export function releaseBufferUse(words: Int32Array, id: number): boolean {
  const slot = slotOf(id);
  if (Atomics.load(words, slot) !== id) return false;
  for (;;) {
    const before = Atomics.load(words, slot + 1);
    const uses = usesIn(before, id);
    if (uses === 0) return false;
    if (Atomics.compareExchange(words, slot + 1, before, before - 1) !== before) continue;
    if (uses > 1) return true;
    Atomics.compareExchange(words, slot, id, 0);
    Atomics.add(words, FREED, 1);
    Atomics.notify(words, FREED);
    return true;
  }
}
