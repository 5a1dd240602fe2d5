import { checkFunction, checkOptions, checkTimeout, show } from '../core/arguments.ts';
import { CancelledError, DeadlockError, TimeoutError } from '../core/errors.ts';
import { bindToLoop } from '../core/unsendable.ts';
import { throwIfEnded } from '../park/wait.ts';
import { report } from '../platform/report.ts';
import { interruptible, type WaitOptions } from '../scope/interruptible.ts';
import { currentScope, type Scope } from '../scope/scope.ts';
import { Unawaited } from '../scope/unawaited.ts';
import type { SyncWaitOptions } from '../sync/permit-request.ts';

export type FutureStatus = 'pending' | 'running' | 'fulfilled' | 'rejected' | 'cancelled';

/** What a future asks of whoever produces its value. */
export interface FutureProducer {
  /** Called by `future.cancel()` while the future is not settled. */
  cancel(reason: unknown): boolean;
  /** What messages call the work: `job "resize"`. */
  describe(): string;
  /** Whether the work has begun. */
  readonly isRunning?: boolean;
  /**
   * Blocks the thread until the future is settled; false if `timeout` milliseconds have passed.
   *
   * @throws DeadlockError if this thread, blocked, could not settle it.
   */
  block?(timeout: number): boolean;
  /** A task begins to wait: gives what is to be called when it does not any more. */
  awaited?(): (() => void) | undefined;
}

/** What a rejection handler is given: as loosely typed as that of a Promise, which this stands in for. */
type Reason = PromiseRejectedResult['reason'];

type Settled = 'fulfilled' | 'rejected' | 'cancelled';

/**
 * Settles a future: for those who produce its value. False, and nothing is changed, if it is settled. `'cancelled'`: with a
 * `CancelledError`, or the reason of an aborted signal.
 */
export let settleFuture: (future: Future<unknown>, status: Settled, outcome: unknown) => boolean;

/**
 * The result of work that goes on elsewhere: awaited, asked, or cancelled.
 *
 * A future is a thenable typed as a promise, and not a subclass of Promise: awaiting it is a wait of the awaiting
 * task, and ends when that task is cancelled, while the work itself goes on. Only `cancel()` on the future, or the
 * end of the task that it belongs to, cancels the work.
 *
 * - **Scope**: one loop.
 * - **Ordering**: done callbacks run in the order in which they were added, never synchronously.
 * - **Cancellation**: a cancelled future rejects with `CancelledError` at once, wherever its work is.
 * - **Errors nobody awaits** are reported once, as a warning with the code `HEDDLE_UNAWAITED_ERROR`.
 *
 * @example
 * ```ts
 * import { toThread } from 'heddle';
 *
 * const future = toThread((n: number) => n * 2, 21);
 * console.log(future.status); // 'pending' or 'running'
 * console.log(await future); // 42
 * console.log(future.tryResult()); // { value: 42 }
 * ```
 */
export class Future<T> implements Promise<T> {
  readonly [Symbol.toStringTag] = 'Future';

  /**
   * A future that you settle yourself. `resolve` and `reject` say whether they did: a second settle is `false`.
   *
   * @throws TypeError from `resolve`, if it is given a thenable.
   */
  static withResolvers<T>(): {
    future: Future<T>;
    resolve(value: T): boolean;
    reject(error: unknown): boolean;
  } {
    const future: Future<T> = new Future<T>({
      cancel: (reason) =>
        settleFuture(future, 'cancelled', new CancelledError('The future was cancelled', { cause: reason })),
      describe: () => 'a future',
    });
    const resolve = (value: T): boolean => {
      if (typeof (value as { then?: unknown } | null | undefined)?.then === 'function') {
        throw new TypeError(
          `Cannot resolve future: received ${show(value)}, which is a thenable; await it first`,
        );
      }
      return settleFuture(future, 'fulfilled', value);
    };
    return { future, resolve, reject: (error) => settleFuture(future, 'rejected', error) };
  }

  #status: FutureStatus = 'pending';
  /** The value or the error, once settled. */
  #outcome: unknown;
  #callbacks: Set<() => void> | undefined;
  /** Made when somebody first waits; most futures of a `map` never need it. */
  #settlement:
    | { readonly promise: Promise<T>; resolve(value: T): void; reject(error: unknown): void }
    | undefined;
  readonly #producer: FutureProducer;
  /** Where the work was started: for the report of an error that nobody awaits. */
  readonly #scope: Scope | undefined;
  #observed = false;
  #unawaited: Unawaited | undefined;

  static {
    settleFuture = (future, status, outcome) => future.#settle(status, outcome);
  }

  /** Not for users: futures come from executors and from `Future.withResolvers`. */
  constructor(producer: FutureProducer) {
    this.#producer = producer;
    this.#scope = currentScope();
  }

  get status(): FutureStatus {
    return this.#status === 'pending' && this.#producer.isRunning === true ? 'running' : this.#status;
  }

  /**
   * The value. A wait that ends by itself (time-out, signal, cancellation of the waiting task) leaves the work alone.
   *
   * @throws TimeoutError, `signal.reason`, CancelledError, or the error of the work.
   */
  result(options?: WaitOptions): Promise<T> {
    return interruptible(
      this.#wait(),
      options,
      () => `Cannot get the result of ${this.#producer.describe()} in time`,
    );
  }

  /**
   * Blocks the thread until the value is there.
   *
   * @throws TimeoutError after `timeout` milliseconds; DeadlockError if only this loop could settle it; or the error of
   * the work.
   */
  resultSync(options?: SyncWaitOptions): T {
    this.#block(options, 'result');
    return this.tryResult()!.value;
  }

  /** As `error()`, blocking. @throws TimeoutError, DeadlockError */
  errorSync(options?: SyncWaitOptions): unknown {
    this.#block(options, 'error');
    this.#observe();
    return this.#status === 'fulfilled' ? undefined : this.#outcome;
  }

  #block(options: SyncWaitOptions | undefined, what: string): void {
    const timeout = checkTimeout(checkOptions(options).timeout);
    throwIfEnded();
    if (this.#settled) return;
    const text = `Cannot get the ${what} of ${this.#producer.describe()}`;
    if (timeout > 0 && this.#producer.block === undefined)
      throw new DeadlockError(`${text}: only this loop can settle it, and it would be blocked; await it`);
    this.#observe();
    if (timeout > 0 && this.#producer.block!(timeout)) return;
    throwIfEnded();
    if (!this.#settled) throw new TimeoutError(`${text}: ${timeout} ms have passed`);
  }

  /** The value, if it is there; throws the error of work that failed. */
  tryResult(): { value: T } | undefined {
    if (!this.#settled) return undefined;
    this.#observe();
    if (this.#status === 'fulfilled') return { value: this.#outcome as T };
    throw this.#outcome;
  }

  /** The error of the work once it has ended, `undefined` if it succeeded. */
  error(options?: WaitOptions): Promise<unknown> {
    const ended = this.#wait().then(
      () => undefined,
      (error: unknown) => error,
    );
    return interruptible(
      ended,
      options,
      () => `Cannot get the error of ${this.#producer.describe()} in time`,
    );
  }

  /**
   * Cancels the work: queued, it never runs; running, it is told. The future rejects with `CancelledError`, its
   * `cause` being `reason`.
   *
   * @returns false if the future was settled before.
   */
  cancel(reason?: unknown): boolean {
    return !this.#settled && this.#producer.cancel(reason);
  }

  /**
   * Calls `fn` with this future on the loop that added it, once it is settled and never at once. A callback that
   * throws is reported, and the others still run.
   *
   * @returns a function that takes the callback back.
   */
  addDoneCallback(fn: (future: this) => void): () => void {
    checkFunction(fn, 'callback');
    this.#observe();
    if (this.#settled) {
      let wanted = true;
      queueMicrotask(() => wanted && this.#call(fn));
      return () => {
        wanted = false;
      };
    }
    const callback = (): void => this.#call(fn);
    this.#callbacks ??= new Set();
    this.#callbacks.add(callback);
    return () => void this.#callbacks?.delete(callback);
  }

  then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((error: Reason) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#awaiting().then(onFulfilled, onRejected);
  }

  catch<B = never>(onRejected?: ((error: Reason) => B | PromiseLike<B>) | null): Promise<T | B> {
    return this.then(undefined, onRejected);
  }

  finally(onFinally?: (() => void) | null): Promise<T> {
    return this.#awaiting().finally(onFinally);
  }

  get #settled(): boolean {
    return this.#status !== 'pending' && this.#status !== 'running';
  }

  #observe(): void {
    this.#observed = true;
    this.#unawaited?.observed();
  }

  /** A wait of the current task, if there is one. */
  #awaiting(): Promise<T> {
    const scope = currentScope();
    const wait = this.#wait();
    if (this.#settled && scope?.cancellation === undefined) return wait;
    const ended = this.#producer.awaited?.();
    if (scope === undefined) return ended === undefined ? wait : wait.finally(ended);
    const waiting = interruptible(wait, undefined, () => this.#producer.describe());
    if (ended !== undefined) waiting.then(ended, ended);
    return waiting;
  }

  #wait(): Promise<T> {
    this.#observe();
    if (this.#settlement === undefined) {
      let resolve!: (value: T) => void;
      let reject!: (error: unknown) => void;
      const promise = new Promise<T>((yes, no) => {
        resolve = yes;
        reject = no;
      });
      this.#settlement = { promise, resolve, reject };
      if (this.#status === 'fulfilled') resolve(this.#outcome as T);
      else if (this.#settled) reject(this.#outcome);
    }
    return this.#settlement.promise;
  }

  #settle(status: 'fulfilled' | 'rejected' | 'cancelled', outcome: unknown): boolean {
    if (this.#settled) return false;
    this.#status = status;
    this.#outcome = outcome;
    if (status === 'fulfilled') this.#settlement?.resolve(outcome as T);
    else this.#settlement?.reject(outcome);
    // A cancellation is asked for, and whoever asked knows: only errors of the work itself must be seen by somebody.
    if (status === 'rejected' && !this.#observed) {
      this.#unawaited = new Unawaited(() => this.#producer.describe(), this.#scope);
      this.#unawaited.rejected(outcome);
    }
    const callbacks = this.#callbacks;
    if (callbacks !== undefined) {
      queueMicrotask(() => {
        for (const callback of callbacks) callback();
      });
    }
    return true;
  }

  #call(callback: (future: this) => void): void {
    try {
      callback(this);
    } catch (error) {
      report('HEDDLE_CALLBACK_ERROR', `A done callback of ${this.#producer.describe()} threw`, error);
    }
  }
}

bindToLoop(Future, 'a future');

/** A future that has failed already: what a call that is refused returns. */
export function rejectedFuture<T>(error: unknown, describe: () => string): Future<T> {
  const future = new Future<T>({ cancel: () => false, describe });
  settleFuture(future, 'rejected', error);
  return future;
}
