/**
 * The jobs of a pool in shared memory. Any thread that holds the pool puts jobs; its threads take them by themselves.
 *
 * A **job** is a block of its own. Two words of it are the truth:
 *
 * | `JOB_STATE` | means                          | leaves it by                                              |
 * | ----------- | ------------------------------ | --------------------------------------------------------- |
 * | `MADE`      | its owner fills it in, or withdrew it | `put` → `QUEUED`                                    |
 * | `QUEUED`    | it is in the queue             | `next`, `removeJob` of thread `t` → `t`, or `MADE`  |
 * | a token `t` | thread `t` runs it             | `next` of `t`, which has its result → `-t`                 |
 * | `-t`        | it has ended, and is being told | freed                                                     |
 *
 * | `CELL_STATE`    | means                     | leaves it by                                                          |
 * | --------------- | ------------------------- | --------------------------------------------------------------------- |
 * | `WAITING`       | it has not ended          | compare-and-swap: `complete` of who stands in `JOB_ENDER` → the job     |
 * | the job itself  | it has ended              | its owner frees it; if that is dead, who mends does                    |
 *
 * So a job is the cell of who waits for it, and comes back by the mailbox of that thread (`park/mailbox.ts`) with all else
 * that it waits for: one doorbell for any number of results.
 *
 * Everything else changes in the section of the pool (`memory/section.ts`), by plain stores that follow one atomic operation.
 * - **Order.** By priority, then as they were put. The list is one of runs of equal priority, whose ends know each other: to
 *   put a job takes a step for each other priority behind which there is something less urgent.
 * - **Draining.** A thread that is awake takes job after job, and says so (`POOL_DRAINING`): who puts a job then need not wake
 *   another. Before it runs what may take long, it says that it rests. While jobs are queued and a thread waits idle,
 *   some thread drains, or one is being woken.
 * - **Own lists**, with `scheduling: 'stealing'`. What a thread puts while it runs jobs stands in a list of its own as well, and it
 *   takes the newest of these first: what a job has forked is done depth first, by the thread that has it in its caches. Who has none of its
 *   own takes the first of all, which is the oldest of whoever put it: it steals. Priorities go before; and after
 *   `OWN_IN_TURN` of its own it takes the first of all too. One section for all: a list of a thread behind a section of its
 *   own would have to be looked at by who comes to rest, and a job be taken out of two.
 * - **Room.** As many jobs are accepted as may run and may be pending. Who waits for room is woken when there is some, all
 *   of them, for they do not say how many jobs they have; also if it has just been taken: they look again.
 * - **Death**: `job-mend.ts`. Other ways to queue that were tried: `states.ts`.
 */
import { Atomics } from '#atomics';
import type { Heap } from '../memory/heap.ts';
import {
  BLOCKED,
  CONDEMNED,
  HELD,
  JOB_ENDER,
  JOB_FUNCTION,
  JOB_HIGH,
  JOB_HOME,
  JOB_LOW,
  JOB_NEWER,
  JOB_NEXT,
  JOB_OLDER,
  JOB_OTHER_END,
  JOB_PREVIOUS,
  JOB_RAN,
  JOB_STATE,
  JOB_TICKET,
  LIST_HEAD,
  LISTS,
  NODE_RECORD,
  OWN_NEWEST,
  OWN_TAKES,
  POOL_BLOCKED,
  POOL_DRAINING,
  POOL_FINISHED,
  POOL_FIRST,
  POOL_KEEPER,
  POOL_LAST,
  POOL_MAX_PENDING,
  POOL_QUEUED,
  POOL_ROOM,
  POOL_RUNNING,
  POOL_SLOTS,
  POOL_STATE,
  POOL_TAKEN,
  POOL_TICKETS,
  POOL_WAKING,
  RESERVED,
  SECTION,
} from '../memory/layout.ts';
import { enterSection } from '../memory/section.ts';
import type { Parking } from '../park/parking.ts';
import { WaitQueue } from '../park/wait-queue.ts';
import { StackProbe } from '../platform/stack.ts';
import { FUNCTION_TIME } from './job-block.ts';
import { ACCEPTED, CLOSED, FULL, OPEN, OWN_IN_TURN, QUEUED, REFUSED, SHORT, WAKING } from './states.ts';

const stack = new StackProbe();

export class JobStore {
  readonly parking: Parking;
  readonly object: number;
  /** By which this thread holds the pool; 0 if it holds nothing of it. */
  readonly record: number;
  /** Threads that are idle, and who waits for room. */
  readonly idle: WaitQueue;
  readonly room: WaitQueue;
  readonly #heap: Heap;
  readonly #words: Int32Array;

  constructor(parking: Parking, object: number, record: number) {
    this.parking = parking;
    this.object = object;
    this.record = record;
    this.idle = new WaitQueue(parking.heap, object, LISTS);
    this.room = new WaitQueue(parking.heap, object, POOL_ROOM);
    this.#heap = parking.heap;
    this.#words = parking.heap.words;
  }

  /** One of the words of the pool. */
  read(offset: number): number {
    return Atomics.load(this.#words, this.object + offset);
  }

  /** Whether a job would be accepted now, as far as can be seen from outside. */
  hasRoom(): boolean {
    return (
      this.read(POOL_QUEUED) + this.read(POOL_RUNNING) < this.read(POOL_MAX_PENDING) + this.read(POOL_SLOTS)
    );
  }

  /**
   * Queues a job of this thread: `ACCEPTED`, or `WAKING` if a thread is woken for it, for none drains; `FULL`; or `REFUSED`
   * after the pool was closed. `again`: where it stood among the others of its priority, whatever the room, for it was there before; in a
   * pool that is closed that is for its keeper alone, who knows whether it has threads still.
   */
  put(job: number, again: boolean = false): number {
    const words = this.#words;
    const { object, record } = this;
    const me = this.#heap.token;
    // Nothing may fail once it is queued. That it is woken for nothing does no harm.
    if (Atomics.load(words, object + LISTS + LIST_HEAD) !== 0) stack.probe();
    const high = words[job + JOB_HIGH]!;
    const low = words[job + JOB_LOW]!;
    const block = words[job + JOB_FUNCTION]!;
    const time = block === 0 ? 0 : words[block + FUNCTION_TIME]!;
    const isShort = time > 0 && time <= SHORT;
    let put = ACCEPTED;
    let wakes = false;
    if (Atomics.compareExchange(words, object + SECTION, 0, me) !== 0) enterSection(this.#heap, object);
    const state = words[object + POOL_STATE]!;
    const isOpen = state === OPEN || (again && state === CLOSED && words[object + POOL_KEEPER] === me);
    const free =
      words[object + POOL_MAX_PENDING]! +
      words[object + POOL_SLOTS]! -
      words[object + POOL_RUNNING]! -
      words[object + POOL_QUEUED]!;
    if (!isOpen) put = REFUSED;
    else if (free <= 0 && !again) put = FULL;
    else {
      // Whom it follows: the last that is not less urgent, found run by run.
      let before = words[object + POOL_LAST]!;
      let after = 0;
      while (before !== 0) {
        const byHigh = words[before + JOB_HIGH]! - high;
        const order = byHigh !== 0 ? byHigh : words[before + JOB_LOW]! - low;
        if (order < 0 || (order === 0 && !again)) break;
        after = words[before + JOB_OTHER_END]!;
        before = words[after + JOB_PREVIOUS]!;
      }
      let joinsAfter = after !== 0 && words[after + JOB_HIGH] === high && words[after + JOB_LOW] === low;
      // Behind those that were there before as well, and came before it.
      while (joinsAfter && again && ((words[after + JOB_TICKET]! - words[job + JOB_TICKET]!) | 0) < 0) {
        before = after;
        after = words[after + JOB_NEXT]!;
        joinsAfter = after !== 0 && words[after + JOB_HIGH] === high && words[after + JOB_LOW] === low;
      }
      const joinsBefore =
        before !== 0 && words[before + JOB_HIGH] === high && words[before + JOB_LOW] === low;
      if (!again) {
        const ticket = (words[object + POOL_TICKETS]! + 1) | 0;
        words[object + POOL_TICKETS] = ticket;
        words[job + JOB_TICKET] = ticket;
      }
      words[job + JOB_STATE] = QUEUED;
      words[object + POOL_QUEUED]! += 1;
      words[job + JOB_PREVIOUS] = before;
      words[job + JOB_NEXT] = after;
      if (before === 0) words[object + POOL_FIRST] = job;
      else words[before + JOB_NEXT] = job;
      if (after === 0) words[object + POOL_LAST] = job;
      else words[after + JOB_PREVIOUS] = job;
      if (!again && words[record + OWN_TAKES] !== 0) {
        const older = words[record + OWN_NEWEST]!;
        words[job + JOB_HOME] = record;
        words[job + JOB_OLDER] = older;
        words[job + JOB_NEWER] = 0;
        if (older !== 0) words[older + JOB_NEWER] = job;
        words[record + OWN_NEWEST] = job;
      }
      // Between two of its run it changes no end.
      if (!joinsBefore || !joinsAfter) {
        const end = joinsBefore
          ? words[before + JOB_OTHER_END]!
          : joinsAfter
            ? words[after + JOB_OTHER_END]!
            : job;
        words[job + JOB_OTHER_END] = end;
        words[end + JOB_OTHER_END] = job;
      }
      wakes =
        words[object + POOL_DRAINING] === 0 &&
        words[object + LISTS + LIST_HEAD] !== 0 &&
        (words[object + POOL_WAKING] === 0 || !isShort);
      if (wakes) words[object + POOL_WAKING] = 1;
    }
    if (Atomics.compareExchange(words, object + SECTION, me, 0) !== me) {
      Atomics.compareExchange(words, object + SECTION, -me, 0);
      Atomics.notify(words, object + SECTION);
    }
    if (!wakes) return put;
    this.wakeOne();
    return WAKING;
  }

  /**
   * The next job, which this thread runs from now on, and it drains; 0 if there is none or `wants` is false, and it rests.
   * `ended` says that one of its jobs has ended, `done`: the offset of the count that it goes to, or 0. With `looks` it drains
   * though there is none: it will look again and again.
   */
  next(wants: boolean, ended: number, looks: boolean = false, done: number = 0): number {
    const words = this.#words;
    const { object, record } = this;
    const me = this.#heap.token;
    let job = 0;
    if (Atomics.compareExchange(words, object + SECTION, 0, me) !== 0) enterSection(this.#heap, object);
    if (ended !== 0) {
      words[object + POOL_RUNNING]! -= 1;
      words[record + HELD]! -= 1;
      words[object + ended] = (words[object + ended]! + 1) | 0;
      words[object + POOL_FINISHED] = (words[object + POOL_FINISHED]! + 1) | 0;
      if (done !== 0) words[done + JOB_STATE] = -me;
    }
    const condemned = words[record + CONDEMNED] !== 0;
    if (wants && !condemned) job = words[object + POOL_FIRST]!;
    const takes = words[record + OWN_TAKES]!;
    if (job !== 0 && takes !== 0) {
      const own = words[record + OWN_NEWEST]!;
      const isOwn =
        own !== 0 &&
        takes < OWN_IN_TURN &&
        words[own + JOB_HIGH] === words[job + JOB_HIGH] &&
        words[own + JOB_LOW] === words[job + JOB_LOW];
      if (isOwn) job = own;
      words[record + OWN_TAKES] = isOwn ? takes + 1 : 1;
    }
    if (job !== 0) {
      const next = words[job + JOB_NEXT]!;
      const previous = words[job + JOB_PREVIOUS]!;
      const end = words[job + JOB_OTHER_END]!;
      const high = words[job + JOB_HIGH]!;
      const low = words[job + JOB_LOW]!;
      const isFirst =
        previous === 0 || words[previous + JOB_HIGH] !== high || words[previous + JOB_LOW] !== low;
      const isLast = next === 0 || words[next + JOB_HIGH] !== high || words[next + JOB_LOW] !== low;
      words[job + JOB_STATE] = me;
      words[job + JOB_ENDER] = me;
      // In this order: who looks from outside must not see room that there is not.
      words[object + POOL_RUNNING]! += 1;
      words[object + POOL_QUEUED]! -= 1;
      words[record + HELD]! += 1;
      words[object + POOL_TAKEN] = (words[object + POOL_TAKEN]! + 1) | 0;
      if (previous === 0) words[object + POOL_FIRST] = next;
      else words[previous + JOB_NEXT] = next;
      if (next === 0) words[object + POOL_LAST] = previous;
      else words[next + JOB_PREVIOUS] = previous;
      if (isFirst !== isLast) {
        const heir = isFirst ? next : previous;
        words[heir + JOB_OTHER_END] = end;
        words[end + JOB_OTHER_END] = heir;
      }
      const home = words[job + JOB_HOME]!;
      if (home !== 0) {
        const newer = words[job + JOB_NEWER]!;
        const older = words[job + JOB_OLDER]!;
        if (newer === 0) words[home + OWN_NEWEST] = older;
        else words[newer + JOB_OLDER] = older;
        if (older !== 0) words[older + JOB_NEWER] = newer;
        words[job + JOB_HOME] = 0;
        words[job + JOB_RAN] = 0;
      }
    }
    const drains = job !== 0 || (looks && !condemned) ? 1 : 0;
    words[object + POOL_DRAINING]! += drains - words[record + RESERVED]!;
    words[record + RESERVED] = drains;
    words[object + POOL_WAKING] = 0;
    const wakes =
      job === 0 &&
      words[object + POOL_FIRST] !== 0 &&
      words[object + POOL_DRAINING] === 0 &&
      words[object + LISTS + LIST_HEAD] !== 0;
    const serves = words[object + POOL_ROOM + LIST_HEAD] !== 0;
    if (Atomics.compareExchange(words, object + SECTION, me, 0) !== me) {
      Atomics.compareExchange(words, object + SECTION, -me, 0);
      Atomics.notify(words, object + SECTION);
    }
    if (wakes) this.wakeOne();
    if (serves) this.serveRoom();
    return job;
  }

  /** This thread will not look for the next job soon: another does, if one is idle. */
  rest(): void {
    const words = this.#words;
    const { object, record } = this;
    const me = this.#heap.token;
    if (words[record + RESERVED] === 0) return;
    if (Atomics.compareExchange(words, object + SECTION, 0, me) !== 0) enterSection(this.#heap, object);
    words[object + POOL_DRAINING]! -= words[record + RESERVED]!;
    words[record + RESERVED] = 0;
    const wakes =
      words[object + POOL_FIRST] !== 0 &&
      words[object + POOL_DRAINING] === 0 &&
      words[object + LISTS + LIST_HEAD] !== 0;
    if (Atomics.compareExchange(words, object + SECTION, me, 0) !== me) {
      Atomics.compareExchange(words, object + SECTION, -me, 0);
      Atomics.notify(words, object + SECTION);
    }
    if (wakes) this.wakeOne();
  }

  /** A job of this thread gives its slot away, or has it back; `blocks` says whether it blocks the thread meanwhile. */
  giveSlot(given: boolean, blocks: boolean): void {
    const words = this.#words;
    const { object, record } = this;
    const me = this.#heap.token;
    const more = given ? 1 : -1;
    if (Atomics.compareExchange(words, object + SECTION, 0, me) !== 0) enterSection(this.#heap, object);
    words[object + POOL_RUNNING]! -= more;
    words[record + HELD]! -= more;
    if (blocks) {
      words[object + POOL_BLOCKED]! += more;
      words[record + BLOCKED]! += more;
    }
    if (Atomics.compareExchange(words, object + SECTION, me, 0) !== me) {
      Atomics.compareExchange(words, object + SECTION, -me, 0);
      Atomics.notify(words, object + SECTION);
    }
    if (given) this.serveRoom();
  }

  /** Changes a word that says what is allowed. States only rise. */
  change(offset: number, value: number): void {
    const words = this.#words;
    const { object } = this;
    const me = this.#heap.token;
    stack.probe();
    if (Atomics.compareExchange(words, object + SECTION, 0, me) !== 0) enterSection(this.#heap, object);
    if (offset !== POOL_STATE || words[object + offset]! < value) words[object + offset] = value;
    if (Atomics.compareExchange(words, object + SECTION, me, 0) !== me) {
      Atomics.compareExchange(words, object + SECTION, -me, 0);
      Atomics.notify(words, object + SECTION);
    }
    this.serveRoom();
  }

  /** Adds to a count of the pool. */
  add(offset: number, more: number): number {
    return Atomics.add(this.#words, this.object + offset, more);
  }

  /** Stands in the line of who waits for room. */
  lineForRoom(node: number): void {
    this.#words[node + NODE_RECORD] = this.record;
    this.room.append(node);
  }

  /** Stands in the line of the idle. Who came last is woken first: its caches are warm, and who is not needed can end. */
  lineForJobs(node: number): void {
    this.#words[node + NODE_RECORD] = this.record;
    this.idle.prepend(node);
  }

  /** Wakes one of the threads that are idle. The stack has been probed. */
  wakeOne(): void {
    this.#wake(this.idle, 1);
  }

  /** Wakes who waits for room, if there is any, or the pool is closed. */
  serveRoom(): void {
    if (this.room.isEmpty() || (this.read(POOL_STATE) === OPEN && !this.hasRoom())) return;
    this.#wake(this.room, Infinity);
  }

  #wake(queue: WaitQueue, most: number): void {
    const { parking } = this;
    parking.beginTelling();
    try {
      for (let left = most; left > 0; left--) {
        const cell = queue.setNext(1);
        if (cell === 0) break;
        parking.tell(cell, queue.owner, queue.ownerIsAsync);
      }
    } finally {
      parking.endTelling();
    }
  }
}
