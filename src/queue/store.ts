/**
 * A queue of items in shared memory, with three lines: of who waits to get, to put, and to join.
 *
 * An **item** is a block of its own. Its state word is the truth, the links are an index:
 *
 * | `ITEM_STATE`       | means                                         | leaves it by                                             |
 * | ------------------ | --------------------------------------------- | -------------------------------------------------------- |
 * | a token `t`        | thread `t` puts it, or waits to put it        | `put`, or the getter that makes room for it → `QUEUED`     |
 * | `QUEUED`           | it is in the queue                            | `take` of thread `t` → `t`, claimed                        |
 * | `t`, claimed       | thread `t` has taken it out and decodes it    | freed; or if `t` dies before it has looked: → `QUEUED`, first |
 *
 * Everything changes in the section of the queue (`memory/section.ts`), by plain stores that follow one atomic operation:
 * its entry, or the compare-and-swap that sets a cell. So an item is either in or not, and the counts are true, whenever
 * a thread dies.
 *
 * - **Get.** If there are more items than are reserved and nobody waits, the first is taken. Else a cell stands in line;
 *   who puts sets the first cell and reserves an item, which stays in the queue: the woken getter takes the one that is
 *   first then. So one wake-up hands over the right to an item, not the item, and an awake getter takes one after the other.
 * - **Put.** If there is room and nobody waits, the item is queued. Else a cell stands in line that names the item; who
 *   makes room queues it on behalf of the putter, in order, and sets the cell.
 * - **Join** waits until as many items were done as were put.
 * - **Serve** (`service.ts`) does the next thing that is due for somebody who waits; whoever changes something serves until
 *   nothing is due.
 *
 * **Order.** First in, first out: a list. Last in, first out: a stack. By priority: a pairing heap, whose trees are merged
 * when one is taken: to put is to push onto the list of trees, as onto a stack.
 *
 * **Invariants**
 * - `QUEUE_SIZE` is the number of items that are `QUEUED`, `QUEUE_BYTES` the sum of their lengths.
 * - `QUEUE_RESERVED` is the sum of `RESERVED` over the records of the queue, and at most `QUEUE_SIZE`.
 * - Outside the section, nothing is due for who stands first in each line, or someone is about to serve.
 *
 * **Death**: `store-mend.ts`.
 *
 * **Rejected.** A ring of bytes per queue (`memory/byte-ring.ts`) is faster, but has one reader and one writer, and
 * knows no priorities. Handing an item to the getter that waits, as a semaphore hands over its permits, would take it out
 * of the order: a more urgent one may come before the getter has woken up.
 *
 * **Source.** Pairing heaps: Fredman, Sedgewick, Sleator, Tarjan 1986, in the multi-pass variant.
 */
import { Atomics } from '#atomics';
import type { Heap } from '../memory/heap.ts';
import {
  HELD,
  ITEM_BYTES,
  ITEM_CHILD,
  ITEM_CLAIMED,
  ITEM_HIGH,
  ITEM_LOW,
  ITEM_NEXT,
  ITEM_RECORD,
  ITEM_STATE,
  ITEM_TICKET,
  KEPT,
  LIST_HEAD,
  LISTS,
  NODE_RECORD,
  NODE_WANT,
  QUEUE_BYTES,
  QUEUE_CAPACITY,
  QUEUE_ERROR,
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
} from '../memory/layout.ts';
import { enterSection } from '../memory/section.ts';
import type { Parking } from '../park/parking.ts';
import { WaitQueue } from '../park/wait-queue.ts';
import { StackProbe } from '../platform/stack.ts';
import { Service } from './service.ts';
import {
  CLEARED,
  DONE,
  DONE_BY_DEATH,
  FIFO,
  type FOR_NEWCOMER,
  FOR_WAITER,
  MOST,
  OPEN,
  type Order,
  PRIORITY,
  READY,
  REFUSED,
  SHUT,
} from './states.ts';

const stack = new StackProbe();

export class Store {
  readonly parking: Parking;
  readonly object: number;
  readonly order: Order;
  readonly getters: WaitQueue;
  readonly putters: WaitQueue;
  readonly joiners: WaitQueue;
  readonly #heap: Heap;
  readonly #words: Int32Array;
  /** By which this thread holds the queue; 0 if it holds nothing of it. */
  readonly #record: number;
  readonly #service: Service;

  constructor(parking: Parking, object: number, record: number, order: Order) {
    this.parking = parking;
    this.object = object;
    this.order = order;
    this.getters = new WaitQueue(parking.heap, object, LISTS);
    this.putters = new WaitQueue(parking.heap, object, QUEUE_PUTTERS);
    this.joiners = new WaitQueue(parking.heap, object, QUEUE_JOINERS);
    this.#heap = parking.heap;
    this.#words = parking.heap.words;
    this.#record = record;
    this.#service = new Service(parking, object, order);
  }

  /** One of the words of the queue. */
  read(offset: number): number {
    return Atomics.load(this.#words, this.object + offset);
  }

  /** Whether a newcomer would find an item, by a look that disturbs nobody. */
  hasItem(): boolean {
    return this.read(QUEUE_SIZE) > this.read(QUEUE_RESERVED) && this.getters.isEmpty();
  }

  /** Whether there is room for an item of a newcomer, by a look that disturbs nobody. */
  hasRoom(item: number): boolean {
    return (
      this.read(QUEUE_SIZE) < this.read(QUEUE_CAPACITY) &&
      this.read(QUEUE_BYTES) + this.#words[item + ITEM_BYTES]! <= this.read(QUEUE_MOST_BYTES) &&
      this.putters.isEmpty()
    );
  }

  isDone(): boolean {
    return this.read(QUEUE_UNFINISHED) === 0;
  }

  /** Whether it was shut down and has nothing for a newcomer any more. */
  isOver(): boolean {
    const state = this.read(QUEUE_STATE);
    return state === CLEARED || (state === SHUT && this.read(QUEUE_SIZE) <= this.read(QUEUE_RESERVED));
  }

  /** Queues an item of this thread: `READY`; or `REFUSED` after shutdown; or 0, and it stays this thread's: there is no room. */
  // If somebody waits, the stack is probed before anything is changed: nothing may fail half way.
  put(item: number, probed: boolean = false): number {
    const words = this.#words;
    const { object, order } = this;
    const me = this.#heap.token;
    const bytes = words[item + ITEM_BYTES]!;
    let put = 0;
    if (Atomics.compareExchange(words, object + SECTION, 0, me) !== 0) enterSection(this.#heap, object);
    const waiting = words[object + LISTS + LIST_HEAD] !== 0;
    const unready = waiting && !probed;
    if (unready) {
      put = 0;
    } else if (words[object + QUEUE_STATE] !== OPEN) {
      put = REFUSED;
    } else if (
      words[object + QUEUE_PUTTERS + LIST_HEAD] === 0 &&
      words[object + QUEUE_SIZE]! < words[object + QUEUE_CAPACITY]! &&
      words[object + QUEUE_BYTES]! + bytes <= words[object + QUEUE_MOST_BYTES]!
    ) {
      const ticket = (words[object + QUEUE_TICKETS]! + 1) | 0;
      words[object + QUEUE_TICKETS] = ticket;
      words[item + ITEM_TICKET] = ticket;
      words[item + ITEM_STATE] = QUEUED;
      words[object + QUEUE_SIZE]! += 1;
      words[object + QUEUE_BYTES]! += bytes;
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
      put = READY;
    }
    if (Atomics.compareExchange(words, object + SECTION, me, 0) !== me) {
      Atomics.compareExchange(words, object + SECTION, -me, 0);
      Atomics.notify(words, object + SECTION);
    }
    if (unready) {
      stack.probe();
      return this.put(item, true);
    }
    if (waiting) this.serve();
    return put;
  }

  /** Takes the item that is first: this thread's from now on, to be freed. 0 if there is none. */
  take(whom: typeof FOR_NEWCOMER | typeof FOR_WAITER, probed: boolean = whom === FOR_WAITER): number {
    const words = this.#words;
    const { object, order } = this;
    const me = this.#heap.token;
    const record = this.#record;
    let item = 0;
    if (Atomics.compareExchange(words, object + SECTION, 0, me) !== 0) enterSection(this.#heap, object);
    const free = words[object + QUEUE_SIZE]! - words[object + QUEUE_RESERVED]!;
    const waiting = words[object + QUEUE_PUTTERS + LIST_HEAD] !== 0;
    const unready = waiting && !probed;
    const mayTake =
      whom === FOR_WAITER ||
      (free > 0 &&
        words[object + LISTS + LIST_HEAD] === 0 &&
        words[object + QUEUE_STATE] !== CLEARED &&
        !unready);
    if (mayTake) item = words[object + QUEUE_FIRST]!;
    let next = item === 0 ? 0 : words[item + ITEM_NEXT]!;
    if (order === PRIORITY && item !== 0) {
      // Merges the trees by pairs until one is left: its root is the first.
      let last = item;
      while (words[last + ITEM_NEXT] !== 0) last = words[last + ITEM_NEXT]!;
      while (next !== 0) {
        const rest = words[next + ITEM_NEXT]!;
        const high = words[item + ITEM_HIGH]! - words[next + ITEM_HIGH]!;
        const low = words[item + ITEM_LOW]! - words[next + ITEM_LOW]!;
        const ticket = (words[item + ITEM_TICKET]! - words[next + ITEM_TICKET]!) | 0;
        const before = high !== 0 ? high < 0 : low !== 0 ? low < 0 : ticket < 0;
        const root = before ? item : next;
        const child = before ? next : item;
        words[child + ITEM_NEXT] = words[root + ITEM_CHILD]!;
        words[root + ITEM_CHILD] = child;
        words[root + ITEM_NEXT] = 0;
        if (rest === 0) {
          item = root;
        } else {
          words[last + ITEM_NEXT] = root;
          last = root;
          item = rest;
        }
        next = words[item + ITEM_NEXT]!;
      }
      next = words[item + ITEM_CHILD]!;
    }
    if (item !== 0) {
      words[item + ITEM_CLAIMED] = 1;
      words[item + ITEM_RECORD] = record;
      words[item + ITEM_STATE] = me;
      words[object + QUEUE_SIZE]! -= 1;
      words[object + QUEUE_BYTES]! -= words[item + ITEM_BYTES]!;
      words[object + QUEUE_FIRST] = next;
      if (next === 0) words[object + QUEUE_LAST] = 0;
      if (words[record + HELD]! < MOST) words[record + HELD]! += 1;
      if (whom === FOR_WAITER) {
        words[object + QUEUE_RESERVED]! -= 1;
        words[record + RESERVED]! -= 1;
      }
    }
    if (Atomics.compareExchange(words, object + SECTION, me, 0) !== me) {
      Atomics.compareExchange(words, object + SECTION, -me, 0);
      Atomics.notify(words, object + SECTION);
    }
    if (unready) {
      stack.probe();
      return this.take(whom, true);
    }
    if (waiting) this.serve();
    return item;
  }

  /** An item that this thread took is done. False if it has none that is not. */
  taskDone(probed: boolean = false): boolean {
    const words = this.#words;
    const { object } = this;
    const me = this.#heap.token;
    const record = this.#record;
    if (Atomics.compareExchange(words, object + SECTION, 0, me) !== 0) enterSection(this.#heap, object);
    const had = words[record + HELD]! > 0;
    const waiting = words[object + QUEUE_JOINERS + LIST_HEAD] !== 0;
    const unready = had && waiting && !probed;
    if (had && !unready) {
      words[record + HELD]! -= 1;
      words[object + QUEUE_UNFINISHED]! -= 1;
    }
    const joined = waiting && words[object + QUEUE_UNFINISHED] === 0;
    if (joined) {
      // Whoever waits by now has seen all done, also if something is put at once.
      words[object + QUEUE_JOIN_UP_TO] = words[object + TICKETS]!;
      const isHeard = words[object + QUEUE_UNHEARD] === 0 && words[object + QUEUE_JOINING] !== DONE_BY_DEATH;
      words[object + QUEUE_JOINING] = isHeard ? DONE : DONE_BY_DEATH;
      words[object + QUEUE_UNHEARD] = 0;
    }
    if (Atomics.compareExchange(words, object + SECTION, me, 0) !== me) {
      Atomics.compareExchange(words, object + SECTION, -me, 0);
      Atomics.notify(words, object + SECTION);
    }
    if (unready) {
      stack.probe();
      return this.taskDone(true);
    }
    if (joined) this.serve();
    return had;
  }

  /** `DONE` or `DONE_BY_DEATH` if nothing is unfinished; else 0. Of each death one joiner hears. */
  join(): number {
    const words = this.#words;
    const { object } = this;
    const me = this.#heap.token;
    if (Atomics.load(words, object + QUEUE_UNFINISHED) > 0) return 0;
    let told = 0;
    if (Atomics.compareExchange(words, object + SECTION, 0, me) !== 0) enterSection(this.#heap, object);
    if (words[object + QUEUE_UNFINISHED] === 0) {
      // One that was to be told of a death may have given up, and nobody else have waited.
      const nobodyTold =
        words[object + QUEUE_JOINING] === DONE_BY_DEATH && words[object + QUEUE_JOINERS + LIST_HEAD] === 0;
      if (nobodyTold) words[object + QUEUE_JOINING] = 0;
      told = nobodyTold || words[object + QUEUE_UNHEARD] === 1 ? DONE_BY_DEATH : DONE;
      words[object + QUEUE_UNHEARD] = 0;
    }
    if (Atomics.compareExchange(words, object + SECTION, me, 0) !== me) {
      Atomics.compareExchange(words, object + SECTION, -me, 0);
      Atomics.notify(words, object + SECTION);
    }
    return told;
  }

  /** Changes a word that says what is allowed: the capacity, the state. States only rise. */
  change(offset: number, value: number): void {
    const words = this.#words;
    const { object } = this;
    const me = this.#heap.token;
    stack.probe();
    if (Atomics.compareExchange(words, object + SECTION, 0, me) !== 0) enterSection(this.#heap, object);
    if (offset !== QUEUE_STATE || words[object + offset]! < value) words[object + offset] = value;
    if (Atomics.compareExchange(words, object + SECTION, me, 0) !== me) {
      Atomics.compareExchange(words, object + SECTION, -me, 0);
      Atomics.notify(words, object + SECTION);
    }
    this.serve();
  }

  /** The queue keeps an item of this thread as its error. False if it has one. */
  keepError(item: number): boolean {
    const words = this.#words;
    if (Atomics.compareExchange(words, this.object + QUEUE_ERROR, 0, item) !== 0) return false;
    words[item + ITEM_STATE] = KEPT;
    return true;
  }

  /** Stands in one of the lines. `want` is the item of a putter. */
  line(queue: WaitQueue, node: number, want: number): void {
    this.#words[node + NODE_WANT] = want;
    this.#words[node + NODE_RECORD] = this.#record;
    queue.append(node);
    this.serve();
  }

  withdraw(queue: WaitQueue, node: number): void {
    queue.remove(node);
    this.serve();
  }

  /** Does for those who wait whatever is due. The stack has been probed, for nothing may fail here. */
  serve(): void {
    if (this.getters.isEmpty() && this.putters.isEmpty() && this.joiners.isEmpty()) return;
    this.#service.serve();
  }
}
