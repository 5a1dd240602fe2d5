/** The pool that work goes to when no other is named. */

import { show } from '../core/arguments.ts';
import { InvalidStateError } from '../core/errors.ts';
import { isMainThread } from '../platform/thread-identity.ts';
import { type Future, rejectedFuture } from './future.ts';
import { ThreadPoolExecutor } from './thread-pool-executor.ts';

let pool: ThreadPoolExecutor | undefined;

/**
 * The default pool: made when first asked for, with as many threads as the machine, or its container, gives this
 * process.
 *
 * @example
 * ```ts
 * import { defaultPool, toThread } from 'heddle';
 *
 * await toThread(() => 1);
 * console.log(defaultPool().statistics().completed); // 1
 * ```
 *
 * @throws InvalidStateError in a thread that heddle started.
 */
export function defaultPool(): ThreadPoolExecutor {
  if (pool === undefined || pool.isShutDown) {
    if (!isMainThread) {
      throw new InvalidStateError(
        'Cannot use the default pool: it belongs to the main thread, and this is a thread of it; call the function directly, or make a ThreadPoolExecutor here',
      );
    }
    pool = new ThreadPoolExecutor({ name: 'default' });
  }
  return pool;
}

/**
 * Makes `next` the default pool. The one before goes on, and is yours to shut down.
 *
 * @example
 * ```ts
 * import { setDefaultPool, ThreadPoolExecutor, toThread } from 'heddle';
 *
 * const pool = new ThreadPoolExecutor({ threads: 1, name: 'mine' });
 * setDefaultPool(pool);
 * await toThread(() => 1);
 * console.log(pool.size); // 1
 * await pool.shutdown();
 * ```
 *
 * @throws TypeError if it is not a ThreadPoolExecutor.
 */
export function setDefaultPool(next: ThreadPoolExecutor): void {
  if (!(next instanceof ThreadPoolExecutor)) {
    throw new TypeError(`pool must be a ThreadPoolExecutor, received ${show(next)}`);
  }
  pool = next;
}

/**
 * Runs `fn(...args)` on a thread of the default pool.
 *
 * The function is found in the thread by its `portable` mark, or is an inline function that uses nothing but its
 * arguments and globals. Arguments and result are copied. Whatever goes wrong, the future rejects.
 *
 * @example
 * ```ts
 * import { toThread } from 'heddle';
 *
 * const sum = await toThread((n: number) => {
 *   let total = 0;
 *   for (let i = 0; i < n; i++) total += i * i;
 *   return total;
 * }, 1_000_000);
 * console.log(sum);
 * ```
 *
 * @throws (by the future) CaptureError, SendError, ThreadDiedError, CancelledError, or the function's own error.
 */
export function toThread<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): Future<Awaited<R>> {
  try {
    return defaultPool().submitFrom(toThread, fn, args);
  } catch (error) {
    return rejectedFuture(error, () => 'toThread');
  }
}
