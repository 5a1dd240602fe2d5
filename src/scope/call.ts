/** Calling a user's function in a scope. */
import { ambient, type Scope } from './scope.ts';
import { markHandled } from './waiter.ts';

/** How a piece of work ended. */
export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: unknown };

/** Work that is handed the signal of the scope in which it runs. */
export type Work<T> = (signal: AbortSignal) => T | PromiseLike<T>;

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    ((typeof value === 'object' && value !== null) || typeof value === 'function') &&
    typeof (value as { then?: unknown }).then === 'function'
  );
}

let watch: StretchWatch | undefined;

/** Debug mode: is called around what a function does before it returns; what `begin` gave is handed to `end`. */
export interface StretchWatch {
  begin(): number;
  end(begun: number): void;
}

/** Has every call watched, until the function that this gives is called. */
export function watchCalls(by: StretchWatch): () => void {
  watch = by;
  return () => {
    watch = undefined;
  };
}

function watched<T>(by: StretchWatch, fn: Work<T>): Work<T> {
  return (signal) => {
    const begun = by.begin();
    try {
      return fn(signal);
    } finally {
      by.end(begun);
    }
  };
}

/**
 * Calls `fn` in the scope at once, and `done` with its outcome: before returning, if `fn` gave it without a promise.
 * Never throws. `plain` says that `fn` does not look at the signal.
 */
export function callIn<T>(
  scope: Scope,
  fn: Work<T>,
  done: (outcome: Outcome<T>) => void,
  plain: boolean = takesNothing(fn),
): void {
  ambient.run(scope, () => {
    let result: T | PromiseLike<T>;
    let thenable: boolean;
    try {
      const call = watch === undefined ? fn : watched(watch, fn);
      result = call(plain ? (undefined as never) : scope.signal);
      thenable = isThenable(result);
    } catch (error) {
      done({ ok: false, error });
      return;
    }
    if (!thenable) {
      done({ ok: true, value: result as T });
      return;
    }
    // A foreign thenable may call back at once, twice, or throw: only a promise of the language is taken as it is.
    const promise = result instanceof Promise ? result : new Promise<T>((resolve) => resolve(result));
    promise.then(
      (value: T) => done({ ok: true, value }),
      (error: unknown) => done({ ok: false, error }),
    );
  });
}

/** What a block does at its two moments: when its function has ended, and when all it started has. */
export interface BlockEnd<T, R> {
  /** By default a failure cancels what is still open in the scope. */
  functionEnded?(outcome: Outcome<T>): void;
  /** Makes the outcome of the whole. */
  conclude(outcome: Outcome<T>): Outcome<R>;
}

/**
 * Runs `fn` at once as a block of the current code: in `scope`, which ends with it. What is still open in the scope
 * then is awaited first.
 */
export function runBlock<T, R>(scope: Scope, fn: Work<T>, block: BlockEnd<T, R>): Promise<R> {
  const promise = new Promise<R>((resolve, reject) => {
    const end = (outcome: Outcome<T>): void => {
      scope.close();
      const final = block.conclude(outcome);
      if (final.ok) {
        resolve(final.value);
        return;
      }
      reject(final.error);
      // In a microtask, for this may run before the constructor has returned the promise.
      if (scope.parent?.isCancellation(final.error)) queueMicrotask(() => markHandled(promise));
    };
    callIn(scope, fn, (outcome) => {
      scope.functionEnded(outcome.ok ? outcome.value : undefined);
      if (block.functionEnded !== undefined) block.functionEnded(outcome);
      else if (!outcome.ok && scope.busy) scope.cancel(outcome.error);
      if (scope.busy) void scope.join().then(() => end(outcome));
      else end(outcome);
    });
  });
  return promise;
}

// An AbortSignal costs as much as the rest of a small task, and most functions never look at it. An arrow function
// with an empty parameter list has no way to: it has no `arguments` of its own. Anything else gets the signal.
const ARROW_WITHOUT_PARAMETERS = /^(?:async\b)?\s*\(\s*\)\s*=>/;

function takesNothing(fn: (...args: never[]) => unknown): boolean {
  if (fn.length > 0) return false;
  const source = Function.prototype.toString.call(fn);
  // As nearly all are written; the expression is slower.
  return (
    source.startsWith('() =>') || source.startsWith('async () =>') || ARROW_WITHOUT_PARAMETERS.test(source)
  );
}
