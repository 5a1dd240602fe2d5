import { TaskGroupError } from '../core/errors.ts';
import { type CombineOptions, checkFunctions, runTasks } from './all.ts';
import { currentScope } from './scope.ts';
import { containCancellation } from './waiter.ts';

/**
 * Runs the functions as tasks and gives the result of the first that succeeds; the others are cancelled and awaited
 * before that. Failures are forgotten as soon as one succeeds.
 *
 * @throws {TaskGroupError} if all have failed, with their errors in order of failure.
 * @example
 * ```ts
 * import { any } from 'heddle';
 *
 * const first = await any([
 *   () => Promise.reject(new Error('mirror down')),
 *   async () => 'from the second mirror',
 * ]);
 * console.log(first);
 * ```
 */
export function any<F extends (signal: AbortSignal) => unknown>(
  fns: Iterable<F>,
  options?: CombineOptions,
): Promise<Awaited<ReturnType<F>>> {
  return containCancellation(currentScope(), firstSuccess(fns, options)) as Promise<Awaited<ReturnType<F>>>;
}

async function firstSuccess(
  fns: Iterable<(signal: AbortSignal) => unknown>,
  options?: CombineOptions,
): Promise<unknown> {
  const list = checkFunctions(fns);
  if (list.length === 0) throw new RangeError('Cannot take any: there are no functions. Pass at least one');
  const errors: unknown[] = [];
  let winner: { readonly value: unknown } | undefined;
  let cancelRest = (): void => {};
  const trying = list.map((fn) => async (signal: AbortSignal): Promise<void> => {
    try {
      const value = await fn(signal);
      winner ??= { value };
      cancelRest();
    } catch (error) {
      // Failures before the first success are what the others are for; one of a clean-up after it counts, and the
      // task's own cancellation is for the group to see.
      if (winner !== undefined || currentScope()?.isCancellation(error)) throw error;
      errors.push(error);
    }
  });
  await runTasks(trying, options, (_, group) => {
    cancelRest = () => group.cancel('one has succeeded');
  });
  if (winner !== undefined) return winner.value;
  throw new TaskGroupError(errors, `None of ${list.length} functions succeeded`);
}
