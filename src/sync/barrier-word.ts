/**
 * A barrier in shared memory: who has arrived waits in one queue; who comes while the action of a pass runs, in another.
 *
 * | word               | means                                                                                        |
 * | ------------------ | -------------------------------------------------------------------------------------------- |
 * | `BARRIER_ARRIVED`  | so many have arrived for this pass and wait, in the first list                                 |
 * | `BARRIER_RUNNER`   | the thread of the last to arrive, while it runs the action; newcomers wait in the second list   |
 * | `BARRIER_DROPPED`  | 1 if the pass was broken or reset while its action runs                                        |
 * | `BARRIER_LATER`    | so many wait in the second list                                                               |
 * | `BARRIER_BROKEN`   | 1: whoever comes fails                                                                        |
 * | `BARRIER_TELLING`  | what is being told to who waits, by bits: the first list passes or fails, the second fails or tries again |
 *
 * | state            | by                                  | becomes                                                     |
 * | ---------------- | ----------------------------------- | ----------------------------------------------------------- |
 * | filling          | one arrives, not the last           | filling; it waits, and has its number                         |
 * | filling          | the last arrives, without an action | filling; the others are told to pass                         |
 * | filling          | the last arrives, with an action    | running                                                     |
 * | running          | the action ends well                | filling; all pass, newcomers try again                       |
 * | running          | it fails, or its thread dies        | broken; all fail                                            |
 * | filling, running | who has arrived gives up or dies    | broken (and running, dropped, until the action has ended); all fail |
 * | running          | a newcomer gives up or dies         | running and broken: those of this pass can pass, newcomers fail |
 * | any              | `abort`                             | broken, as by who gives up                                   |
 * | any              | `reset`                             | filling (or running, dropped); who has arrived fails          |
 *
 * Everything changes in the section of the object (`memory/section.ts`), by plain stores that follow one atomic operation:
 * its entry, or the compare-and-swap that sets a cell. Every step above that concerns who waits writes what they are to
 * be told, once, and takes them out of the counts in the same moment; then their cells are set, a batch in each section.
 *
 * **Nothing else happens while something is told**: whoever finds that helps to finish it first. So nobody is in a list who
 * came after what is told to it, and what two passes are told never mixes. The number of one who waits stands in its node.
 *
 * **Giving up.** The cell is cancelled first. If by then it is decided what its list is told, that holds for this one too: all
 * pass, or none. A newcomer has not arrived, but others count on it, so the next pass breaks.
 *
 * **Invariant.** Outside the section, `BARRIER_TELLING` is 0, or someone is about to serve. If it is 0, the two lists are as
 * long as `BARRIER_ARRIVED` and `BARRIER_LATER` say; if not, one who waited is gone without a word.
 *
 * **Death** of who tells: whoever recovers goes on where it stopped. Of who waits: its node is gone from the list, which is
 * shorter than it should be; whoever sees that breaks the barrier. If someone dies in the section while one of those who are told
 * gives up, that one may be told of its time-out though the others pass. Of who runs the action: its token stands in
 * `BARRIER_RUNNER`. Of who was told to pass: it has passed.
 *
 * **Source.** The semantics are those of CPython's `threading.Barrier`. There newcomers wait until all of the last pass have
 * left; here the next pass can begin at once.
 */
import { Atomics } from '#atomics';
import type { Heap } from '../memory/heap.ts';
import {
  BARRIER_ARRIVED,
  BARRIER_BROKEN,
  BARRIER_DROPPED,
  BARRIER_HAS_ACTION,
  BARRIER_LATER,
  BARRIER_NEWCOMERS,
  BARRIER_PARTIES,
  BARRIER_RUNNER,
  BARRIER_TELLING,
  LIST_COUNT,
  LIST_HEAD,
  LIST_TAIL,
  LISTS,
  NODE_LINKED,
  NODE_LIST,
  NODE_NEXT,
  NODE_PREVIOUS,
  NODE_TICKET,
  NODE_VALUE,
  NODE_WANT,
  OBJECT,
  SECTION,
  TICKETS,
  TORN,
} from '../memory/layout.ts';
import { enterSection, settleSection } from '../memory/section.ts';
import type { Parking } from '../park/parking.ts';
import { StackProbe } from '../platform/stack.ts';
import { ARRIVED_BITS, BarrierTelling, FAIL, FAILS, PASS, REFUSE, RETRY } from './barrier-telling.ts';

const stack = new StackProbe();

/** What becomes of who arrives, if it is not told a number: it waits; or it is to run the action. */
export const WAITS = -1;
export const RUNS = -2;
/** Something was being told, and nothing has changed. */
const BUSY = -5;

export class BarrierWord {
  readonly parking: Parking;
  readonly object: number;
  readonly #heap: Heap;
  readonly #words: Int32Array;
  readonly #telling: BarrierTelling;

  constructor(parking: Parking, object: number) {
    this.parking = parking;
    this.object = object;
    this.#heap = parking.heap;
    this.#words = parking.heap.words;
    this.#telling = new BarrierTelling(parking, object);
  }

  parties(): number {
    return this.#words[this.object + BARRIER_PARTIES]!;
  }

  hasAction(): boolean {
    return this.#words[this.object + BARRIER_HAS_ACTION] === 1;
  }

  isBroken(): boolean {
    return Atomics.load(this.#words, this.object + BARRIER_BROKEN) === 1;
  }

  /** How many wait. */
  waiting(): number {
    const { object } = this;
    return (
      Atomics.load(this.#words, object + LISTS + LIST_COUNT) +
      Atomics.load(this.#words, object + BARRIER_NEWCOMERS + LIST_COUNT)
    );
  }

  /** Whether who arrives now need not wait for others. */
  isLast(): boolean {
    const words = this.#words;
    const { object } = this;
    return (
      Atomics.load(words, object + BARRIER_RUNNER) === 0 &&
      Atomics.load(words, object + BARRIER_ARRIVED) + 1 === words[object + BARRIER_PARTIES]
    );
  }

  /** Whether a task of this thread runs the action. */
  isRunner(): boolean {
    return Atomics.load(this.#words, this.object + BARRIER_RUNNER) === this.#heap.token;
  }

  /**
   * Arrives: gives the number of the last, or what becomes of the others, whose node is in a list. Without a node (0) who
   * is not the last gives up at once. The stack has been probed, for nothing may fail here.
   */
  arrive(node: number): number {
    for (;;) {
      this.#serve();
      const found = this.#arrive(node);
      if (found === BUSY) continue;
      this.#serve();
      return found;
    }
  }

  #arrive(node: number): number {
    const words = this.#words;
    const { object } = this;
    const me = this.#heap.token;
    let found = BUSY;
    if (Atomics.compareExchange(words, object + SECTION, 0, me) !== 0) enterSection(this.#heap, object);
    if (words[object + BARRIER_TELLING] === 0) {
      const arrived = words[object + BARRIER_ARRIVED]!;
      const running = words[object + BARRIER_RUNNER] !== 0;
      const list = running ? BARRIER_NEWCOMERS : LISTS;
      if (words[object + BARRIER_BROKEN] === 1) {
        found = FAILS;
      } else if (!running && words[object + LISTS + LIST_COUNT] !== arrived) {
        // One of them has died.
        words[object + BARRIER_BROKEN] = 1;
        words[object + BARRIER_ARRIVED] = 0;
        words[object + BARRIER_TELLING] = FAIL;
        found = FAILS;
      } else if (!running && arrived + 1 === words[object + BARRIER_PARTIES]) {
        if (words[object + BARRIER_HAS_ACTION] === 1) {
          words[object + BARRIER_RUNNER] = me;
          found = RUNS;
        } else {
          words[object + BARRIER_ARRIVED] = 0;
          if (arrived > 0) words[object + BARRIER_TELLING] = PASS;
          found = arrived;
        }
      } else if (node === 0) {
        words[object + BARRIER_BROKEN] = 1;
        if (running) {
          words[object + BARRIER_LATER] = 0;
          words[object + BARRIER_TELLING] = REFUSE;
        } else {
          words[object + BARRIER_ARRIVED] = 0;
          words[object + BARRIER_TELLING] = FAIL;
        }
        found = WAITS;
      } else {
        const ticket = (words[object + TICKETS]! + 1) | 0;
        const last = words[object + list + LIST_TAIL]!;
        words[object + TICKETS] = ticket;
        words[node + NODE_WANT] = arrived;
        words[node + NODE_LIST] = list;
        words[node + NODE_TICKET] = ticket;
        words[node + NODE_NEXT] = 0;
        words[node + NODE_PREVIOUS] = last;
        words[node + NODE_LINKED] = 1;
        words[node + OBJECT] = object;
        if (last === 0) words[object + list + LIST_HEAD] = node;
        else words[last + NODE_NEXT] = node;
        words[object + list + LIST_TAIL] = node;
        words[object + list + LIST_COUNT]! += 1;
        words[object + (running ? BARRIER_LATER : BARRIER_ARRIVED)]! += 1;
        found = WAITS;
      }
    }
    if (Atomics.compareExchange(words, object + SECTION, me, 0) !== me) {
      Atomics.compareExchange(words, object + SECTION, -me, 0);
      Atomics.notify(words, object + SECTION);
    }
    return found;
  }

  /**
   * Takes out a node whose cell was given up. Gives what it was about to be told, if that is decided; if not, the barrier
   * breaks.
   */
  withdraw(node: number): number | undefined {
    const words = this.#words;
    const { object } = this;
    const me = this.#heap.token;
    let decided: number | undefined;
    if (Atomics.compareExchange(words, object + SECTION, 0, me) !== 0) enterSection(this.#heap, object);
    if (words[node + NODE_LINKED] === 1) {
      const list = object + words[node + NODE_LIST]!;
      const next = words[node + NODE_NEXT]!;
      const previous = words[node + NODE_PREVIOUS]!;
      if (previous === 0) words[list + LIST_HEAD] = next;
      else words[previous + NODE_NEXT] = next;
      if (next === 0) words[list + LIST_TAIL] = previous;
      else words[next + NODE_PREVIOUS] = previous;
      words[list + LIST_COUNT]! -= 1;
      words[node + NODE_LINKED] = 0;
      const telling = words[object + BARRIER_TELLING]!;
      if (words[node + NODE_LIST] === BARRIER_NEWCOMERS) {
        words[object + BARRIER_BROKEN] = 1;
        words[object + BARRIER_LATER] = 0;
        words[object + BARRIER_TELLING] = (telling & ARRIVED_BITS) | REFUSE;
      } else if ((telling & ARRIVED_BITS) === 0) {
        words[object + BARRIER_BROKEN] = 1;
        words[object + BARRIER_ARRIVED] = 0;
        words[object + BARRIER_LATER] = 0;
        words[object + BARRIER_TELLING] = FAIL | REFUSE;
        if (words[object + BARRIER_RUNNER] !== 0) words[object + BARRIER_DROPPED] = 1;
      } else decided = (telling & PASS) !== 0 ? words[node + NODE_WANT]! : FAILS;
    } else if (words[node + OBJECT] === object && words[node + NODE_LIST] === 0) {
      // Who told the others came by, and found the cell given up.
      decided = words[node + NODE_VALUE]!;
    }
    words[node + OBJECT] = 0;
    if (Atomics.compareExchange(words, object + SECTION, me, 0) !== me) {
      Atomics.compareExchange(words, object + SECTION, -me, 0);
      Atomics.notify(words, object + SECTION);
    }
    this.#serve();
    return decided;
  }

  /** The action of this thread has ended. Whether the pass is complete. The stack has been probed. */
  finish(failed: boolean): boolean {
    for (;;) {
      this.#serve();
      const found = this.#finish(failed);
      if (found === BUSY) continue;
      this.#serve();
      return found === PASS;
    }
  }

  #finish(failed: boolean): number {
    const words = this.#words;
    const { object } = this;
    const me = this.#heap.token;
    let found = BUSY;
    if (Atomics.compareExchange(words, object + SECTION, 0, me) !== 0) enterSection(this.#heap, object);
    if (words[object + BARRIER_TELLING] === 0) {
      const dropped = words[object + BARRIER_DROPPED] === 1;
      const oneDied = words[object + LISTS + LIST_COUNT] !== words[object + BARRIER_ARRIVED];
      const newcomerDied = words[object + BARRIER_NEWCOMERS + LIST_COUNT] !== words[object + BARRIER_LATER];
      found = failed || dropped || oneDied ? FAIL : PASS;
      if ((failed && !dropped) || oneDied || newcomerDied) words[object + BARRIER_BROKEN] = 1;
      words[object + BARRIER_RUNNER] = 0;
      words[object + BARRIER_DROPPED] = 0;
      words[object + BARRIER_LATER] = 0;
      // If it was dropped, nobody has arrived since.
      words[object + BARRIER_ARRIVED] = 0;
      words[object + BARRIER_TELLING] = found | (words[object + BARRIER_BROKEN] === 1 ? REFUSE : RETRY);
    }
    if (Atomics.compareExchange(words, object + SECTION, me, 0) !== me) {
      Atomics.compareExchange(words, object + SECTION, -me, 0);
      Atomics.notify(words, object + SECTION);
    }
    return found;
  }

  /** Breaks it: all who wait fail. */
  abort(): void {
    this.#end(1);
  }

  /** Makes it whole: who has arrived fails. */
  reset(): void {
    this.#end(0);
  }

  #end(broken: number): void {
    stack.probe();
    do this.#serve();
    while (!this.#endNow(broken));
    this.#serve();
  }

  #endNow(broken: number): boolean {
    const words = this.#words;
    const { object } = this;
    const me = this.#heap.token;
    let done = false;
    if (Atomics.compareExchange(words, object + SECTION, 0, me) !== 0) enterSection(this.#heap, object);
    if (words[object + BARRIER_TELLING] === 0) {
      done = true;
      words[object + BARRIER_BROKEN] = broken;
      words[object + BARRIER_ARRIVED] = 0;
      words[object + BARRIER_TELLING] = broken === 1 ? FAIL | REFUSE : FAIL;
      if (broken === 1) words[object + BARRIER_LATER] = 0;
      if (words[object + BARRIER_RUNNER] !== 0) words[object + BARRIER_DROPPED] = 1;
    }
    if (Atomics.compareExchange(words, object + SECTION, me, 0) !== me) {
      Atomics.compareExchange(words, object + SECTION, -me, 0);
      Atomics.notify(words, object + SECTION);
    }
    return done;
  }

  #serve(): void {
    this.#telling.serve();
  }

  /** Mends what a dead thread left, if it left anything here. */
  recover(): void {
    stack.probe();
    if (Atomics.load(this.#words, this.object + SECTION) === TORN) settleSection(this.#heap, this.object);
    do this.#serve();
    while (!this.#mend());
    this.#serve();
  }

  #mend(): boolean {
    const words = this.#words;
    const { object } = this;
    const me = this.#heap.token;
    const runner = Atomics.load(words, object + BARRIER_RUNNER);
    const isDead = runner !== 0 && this.#heap.isDead(runner);
    let done = false;
    if (Atomics.compareExchange(words, object + SECTION, 0, me) !== 0) enterSection(this.#heap, object);
    if (words[object + BARRIER_TELLING] === 0) {
      done = true;
      const died = isDead && words[object + BARRIER_RUNNER] === runner;
      const dropped = words[object + BARRIER_DROPPED] === 1;
      const newcomerDied = words[object + BARRIER_NEWCOMERS + LIST_COUNT] !== words[object + BARRIER_LATER];
      let telling = 0;
      if ((died && !dropped) || words[object + LISTS + LIST_COUNT] !== words[object + BARRIER_ARRIVED]) {
        words[object + BARRIER_BROKEN] = 1;
        words[object + BARRIER_ARRIVED] = 0;
        telling = FAIL | REFUSE;
        if (words[object + BARRIER_RUNNER] !== 0) words[object + BARRIER_DROPPED] = 1;
      } else if (newcomerDied) {
        words[object + BARRIER_BROKEN] = 1;
        telling = REFUSE;
      } else if (died) {
        telling = words[object + BARRIER_BROKEN] === 1 ? REFUSE : RETRY;
      }
      if (died) {
        words[object + BARRIER_RUNNER] = 0;
        words[object + BARRIER_DROPPED] = 0;
      }
      if (telling !== 0) words[object + BARRIER_LATER] = 0;
      words[object + BARRIER_TELLING] = telling;
    }
    if (Atomics.compareExchange(words, object + SECTION, me, 0) !== me) {
      Atomics.compareExchange(words, object + SECTION, -me, 0);
      Atomics.notify(words, object + SECTION);
    }
    return done;
  }
}
