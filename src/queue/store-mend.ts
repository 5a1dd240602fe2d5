/**
 * What a dead thread left in a queue.
 *
 * - **In the section**: the links are made anew from the items that are `QUEUED` (`relink`). The counts need no mending:
 *   they changed in one step with the state of the item.
 * - **An item it was putting** is dropped (`reclaimItem`): the call had not returned. If it stood in the line of putters, its
 *   cell has left that before; and if a getter had queued the item by then, it is in the queue.
 * - **An item it had taken** and not looked into goes back, to be taken first. One that it was decoding is lost.
 * - **Items reserved** for its waits are for others again; items that it had taken and not marked done count as done, of
 *   which a joiner hears (`reclaim`).
 */
import { Atomics } from '#atomics';
import { SHARED } from '../memory/blocks.ts';
import { type Heap, recordOf } from '../memory/heap.ts';
import {
  HELD,
  ITEM,
  ITEM_BYTES,
  ITEM_CHILD,
  ITEM_CLAIMED,
  ITEM_NEXT,
  ITEM_RECORD,
  ITEM_STATE,
  ITEM_TICKET,
  KIND,
  LIST_HEAD,
  OBJECT,
  QUEUE_BYTES,
  QUEUE_DIED,
  QUEUE_ERROR,
  QUEUE_FIRST,
  QUEUE_JOIN_UP_TO,
  QUEUE_JOINERS,
  QUEUE_JOINING,
  QUEUE_LAST,
  QUEUE_RESERVED,
  QUEUE_SIZE,
  QUEUE_STATE,
  QUEUE_TICKETS,
  QUEUE_UNFINISHED,
  QUEUE_UNHEARD,
  QUEUED,
  RECORD_THREAD_ID,
  RESERVED,
  SECTION,
  TICKETS,
  TORN,
} from '../memory/layout.ts';
import { enterSection, settleSection } from '../memory/section.ts';
import { StackProbe } from '../platform/stack.ts';
import { clear } from './clear.ts';
import { dropItem } from './item-block.ts';
import { CLEARED, DONE_BY_DEATH, FIFO, LIFO, type Order } from './states.ts';
import type { Store } from './store.ts';

const stack = new StackProbe();

/** For `Kind.rebuild`: makes the list of items anew, in the section of the queue. */
export function relink(heap: Heap, object: number, order: Order): void {
  const { words, blocks } = heap;
  const items: number[] = [];
  for (let block = blocks.nextUsed(0); block !== 0; block = blocks.nextUsed(block)) {
    if (words[block + KIND] !== ITEM || words[block + OBJECT] !== object) continue;
    if (Atomics.load(words, block + ITEM_STATE) === QUEUED) items.push(block);
  }
  // By difference: tickets may wrap around. A stack is the other way round; a heap has each item as a tree.
  const sign = order === LIFO ? -1 : 1;
  items.sort((a, b) => sign * ((words[a + ITEM_TICKET]! - words[b + ITEM_TICKET]!) | 0));
  for (const [index, item] of items.entries()) {
    words[item + ITEM_NEXT] = items[index + 1] ?? 0;
    words[item + ITEM_CHILD] = 0;
  }
  words[object + QUEUE_FIRST] = items[0] ?? 0;
  words[object + QUEUE_LAST] = order === FIFO ? (items.at(-1) ?? 0) : 0;
}

/** For `Kind.reclaim`: what the record of a dead thread held of the queue. */
export function reclaimHeld(heap: Heap, object: number, record: number, dead: number): void {
  const { words, token: me } = heap;
  const thread = Atomics.load(words, recordOf(dead) + RECORD_THREAD_ID);
  if (Atomics.compareExchange(words, object + SECTION, 0, me) !== 0) enterSection(heap, object);
  if (words[record - 1] === dead && words[record + OBJECT] === object) {
    const held = words[record + HELD]!;
    words[object + QUEUE_RESERVED]! -= words[record + RESERVED]!;
    words[object + QUEUE_UNFINISHED]! -= held;
    words[record + RESERVED] = 0;
    words[record + HELD] = 0;
    if (held > 0) {
      words[object + QUEUE_UNHEARD] = 1;
      words[object + QUEUE_DIED] = thread;
      if (words[object + QUEUE_UNFINISHED] === 0 && words[object + QUEUE_JOINERS + LIST_HEAD] !== 0) {
        words[object + QUEUE_JOIN_UP_TO] = words[object + TICKETS]!;
        words[object + QUEUE_JOINING] = DONE_BY_DEATH;
        words[object + QUEUE_UNHEARD] = 0;
      }
    }
  }
  if (Atomics.compareExchange(words, object + SECTION, me, 0) !== me) {
    Atomics.compareExchange(words, object + SECTION, -me, 0);
    Atomics.notify(words, object + SECTION);
  }
}

/** For `Kind.reclaimItem`: an item that a dead thread had in hand. */
export function reclaimItem(heap: Heap, object: number, item: number, dead: number, order: Order): void {
  const { words, token: me } = heap;
  let mine = false;
  // One that somebody has just claimed for something else may look like the item that it was.
  if (heap.blocks.stateOf(item) !== SHARED) return;
  if (Atomics.compareExchange(words, object + SECTION, 0, me) !== 0) enterSection(heap, object);
  if (words[item + ITEM_STATE] === dead && words[item + OBJECT] === object) {
    if (words[item + ITEM_CLAIMED] === 1) {
      words[item + ITEM_CLAIMED] = 0;
      words[item + ITEM_STATE] = QUEUED;
      words[item + ITEM_CHILD] = 0;
      words[object + QUEUE_SIZE]! += 1;
      words[object + QUEUE_BYTES]! += words[item + ITEM_BYTES]!;
      // Nobody holds it now: nothing of it is lost.
      const record = words[item + ITEM_RECORD]!;
      if (words[record - 1] === dead && words[record + OBJECT] === object) words[record + HELD]! -= 1;
      let before = 0;
      let next = words[object + QUEUE_FIRST]!;
      if (order === LIFO) {
        const ticket = (words[object + QUEUE_TICKETS]! + 1) | 0;
        words[object + QUEUE_TICKETS] = ticket;
        words[item + ITEM_TICKET] = ticket;
      } else if (order === FIFO) {
        // Behind those that went back already and were put before.
        while (next !== 0 && ((words[next + ITEM_TICKET]! - words[item + ITEM_TICKET]!) | 0) < 0) {
          before = next;
          next = words[next + ITEM_NEXT]!;
        }
        if (next === 0) words[object + QUEUE_LAST] = item;
      }
      words[item + ITEM_NEXT] = next;
      if (before === 0) words[object + QUEUE_FIRST] = item;
      else words[before + ITEM_NEXT] = item;
    } else {
      words[item + ITEM_STATE] = me;
      mine = true;
    }
  }
  if (Atomics.compareExchange(words, object + SECTION, me, 0) !== me) {
    Atomics.compareExchange(words, object + SECTION, -me, 0);
    Atomics.notify(words, object + SECTION);
  }
  if (mine) dropItem(heap, item);
}

/** For `Kind.recover`. Whoever shut it down for good may have died before everything was dropped. */
export function recover(store: Store): void {
  const { parking, object } = store;
  stack.probe();
  if (store.read(SECTION) === TORN) settleSection(parking.heap, object);
  if (store.read(QUEUE_STATE) === CLEARED) clear(store);
  store.serve();
}

/** For `Kind.free`: nobody has the queue any more. */
export function freeItems(store: Store): void {
  const { heap } = store.parking;
  if (store.read(SECTION) === TORN) settleSection(heap, store.object);
  clear(store);
  const error = store.read(QUEUE_ERROR);
  if (error === 0) return;
  // This thread's, before the queue forgets it: whoever goes on after its death finds it here or there, and frees it once.
  Atomics.store(heap.words, error + ITEM_STATE, heap.token);
  heap.words[store.object + QUEUE_ERROR] = 0;
  dropItem(heap, error);
}
