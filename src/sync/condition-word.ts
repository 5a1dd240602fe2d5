/**
 * A condition in shared memory: a queue of who waits, and notifications that are about to be given to them.
 *
 * | word                | means                                                                               |
 * | ------------------- | ----------------------------------------------------------------------------------- |
 * | `CONDITION_PENDING` | so many notifications are to be given, to the first who waits                         |
 * | `CONDITION_UP_TO`   | … and the ticket of the last who may get one: who came later was not meant            |
 * | `HELD` of a record  | so many waits of that thread have been notified, and do not have the lock again       |
 *
 * Everything changes in the section of the object (`memory/section.ts`), by plain stores that follow one atomic operation:
 * its entry, or the compare-and-swap that sets a cell.
 *
 * **Wait.** Who has the lock puts a cell into the queue and lets the lock go, in this order: whoever has the lock next
 * finds it there. It is notified; it takes the lock again as everybody does, at the end of its line; then its notification
 * is used. A wait that fails though it was notified passes the notification on instead.
 *
 * **Notify.** In one step it is written down who is meant: so many of those who wait now. Then their cells are set, a batch
 * in each section, and each is counted in `HELD` with the cell. If fewer wait by then, for some have given up, the rest is
 * nobody's: a notification is not remembered.
 *
 * **Invariants**
 * - Outside the section, `CONDITION_PENDING` is 0, or someone is about to serve: who notified, or passed on.
 * - Notifications meant for different waiters are not counted together: who finds some that are pending serves them first.
 *
 * **Death** of who notified: whoever recovers goes on where it stopped. Of who was notified: its record says so as long as
 * it does not have the lock; `reclaim` makes that many pending again, for whoever waits then (for whom they were meant has
 * died with it), and `recover` gives them. Once it has the lock, its death is the lock's affair, and the next to have that
 * learns of it. Of who waits: its node is gone from the queue.
 *
 * **Source.** The two queues are those of Hoare's monitors in the form of Mesa (Lampson, Redell, 1980): who is notified
 * must look again.
 */
import { Atomics } from '#atomics';
import type { Heap } from '../memory/heap.ts';
import {
  CELL_ASYNC,
  CELL_STATE,
  CONDITION_LOCK,
  CONDITION_PENDING,
  CONDITION_RECORD,
  CONDITION_UP_TO,
  HELD,
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
  OBJECT,
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

export class ConditionWord {
  readonly parking: Parking;
  readonly object: number;
  readonly queue: WaitQueue;
  readonly #heap: Heap;
  readonly #words: Int32Array;
  /** By which this thread holds the object; 0 if it holds nothing of it. */
  readonly #record: number;

  constructor(parking: Parking, object: number, record: number) {
    this.parking = parking;
    this.object = object;
    this.queue = new WaitQueue(parking.heap, object, LISTS);
    this.#heap = parking.heap;
    this.#words = parking.heap.words;
    this.#record = record;
  }

  /** The address of its lock. */
  lock(): number {
    return this.#words[this.object + CONDITION_LOCK]!;
  }

  /** The lock is the condition's to hold, not any more this thread's, which has just made the condition. */
  publishHold(): void {
    const record = this.#words[this.object + CONDITION_RECORD]!;
    if (record !== 0) this.#heap.blocks.publish(record);
  }

  /** Puts a node into the queue. */
  line(node: number): void {
    this.#words[node + NODE_RECORD] = this.#record;
    this.queue.append(node);
  }

  /** Gives a notification to the first `count` who wait. */
  notify(count: number): void {
    if (this.queue.isEmpty()) return;
    // Before it is written down: who notifies must not fail before all have been told.
    stack.probe();
    while (!this.#write(count)) this.serve();
    this.serve();
  }

  /** Writes down who is meant. False, and nothing has changed, if others have not been served yet. */
  #write(count: number): boolean {
    const words = this.#words;
    const { object } = this;
    const me = this.#heap.token;
    if (Atomics.compareExchange(words, object + SECTION, 0, me) !== 0) enterSection(this.#heap, object);
    const idle = words[object + CONDITION_PENDING] === 0;
    if (idle) {
      let pending = words[object + LISTS + LIST_COUNT]!;
      if (count < pending) pending = count;
      words[object + CONDITION_PENDING] = pending;
      words[object + CONDITION_UP_TO] = words[object + TICKETS]!;
    }
    if (Atomics.compareExchange(words, object + SECTION, me, 0) !== me) {
      Atomics.compareExchange(words, object + SECTION, -me, 0);
      Atomics.notify(words, object + SECTION);
    }
    return idle;
  }

  /** A wait of this thread that was notified has the lock again. */
  used(): void {
    const words = this.#words;
    const { object } = this;
    const me = this.#heap.token;
    const record = this.#record;
    if (Atomics.compareExchange(words, object + SECTION, 0, me) !== 0) enterSection(this.#heap, object);
    words[record + HELD]! -= 1;
    if (Atomics.compareExchange(words, object + SECTION, me, 0) !== me) {
      Atomics.compareExchange(words, object + SECTION, -me, 0);
      Atomics.notify(words, object + SECTION);
    }
  }

  /** A wait of this thread has failed though it was notified, by a notification for whoever waited up to that ticket. */
  passOn(upTo: number): void {
    stack.probe();
    while (!this.#return(upTo)) this.serve();
    this.serve();
  }

  #return(upTo: number): boolean {
    const words = this.#words;
    const { object } = this;
    const me = this.#heap.token;
    const record = this.#record;
    if (Atomics.compareExchange(words, object + SECTION, 0, me) !== 0) enterSection(this.#heap, object);
    const idle = words[object + CONDITION_PENDING] === 0;
    if (idle) {
      words[record + HELD]! -= 1;
      words[object + CONDITION_PENDING] = 1;
      words[object + CONDITION_UP_TO] = upTo;
    }
    if (Atomics.compareExchange(words, object + SECTION, me, 0) !== me) {
      Atomics.compareExchange(words, object + SECTION, -me, 0);
      Atomics.notify(words, object + SECTION);
    }
    return idle;
  }

  /** Gives what is pending. The stack has been probed, for nothing may fail here. */
  serve(): void {
    const words = this.#words;
    const { object, parking } = this;
    if (Atomics.load(words, object + CONDITION_PENDING) === 0) return;
    parking.beginTelling();
    try {
      while (Atomics.load(words, object + CONDITION_PENDING) !== 0) parking.tellAll(this.#setBatch());
    } finally {
      parking.endTelling();
    }
  }

  /** Sets some cells that are meant, the first first; gives how many. */
  #setBatch(): number {
    const words = this.#words;
    const { object } = this;
    const me = this.#heap.token;
    const list = object + LISTS;
    const { cells, owners, areAsync } = this.parking.toTell;
    let set = 0;
    if (Atomics.compareExchange(words, object + SECTION, 0, me) !== 0) enterSection(this.#heap, object);
    const upTo = words[object + CONDITION_UP_TO]!;
    let node = words[list + LIST_HEAD]!;
    while (set < MOST_AT_ONCE && node !== 0 && words[object + CONDITION_PENDING]! > 0) {
      // By difference: tickets may wrap around.
      if (((words[node + NODE_TICKET]! - upTo) | 0) > 0) {
        node = 0;
      } else {
        const next = words[node + NODE_NEXT]!;
        const cell = words[node + NODE_CELL]!;
        const record = words[node + NODE_RECORD]!;
        words[list + LIST_HEAD] = next;
        if (next === 0) words[list + LIST_TAIL] = 0;
        else words[next + NODE_PREVIOUS] = 0;
        words[list + LIST_COUNT]! -= 1;
        words[node + NODE_LINKED] = 0;
        words[node + NODE_VALUE] = upTo;
        words[node + NODE_SETTER] = me;
        // Read before it is set: from then on the cell is its waiter's.
        cells[set] = cell;
        owners[set] = words[cell - 1]!;
        areAsync[set] = words[cell + CELL_ASYNC]!;
        if (Atomics.compareExchange(words, cell + CELL_STATE, WAITING, node) === WAITING) {
          set++;
          words[record + HELD]! += 1;
          words[object + CONDITION_PENDING]! -= 1;
        }
        node = next;
      }
    }
    // Whoever is left was not meant.
    if (node === 0) words[object + CONDITION_PENDING] = 0;
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

/** Makes pending what waits of a dead thread had been notified of (`memory/kinds.ts`). */
export function reclaimNotifications(heap: Heap, object: number, record: number, dead: number): void {
  const { words, token: me } = heap;
  if (Atomics.compareExchange(words, object + SECTION, 0, me) !== 0) enterSection(heap, object);
  if (words[record - 1] === dead && words[record + OBJECT] === object && words[record + HELD]! > 0) {
    words[object + CONDITION_PENDING]! += words[record + HELD]!;
    words[object + CONDITION_UP_TO] = words[object + TICKETS]!;
    words[record + HELD] = 0;
  }
  if (Atomics.compareExchange(words, object + SECTION, me, 0) !== me) {
    Atomics.compareExchange(words, object + SECTION, -me, 0);
    Atomics.notify(words, object + SECTION);
  }
}
