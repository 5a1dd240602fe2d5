/** What the threads of a model are written with. Each is used as `yield* …` in a thread's generator function. */
import type { ModelPromise } from './model-promise.ts';
import { AnySteps, AWAIT, announce, begin, current, KIND, type Steps } from './operations.ts';

const { step: STEP, until: UNTIL, choose: CHOOSE } = KIND;
const NOTHING = new Int32Array(1);

/**
 * Runs a transformed function step by step and gives its result: `const taken = yield* call(lock.tryAcquire())`.
 * The type is that of the source, where the function returns its result and not a generator.
 */
export function call<T>(value: T): Steps<T> {
  return value instanceof AnySteps ? (value as unknown as Steps<T>) : result(value);
}

// biome-ignore lint/correctness/useYield: a result which needs no steps.
function* result<T>(value: T): Steps<T> {
  return value;
}

/** Awaits a promise of a transformed async function, or anything else; the loop runs its other tasks meanwhile. */
export function* awaited<T>(value: PromiseLike<T> | ModelPromise<T> | T): Steps<T> {
  current.awaiting = value;
  return (yield AWAIT) as T;
}

/** Calls a transformed async function and awaits it: `yield* wait(lock.acquire())`. */
export function* wait<T>(value: PromiseLike<T> | T): Steps<T> {
  return yield* awaited(yield* call(value));
}

/** Starts another task on the loop of this thread; it runs up to its first await before this returns. */
export function* spawn<T>(steps: Steps<T>): Steps<ModelPromise<T>> {
  return yield* begin(steps);
}

/** A step without effect: others may move here. Put one into each critical section. */
export function* step(): Steps {
  announce(STEP, 0, NOTHING, 0);
  yield;
}

/** Blocks this thread until `condition` holds; it is evaluated often and must have no effect. */
export function* until(condition: () => boolean): Steps {
  announce(UNTIL, 0, NOTHING, 0, condition);
  yield;
}

/** One of `0 … count - 1`, every one of them explored. */
export function* choose(count: number): Steps<number> {
  announce(CHOOSE, 0, NOTHING, 0, count);
  return (yield) as number;
}
