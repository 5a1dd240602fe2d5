/**
 * A gate in shared memory: closed while a count is above 0, and opened for all who wait when it becomes 0. Events and
 * latches are made of it.
 *
 * | word           | means                                                                                             |
 * | -------------- | ------------------------------------------------------------------------------------------------- |
 * | `GATE_COUNT`   | 0: open, whoever comes passes; above: closed                                                        |
 * | `GATE_LETTING` | 1 while somebody lets those through who were waiting when it opened                                  |
 * | `GATE_UP_TO`   | … the ticket of the last of them                                                                   |
 *
 * Everything changes in the section of the object (`memory/section.ts`), by plain stores that follow one atomic operation.
 *
 * **Open.** In one step the count becomes 0, and who waits by then is to be let through: nothing can undo that, also if
 * the gate is closed again at once. Then their cells are set, a batch in each section.
 *
 * **Wait.** An open gate is passed. Else: put a cell into the queue, then look again, for it may have been opened between.
 *
 * **Invariant.** Outside the section, either `GATE_LETTING` is 0 and the gate closed or its queue empty, or someone is
 * about to serve: an opener, or a waiter that has just come.
 *
 * **Death** of who opened it: whoever recovers goes on where it stopped.
 *
 * **Cost.** To let one through: a compare-and-swap, and what it takes to tell it.
 */
import { Atomics } from '#atomics';
import type { Heap } from '../memory/heap.ts';
import {
  CELL_ASYNC,
  CELL_STATE,
  GATE_COUNT,
  GATE_LETTING,
  GATE_UP_TO,
  LIST_COUNT,
  LIST_HEAD,
  LIST_TAIL,
  LISTS,
  NODE_CELL,
  NODE_LINKED,
  NODE_NEXT,
  NODE_PREVIOUS,
  NODE_SETTER,
  NODE_TICKET,
  SECTION,
  TICKETS,
  TORN,
  WAITING,
} from '../memory/layout.ts';
import { enterSection, settleSection } from '../memory/section.ts';
import { MOST_AT_ONCE, type Parking } from '../park/parking.ts';
import { WaitQueue } from '../park/wait-queue.ts';
import { StackProbe } from '../platform/stack.ts';

const stack = new StackProbe();

export class Gate {
  readonly parking: Parking;
  readonly object: number;
  readonly queue: WaitQueue;
  readonly #heap: Heap;
  readonly #words: Int32Array;

  constructor(parking: Parking, object: number) {
    this.parking = parking;
    this.object = object;
    this.queue = new WaitQueue(parking.heap, object, LISTS);
    this.#heap = parking.heap;
    this.#words = parking.heap.words;
  }

  /** How often it must be counted down until it opens; 0 if it is open. */
  count(): number {
    return Atomics.load(this.#words, this.object + GATE_COUNT);
  }

  /** Counts down by so many, not below 0; at 0 it opens. */
  countDown(by: number): void {
    this.#countDown(by, false);
  }

  // If somebody waits, the stack is probed before anything is changed: who opens the gate must let them through.
  #countDown(by: number, probed: boolean): void {
    const words = this.#words;
    const { object } = this;
    const me = this.#heap.token;
    if (Atomics.compareExchange(words, object + SECTION, 0, me) !== 0) enterSection(this.#heap, object);
    const before = words[object + GATE_COUNT]!;
    const after = before > by ? before - by : 0;
    const opens = before > 0 && after === 0 && words[object + LISTS + LIST_HEAD] !== 0;
    const unready = opens && !probed;
    if (!unready) {
      words[object + GATE_COUNT] = after;
      if (opens) {
        words[object + GATE_UP_TO] = words[object + TICKETS]!;
        words[object + GATE_LETTING] = 1;
      }
    }
    if (Atomics.compareExchange(words, object + SECTION, me, 0) !== me) {
      Atomics.compareExchange(words, object + SECTION, -me, 0);
      Atomics.notify(words, object + SECTION);
    }
    if (unready) {
      stack.probe();
      this.#countDown(by, true);
    } else if (opens) {
      this.#letThrough();
    }
  }

  /** Closes it, to be opened by one count. Who waited when it was opened passes all the same. */
  close(): void {
    const words = this.#words;
    const { object } = this;
    const me = this.#heap.token;
    if (Atomics.compareExchange(words, object + SECTION, 0, me) !== 0) enterSection(this.#heap, object);
    words[object + GATE_COUNT] = 1;
    if (Atomics.compareExchange(words, object + SECTION, me, 0) !== me) {
      Atomics.compareExchange(words, object + SECTION, -me, 0);
      Atomics.notify(words, object + SECTION);
    }
  }

  /** Puts a node into the queue. Whoever calls it has probed the stack. */
  line(node: number): void {
    this.queue.append(node);
    this.serve();
  }

  /**
   * Lets through whom an open gate keeps, for they came while it was opened, and whom a dead thread should have. The stack
   * has been probed, for nothing may fail here.
   */
  serve(): void {
    const words = this.#words;
    const { object } = this;
    const me = this.#heap.token;
    if (Atomics.load(words, object + GATE_COUNT) !== 0 && Atomics.load(words, object + GATE_LETTING) === 0)
      return;
    if (Atomics.compareExchange(words, object + SECTION, 0, me) !== 0) enterSection(this.#heap, object);
    if (words[object + GATE_COUNT] === 0) {
      words[object + GATE_UP_TO] = words[object + TICKETS]!;
      words[object + GATE_LETTING] = 1;
    }
    if (Atomics.compareExchange(words, object + SECTION, me, 0) !== me) {
      Atomics.compareExchange(words, object + SECTION, -me, 0);
      Atomics.notify(words, object + SECTION);
    }
    this.#letThrough();
  }

  #letThrough(): void {
    const { parking } = this;
    parking.beginTelling();
    try {
      for (let set = this.#setBatch(); set > 0; set = this.#setBatch()) parking.tellAll(set);
    } finally {
      parking.endTelling();
    }
  }

  /** Sets some cells that are to be let through, the first first; gives how many. */
  #setBatch(): number {
    const words = this.#words;
    const { object } = this;
    const me = this.#heap.token;
    const list = object + LISTS;
    const { cells, owners, areAsync } = this.parking.toTell;
    let set = 0;
    if (Atomics.compareExchange(words, object + SECTION, 0, me) !== 0) enterSection(this.#heap, object);
    const upTo = words[object + GATE_UP_TO]!;
    let node = words[object + GATE_LETTING] === 0 ? 0 : words[list + LIST_HEAD]!;
    while (set < MOST_AT_ONCE && node !== 0) {
      // By difference: tickets may wrap around.
      if (((words[node + NODE_TICKET]! - upTo) | 0) > 0) {
        node = 0;
      } else {
        const next = words[node + NODE_NEXT]!;
        const cell = words[node + NODE_CELL]!;
        words[list + LIST_HEAD] = next;
        if (next === 0) words[list + LIST_TAIL] = 0;
        else words[next + NODE_PREVIOUS] = 0;
        words[list + LIST_COUNT]! -= 1;
        words[node + NODE_LINKED] = 0;
        words[node + NODE_SETTER] = me;
        // Read before it is set: from then on the cell is its waiter's.
        cells[set] = cell;
        owners[set] = words[cell - 1]!;
        areAsync[set] = words[cell + CELL_ASYNC]!;
        if (Atomics.compareExchange(words, cell + CELL_STATE, WAITING, node) === WAITING) set++;
        node = next;
      }
    }
    if (node === 0) words[object + GATE_LETTING] = 0;
    if (Atomics.compareExchange(words, object + SECTION, me, 0) !== me) {
      Atomics.compareExchange(words, object + SECTION, -me, 0);
      Atomics.notify(words, object + SECTION);
    }
    return set;
  }

  /** Mends what a dead thread left, if it left anything here. */
  recover(): void {
    stack.probe();
    if (Atomics.load(this.#words, this.object + SECTION) === TORN) settleSection(this.#heap, this.object);
    this.serve();
  }
}
