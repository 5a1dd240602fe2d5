/** What the methods of queues are given and give, and small checks of it. */
import { checkInteger, show } from '../core/arguments.ts';
import type { NameOptions } from '../sync/shared-handle.ts';
import { MOST } from './states.ts';

export interface QueueOptions extends NameOptions {
  /** How many items it takes before `put` waits. By default no limit. */
  readonly capacity?: number | undefined;
  /** How many bytes the encoded items may have together before `put` waits. By default no limit. */
  readonly maxBytes?: number | undefined;
}

export interface QueueStatistics {
  readonly name?: string;
  readonly size: number;
  /** The encoded items together. */
  readonly bytes: number;
  readonly unfinished: number;
  /** How many tasks and threads wait to get, to put, and to join. */
  readonly getters: number;
  readonly putters: number;
  readonly joiners: number;
  /** All of them. */
  readonly waiting: number;
}

export interface ShutdownOptions {
  /** Drops what is in the queue. By default it can still be taken. */
  readonly immediate?: boolean | undefined;
  /** What is thrown from then on, instead of a `QueueShutDownError`. It must be possible to send it. */
  readonly error?: unknown;
}

export function checkBound(value: unknown, name: string): number {
  const bound = checkInteger(value, name, { min: 1, infinite: true });
  return Math.min(bound, MOST);
}

/** How many milliseconds are left of a time-out that begins now, by that clock. */
export function deadline(timeout: number, now: () => number): () => number {
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
