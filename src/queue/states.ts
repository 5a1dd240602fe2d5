/** What the words of a queue in shared memory may be, beside numbers of items; and what its waiters are told. */
import { DATA } from '../memory/layout.ts';

/** In which order items are taken. */
export const FIFO = 0;
export const LIFO = 1;
export const PRIORITY = 2;
export type Order = typeof FIFO | typeof LIFO | typeof PRIORITY;

/** States of a queue. After `CLEARED` nothing comes out any more. */
export const OPEN = 0;
export const SHUT = 1;
export const CLEARED = 2;

/** What waiters are told: it is theirs, or the queue was shut down. Joiners: all is done, or done but for the dead. */
export const READY = 1;
export const REFUSED = 2;
export const DONE = 1;
export const DONE_BY_DEATH = 2;

/** No capacity, and no count that goes on for ever, is above. */
export const MOST: number = 2 ** 31 - 1;

/** For whom an item is taken: a newcomer, or a waiter that was woken. */
export const FOR_NEWCOMER = 0;
export const FOR_WAITER = 1;

/** Where what is in an item begins: at an even word. */
export function payloadOf(item: number): number {
  return item + DATA + ((item + DATA) & 1);
}
