/**
 * Permits in shared memory: a number of them, and a queue of who waits for some. Semaphores, capacity limiters, locks of
 * readers and writers, and `Once` are made of it.
 *
 * | word                  | means                                                                                   |
 * | --------------------- | --------------------------------------------------------------------------------------- |
 * | `PERMITS_FREE`        | so many are free; below 0 after the limit was lowered                                     |
 * | `PERMITS_HELD`        | so many are held by guards                                                               |
 * | `PERMITS_MAX`         | free and held together are never more, unless the limit was lowered                         |
 * | `PERMITS_AFTER_DEATH` | 1 if somebody died who held all: the next to get any gets all, and learns of it            |
 * | `HELD` of a record    | so many of those held are of that thread                                                  |
 *
 * Everything changes in the section of the object (`memory/section.ts`), by plain stores that follow one atomic operation:
 * its entry, or the compare-and-swap that sets a cell. So a thread dies before a change or after it.
 *
 * **Release.** The permits become free; then, while there are enough for the first in the queue, its cell is set, and
 * they are the waiter's, in one step (`#grantNext`).
 *
 * **Acquire.** Whoever finds enough and nobody in the queue takes them. Else: put a cell into the queue, then serve it,
 * for permits may have become free between; wait for the cell.
 *
 * **Invariants**
 * - Outside the section, either nobody waits, or the first in the queue wants more than is free, or someone is about to
 *   serve: a releaser, or a waiter that has just come or gone.
 * - `PERMITS_HELD` is the sum of `HELD` over the records of the object.
 *
 * **Death.** A record says what the dead held: `reclaim` makes it free, before the record is dropped. Whoever died
 * between releasing and serving leaves a queue that can be served: `recover` does that.
 *
 * **Rejected.** A word of permits changed by compare-and-swap outside the section, as in a `Lock`: acquiring would be
 * one operation rather than two, but who died with how many could not be told.
 *
 * **Source.** The strict order is that of the fair mode of `java.util.concurrent.Semaphore`.
 */
import { Atomics } from '#atomics';
import { type Heap, recordOf } from '../memory/heap.ts';
import { RWLOCK } from '../memory/kinds.ts';
import {
  A_TASK,
  CELL_ASYNC,
  CELL_STATE,
  HELD,
  KIND,
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
  NODE_VALUE,
  NODE_WANT,
  OBJECT,
  PERMITS_AFTER_DEATH,
  PERMITS_DIED,
  PERMITS_FREE,
  PERMITS_HELD,
  PERMITS_MAX,
  RECORD_THREAD_ID,
  SECTION,
  TORN,
  WAITING,
} from '../memory/layout.ts';
import { enterSection, settleSection } from '../memory/section.ts';
import type { Parking } from '../park/parking.ts';
import { WaitQueue } from '../park/wait-queue.ts';
import { StackProbe } from '../platform/stack.ts';

const stack = new StackProbe();

/** There are never more. */
export const MOST_PERMITS: number = 2 ** 30;

export class Permits {
  readonly parking: Parking;
  readonly object: number;
  readonly queue: WaitQueue;
  readonly #heap: Heap;
  readonly #words: Int32Array;
  /** By which this thread holds the object; 0 if it holds nothing of it. */
  readonly #record: number;
  /** Of the cell that was set last: the thread it belongs to, and whether that waits on its loop. */
  #owner = 0;
  #ownerIsAsync = false;

  constructor(parking: Parking, object: number, record: number) {
    this.parking = parking;
    this.object = object;
    this.queue = new WaitQueue(parking.heap, object, LISTS);
    this.#heap = parking.heap;
    this.#words = parking.heap.words;
    this.#record = record;
  }

  /** How many a newcomer could take now. */
  free(): number {
    return this.queue.isEmpty() ? Math.max(0, Atomics.load(this.#words, this.object + PERMITS_FREE)) : 0;
  }

  /** How many are free, whoever waits for them. */
  left(): number {
    return Atomics.load(this.#words, this.object + PERMITS_FREE);
  }

  held(): number {
    return Atomics.load(this.#words, this.object + PERMITS_HELD);
  }

  max(): number {
    return Atomics.load(this.#words, this.object + PERMITS_MAX);
  }

  /** How many the guards of this thread hold. */
  mine(): number {
    return Atomics.load(this.#words, this.#record + HELD);
  }

  /**
   * Takes so many, unless there are fewer or somebody waits: then 0. If the last who held all died with them, all are
   * taken, and their number is negative.
   * @param counted false to take them for good, not for a guard.
   * @param probed whether the stack was probed: whoever gets all after a death makes an error of it.
   */
  take(wanted: number, counted: boolean, probed: boolean = false): number {
    const words = this.#words;
    const { object } = this;
    const me = this.#heap.token;
    if (Atomics.load(words, object + PERMITS_FREE) < wanted) return 0;
    const record = counted ? this.#record : 0;
    if (Atomics.compareExchange(words, object + SECTION, 0, me) !== 0) enterSection(this.#heap, object);
    let taken = 0;
    const afterDeath = words[object + PERMITS_AFTER_DEATH] === 1;
    const unready = afterDeath && !probed;
    const count = afterDeath ? words[object + PERMITS_MAX]! : wanted;
    if (!unready && words[object + LISTS + LIST_HEAD] === 0 && words[object + PERMITS_FREE]! >= count) {
      words[object + PERMITS_FREE]! -= count;
      if (counted) {
        words[object + PERMITS_HELD]! += count;
        words[record + HELD]! += count;
      }
      words[object + PERMITS_AFTER_DEATH] = 0;
      taken = afterDeath ? -count : count;
    }
    if (Atomics.compareExchange(words, object + SECTION, me, 0) !== me) {
      Atomics.compareExchange(words, object + SECTION, -me, 0);
      Atomics.notify(words, object + SECTION);
    }
    if (!unready) return taken;
    stack.probe();
    return this.take(wanted, counted, true);
  }

  /**
   * Whether this thread, if it blocked for so many, would wait for itself: there can never be enough while its guards
   * keep what they hold, and its loop cannot release what a task of it that stands in the line would get.
   */
  waitsForItself(wanted: number): boolean {
    const words = this.#words;
    const { object } = this;
    const me = this.#heap.token;
    if (this.mine() === 0 && !this.parking.waitsFor(object)) return false;
    if (Atomics.compareExchange(words, object + SECTION, 0, me) !== 0) enterSection(this.#heap, object);
    const max = words[object + PERMITS_MAX]!;
    let stuck = words[this.#record + HELD]!;
    let node = words[object + LISTS + LIST_HEAD]!;
    let served = true;
    while (served && node !== 0) {
      const want = words[node + NODE_WANT]!;
      served = stuck + want <= max;
      if (words[words[node + NODE_CELL]! - 1] === me && words[node + NODE_RECORD] !== 0) stuck += want;
      node = words[node + NODE_NEXT]!;
    }
    if (Atomics.compareExchange(words, object + SECTION, me, 0) !== me) {
      Atomics.compareExchange(words, object + SECTION, -me, 0);
      Atomics.notify(words, object + SECTION);
    }
    return !served || stuck + wanted > max;
  }

  /** Puts a node into the queue that wants so many. Whoever calls it has probed the stack. */
  line(node: number, wanted: number, counted: boolean): void {
    this.#words[node + NODE_WANT] = wanted;
    this.#words[node + NODE_RECORD] = counted ? this.#record : 0;
    this.queue.append(node);
    this.serve();
  }

  /** Takes a node out of the queue. Who stands behind it may want fewer. */
  withdraw(node: number): void {
    this.queue.remove(node);
    this.serve();
  }

  /** Gives back what a guard of this thread held. */
  giveBack(count: number): void {
    this.#giveBack(count, 0, false);
  }

  /** The same, as by a death: who held all of them has ended without giving them back. */
  abandon(count: number): void {
    this.#giveBack(count, A_TASK, false);
  }

  // If somebody waits, the stack is probed before anything is changed: who gives back must not fail half way.
  #giveBack(count: number, died: number, probed: boolean): void {
    const words = this.#words;
    const { object } = this;
    const me = this.#heap.token;
    const record = this.#record;
    if (Atomics.compareExchange(words, object + SECTION, 0, me) !== 0) enterSection(this.#heap, object);
    const waiting = words[object + LISTS + LIST_HEAD] !== 0;
    const unready = waiting && !probed;
    if (!unready) {
      words[object + PERMITS_FREE]! += count;
      words[object + PERMITS_HELD]! -= count;
      words[record + HELD]! -= count;
      if (died !== 0 && words[object + KIND] === RWLOCK && count === words[object + PERMITS_MAX]) {
        words[object + PERMITS_AFTER_DEATH] = 1;
        words[object + PERMITS_DIED] = died;
      }
    }
    if (Atomics.compareExchange(words, object + SECTION, me, 0) !== me) {
      Atomics.compareExchange(words, object + SECTION, -me, 0);
      Atomics.notify(words, object + SECTION);
    }
    if (unready) {
      stack.probe();
      this.#giveBack(count, died, true);
    } else if (waiting) {
      this.serve();
    }
  }

  /** So many more. False, and nothing has changed, if there would be more than `max`. */
  add(count: number, probed: boolean = false): boolean {
    const words = this.#words;
    const { object } = this;
    const me = this.#heap.token;
    if (Atomics.compareExchange(words, object + SECTION, 0, me) !== 0) enterSection(this.#heap, object);
    const room =
      words[object + PERMITS_MAX]! - words[object + PERMITS_HELD]! - words[object + PERMITS_FREE]! >= count;
    const waiting = words[object + LISTS + LIST_HEAD] !== 0;
    const unready = waiting && !probed;
    if (room && !unready) words[object + PERMITS_FREE]! += count;
    if (Atomics.compareExchange(words, object + SECTION, me, 0) !== me) {
      Atomics.compareExchange(words, object + SECTION, -me, 0);
      Atomics.notify(words, object + SECTION);
    }
    if (unready) {
      stack.probe();
      return this.add(count, true);
    }
    if (waiting) this.serve();
    return room;
  }

  /** Changes the limit. Nothing is taken from who holds some. */
  limit(max: number): void {
    const words = this.#words;
    const { object } = this;
    const me = this.#heap.token;
    stack.probe();
    if (Atomics.compareExchange(words, object + SECTION, 0, me) !== 0) enterSection(this.#heap, object);
    words[object + PERMITS_FREE]! += max - words[object + PERMITS_MAX]!;
    words[object + PERMITS_MAX] = max;
    if (Atomics.compareExchange(words, object + SECTION, me, 0) !== me) {
      Atomics.compareExchange(words, object + SECTION, -me, 0);
      Atomics.notify(words, object + SECTION);
    }
    this.serve();
  }

  /** Who ended while holding all, for the next to get them. */
  whoDied(): string {
    const thread = Atomics.load(this.#words, this.object + PERMITS_DIED);
    return thread === A_TASK ? 'a task' : `thread ${thread}`;
  }

  /** Gives what is free to who waits, in order. The stack has been probed, for nothing may fail here. */
  serve(): void {
    if (this.queue.isEmpty()) return;
    const { parking } = this;
    parking.beginTelling();
    try {
      for (let cell = this.#grantNext(); cell !== 0; cell = this.#grantNext())
        parking.tell(cell, this.#owner, this.#ownerIsAsync);
    } finally {
      parking.endTelling();
    }
  }

  /** Sets the first cell that still waits, if there is enough for it; 0 if not. */
  #grantNext(): number {
    const words = this.#words;
    const { object } = this;
    const me = this.#heap.token;
    const list = object + LISTS;
    let set = 0;
    if (Atomics.compareExchange(words, object + SECTION, 0, me) !== 0) enterSection(this.#heap, object);
    const afterDeath = words[object + PERMITS_AFTER_DEATH] === 1;
    let node = words[list + LIST_HEAD]!;
    while (set === 0 && node !== 0) {
      const count = afterDeath ? words[object + PERMITS_MAX]! : words[node + NODE_WANT]!;
      if (words[object + PERMITS_FREE]! < count) {
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
        words[node + NODE_VALUE] = afterDeath ? -count : count;
        words[node + NODE_SETTER] = me;
        // Read before it is set: from then on the cell is its waiter's.
        this.#owner = words[cell - 1]!;
        this.#ownerIsAsync = words[cell + CELL_ASYNC] === 1;
        if (Atomics.compareExchange(words, cell + CELL_STATE, WAITING, node) === WAITING) {
          set = cell;
          words[object + PERMITS_FREE]! -= count;
          if (record !== 0) {
            words[object + PERMITS_HELD]! += count;
            words[record + HELD]! += count;
          }
          words[object + PERMITS_AFTER_DEATH] = 0;
        }
        node = next;
      }
    }
    if (Atomics.compareExchange(words, object + SECTION, me, 0) !== me) {
      Atomics.compareExchange(words, object + SECTION, -me, 0);
      Atomics.notify(words, object + SECTION);
    }
    return set;
  }

  /** Mends what a dead thread left, if it left anything here. */
  recover(): void {
    if (Atomics.load(this.#words, this.object + SECTION) === TORN) settleSection(this.#heap, this.object);
    this.serve();
  }
}

/** Makes free what the record of a dead thread held (`memory/kinds.ts`). */
export function reclaimPermits(heap: Heap, object: number, record: number, dead: number): void {
  const { words, token: me } = heap;
  const thread = Atomics.load(words, recordOf(dead) + RECORD_THREAD_ID);
  if (Atomics.compareExchange(words, object + SECTION, 0, me) !== 0) enterSection(heap, object);
  if (words[record - 1] === dead && words[record + OBJECT] === object) {
    const count = words[record + HELD]!;
    words[object + PERMITS_FREE]! += count;
    words[object + PERMITS_HELD]! -= count;
    words[record + HELD] = 0;
    if (words[object + KIND] === RWLOCK && count === words[object + PERMITS_MAX]) {
      words[object + PERMITS_AFTER_DEATH] = 1;
      words[object + PERMITS_DIED] = thread;
    }
  }
  if (Atomics.compareExchange(words, object + SECTION, me, 0) !== me) {
    Atomics.compareExchange(words, object + SECTION, -me, 0);
    Atomics.notify(words, object + SECTION);
  }
}
