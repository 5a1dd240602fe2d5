import { checkOneOf, checkOptions, show } from '../core/arguments.ts';
import { interruptible, type WaitOptions } from './interruptible.ts';
import { outside } from './outside.ts';
import { currentScope } from './scope.ts';
import { containCancellation } from './waiter.ts';

/** When `wait()` is to end: when all have settled (default), when one has, or when one has failed or all have settled. */
export interface UntilOptions extends WaitOptions {
  readonly until?: 'all' | 'first' | 'first-error' | undefined;
}

/**
 * Waits for several awaitables and tells which are done; it never takes a value nor throws an error of theirs.
 *
 * - What has settled when the call is made counts as done; a duplicate counts once; of nothing, two empty sets.
 * - Nothing is cancelled by the end of the wait. Errors of the awaitables count as awaited.
 *
 * @throws {TimeoutError} such as `Cannot wait: 2 of 4 unfinished after 100 ms`.
 * @example
 * ```ts
 * import { sleep, wait } from 'heddle';
 *
 * const soon = sleep(1);
 * const late = sleep(50);
 * const { done, pending } = await wait([soon, late], { until: 'first' });
 * console.log(done.has(soon), pending.has(late)); // true true
 * ```
 */
export function wait<P extends PromiseLike<unknown>>(
  awaitables: Iterable<P>,
  options?: UntilOptions,
): Promise<{ done: Set<P>; pending: Set<P> }> {
  return containCancellation(currentScope(), waitFor(awaitables, options));
}

async function waitFor<P extends PromiseLike<unknown>>(
  awaitables: Iterable<P>,
  options?: UntilOptions,
): Promise<{ done: Set<P>; pending: Set<P> }> {
  const until = checkOneOf(checkOptions(options).until ?? 'all', 'until', ['all', 'first', 'first-error']);
  const pending = new Set(checkAwaitables(awaitables));
  const done = new Set<P>();
  const total = pending.size;
  if (total === 0) {
    await interruptible(Promise.resolve(), options, () => 'Cannot wait');
    return { done, pending };
  }
  let enough!: () => void;
  const reached = new Promise<void>((resolve) => {
    enough = resolve;
  });
  let over = false;
  watchEach(pending, (one, failed) => {
    if (over) return;
    pending.delete(one);
    done.add(one);
    if (pending.size === 0 || until === 'first' || (until === 'first-error' && failed)) enough();
  });
  try {
    await interruptible(
      reached,
      options,
      () => `Cannot wait: ${pending.size} of ${total} unfinished after ${options?.timeout} ms`,
    );
  } finally {
    over = true;
  }
  return { done, pending };
}

/** The awaitables as a list, each once. */
export function checkAwaitables<P extends PromiseLike<unknown>>(awaitables: Iterable<P>): readonly P[] {
  if (typeof (awaitables as Partial<Iterable<P>> | undefined)?.[Symbol.iterator] !== 'function')
    throw new TypeError(`awaitables must be an iterable of promises, received ${show(awaitables)}`);
  const list = [...new Set(awaitables)];
  list.forEach((one, index) => {
    if (typeof (one as Partial<PromiseLike<unknown>> | undefined)?.then !== 'function')
      throw new TypeError(`awaitables[${index}] must be a promise, received ${show(one)}`);
  });
  return list;
}

/** Tells of each when it has settled. Outside any task: the cancellation of the waiting task settles none of them. */
export function watchEach<P extends PromiseLike<unknown>>(
  awaitables: Iterable<P>,
  settled: (one: P, failed: boolean) => void,
): void {
  outside(() => {
    for (const one of awaitables)
      void Promise.resolve(one).then(
        () => settled(one, false),
        () => settled(one, true),
      );
  });
}
