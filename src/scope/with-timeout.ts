import { checkFunction, checkTimeout } from '../core/arguments.ts';
import { startTimer } from '../core/clock.ts';
import { TimeoutError } from '../core/errors.ts';
import { type Outcome, runBlock } from './call.ts';
import { addCause } from './causes.ts';
import { currentScope, Scope } from './scope.ts';
import { rejectedByCancellation } from './waiter.ts';

/**
 * Calls `fn` and gives it `ms` milliseconds; past them `fn` is cancelled and awaited, then this rejects with a
 * `TimeoutError`.
 *
 * - **Who wins.** A value that `fn` returns in spite of the cancellation is the result. An error of its clean-up is the
 *   error, with the `TimeoutError` at the end of its chain of causes. If the task around is cancelled too, its
 *   `CancelledError` goes on up.
 * - With `ms` 0, `fn` is called, and a result that it gives without waiting wins.
 * - `fn` is never left running: a function that ignores its cancellation is waited for.
 *
 * @throws {TimeoutError} if the time is up.
 * @example
 * ```ts
 * import { sleep, TimeoutError, withTimeout } from 'heddle';
 *
 * try {
 *   await withTimeout(10, () => sleep(60_000));
 * } catch (error) {
 *   console.log(error instanceof TimeoutError); // true
 * }
 * ```
 */
export function withTimeout<T>(ms: number, fn: (signal: AbortSignal) => T | PromiseLike<T>): Promise<T> {
  let timeout: number;
  try {
    timeout = checkTimeout(ms, 'ms');
    checkFunction(fn, 'fn');
  } catch (error) {
    return Promise.reject(error);
  }
  const outer = currentScope();
  if (outer?.cancellation !== undefined) return rejectedByCancellation(outer.cancellation);
  const scope = new Scope(outer, { limited: timeout !== Infinity });
  let expired: TimeoutError | undefined;
  const expire = (): void => {
    const error = new TimeoutError(`Cannot finish in time: ${timeout} ms have passed`);
    if (scope.cancel(error)) expired = error;
  };
  const timer = timeout > 0 ? startTimer(timeout, expire) : undefined;
  const promise = runBlock<T, T>(scope, fn, {
    conclude: (outcome) => {
      timer?.stop();
      return expired === undefined ? outcome : concludeExpired(scope, outcome, expired);
    },
  });
  if (timeout === 0 && !scope.closed) expire();
  return promise;
}

function concludeExpired<T>(scope: Scope, outcome: Outcome<T>, expired: TimeoutError): Outcome<T> {
  if (outcome.ok) return outcome;
  if (scope.isCancellation(outcome.error)) return { ok: false, error: scope.parent?.cancellation ?? expired };
  addCause(outcome.error, expired);
  return outcome;
}
