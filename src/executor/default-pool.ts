/** The pool that work goes to when no other is named. */

import { show } from '../core/arguments.ts';
import { outside } from '../scope/outside.ts';
import { poolOfRun } from '../scope/run.ts';
import { EventLoopThread } from './event-loop-thread.ts';
import type { Executor } from './executor.ts';
import type { Future } from './future.ts';
import { JobExecutor } from './job-executor.ts';
import { rejectedFuture } from './rejected-future.ts';
import { poolOfThread, ThreadPoolExecutor } from './thread-pool-executor.ts';

let pool: ThreadPoolExecutor | undefined;
/** For `toThreadSync`. */
let helper: EventLoopThread | undefined;

/**
 * The default pool: one for each process, made when first asked for, with as many threads as the machine, or its container,
 * gives it. Inside a job it is the pool that runs it; inside `run(main, { pool })` it is that, if it is a ThreadPoolExecutor.
 *
 * @example
 * ```ts
 * import { defaultPool, toThread } from 'heddle';
 *
 * await toThread(() => 1);
 * console.log(defaultPool().statistics().completed); // 1
 * ```
 */
export function defaultPool(): ThreadPoolExecutor {
  const given = poolOfRun();
  if (given instanceof ThreadPoolExecutor) return given;
  if (pool === undefined || pool.isShutDown)
    pool = poolOfThread() ?? new ThreadPoolExecutor({ name: 'default' });
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
 * Runs `fn(...args)` on a thread of the default pool, or by the executor that the current `run` was given.
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
    const given = poolOfRun() as Executor | undefined;
    if (given instanceof JobExecutor) return given.submitFrom(toThread, fn, args);
    return given === undefined ? defaultPool().submitFrom(toThread, fn, args) : given.submit(fn, ...args);
  } catch (error) {
    return rejectedFuture(error, () => 'toThread');
  }
}

/**
 * As `toThread`, and blocks this thread for the result: for code that is synchronous and needs something that is not. The loop
 * of this thread stands still meanwhile. It runs on the loop of a helper thread, which is started by the first call and serves no
 * others: so it works however busy the pools are. For options: `pool.with(…).submitSync`.
 *
 * @example
 * ```ts
 * import { toThreadSync } from 'heddle';
 *
 * const text = toThreadSync(async () => {
 *   const response = await fetch('data:text/plain,hello');
 *   return await response.text();
 * });
 * console.log(text); // hello
 * ```
 *
 * @throws as the future of `toThread` rejects.
 */
export function toThreadSync<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): Awaited<R> {
  if (helper === undefined || helper.closed)
    helper = outside(() => EventLoopThread.startSync({ name: 'toThreadSync' }));
  return helper.submitFrom(toThreadSync, fn, args).resultSync();
}
