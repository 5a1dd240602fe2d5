/**
 * An item of a queue as a block of shared memory. From the first moment to the last somebody has it: the thread in whose
 * hand it is, or the queue. So nothing of it is left over, wherever that thread dies.
 *
 * ```text
 * made       published while it is empty, and marked as an item after that: then its reaper finds it, and what was
 *            put into it so far
 * filled     parcels name the item, not a thread: they go with it
 * emptied    a parcel leaves the item in the step in which it becomes its thread's
 * freed      in hand to the end: it bears its thread's token until its block is free
 * ```
 */
import { Atomics } from '#atomics';
import { mayUseBuffers, releaseBuffersIn } from '../codec/item-buffers.ts';
import { dropParcel } from '../memory/handles.ts';
import type { Heap } from '../memory/heap.ts';
import {
  DATA,
  ITEM,
  ITEM_BYTES,
  ITEM_CHILD,
  ITEM_CLAIMED,
  ITEM_HIGH,
  ITEM_LOW,
  ITEM_NEXT,
  ITEM_PARCELS,
  ITEM_STATE,
  KIND,
  OBJECT,
  PARCEL_NEXT,
  PARCEL_TO,
} from '../memory/layout.ts';
import type { Parking } from '../park/parking.ts';
import { payloadOf } from './states.ts';

/** An empty item of the queue `object`, which this thread has in hand; `undefined` if the memory is full. */
export function makeItem(heap: Heap, object: number, bytes: number): number | undefined {
  const { words, blocks } = heap;
  // One word more: the payload begins at an even one.
  const item = blocks.allocate(DATA + 1 + ((bytes + 3) >> 2), false);
  if (item === undefined) return undefined;
  words[item + OBJECT] = object;
  words[item + ITEM_STATE] = heap.token;
  words[item + ITEM_CLAIMED] = 0;
  words[item + ITEM_NEXT] = 0;
  words[item + ITEM_CHILD] = 0;
  words[item + ITEM_BYTES] = bytes;
  words[item + ITEM_PARCELS] = 0;
  words[item + ITEM_HIGH] = 0;
  words[item + ITEM_LOW] = 0;
  // Nothing that would have to be released.
  words[payloadOf(item)] = 0;
  blocks.publish(item);
  // Only now: until it is published it is freed with its thread, and nobody may mend it beside that.
  words[item + KIND] = ITEM;
  return item;
}

/** Takes out the shared objects in an item: this thread has a handle of each, in the order of the parcels. */
export function unpackParcels({ heap, handles }: Parking, item: number): number[] {
  const { words, token: me } = heap;
  const objects: number[] = [];
  let parcel = words[item + ITEM_PARCELS]!;
  // From here on it cannot go back into the queue.
  if (parcel !== 0) words[item + ITEM_CLAIMED] = 2;
  while (parcel !== 0) {
    const next = words[parcel + PARCEL_NEXT]!;
    Atomics.store(words, parcel + PARCEL_TO, me);
    words[item + ITEM_PARCELS] = next;
    objects.push(handles.unpack(parcel));
    parcel = next;
  }
  return objects;
}

/** Frees an item that this thread has in hand, and what is in it. */
export function dropItem(heap: Heap, item: number): void {
  const { words, blocks, token: me } = heap;
  const payload = payloadOf(item);
  let parcel = words[item + ITEM_PARCELS]!;
  // From here on it cannot go back into the queue.
  if (parcel !== 0 || mayUseBuffers(words, payload)) words[item + ITEM_CLAIMED] = 2;
  while (parcel !== 0) {
    const next = words[parcel + PARCEL_NEXT]!;
    Atomics.store(words, parcel + PARCEL_TO, me);
    words[item + ITEM_PARCELS] = next;
    dropParcel(heap, parcel, me);
    parcel = next;
  }
  if (mayUseBuffers(words, payload)) releaseBuffersIn(words, payload);
  blocks.free(item);
}
