/** Small checks and counts of the queues' public class. */
import { checkInteger, show } from '../core/arguments.ts';
import { now } from '../core/clock.ts';
import { MOST } from './states.ts';

export function checkBound(value: unknown, name: string): number {
  const bound = checkInteger(value, name, { min: 1, infinite: true });
  return Math.min(bound, MOST);
}

/** How many milliseconds are left of a time-out that begins now. */
export function deadline(timeout: number): () => number {
  if (timeout === Infinity || timeout === 0) return () => timeout;
  const end = now() + timeout;
  // Not 0: that would not wait at all.
  return () => Math.max(0.001, end - now());
}

export function checkItems(items: unknown): void {
  if (typeof (items as { [Symbol.iterator]?: unknown } | undefined)?.[Symbol.iterator] === 'function') return;
  throw new TypeError(`items must be iterable, received ${show(items)}`);
}

/** Says in an error how many were put. Not in one that takes no more fields, as the frozen reason of a signal. */
export function withCount(error: unknown, count: number): unknown {
  if (typeof error === 'object' && error !== null)
    Reflect.defineProperty(error, 'count', {
      value: count,
      configurable: true,
      enumerable: true,
      writable: true,
    });
  return error;
}
