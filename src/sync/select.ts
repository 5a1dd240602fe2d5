/** Waiting for the first of several sources. */
import { show } from '../core/arguments.ts';
import { DeadlockError } from '../core/errors.ts';
import { type Watch, waitForAny, waitForAnySync } from '../park/many.ts';
import { type Source, sourceOf } from '../park/source.ts';
import { granted } from '../park/turn.ts';
import { checkWait, rejection, throwIfEnded } from '../park/wait.ts';
import type { WaitOptions } from '../scope/interruptible.ts';
import type { SyncWaitOptions } from './permit-request.ts';

/** A future, as far as `select` needs it. */
interface FutureLike {
  tryResult(): { readonly value: unknown } | undefined;
  addDoneCallback(fn: () => void): () => void;
}

/** What came: the key of the source, and what was taken from it. */
export interface Selected<K extends PropertyKey, V> {
  readonly key: K;
  readonly value: V;
}

/** What a source gives: an item of a queue, the value of a future, nothing for an event or a latch. */
export type ValueOf<S> = S extends { get(): Promise<infer T> }
  ? T
  : S extends { result(): Promise<infer T> }
    ? T
    : undefined;

export type SelectedFrom<S> = {
  [K in keyof S & string]: Selected<K, ValueOf<S[K]>>;
}[keyof S & string];

type Sources = Readonly<Record<string, object>>;

const WHAT = 'Cannot select';

/**
 * Waits until the first of several sources has something, and takes it from that one alone: an item of a queue; that an
 * event is set, or a latch open; the result of a future.
 *
 * - **Order.** If several have something at once, the first in order of the keys is taken. Else the task stands in the line
 *   of each, as every other waiter does, and leaves all others when one serves it.
 * - **Cancellation.** A wait that times out, is aborted or cancelled takes nothing and leaves no trace.
 * - **Cost.** That of a wait for each source.
 *
 * @throws {QueueShutDownError} as soon as one of the queues was shut down and drained; what a future failed with.
 * @throws {TimeoutError} after `timeout` milliseconds; with 0, unless one has something at once.
 * @example
 * ```ts
 * import { Event, Queue, select } from 'heddle';
 *
 * const jobs = new Queue<string>();
 * const stop = new Event();
 * await jobs.put('one');
 * const first = await select({ stop, jobs });
 * if (first.key === 'jobs') console.log(first.value); // one
 * stop.set();
 * console.log((await select({ stop, jobs })).key); // stop
 * ```
 */
export function select<S extends Sources>(sources: S, options?: WaitOptions): Promise<SelectedFrom<S>> {
  try {
    const wait = checkWait(options);
    const checked = check(sources, false);
    const { keys, objects, futures } = checked;
    throwIfEnded(wait.signal);
    const there = takeNow(checked, false);
    if (there !== undefined)
      return granted(there.value instanceof Promise ? named(there) : there) as Promise<SelectedFrom<S>>;
    const all = [...objects.values()];
    const names = [...objects.keys()];
    const watches = keys
      .filter((key) => futures.has(key))
      .map((key): Watch<Selected<string, unknown>> => {
        const future = futures.get(key)!;
        return (settle) =>
          future.addDoneCallback(() => settle(() => ({ key, value: future.tryResult()!.value })));
      });
    return waitForAny(
      all.map(({ wanted }) => wanted),
      watches,
      wait,
      WHAT,
      (index, taken) => named({ key: names[index]!, value: all[index]!.value(taken, false) }),
    ) as Promise<SelectedFrom<S>>;
  } catch (error) {
    return rejection(error);
  }
}

/**
 * As `select()`, blocking the thread.
 *
 * @throws {DeadlockError} if nobody else could give anything: no other thread has any of the sources, and the futures settle
 * on the loop that is blocked.
 */
export function selectSync<S extends Sources>(sources: S, options?: SyncWaitOptions): SelectedFrom<S> {
  const { timeout } = checkWait(options);
  const checked = check(sources, true);
  const { objects } = checked;
  throwIfEnded();
  const there = takeNow(checked, true);
  if (there !== undefined) return there as SelectedFrom<S>;
  const all = [...objects.values()];
  if (timeout > 0) checkOthers(all, timeout);
  const { index, taken } = waitForAnySync(
    all.map(({ wanted }) => wanted),
    timeout,
    WHAT,
  );
  return { key: [...objects.keys()][index], value: all[index]!.value(taken, true) } as SelectedFrom<S>;
}

interface Checked {
  readonly keys: readonly string[];
  readonly objects: ReadonlyMap<string, Source>;
  readonly futures: ReadonlyMap<string, FutureLike>;
}

/** A future is watched by a callback, or as a shared object if the thread will be blocked. */
function check(sources: Sources, sync: boolean): Checked {
  if (typeof sources !== 'object' || sources === null)
    throw new TypeError(`sources must be an object of sources by name, received ${show(sources)}`);
  const keys = Object.keys(sources);
  if (keys.length === 0) throw new RangeError('sources must have at least one source, received none');
  const objects = new Map<string, Source>();
  const futures = new Map<string, FutureLike>();
  for (const key of keys) {
    const one: unknown = sources[key];
    const isOurs = typeof one === 'object' && one !== null && (sync || !isFuture(one));
    const source = isOurs ? sourceOf(one) : undefined;
    if (source !== undefined) objects.set(key, source);
    else if (isFuture(one)) futures.set(key, one);
    else
      throw new TypeError(
        `sources.${key} must be a Queue, an Event, a Latch or a Future, received ${show(one)}`,
      );
  }
  return { keys, objects, futures };
}

function isFuture(value: unknown): value is FutureLike {
  const { tryResult, addDoneCallback } = (value ?? {}) as Partial<FutureLike>;
  return typeof tryResult === 'function' && typeof addDoneCallback === 'function';
}

/** What can be had at once. */
function takeNow({ keys, objects, futures }: Checked, sync: boolean): Selected<string, unknown> | undefined {
  for (const key of keys) {
    const source = objects.get(key);
    if (source === undefined) {
      const settled = futures.get(key)!.tryResult();
      if (settled !== undefined) return { key, value: settled.value };
      continue;
    }
    const taken = source.wanted.attempt();
    if (taken !== undefined) return { key, value: source.value(taken, sync) };
    source.check();
  }
  return undefined;
}

/** A value may be a promise, while a module must be loaded for it. */
async function named({ key, value }: Selected<string, unknown>): Promise<Selected<string, unknown>> {
  return { key, value: await value };
}

function checkOthers(sources: readonly Source[], timeout: number): void {
  if (sources.length === 0)
    throw new DeadlockError(
      'Cannot select: the futures settle on the loop of this thread, which would be blocked; await select()',
    );
  let deadlock: unknown;
  for (const source of sources) {
    try {
      source.checkOthers(timeout);
      return;
    } catch (error) {
      deadlock = error;
    }
  }
  throw deadlock;
}
