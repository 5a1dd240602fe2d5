import { type CombineOptions, checkFunctions, runTasks, unwrapSingle } from './all.ts';
import { currentScope } from './scope.ts';
import { containCancellation } from './waiter.ts';

/**
 * Runs the functions as tasks and settles as the first of them to settle does. The others are cancelled, and awaited
 * before that; should their clean-up fail, it rejects with a
 * `TaskGroupError`.
 *
 * @throws {RangeError} if there is nothing to race (as a rejection).
 * @example
 * ```ts
 * import { race, sleep } from 'heddle';
 *
 * const winner = await race([async () => (await sleep(60_000), 'slow'), async () => 'fast']);
 * console.log(winner); // fast
 * ```
 */
export function race<F extends (signal: AbortSignal) => unknown>(
  fns: Iterable<F>,
  options?: CombineOptions,
): Promise<Awaited<ReturnType<F>>> {
  return containCancellation(currentScope(), firstSettled(fns, options)) as Promise<Awaited<ReturnType<F>>>;
}

async function firstSettled(
  fns: Iterable<(signal: AbortSignal) => unknown>,
  options?: CombineOptions,
): Promise<unknown> {
  const list = checkFunctions(fns);
  if (list.length === 0) throw new RangeError('Cannot race: there are no functions. Pass at least one');
  let winner: { readonly value: unknown } | undefined;
  let cancelRest = (): void => {};
  const racing = list.map((fn) => async (signal: AbortSignal): Promise<void> => {
    const value = await fn(signal);
    winner ??= { value };
    cancelRest();
  });
  const cancellations: unknown[] = [];
  try {
    await runTasks(racing, options, (task, group) => {
      cancelRest = () => group.cancel('the race is won');
      task.then(undefined, (error) => cancellations.push(error));
    });
  } catch (error) {
    throw winner === undefined ? unwrapSingle(error) : error;
  }
  if (winner !== undefined) return winner.value;
  // Nobody won and nobody failed, so each has cancelled itself.
  throw cancellations[0];
}
