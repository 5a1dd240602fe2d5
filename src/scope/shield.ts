import { checkFunction } from '../core/arguments.ts';
import { runBlock } from './call.ts';
import { currentScope, Scope } from './scope.ts';

/**
 * Runs `fn` to its end though the caller is cancelled, before or meanwhile: for clean-up that has to wait.
 *
 * - `fn` gets a signal that the caller's cancellation does not abort, and its waits are not cut short by it.
 * - The caller waits for the end of `fn`, gets its value or its error, and sees its own cancellation at the next wait.
 * - Nothing outlives its scope: the task around does not end before `fn` has, awaited or not. Bound it by
 *   `withTimeout()` inside, or all of them by `run(main, { cleanupTimeout })`.
 *
 * @example
 * ```ts
 * import { shield, sleep, TaskGroup } from 'heddle';
 *
 * await TaskGroup.run((group) => {
 *   group.spawn(async () => {
 *     try {
 *       await sleep(60_000);
 *     } finally {
 *       await shield(() => sleep(1)); // say goodbye to the server
 *       console.log('closed');
 *     }
 *   });
 *   setTimeout(() => group.cancel(), 1);
 * });
 * ```
 */
export function shield<T>(fn: (signal: AbortSignal) => T | PromiseLike<T>): Promise<T> {
  try {
    checkFunction(fn, 'fn');
  } catch (error) {
    return Promise.reject(error);
  }
  const scope = new Scope(currentScope(), { shielded: true });
  return runBlock<T, T>(scope, fn, { conclude: (outcome) => outcome });
}
