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

type Settle = () => void;

let left = ROUND;
let putOff: Settle[] = [];
let scheduled = false;
/** Puts off what has come from other threads, and settles it in this round as far as `settleNow` allows. */
let takeNews: () => void = () => {};

/** Called at the beginning of each round that something was put off to. */
export function eachRound(take: () => void): void {
  takeNews = take;
}

/** Whether something may be settled now; if not, put it off. */
export function mayNow(): boolean {
  return --left > 0;
}

/** Settles it in a later round. */
export function putOffToNextRound(settle: Settle): void {
  putOff.push(settle);
  if (scheduled) return;
  scheduled = true;
  outsideContext(setImmediate, nextRound);
}

/** A promise of what is there already. */
export function granted<T>(value: T): Promise<T> {
  if (--left > 0) return Promise.resolve(value);
  return new Promise((resolve) => putOffToNextRound(() => resolve(value)));
}

function nextRound(): void {
  scheduled = false;
  const waiting = putOff;
  putOff = [];
  left = ROUND / 2;
  takeNews();
  left = ROUND / 2;
  const now = waiting.splice(0, left);
  const fresh = putOff;
  putOff = waiting;
  for (const settle of fresh) putOff.push(settle);
  for (const settle of now) settle();
  left = ROUND;
  if (putOff.length > 0 && !scheduled) {
    scheduled = true;
    outsideContext(setImmediate, nextRound);
  }
}
