import { checkInteger, checkOptions, checkTimeout } from '../core/arguments.ts';
import { nowWhileBlocked } from '../core/clock.ts';
import { TimeoutError } from '../core/errors.ts';
import { nextTurn } from '../platform/loop-turns.ts';
import { throwIfCancelled } from '../scope/cancelled.ts';

/** Whatever says how many wait for it: locks, queues, events, and all their kin. */
export interface HasWaiters {
  statistics(): {
    readonly waiting?: number;
    readonly getters?: number;
    readonly putters?: number;
    readonly joiners?: number;
  };
}

export interface UntilBlockedOptions {
  /** Real milliseconds, whatever clock is installed; default 10,000. */
  readonly timeout?: number | undefined;
}

const LONG = 10_000;

/**
 * Resolves once at least `waiters` tasks and blocked threads, of whatever loop, wait at the object: instead of a sleep that
 * hopes so. Of a queue those count that get, put and join.
 *
 * It looks at shared memory once in every turn of the loop, for a test may wait for what no event tells.
 *
 * @throws {TimeoutError} that says how many waited.
 * @example
 * ```ts
 * import { Lock } from 'heddle';
 * import { untilBlocked } from 'heddle/testing';
 *
 * const lock = new Lock();
 * const guard = lock.acquireSync();
 * const next = lock.acquire();
 * await untilBlocked(lock);
 * guard.release();
 * (await next).release();
 * ```
 */
export async function untilBlocked(
  object: HasWaiters,
  waiters: number = 1,
  options?: UntilBlockedOptions,
): Promise<void> {
  if (typeof (object as HasWaiters | null)?.statistics !== 'function')
    throw new TypeError('object must have statistics(), as a Lock or a Queue');
  checkInteger(waiters, 'waiters', { min: 0 });
  const timeout = checkTimeout(checkOptions(options).timeout ?? LONG);
  const end = nowWhileBlocked() + timeout;
  for (;;) {
    throwIfCancelled();
    const found = waitersOf(object);
    if (found >= waiters) return;
    if (nowWhileBlocked() >= end)
      throw new TimeoutError(`Only ${found} of ${waiters} waited there when ${timeout} ms had passed`);
    await nextTurn();
  }
}

function waitersOf(object: HasWaiters): number {
  const { waiting, getters = 0, putters = 0, joiners = 0 } = object.statistics();
  return waiting ?? getters + putters + joiners;
}
