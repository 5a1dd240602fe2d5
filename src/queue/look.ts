/** A look at the first item of a queue, which stays where it is. */
import { Atomics } from '#atomics';
import {
  DATA,
  ITEM_BYTES,
  ITEM_HIGH,
  ITEM_LOW,
  ITEM_NEXT,
  ITEM_PARCELS,
  ITEM_TICKET,
  OBJECT,
  OBJECT_ID,
  PARCEL_NEXT,
  QUEUE_FIRST,
  QUEUE_RESERVED,
  QUEUE_SIZE,
  QUEUE_STATE,
  SECTION,
} from '../memory/layout.ts';
import { enterSection } from '../memory/section.ts';
import { CLEARED, PRIORITY } from './states.ts';
import type { Store } from './store.ts';

/** A copy of what is in an item, and the shared objects in it: address and id in turn. */
export interface Copy {
  readonly words: Int32Array;
  readonly inside: Int32Array;
}

/** A copy of the first item that a newcomer could take; `undefined` if there is none. */
export function copyFirst(store: Store): Copy | undefined {
  return copy(store, 0);
}

/** A copy of an item that the queue keeps. */
export function copyItem(store: Store, item: number): Copy {
  return copy(store, item)!;
}

function copy(store: Store, kept: number): Copy | undefined {
  let words = new Int32Array(64);
  let inside = new Int32Array(16);
  for (;;) {
    const [length, objects] = tryCopy(store, kept, words, inside);
    if (length === 0) return undefined;
    if (length <= words.length && 2 * objects <= inside.length)
      return { words: words.subarray(0, length), inside: inside.subarray(0, 2 * objects) };
    words = new Int32Array(2 * length);
    inside = new Int32Array(4 * objects);
  }
}

/** How many words there are, and how many objects; all were copied if there is room for them. */
function tryCopy(store: Store, kept: number, to: Int32Array, inside: Int32Array): readonly [number, number] {
  const { object, order } = store;
  const { heap } = store.parking;
  const { words, token: me } = heap;
  const room = to.length;
  const roomInside = inside.length;
  let length = 0;
  let objects = 0;
  if (Atomics.compareExchange(words, object + SECTION, 0, me) !== 0) enterSection(heap, object);
  const isFree =
    words[object + QUEUE_SIZE]! > words[object + QUEUE_RESERVED]! && words[object + QUEUE_STATE] !== CLEARED;
  if (kept !== 0 || isFree) {
    let item = kept !== 0 ? kept : words[object + QUEUE_FIRST]!;
    let other = order === PRIORITY && kept === 0 ? words[item + ITEM_NEXT]! : 0;
    while (other !== 0) {
      const high = words[item + ITEM_HIGH]! - words[other + ITEM_HIGH]!;
      const low = words[item + ITEM_LOW]! - words[other + ITEM_LOW]!;
      const ticket = (words[item + ITEM_TICKET]! - words[other + ITEM_TICKET]!) | 0;
      if (high !== 0 ? high > 0 : low !== 0 ? low > 0 : ticket > 0) item = other;
      other = words[other + ITEM_NEXT]!;
    }
    length = (words[item + ITEM_BYTES]! + 3) >> 2;
    const from = DATA + item + ((DATA + item) & 1);
    for (let index = 0; index < length && index < room; index++) to[index] = words[from + index]!;
    let parcel = words[item + ITEM_PARCELS]!;
    while (parcel !== 0) {
      if (2 * objects < roomInside) {
        const held = words[parcel + OBJECT]!;
        inside[2 * objects] = held;
        inside[2 * objects + 1] = words[held + OBJECT_ID]!;
      }
      objects++;
      parcel = words[parcel + PARCEL_NEXT]!;
    }
  }
  if (Atomics.compareExchange(words, object + SECTION, me, 0) !== me) {
    Atomics.compareExchange(words, object + SECTION, -me, 0);
    Atomics.notify(words, object + SECTION);
  }
  return [length, objects];
}
