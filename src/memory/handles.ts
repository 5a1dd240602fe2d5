/**
 * Who holds a shared object: each thread by one record however many handles its code has, each message by a parcel.
 *
 * The records are the truth, the object's `REFS` counts them: both change in one section, by plain stores. When the
 * last one goes, the object is freed by whoever took it, claiming it by compare-and-swap.
 *
 * | word `REFS`  | means                                   | leaves it by                                                |
 * | ------------ | --------------------------------------- | ----------------------------------------------------------- |
 * | above 0      | so many records hold the object         | in its section: one more, one less; the last → `GARBAGE`     |
 * | `GARBAGE`    | nobody holds it                         | compare-and-swap to the negative token of who frees it        |
 * | `-t`         | thread `t` frees it                     | with the block; or the reaper of `t` → its own negative token |
 *
 * - **Sending.** The sender makes a parcel, which holds the object while the message is on its way. The receiver lets
 *   its own record hold the object and takes the parcel away, in one section. So the object cannot be freed between.
 * - **Death.** The records of a thread are blocks that bear its token: the reaper drops what they hold. A parcel
 *   outlives its sender, whose messages may still arrive, and goes with its receiver.
 * - **Cost.** Entering the heap, and the first handle of a thread: a block and a section. Further ones: a look into a
 *   map.
 */
import { Atomics } from '#atomics';
import { SHARED } from './blocks.ts';
import type { Heap } from './heap.ts';
import { kindOf } from './kinds.ts';
import {
  DATA,
  GARBAGE,
  HANDLE,
  HELD,
  ITEM_PARCELS,
  KIND,
  NAME,
  NAME_LENGTH,
  NAME_SHIFT,
  OBJECT,
  OBJECT_ID,
  OWN_TAKES,
  PARCEL,
  PARCEL_FROM,
  PARCEL_NEXT,
  PARCEL_TO,
  RECORD_THREAD_ID,
  REFS,
  SECTION,
} from './layout.ts';
import { enterSection } from './section.ts';

export const HANDLE_WORDS: number = OWN_TAKES + 1;
const PARCEL_WORDS = 13;

interface Held {
  readonly record: number;
  handles: number;
}

/** The handles of one thread. */
export class Handles {
  readonly #heap: Heap;
  readonly #held = new Map<number, Held>();

  constructor(heap: Heap) {
    this.#heap = heap;
  }

  /**
   * A new object, of which this thread has one handle. `prepare` fills its words; `more` of them stand from `DATA` on.
   */
  create(
    kind: number,
    name: string | undefined,
    prepare: (object: number) => void,
    more: number = 0,
  ): number {
    const { words, blocks } = this.#heap;
    const length = name?.length ?? 0;
    const object = this.#heap.allocate(DATA + more + length);
    words[object + NAME] = length + (more << NAME_SHIFT);
    for (let index = 0; index < length; index++)
      words[object + DATA + more + index] = name!.charCodeAt(index);
    const record = this.#newRecord();
    words[object + OBJECT_ID] = this.#heap.nextId();
    words[object + REFS] = 1;
    prepare(object);
    words[object + KIND] = kind;
    words[record + OBJECT] = object;
    blocks.publish(object);
    this.#held.set(object, { record, handles: 1 });
    return object;
  }

  /** The record by which this thread holds an object that it has a handle of. */
  recordOf(object: number): number {
    return this.#held.get(object)!.record;
  }

  /** Whether this thread has a handle of the object. */
  has(object: number): boolean {
    return this.#held.has(object);
  }

  /** One more handle in this thread, of an object that it holds already. */
  retain(object: number): void {
    this.#held.get(object)!.handles++;
  }

  /** One handle less. The last one drops what this thread holds. */
  drop(object: number): void {
    const held = this.#held.get(object);
    if (held === undefined || --held.handles > 0) return;
    this.#held.delete(object);
    this.#giveBack(object, held.record);
    dropRecord(this.#heap, held.record, object, this.#heap.token);
    this.#heap.blocks.free(held.record);
  }

  /** What the thread holds of an object that it gives up, it cannot give back any more: as if it had died. */
  #giveBack(object: number, record: number): void {
    const { words, token } = this.#heap;
    if (words[record + HELD] === 0) return;
    const kind = kindOf(words[object + KIND]!);
    kind?.reclaim?.(this.#heap, object, record, token);
    kind?.recover(this.#heap, object);
  }

  /** A parcel that holds the object for a message to the thread with the token `to`. This thread must hold it too. */
  pack(object: number, to: number): number {
    const { words, record, blocks } = this.#heap;
    const parcel = this.#heap.allocate(PARCEL_WORDS);
    words[parcel + PARCEL_FROM] = words[record + RECORD_THREAD_ID]!;
    words[parcel + PARCEL_TO] = to;
    words[parcel + KIND] = PARCEL;
    hold(this.#heap, parcel, object);
    blocks.publish(parcel);
    // Its reaper has left alone what was not published.
    if (this.#heap.isDead(to)) dropParcel(this.#heap, parcel, to);
    return parcel;
  }

  /**
   * A parcel in an item of a queue, or in a job, which this thread has in hand; to be unpacked by who takes it. The list of
   * parcels stands at `list`.
   */
  packInto(item: number, object: number, list: number = ITEM_PARCELS): void {
    const { words, blocks } = this.#heap;
    const parcel = this.#heap.allocate(PARCEL_WORDS);
    // No message carries it, and no thread is meant.
    words[parcel + PARCEL_FROM] = -1;
    words[parcel + PARCEL_TO] = item;
    words[parcel + PARCEL_NEXT] = words[item + list]!;
    words[parcel + KIND] = PARCEL;
    hold(this.#heap, parcel, object);
    blocks.publish(parcel);
    words[item + list] = parcel;
  }

  /**
   * A record by which another object holds this one, from its `publish` on; until then it is this thread's. To be dropped
   * by `dropHold`. This thread must hold the object too.
   */
  holdForObject(object: number): number {
    const record = this.#newRecord();
    hold(this.#heap, record, object);
    return record;
  }

  /** Takes a parcel away: this thread has one handle more of the object that was in it, which is returned. */
  unpack(parcel: number): number {
    const { words, token: me, blocks } = this.#heap;
    const object = Atomics.load(words, parcel + OBJECT);
    if (this.#held.has(object)) {
      this.retain(object);
      dropRecord(this.#heap, parcel, object, SHARED);
    } else {
      const record = this.#newRecord();
      this.#held.set(object, { record, handles: 1 });
      if (Atomics.compareExchange(words, object + SECTION, 0, me) !== 0) enterSection(this.#heap, object);
      words[record + OBJECT] = object;
      words[parcel + OBJECT] = 0;
      if (Atomics.compareExchange(words, object + SECTION, me, 0) !== me) {
        Atomics.compareExchange(words, object + SECTION, -me, 0);
        Atomics.notify(words, object + SECTION);
      }
    }
    blocks.free(parcel);
    return object;
  }

  /**
   * One handle more, of an object that this thread knows by its address and may not hold. False if it is not there any
   * more: what is there now has not the `expected` number in the word by which it is known.
   */
  open(object: number, word: number, expected: number): boolean {
    const { words, token: me, blocks } = this.#heap;
    if (!isAddress(words, object) || blocks.stateOf(object) !== SHARED || words[object + word] !== expected)
      return false;
    if (this.#held.has(object)) {
      this.retain(object);
      return true;
    }
    const record = this.#newRecord();
    if (Atomics.compareExchange(words, object + SECTION, 0, me) !== 0) enterSection(this.#heap, object);
    const there = words[object + word] === expected && words[object + REFS]! > 0;
    if (there) {
      words[record + OBJECT] = object;
      words[object + REFS]! += 1;
    }
    if (Atomics.compareExchange(words, object + SECTION, me, 0) !== me) {
      Atomics.compareExchange(words, object + SECTION, -me, 0);
      Atomics.notify(words, object + SECTION);
    }
    if (there) this.#held.set(object, { record, handles: 1 });
    else this.#heap.blocks.free(record);
    return there;
  }

  /**
   * Takes a parcel away without keeping what was in it: its message was not sent, or is not wanted. The sender says to
   * whom it was: if that thread has died, the parcel may be gone, and its block be another.
   */
  discard(parcel: number, to?: number): void {
    dropParcel(this.#heap, parcel, to ?? Atomics.load(this.#heap.words, parcel + PARCEL_TO));
  }

  #newRecord(): number {
    const record = this.#heap.allocate(HANDLE_WORDS);
    this.#heap.words[record + KIND] = HANDLE;
    return record;
  }
}

/** Whether a number from outside can be the address of a block. */
function isAddress(words: Int32Array, value: number): boolean {
  return Number.isInteger(value) && value > 0 && value < words.length - DATA;
}

/** Lets a record hold an object, which must be held by another meanwhile. */
function hold(heap: Heap, record: number, object: number): void {
  const { words, token: me } = heap;
  if (Atomics.compareExchange(words, object + SECTION, 0, me) !== 0) enterSection(heap, object);
  words[record + OBJECT] = object;
  words[object + REFS]! += 1;
  if (Atomics.compareExchange(words, object + SECTION, me, 0) !== me) {
    Atomics.compareExchange(words, object + SECTION, -me, 0);
    Atomics.notify(words, object + SECTION);
  }
}

/** Takes a parcel to the thread `to` away, if nobody else has. */
export function dropParcel(heap: Heap, parcel: number, to: number): void {
  const { words, token: me, blocks } = heap;
  if (to !== me && Atomics.compareExchange(words, parcel + PARCEL_TO, to, me) !== to) return;
  const object = Atomics.load(words, parcel + OBJECT);
  if (object !== 0) dropRecord(heap, parcel, object, SHARED);
  blocks.free(parcel);
}

/**
 * Lets a record hold its object no longer, if it still does, and frees the object if it was the last. Nothing if the
 * state of its block is not `state` any more: then it was dropped and freed by another, and may hold the same object for
 * somebody else.
 */
export function dropRecord(heap: Heap, record: number, object: number, state: number): void {
  const { words, token: me } = heap;
  if (Atomics.compareExchange(words, object + SECTION, 0, me) !== 0) enterSection(heap, object);
  if (words[record - 1] === state && words[record + OBJECT] === object) {
    words[record + OBJECT] = 0;
    const left = words[object + REFS]! - 1;
    words[object + REFS] = left === 0 ? GARBAGE : left;
  }
  if (Atomics.compareExchange(words, object + SECTION, me, 0) !== me) {
    Atomics.compareExchange(words, object + SECTION, -me, 0);
    Atomics.notify(words, object + SECTION);
  }
  if (Atomics.load(words, object + REFS) === GARBAGE) freeObject(heap, object, GARBAGE);
}

/**
 * Drops what the object `holder` holds by the record whose address stands in that `word` of it, when `holder` is being
 * freed. May be called again by the reaper of a thread that died here. A record that was not published goes with its thread.
 */
export function dropHold(heap: Heap, holder: number, word: number): void {
  const { words, blocks, token: me } = heap;
  const record = words[holder + word]!;
  if (record === 0 || blocks.stateOf(record) !== SHARED) return;
  const object = Atomics.load(words, record + OBJECT);
  if (object !== 0) dropRecord(heap, record, object, SHARED);
  // Before it is freed: then it may be somebody else's. Nobody knows it any more: whoever mends what this thread leaves sees
  // that it was to free it.
  words[holder + word] = 0;
  words[record + HELD] = me;
  blocks.free(record);
}

/** Frees a record that a dead thread was to free, if nobody else has; `object` is what stands in it. */
export function freeLeftRecord(heap: Heap, record: number, object: number, dead: number): void {
  const { words, blocks, token: me } = heap;
  if (object !== 0 || words[record + HELD] !== dead) return;
  if (Atomics.compareExchange(words, record + HELD, dead, me) === dead) blocks.free(record);
}

/** Frees an object that nobody holds: if its `REFS` are still `found`, which says who may. */
export function freeObject(heap: Heap, object: number, found: number): void {
  const { words, token: me, blocks } = heap;
  if (Atomics.compareExchange(words, object + REFS, found, -me) !== found) return;
  // If `found` was of a thread that had freed it before it died, this is a block that somebody has claimed and not
  // cleared yet. Once it is shared it has been.
  if (blocks.stateOf(object) !== SHARED || Atomics.load(words, object + REFS) !== -me) return;
  kindOf(words[object + KIND]!)?.free?.(heap, object);
  blocks.free(object);
}

/** The name that the object was made with. */
export function nameOf({ words }: Heap, object: number): string | undefined {
  const length = words[object + NAME]! & NAME_LENGTH;
  if (length === 0) return undefined;
  const start = object + DATA + (words[object + NAME]! >> NAME_SHIFT);
  return String.fromCharCode(...words.slice(start, start + length));
}
