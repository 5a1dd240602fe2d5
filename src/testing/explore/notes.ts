/** What an explored thread gets from an operation, for its belongings. */
import { OwnerDiedError } from '../../core/errors.ts';
import { Queue } from '../../queue/queue.ts';
import { currentThread, type ModelThread } from './thread.ts';

/** Which object a guard is of, that a promise will give. */
const guarded = new WeakMap<object, object>();
/** Which queue an iterator takes from. */
const iterated = new WeakMap<object, Queue<unknown>>();

/** A promise that may give a guard of `of`. */
export function willGuard(promise: object, of: object): void {
  guarded.set(promise, of);
}

/** What a promise has given, or rejected with. */
export function noteAwaited(promise: object, got: unknown): void {
  const of = guarded.get(promise);
  if (of !== undefined) noteGuard(of, got);
}

/** A guard of it, or an error that has one. */
export function noteGuard(of: object, got: unknown): void {
  const guard = got instanceof OwnerDiedError ? got.guard : got;
  currentThread()?.belongings.hold(of, guard);
}

/** What an operation of a queue has given, or will give. */
export function noteItems(queue: Queue<unknown>, key: PropertyKey, result: unknown): void {
  const thread = currentThread();
  if (thread === undefined) return;
  const note = (got: unknown): void => {
    if (key === 'get' || (key === 'tryGet' && got !== undefined)) thread.belongings.took(queue, 1);
    else if (key === 'getMany') thread.belongings.took(queue, (got as unknown[]).length);
  };
  if (key === 'values') iterated.set(result as object, queue);
  else if (result instanceof Promise) void result.then(note, () => {});
  else note(result);
}

/** What `iterator.next()` of a loop over `of` will give. */
export function noteNext(of: unknown, iterator: object, next: unknown): void {
  const queue = of instanceof Queue ? of : iterated.get(iterator);
  const thread = currentThread();
  if (queue === undefined || thread === undefined || !(next instanceof Promise)) return;
  void next.then(
    ({ done }: IteratorResult<unknown>) => take(thread, done === true ? undefined : queue),
    () => {},
  );
}

/** What `select()` has taken. */
export function noteSelected(sources: unknown, selected: unknown): void {
  const thread = currentThread();
  if (thread === undefined) return;
  const { key } = selected as { key: string };
  take(thread, (sources as Readonly<Record<string, unknown>>)[key]);
}

function take(thread: ModelThread, from: unknown): void {
  if (from instanceof Queue) thread.belongings.took(from, 1);
}
