/** What every executor can do: the interface that users program against. */

import { checkBoolean, checkOptions } from '../core/arguments.ts';
import type { ContextStorage } from '../function/storage.ts';
import type { WaitOptions } from '../scope/interruptible.ts';
import type { CapacityLimiter } from '../sync/capacity-limiter.ts';
import type { Future } from './future.ts';

/** Any function at all. */
export type AnyFunction = (...args: never[]) => unknown;

/**
 * What happens to a job that is cancelled, or out of time, while it runs. In every case its future settles at once.
 *
 * - `'wait'`: the job is told (`currentTask().signal`, `cancelled()`), and its owner waits for its end.
 * - `'terminate'`: the job is told; if it has not ended after `grace` milliseconds its thread is replaced. For code
 *   that cannot look at a signal: a runaway regular expression, a native call.
 * - `'abandon'`: the job is told, and nobody waits for its end.
 */
export type OnCancel = 'wait' | 'terminate' | 'abandon';

/** How a job is to be run. */
export interface SubmitOptions {
  /** Cancels the job when it aborts. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds from the submit, waiting included; then the future rejects with a `TimeoutError`. */
  readonly timeout?: number | undefined;
  /** Milliseconds of running; then the future rejects with a `TimeoutError`. */
  readonly runTimeout?: number | undefined;
  /** Lower runs first, 0 is the default; jobs of the same priority run in the order in which they were submitted. */
  readonly priority?: number | undefined;
  /** What the job is called in messages and warnings. */
  readonly name?: string | undefined;
  readonly onCancel?: OnCancel | undefined;
  /** Milliseconds that a cancelled job has to end by itself before `'terminate'` replaces its thread. Default 100. */
  readonly grace?: number | undefined;
  /** The job may be run a second time if its thread died. Default `false`. */
  readonly idempotent?: boolean | undefined;
  /** The job has one of these while it waits and runs: at most so many of the jobs that share it do so at a time. */
  readonly limiter?: CapacityLimiter | undefined;
  /**
   * Storages whose values go with the job, such as an `AsyncLocalStorage`: whatever has `run`, and `getStore` or `get`. The value
   * is that of the submit, copied like an argument. The thread finds its own storage by the name that `portable` gave it:
   * `portable(import.meta, new AsyncLocalStorage(), 'trace')`. Every item of `map` has those of its call. Jobs that the job submits
   * have none of it, unless they are told so too. On the same loop (`InlineExecutor`) all storages keep their values anyway.
   */
  readonly context?: readonly ContextStorage[] | undefined;
}

/** How `map` goes over its items. */
export interface MapOptions {
  /** Arguments that follow the item in each call. */
  readonly args?: readonly unknown[] | undefined;
  /** Results in the order of the items (the default), or as they come. */
  readonly ordered?: boolean | undefined;
  /**
   * What a failing item does: `'stop'` (the default) ends the iteration with its error, after the results before it;
   * `'skip'` leaves the item out; `'settle'` yields `{ status, value }` or `{ status, reason }` for every item.
   */
  readonly onError?: 'stop' | 'skip' | 'settle' | undefined;
  /** Yield `{ index, item, value }` instead of the value alone. */
  readonly entries?: boolean | undefined;
  /** How many items go to a thread at a time: a number, or `'auto'` to follow the measured run time. Default 1. */
  readonly chunkSize?: number | 'auto' | undefined;
  /**
   * How many items may be taken from the input ahead of the results taken out. Default 2 × threads × chunk. In order, a
   * slow item holds up reading once the buffer is full: a larger one, or `ordered: false`, keeps the threads busy.
   */
  readonly buffer?: number | undefined;
  /** Ends the iteration with its reason, and cancels what is left. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds for the whole iteration, from the call. */
  readonly timeout?: number | undefined;
}

/** One element of a `map` with `entries: true`. */
export interface MapEntry<T, V> {
  readonly index: number;
  readonly item: T;
  readonly value: V;
}

/** What `map` returns: an iterator that cancels what is left when it is closed or disposed. */
export type MapResults<V> = AsyncIterableIterator<V> & AsyncDisposable;

type MapSource<T> = Iterable<T> | AsyncIterable<T>;
type WithArgs<X extends readonly unknown[]> = { readonly args: X };
type Entries = { readonly entries: true };
type Settle = { readonly onError: 'settle' };

/** The overloads of `map`: options decide what is yielded. */
export interface MapMethod {
  <T, X extends unknown[], R>(
    fn: (item: T, ...args: X) => R,
    items: MapSource<T>,
    options: MapOptions & WithArgs<X> & Entries & Settle,
  ): MapResults<MapEntry<T, PromiseSettledResult<Awaited<R>>>>;
  <T, R>(
    fn: (item: T) => R,
    items: MapSource<T>,
    options: MapOptions & Entries & Settle,
  ): MapResults<MapEntry<T, PromiseSettledResult<Awaited<R>>>>;
  <T, X extends unknown[], R>(
    fn: (item: T, ...args: X) => R,
    items: MapSource<T>,
    options: MapOptions & WithArgs<X> & Entries,
  ): MapResults<MapEntry<T, Awaited<R>>>;
  <T, R>(
    fn: (item: T) => R,
    items: MapSource<T>,
    options: MapOptions & Entries,
  ): MapResults<MapEntry<T, Awaited<R>>>;
  <T, X extends unknown[], R>(
    fn: (item: T, ...args: X) => R,
    items: MapSource<T>,
    options: MapOptions & WithArgs<X> & Settle,
  ): MapResults<PromiseSettledResult<Awaited<R>>>;
  <T, R>(
    fn: (item: T) => R,
    items: MapSource<T>,
    options: MapOptions & Settle,
  ): MapResults<PromiseSettledResult<Awaited<R>>>;
  <T, X extends unknown[], R>(
    fn: (item: T, ...args: X) => R,
    items: MapSource<T>,
    options: MapOptions & WithArgs<X>,
  ): MapResults<Awaited<R>>;
  <T, R>(fn: (item: T) => R, items: MapSource<T>, options?: MapOptions): MapResults<Awaited<R>>;
}

/** The functions that a module exports, as calls into another thread. */
export type Remote<M extends object> = {
  readonly [K in keyof M as M[K] extends AnyFunction ? K : never]: M[K] extends (...args: infer A) => infer R
    ? (...args: A) => Future<Awaited<R>>
    : never;
};

/** Runs functions somewhere else. */
export interface Executor {
  /**
   * Runs `fn(...args)` on another thread.
   *
   * The arguments are copied at the call. Whatever is wrong, the returned future rejects; nothing is thrown.
   *
   * @throws (by the future) CaptureError, SendError for what cannot travel; ShutDownError; PoolFullError;
   * ThreadDiedError if the thread ends first; CancelledError; TimeoutError; or the function's own error.
   *
   * @example
   * ```ts
   * import { ThreadPoolExecutor } from 'heddle';
   *
   * const pool = new ThreadPoolExecutor({ threads: 2 });
   * const count = (text: string): number => text.split(' ').length;
   * const futures = ['one', 'and two'].map((text) => pool.submit(count, text));
   * for (const future of futures) console.log(await future); // 1, 2
   * await pool.shutdown();
   * ```
   */
  submit<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): Future<Awaited<R>>;
  /** As `submit`, but `undefined` where `submit` would reject with `PoolFullError`. */
  trySubmit<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): Future<Awaited<R>> | undefined;
  /**
   * As `submit`, and blocks this thread for the result. The loop stands still meanwhile.
   *
   * @throws as the future of `submit` rejects; DeadlockError if the job would need this very loop.
   */
  submitSync<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): Awaited<R>;
  /** Resolves once a job would be accepted (`maxPending`). It reserves nothing. @throws TimeoutError, ShutDownError */
  waitForRoom(options?: WaitOptions): Promise<void>;
  /**
   * Calls `fn` for every item, on all threads.
   *
   * Items are taken from the input no further ahead than `buffer`, from the call on. Leaving the loop early cancels
   * what is left and closes the input.
   *
   * @example
   * ```ts
   * import { ThreadPoolExecutor } from 'heddle';
   *
   * const pool = new ThreadPoolExecutor({ threads: 2 });
   * const parse = (line: string): unknown => JSON.parse(line);
   * const lines = ['{"n":1}', '{"n":', '{"n":3}'];
   * for await (const { item, value } of pool.map(parse, lines, { onError: 'settle', entries: true })) {
   *   console.log(item, value.status); // … fulfilled, … rejected, … fulfilled
   * }
   * await pool.shutdown();
   * ```
   */
  readonly map: MapMethod;
  /** As `map`, over an iterable, and blocks this thread for each result. The options are the same. */
  mapSync<T, R>(
    fn: (item: T, ...args: never[]) => R,
    items: Iterable<T>,
    options?: MapOptions,
  ): IterableIterator<Awaited<R>>;
  /**
   * The functions of a module, typed, without loading it here: `pool.import(() => import('./image.js'))`, or
   * `pool.import<typeof import('./image.js')>(new URL('./image.js', import.meta.url))`. A name that the module does not
   * export is known only when it is called: then its future rejects, and names it.
   *
   * @example
   * ```ts
   * import { ThreadPoolExecutor } from 'heddle';
   *
   * const pool = new ThreadPoolExecutor({ threads: 1 });
   * const zlib = pool.import(() => import('node:zlib'));
   * const packed = await zlib.gzipSync('a'.repeat(1000));
   * console.log(packed.length < 100); // true
   * await pool.shutdown();
   * ```
   */
  import<M extends object>(load: () => Promise<M>): Remote<M>;
  import<M extends object>(url: URL | string): Remote<M>;
  /**
   * The same executor with other defaults for its jobs. A view: it cannot shut anything down.
   *
   * @example
   * ```ts
   * import { ThreadPoolExecutor } from 'heddle';
   *
   * const pool = new ThreadPoolExecutor({ threads: 1 });
   * const limited = pool.with({ runTimeout: 100, onCancel: 'terminate' });
   * const runaway = (text: string): boolean => /^(a+)+$/.test(text);
   * await limited.submit(runaway, `${'a'.repeat(40)}!`).catch((error) => console.log(error.name)); // TimeoutError
   * await pool.shutdown();
   * ```
   */
  with(options: SubmitOptions): Executor;
}

/** How an executor is brought to its end. */
export interface ShutdownOptions {
  /** Cancel the jobs that still wait, instead of running them. */
  readonly cancelPending?: boolean | undefined;
  /** Cancel also the jobs that run. */
  readonly cancelRunning?: boolean | undefined;
}

/** An executor whose threads belong to whoever made it. */
export interface OwnedExecutor extends Executor, AsyncDisposable {
  /** Refuses new jobs, runs the waiting ones, and resolves when every thread has ended. */
  shutdown(options?: ShutdownOptions): Promise<void>;
}

/** @throws TypeError for an option of the wrong kind. */
export function checkShutdown(options: ShutdownOptions | undefined): {
  readonly cancelPending: boolean;
  readonly cancelRunning: boolean;
} {
  const { cancelPending = false, cancelRunning = false } = checkOptions(options) as ShutdownOptions;
  return {
    cancelPending: checkBoolean(cancelPending, 'cancelPending'),
    cancelRunning: checkBoolean(cancelRunning, 'cancelRunning'),
  };
}
