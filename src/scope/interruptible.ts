/** Waiting for a promise in a way that a time-out, a signal and the cancellation of the current task can end. */
import { checkOptions, checkSignal, checkTimeout } from '../core/arguments.ts';
import { currentScope } from './scope.ts';
import { rejectedByCancellation, Waiter } from './waiter.ts';

/** What every operation that can wait takes. */
export interface WaitOptions {
  /** Milliseconds; 0 fails unless it can be done at once; none or `Infinity` waits without limit. */
  readonly timeout?: number | undefined;
  /** Ends the wait with `signal.reason`. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Whether a wait on an object that threads share keeps this thread's loop, and with it the process, alive. Waits of
   * the main loop do without being told; those of other loops by `true`.
   */
  readonly keepAlive?: boolean | undefined;
}

/**
 * Waits for `wait` cancellably. The promise rejects with the `CancelledError` of the task around, with `signal.reason`,
 * or with a `TimeoutError` whose message is made by `describe`; what was there before any of them wins. The thing
 * waited for is left alone. All listeners are taken off when the wait ends, in whatever way.
 */
export function interruptible<T>(
  wait: PromiseLike<T>,
  options: WaitOptions | undefined,
  describe: () => string,
): Promise<T> {
  let timeout: number;
  let signal: AbortSignal | undefined;
  try {
    const checked = checkOptions(options);
    timeout = checkTimeout(checked.timeout);
    signal = checkSignal(checked.signal);
  } catch (error) {
    absorb(wait);
    return Promise.reject(error);
  }
  if (signal?.aborted) {
    absorb(wait);
    return Promise.reject(signal.reason);
  }
  const scope = currentScope();
  if (scope?.cancellation !== undefined) {
    absorb(wait);
    return rejectedByCancellation(scope.cancellation);
  }
  const waiter = new Waiter<T>(scope);
  waiter.what = describe;
  waiter.watchSignal(signal);
  waiter.startTimeout(timeout, describe);
  try {
    wait.then(
      (value) => waiter.resolve(value),
      (error) => waiter.reject(error),
    );
  } catch (error) {
    waiter.reject(error);
  }
  return waiter.promise;
}

/** It was handed to a wait, so a failure of it counts as awaited even though that wait has ended otherwise. */
function absorb(wait: PromiseLike<unknown>): void {
  if (wait instanceof Promise) wait.then(undefined, () => {});
}
