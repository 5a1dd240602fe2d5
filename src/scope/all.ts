import { checkFunction, checkInteger, checkOptions, show } from '../core/arguments.ts';
import { TaskGroupError } from '../core/errors.ts';
import { currentScope } from './scope.ts';
import type { Task } from './task.ts';
import { TaskGroup } from './task-group.ts';
import { containCancellation } from './waiter.ts';

type Fn<T> = (signal: AbortSignal) => T | PromiseLike<T>;
type AnyFn = Fn<unknown>;

/** What `all()`, `race()` and `any()` can be told. */
export interface CombineOptions {
  /** How many functions run at once, at most; they begin in order. Default: no limit. */
  readonly limit?: number | undefined;
}

/** The results of functions, in the shape in which the functions were given. */
export type Results<F> = {
  -readonly [K in keyof F]: F[K] extends (...args: never[]) => infer R ? Awaited<R> : never;
};

/**
 * Runs the functions as tasks and gives their results in the shape in which the functions came: a tuple, an array, or
 * an object with the same keys.
 *
 * - **Failure.** Rejects with the first error itself; the rest is cancelled and awaited first. If their clean-up fails
 *   too, it is a `TaskGroupError` with all of them.
 * - **Cancellation** of the task around cancels and awaits them all.
 *
 * @throws {TypeError} if something is no function (as a rejection; then none is called).
 * @example
 * ```ts
 * import { all, sleep } from 'heddle';
 *
 * const { user, html } = await all({
 *   user: async () => (await sleep(1), 'Ada'),
 *   html: () => '<p>',
 * });
 * console.log(user, html);
 * ```
 */
export function all<const F extends readonly AnyFn[]>(fns: F, options?: CombineOptions): Promise<Results<F>>;
export function all<T>(fns: Iterable<Fn<T>>, options?: CombineOptions): Promise<Awaited<T>[]>;
export function all<F extends Readonly<Record<string, AnyFn>>>(
  fns: F,
  options?: CombineOptions,
): Promise<Results<F>>;
export function all(
  fns: Iterable<AnyFn> | Readonly<Record<string, AnyFn>>,
  options?: CombineOptions,
): Promise<unknown> {
  return containCancellation(currentScope(), resultsOf(fns, options));
}

async function resultsOf(
  fns: Iterable<AnyFn> | Readonly<Record<string, AnyFn>>,
  options?: CombineOptions,
): Promise<unknown> {
  if (typeof fns !== 'object' || fns === null)
    throw new TypeError(`fns must be an iterable or an object of functions, received ${show(fns)}`);
  if (Symbol.iterator in fns) return await resultList(fns as Iterable<AnyFn>, options);
  const results = await resultList(Object.values(fns), options);
  return Object.fromEntries(Object.keys(fns).map((key, index) => [key, results[index]]));
}

async function resultList(fns: Iterable<AnyFn>, options?: CombineOptions): Promise<unknown[]> {
  const list = checkFunctions(fns);
  const tasks: Task<unknown>[] = [];
  try {
    await runTasks(list, options, (task) => tasks.push(task));
  } catch (error) {
    throw unwrapSingle(error);
  }
  const results: unknown[] = [];
  // A task may have cancelled itself: then this is where its CancelledError comes out.
  for (const task of tasks) results.push(await task);
  return results;
}

/** The functions as a list; refused before any of them is called. */
export function checkFunctions<T>(fns: Iterable<Fn<T>>): readonly Fn<T>[] {
  if (typeof (fns as Partial<Iterable<unknown>> | undefined)?.[Symbol.iterator] !== 'function')
    throw new TypeError(`fns must be an iterable of functions, received ${show(fns)}`);
  const list = [...fns];
  list.forEach((fn, index) => {
    checkFunction(fn, `fns[${index}]`);
  });
  return list;
}

/** Runs the functions in a group of their own, to the end of all. */
export async function runTasks<T>(
  fns: readonly Fn<T>[],
  options: CombineOptions | undefined,
  spawned: (task: Task<T>, group: TaskGroup) => void,
): Promise<void> {
  const limit = checkInteger(checkOptions(options).limit ?? Infinity, 'limit', { min: 1, infinite: true });
  await TaskGroup.run(
    (group) => {
      for (const fn of fns) spawned(group.spawn(fn), group);
    },
    { limit },
  );
}

/** A single failure comes out as it is; several stay together in their `TaskGroupError`. */
export function unwrapSingle(error: unknown): unknown {
  return error instanceof TaskGroupError && error.errors.length === 1 ? error.errors[0] : error;
}
