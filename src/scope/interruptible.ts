/** Waiting for a promise in a way that a time-out, a signal and the cancellation of the current task can end. */
import { checkOptions, checkSignal, checkTimeout } from '../core/arguments.ts';
import { currentScope, type Scope } from './scope.ts';
import { rejectedByCancellation, Waiter } from './waiter.ts';

/** What every operation that can wait takes. */
export interface WaitOptions {
  /** Milliseconds; 0 fails unless it can be done at once; none or `Infinity` waits without limit. */
  readonly timeout?: number | undefined;
  /** Ends the wait with `signal.reason`. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Whether a wait on an object that threads share keeps this thread's loop, and with it the process, alive. Waits of
   * the main loop do without being told, unless it is `false`; those of other loops by `true`.
   */
  readonly keepAlive?: boolean | undefined;
}

/**
 * Waits for `wait` cancellably. The promise rejects with the `CancelledError` of the task around, with `signal.reason`,
 * or with a `TimeoutError` whose message is made by `describe`; what was there before any of them wins. The thing
 * waited for is left alone. All listeners are taken off when the wait ends, in whatever way. `source` is what the promise tells
 * of, if that can be asked.
 */
export function interruptible<T>(
  wait: PromiseLike<T>,
  options: WaitOptions | undefined,
  describe: () => string,
  source?: Settleable<T>,
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
  const waiter = source === undefined ? new Waiter<T>(scope) : new SourceWaiter<T>(scope, source);
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

/** What may be settled by now, though its promise has not told yet. */
export interface Settleable<T> {
  /** The value; `undefined` if it is not settled. @throws what it failed with */
  tryResult(): { readonly value: T } | undefined;
}

/** What was there before the wait was cut off is got all the same. */
class SourceWaiter<T> extends Waiter<T> {
  readonly #source: Settleable<T>;

  constructor(scope: Scope | undefined, source: Settleable<T>) {
    super(scope);
    this.#source = source;
  }

  protected override giveUp(): boolean {
    try {
      const result = this.#source.tryResult();
      if (result === undefined) return true;
      this.resolve(result.value);
    } catch (error) {
      this.reject(error);
    }
    return false;
  }
}

/** It was handed to a wait, so a failure of it counts as awaited even though that wait has ended otherwise. */
function absorb(wait: PromiseLike<unknown>): void {
  if (wait instanceof Promise) wait.then(undefined, () => {});
}
