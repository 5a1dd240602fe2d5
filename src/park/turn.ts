/**
 * How much this loop settles before it lets everything else run.
 *
 * What is settled at once is continued by microtasks, and these keep the loop from its timers, its sockets and the wake-ups of
 * other threads for as long as there are any: with 100,000 tasks that take a free lock in turn, for good. So after some
 * hundred settled waits the next ones are put off until the loop has been round; and each round looks at the mailbox
 * first, and settles what has just come side by side with what was put off.
 *
 * - **Order.** What is put off is settled in order. What comes from other threads meanwhile need not stand behind it.
 * - **Cost.** A count for each wait; one round of the loop for every few hundred that come without a pause.
 *
 * **Source.** The budgets of Tokio's cooperative scheduling.
 */
import { outsideContext } from '../platform/no-context.ts';

/** So many waits are settled in a round: a fraction of a millisecond. */
const ROUND = 512;

/** What settles a wait; or a cell, which is delivered. */
type Settle = (() => void) | number;

/** Settled in order, from `next` on: taking from the front of a long array would move all of it each time. */
class Line {
  #settles: Settle[] = [];
  #next = 0;

  get isEmpty(): boolean {
    return this.#next === this.#settles.length;
  }

  push(settle: Settle): void {
    this.#settles.push(settle);
  }

  take(): Settle {
    const settle = this.#step();
    this.#shorten();
    return settle;
  }

  /** Settles the first `count`, or as many as there are; gives how many. What they put into the line is left for later. */
  settle(count: number): number {
    const begin = this.#next;
    const end = Math.min(begin + count, this.#settles.length);
    while (this.#next < end) {
      const settle = this.#step();
      if (typeof settle === 'number') deliver(settle);
      else settle();
    }
    this.#shorten();
    return end - begin;
  }

  /** What was taken is not kept: it may hold whatever a job was given. */
  #step(): Settle {
    const settle = this.#settles[this.#next]!;
    this.#settles[this.#next++] = 0;
    return settle;
  }

  #shorten(): void {
    if (this.#next >= 1024 && this.#next * 2 >= this.#settles.length) {
      this.#settles = this.#settles.slice(this.#next);
      this.#next = 0;
    }
  }
}

/** That of the runtime: a clock which tests put in its place would keep what is put off for good. */
const nextTurn = setImmediate;

let left = ROUND;
let scheduled = false;
/** What was put off: what this thread had itself, and what other threads have sent. */
const own = new Line();
const sent = new Line();
/** Settled before the loop goes on. */
const soon = new Line();
let soonScheduled = false;
const settled = Promise.resolve();
/** Looks at the mailbox. */
let takeNews: () => void = () => {};
let deliver: (cell: number) => void = () => {};

/** `take` is called at the beginning of each round that something was put off to; `deliverCell` for each cell that was. */
export function eachRound(take: () => void, deliverCell: (cell: number) => void): void {
  takeNews = take;
  deliver = deliverCell;
}

/** Whether something may be settled now; if not, put it off. */
export function mayNow(): boolean {
  return --left > 0;
}

/** Settles it in a later round. What comes from another thread does not stand behind what this one has put off. */
export function putOff(settle: Settle, news: boolean): void {
  (news ? sent : own).push(settle);
  schedule();
}

/**
 * Settles a wait of this loop that this thread itself has ended, as soon as it has left what it is doing: how deep its
 * stack is must not matter, nor may the decoding of an item run within another call. All in order.
 */
export function settleSoon(settle: Settle): void {
  soon.push(settle);
  if (soonScheduled) return;
  soonScheduled = true;
  void settled.then(settleAllSoon);
}

function settleAllSoon(): void {
  soonScheduled = false;
  while (!soon.isEmpty) {
    if (mayNow()) soon.settle(1);
    else putOff(soon.take(), false);
  }
}

/** Whether what is granted next is put off. */
export function isRoundOver(): boolean {
  return left <= 1;
}

/** Whether something that was settled waits for a later round. For tests, which look when the loop is at rest. */
export function hasPutOff(): boolean {
  return scheduled || soonScheduled;
}

/** A promise of what is there already. */
export function granted<T>(value: T): Promise<T> {
  if (--left > 0) return Promise.resolve(value);
  return new Promise((resolve) => putOff(() => resolve(value), false));
}

function schedule(): void {
  if (scheduled) return;
  scheduled = true;
  inNextTurn(nextRound);
}

/** Calls `fn` once the loop has been round, outside every context. */
export function inNextTurn(fn: () => void): void {
  outsideContext(nextTurn, fn);
}

function nextRound(): void {
  scheduled = false;
  left = 0;
  takeNews();
  own.settle(ROUND - sent.settle(ROUND / 2));
  left = ROUND;
  if (!own.isEmpty || !sent.isEmpty) schedule();
}
