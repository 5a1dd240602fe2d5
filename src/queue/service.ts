/** Serving who waits for a queue: see `store.ts`. */
import { Atomics } from '#atomics';
import type { Heap } from '../memory/heap.ts';
import {
  CELL_ASYNC,
  CELL_STATE,
  ITEM_BYTES,
  ITEM_NEXT,
  ITEM_STATE,
  ITEM_TICKET,
  LIST_COUNT,
  LIST_HEAD,
  LIST_TAIL,
  LISTS,
  NODE_CELL,
  NODE_LINKED,
  NODE_NEXT,
  NODE_PREVIOUS,
  NODE_RECORD,
  NODE_SETTER,
  NODE_TICKET,
  NODE_VALUE,
  NODE_WANT,
  QUEUE_BYTES,
  QUEUE_CAPACITY,
  QUEUE_FIRST,
  QUEUE_JOIN_UP_TO,
  QUEUE_JOINERS,
  QUEUE_JOINING,
  QUEUE_LAST,
  QUEUE_MOST_BYTES,
  QUEUE_PUTTERS,
  QUEUE_RESERVED,
  QUEUE_SIZE,
  QUEUE_STATE,
  QUEUE_TICKETS,
  QUEUE_UNFINISHED,
  QUEUE_UNHEARD,
  QUEUED,
  RESERVED,
  SECTION,
  TICKETS,
  WAITING,
} from '../memory/layout.ts';
import { enterSection } from '../memory/section.ts';
import type { Parking } from '../park/parking.ts';
import { CLEARED, DONE, DONE_BY_DEATH, FIFO, MOST, OPEN, type Order, READY, REFUSED } from './states.ts';

export class Service {
  readonly #parking: Parking;
  readonly #object: number;
  readonly #order: Order;
  readonly #heap: Heap;
  readonly #words: Int32Array;
  /** Of the cell that was set last: the thread it belongs to, and whether that waits on its loop. */
  #owner = 0;
  #ownerIsAsync = false;

  constructor(parking: Parking, object: number, order: Order) {
    this.#parking = parking;
    this.#object = object;
    this.#order = order;
    this.#heap = parking.heap;
    this.#words = parking.heap.words;
  }

  /** Does for those who wait whatever is due. */
  serve(): void {
    const parking = this.#parking;
    parking.beginTelling();
    try {
      for (let cell = this.#step(); cell !== 0; cell = this.#step())
        if (cell > 0) parking.tell(cell, this.#owner, this.#ownerIsAsync);
    } finally {
      parking.endTelling();
    }
  }

  /** Sets the next cell for which something is due, and does it. 0 if there is none; -1 if its wait had been given up. */
  #step(): number {
    const words = this.#words;
    const object = this.#object;
    const order = this.#order;
    const me = this.#heap.token;
    let result = 0;
    if (Atomics.compareExchange(words, object + SECTION, 0, me) !== 0) enterSection(this.#heap, object);
    const shut = words[object + QUEUE_STATE] !== OPEN;
    const getter = words[object + LISTS + LIST_HEAD]!;
    const putter = words[object + QUEUE_PUTTERS + LIST_HEAD]!;
    const joiner = words[object + QUEUE_JOINERS + LIST_HEAD]!;
    const available =
      words[object + QUEUE_STATE] !== CLEARED &&
      words[object + QUEUE_SIZE]! > words[object + QUEUE_RESERVED]!;
    let list = 0;
    let node = 0;
    let value = READY;
    let item = 0;
    if (getter !== 0 && (available || shut)) {
      list = object + LISTS;
      node = getter;
      if (!available) value = REFUSED;
    } else if (putter !== 0) {
      item = words[putter + NODE_WANT]!;
      const room =
        words[object + QUEUE_SIZE]! < words[object + QUEUE_CAPACITY]! &&
        words[object + QUEUE_BYTES]! + words[item + ITEM_BYTES]! <= words[object + QUEUE_MOST_BYTES]!;
      if (shut || room) {
        list = object + QUEUE_PUTTERS;
        node = putter;
        if (shut) value = REFUSED;
      }
    }
    if (node === 0 && words[object + QUEUE_JOINING] !== 0) {
      // Those who were to be let through may have given up. By difference: tickets may wrap around.
      const isOver =
        joiner === 0 || ((words[joiner + NODE_TICKET]! - words[object + QUEUE_JOIN_UP_TO]!) | 0) > 0;
      if (isOver) {
        if (words[object + QUEUE_JOINING] === DONE_BY_DEATH) words[object + QUEUE_UNHEARD] = 1;
        words[object + QUEUE_JOINING] = 0;
      }
    }
    if (node === 0 && joiner !== 0) {
      if (words[object + QUEUE_UNFINISHED] === 0 && words[object + QUEUE_JOINING] === 0) {
        words[object + QUEUE_JOIN_UP_TO] = words[object + TICKETS]!;
        words[object + QUEUE_JOINING] = words[object + QUEUE_UNHEARD] === 1 ? DONE_BY_DEATH : DONE;
        words[object + QUEUE_UNHEARD] = 0;
      }
      value = words[object + QUEUE_JOINING]!;
      if (value !== 0) node = joiner;
      list = object + QUEUE_JOINERS;
    }
    if (node !== 0) {
      const next = words[node + NODE_NEXT]!;
      const cell = words[node + NODE_CELL]!;
      const record = words[node + NODE_RECORD]!;
      words[list + LIST_HEAD] = next;
      if (next === 0) words[list + LIST_TAIL] = 0;
      else words[next + NODE_PREVIOUS] = 0;
      words[list + LIST_COUNT]! -= 1;
      words[node + NODE_LINKED] = 0;
      words[node + NODE_VALUE] = value;
      words[node + NODE_SETTER] = me;
      // Read before it is set: from then on the cell is its waiter's.
      this.#owner = words[cell - 1]!;
      this.#ownerIsAsync = words[cell + CELL_ASYNC] === 1;
      result = -1;
      if (Atomics.compareExchange(words, cell + CELL_STATE, WAITING, node) === WAITING) {
        result = cell;
        if (value === READY && node === getter) {
          words[object + QUEUE_RESERVED]! += 1;
          words[record + RESERVED]! += 1;
        } else if (value === READY && node === putter) {
          const ticket = (words[object + QUEUE_TICKETS]! + 1) | 0;
          words[object + QUEUE_TICKETS] = ticket;
          words[item + ITEM_TICKET] = ticket;
          words[item + ITEM_STATE] = QUEUED;
          words[object + QUEUE_SIZE]! += 1;
          words[object + QUEUE_BYTES]! += words[item + ITEM_BYTES]!;
          if (words[object + QUEUE_UNFINISHED]! < MOST) words[object + QUEUE_UNFINISHED]! += 1;
          if (order === FIFO) {
            const last = words[object + QUEUE_LAST]!;
            words[item + ITEM_NEXT] = 0;
            if (last === 0) words[object + QUEUE_FIRST] = item;
            else words[last + ITEM_NEXT] = item;
            words[object + QUEUE_LAST] = item;
          } else {
            words[item + ITEM_NEXT] = words[object + QUEUE_FIRST]!;
            words[object + QUEUE_FIRST] = item;
          }
        } else if (node === joiner && value === DONE_BY_DEATH) {
          // Of a death one hears.
          words[object + QUEUE_JOINING] = DONE;
        }
      }
    }
    if (Atomics.compareExchange(words, object + SECTION, me, 0) !== me) {
      Atomics.compareExchange(words, object + SECTION, -me, 0);
      Atomics.notify(words, object + SECTION);
    }
    return result;
  }
}
