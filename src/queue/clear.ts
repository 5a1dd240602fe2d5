/** Dropping what is in a queue. */
import { Atomics } from '#atomics';
import {
  ITEM_BYTES,
  ITEM_CHILD,
  ITEM_HIGH,
  ITEM_LOW,
  ITEM_NEXT,
  ITEM_STATE,
  ITEM_TICKET,
  LIST_HEAD,
  QUEUE_BYTES,
  QUEUE_FIRST,
  QUEUE_JOIN_UP_TO,
  QUEUE_JOINERS,
  QUEUE_JOINING,
  QUEUE_LAST,
  QUEUE_RESERVED,
  QUEUE_SIZE,
  QUEUE_UNFINISHED,
  QUEUE_UNHEARD,
  SECTION,
  TICKETS,
} from '../memory/layout.ts';
import { enterSection } from '../memory/section.ts';
import { StackProbe } from '../platform/stack.ts';
import { dropItem } from './item-block.ts';
import { DONE, DONE_BY_DEATH, PRIORITY } from './states.ts';
import type { Store } from './store.ts';

const stack = new StackProbe();

/**
 * Drops the items that are in the queue now, but those that are kept for getters which were woken: the first ones. Gives
 * how many it dropped. Who waits to put comes in after it.
 */
export function clear(store: Store): number {
  const { heap } = store.parking;
  stack.probe();
  let item = takeAll(store);
  store.serve();
  let dropped = 0;
  while (item !== 0) {
    const next = heap.words[item + ITEM_NEXT]!;
    dropItem(heap, item);
    item = next;
    dropped++;
  }
  return dropped;
}

/** Takes them out, in one section: the first of a list of them, which this thread has in hand. */
function takeAll(store: Store): number {
  const { object, order } = store;
  const { heap } = store.parking;
  const { words, token: me } = heap;
  let taken = 0;
  if (Atomics.compareExchange(words, object + SECTION, 0, me) !== 0) enterSection(heap, object);
  if (order === PRIORITY) {
    // The trees become one list, so that nothing hangs on an item that goes.
    let tree = words[object + QUEUE_FIRST]!;
    while (tree !== 0) {
      let last = words[tree + ITEM_CHILD]!;
      if (last !== 0) {
        const children = last;
        while (words[last + ITEM_NEXT] !== 0) last = words[last + ITEM_NEXT]!;
        words[last + ITEM_NEXT] = words[tree + ITEM_NEXT]!;
        words[tree + ITEM_NEXT] = children;
        words[tree + ITEM_CHILD] = 0;
      }
      tree = words[tree + ITEM_NEXT]!;
    }
  }
  // Behind this one all go.
  let kept = 0;
  for (let left = words[object + QUEUE_RESERVED]!; left > 0; left--) {
    const from = kept === 0 ? words[object + QUEUE_FIRST]! : words[kept + ITEM_NEXT]!;
    let first = from;
    let before = kept;
    let last = from;
    let other = order === PRIORITY ? words[from + ITEM_NEXT]! : 0;
    while (other !== 0) {
      const high = words[first + ITEM_HIGH]! - words[other + ITEM_HIGH]!;
      const low = words[first + ITEM_LOW]! - words[other + ITEM_LOW]!;
      const ticket = (words[first + ITEM_TICKET]! - words[other + ITEM_TICKET]!) | 0;
      if (high !== 0 ? high > 0 : low !== 0 ? low > 0 : ticket > 0) {
        first = other;
        before = last;
      }
      last = other;
      other = words[other + ITEM_NEXT]!;
    }
    if (first !== from) {
      words[before + ITEM_NEXT] = words[first + ITEM_NEXT]!;
      words[first + ITEM_NEXT] = from;
      if (kept === 0) words[object + QUEUE_FIRST] = first;
      else words[kept + ITEM_NEXT] = first;
    }
    kept = first;
  }
  let item = kept === 0 ? words[object + QUEUE_FIRST]! : words[kept + ITEM_NEXT]!;
  while (item !== 0) {
    const next = words[item + ITEM_NEXT]!;
    words[item + ITEM_STATE] = me;
    words[object + QUEUE_SIZE]! -= 1;
    words[object + QUEUE_BYTES]! -= words[item + ITEM_BYTES]!;
    words[object + QUEUE_UNFINISHED]! -= 1;
    words[item + ITEM_NEXT] = taken;
    taken = item;
    item = next;
  }
  if (kept === 0) words[object + QUEUE_FIRST] = 0;
  else words[kept + ITEM_NEXT] = 0;
  words[object + QUEUE_LAST] = kept;
  if (
    taken !== 0 &&
    words[object + QUEUE_UNFINISHED] === 0 &&
    words[object + QUEUE_JOINERS + LIST_HEAD] !== 0
  ) {
    words[object + QUEUE_JOIN_UP_TO] = words[object + TICKETS]!;
    const isHeard = words[object + QUEUE_UNHEARD] === 0 && words[object + QUEUE_JOINING] !== DONE_BY_DEATH;
    words[object + QUEUE_JOINING] = isHeard ? DONE : DONE_BY_DEATH;
    words[object + QUEUE_UNHEARD] = 0;
  }
  if (Atomics.compareExchange(words, object + SECTION, me, 0) !== me) {
    Atomics.compareExchange(words, object + SECTION, -me, 0);
    Atomics.notify(words, object + SECTION);
  }
  return taken;
}
