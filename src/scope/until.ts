import { isThenable } from './call.ts';
import { interruptible, type WaitOptions } from './interruptible.ts';

/**
 * Waits for a promise that knows nothing of tasks in a way that the cancellation of the current task ends; the work
 * behind the promise is not stopped by it.
 *
 * @throws {TimeoutError} if `timeout` ran out first; with 0, unless the promise is settled already.
 * @example
 * ```ts
 * import { once } from 'node:events';
 * import { Readable } from 'node:stream';
 * import { until } from 'heddle';
 *
 * const stream = Readable.from(['a', 'b']).resume();
 * await until(once(stream, 'end'), { timeout: 1_000 });
 * ```
 */
export function until<T>(promise: PromiseLike<T>, options?: WaitOptions): Promise<T> {
  const wait = isThenable(promise) ? promise : Promise.resolve(promise);
  return interruptible(
    wait,
    options,
    () => `Cannot wait for the promise any longer: ${options?.timeout} ms have passed`,
  );
}
