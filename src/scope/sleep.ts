import { checkOptions, checkSignal, checkTimeout } from '../core/arguments.ts';
import { startTimer } from '../core/clock.ts';
import { currentScope } from './scope.ts';
import { rejectedByCancellation, Waiter } from './waiter.ts';

/**
 * Resolves after `ms` milliseconds, never earlier; 0 yields to timers and I/O once; `Infinity` waits for a cancellation.
 *
 * - **Cancellation.** Rejects with the current task's `CancelledError`, or with `signal.reason`; the timer is gone at once.
 * - **Keep-alive.** Holds the process while it waits.
 *
 * @throws {RangeError} if `ms` is negative or NaN (as a rejection).
 * @example
 * ```ts
 * import { sleep } from 'heddle';
 *
 * await sleep(10);
 * console.log('10 ms later');
 * ```
 */
export function sleep(ms: number, options?: { readonly signal?: AbortSignal }): Promise<void> {
  let signal: AbortSignal | undefined;
  try {
    if (ms === undefined) throw new TypeError('ms must be a number of milliseconds, received undefined');
    checkTimeout(ms, 'ms');
    signal = checkSignal(checkOptions(options).signal);
  } catch (error) {
    return Promise.reject(error);
  }
  if (signal?.aborted) return Promise.reject(signal.reason);
  const scope = currentScope();
  if (scope?.cancellation !== undefined) return rejectedByCancellation(scope.cancellation);
  const waiter = new Waiter<void>(scope, () => timer.stop());
  // A finite delay even for `Infinity`: the wait itself keeps the process up.
  const timer = startTimer(Math.min(ms, Number.MAX_SAFE_INTEGER), () => waiter.resolve());
  waiter.what = timeOf;
  waiter.watchSignal(signal);
  return waiter.promise;
}

function timeOf(): string {
  return 'a sleep to end';
}
