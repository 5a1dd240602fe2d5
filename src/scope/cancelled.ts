import { CancelledError } from '../core/errors.ts';
import { someCause } from './causes.ts';
import { currentScope } from './scope.ts';

/**
 * Whether the current code has been cancelled: its task, or the block around it. For loops that compute without
 * waiting. In a job it sees a cancellation from another thread at once, though the loop of the job is busy.
 *
 * @example
 * ```ts
 * import { cancelled } from 'heddle';
 *
 * let sum = 0;
 * for (let i = 0; i < 1_000_000 && !cancelled(); i++) sum += i;
 * console.log(sum);
 * ```
 */
export function cancelled(): boolean {
  const scope = currentScope();
  if (scope === undefined) return false;
  if (scope.cancellation === undefined) scope.poll();
  return scope.cancellation !== undefined;
}

/**
 * Throws the `CancelledError` of the current task if it has been cancelled.
 *
 * @throws {CancelledError} whose `cause` is the reason given.
 * @example
 * ```ts
 * import { throwIfCancelled } from 'heddle';
 *
 * for (let i = 0; i < 1_000_000; i++) {
 *   if (i % 1024 === 0) throwIfCancelled();
 * }
 * ```
 */
export function throwIfCancelled(): void {
  if (cancelled()) throw currentScope()!.cancellation!;
}

/**
 * Whether an error is a cancellation: a `CancelledError`, or an error caused by one, as the `AbortError` is with which
 * `fetch` or `node:timers/promises` answer an aborted signal.
 *
 * @example
 * ```ts
 * import { isCancelled, sleep, TaskGroup } from 'heddle';
 *
 * await TaskGroup.run((group) => {
 *   group.spawn(async () => {
 *     try {
 *       await sleep(60_000);
 *     } catch (error) {
 *       if (!isCancelled(error)) console.error('failed', error);
 *       throw error;
 *     }
 *   });
 *   group.cancel();
 * });
 * ```
 */
export function isCancelled(error: unknown): boolean {
  return someCause(error, (one) => one instanceof CancelledError);
}
