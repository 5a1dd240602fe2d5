import { checkFunction, checkOptions, checkTimeout } from '../core/arguments.ts';
import { DeadlockError, TimeoutError } from '../core/errors.ts';
import { FUTURE } from '../memory/kinds.ts';
import { registerSource } from '../park/source.ts';
import { throwIfEnded, waitAsync } from '../park/wait.ts';
import { holdLoop, releaseLoop } from '../platform/keep-alive.ts';
import { report } from '../platform/report.ts';
import { isMainLoop } from '../platform/worker.ts';
import {
  freeSettlement,
  prepareSettlement,
  recoverSettlement,
  SETTLEMENT,
  type Settled,
  type Settlement,
} from '../queue/settlement.ts';
import { interruptible, type Settleable, type WaitOptions } from '../scope/interruptible.ts';
import { outside } from '../scope/outside.ts';
import { currentScope, type Scope } from '../scope/scope.ts';
import { Unawaited } from '../scope/unawaited.ts';
import { GateWait } from '../sync/gate-wait.ts';
import type { SyncWaitOptions } from '../sync/permit-request.ts';
import { registerShared, SharedHandle } from '../sync/shared-handle.ts';
import type { FutureProducer, Reason } from './future-producer.ts';
import { RemoteWork } from './remote-future.ts';
import { makeResolvers, type Resolvers } from './resolvers.ts';
import { putOutcome, readOutcome, sourceOfFuture, UNASKED } from './shared-future.ts';

export type FutureStatus = 'pending' | 'running' | 'fulfilled' | 'rejected' | 'cancelled';

/**
 * Settles a future: for those who produce its value. False, and nothing is changed, if it is settled. `'cancelled'`: with a
 * `CancelledError`, or the reason of an aborted signal. If `strict` it throws a SendError where other threads know the future,
 * and the outcome cannot be sent to them; else these get that error.
 */
export let settleFuture: (
  future: Future<unknown>,
  status: Settled,
  outcome: unknown,
  strict?: boolean,
) => boolean;

/** Its handle, by which it is shared. */
export let handleOfFuture: (future: Future<unknown>) => SharedHandle<Settlement>;

/** Its error, should it have one, is nobody's concern. */
export let ignoreErrorOf: (future: Future<unknown>) => void;

/** Whether nothing comes of it while this thread is blocked. */
export let isOnlyHere: (future: Future<unknown>) => boolean;
let makeRemote: () => Future<unknown>;

/**
 * The result of work that goes on elsewhere: awaited, asked, or cancelled.
 *
 * A future is a thenable typed as a promise, and not a subclass of Promise: awaiting it is a wait of the awaiting
 * task, and ends when that task is cancelled, while the work itself goes on. Only `cancel()` on the future, or the
 * end of the task that it belongs to, cancels the work.
 *
 * - **Scope**: any thread. Sent to one, as an argument, a result, or inside an item of a queue, it arrives as a future that is
 *   settled with this one; until then it belongs to its loop, and costs no shared memory. Each thread gets a copy of the value.
 * - **Death** of every thread that could settle it: `OwnerDiedError`.
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
  /**
   * A future that you settle yourself. `resolve` and `reject` say whether they did: a second settle is `false`. They travel
   * to other threads, as the future does. When every thread that has one of them has ended, or given them up (by `using`, or
   * `[Symbol.dispose]()`), the future rejects with `OwnerDiedError`.
   *
   * @throws TypeError from `resolve` of a thenable; SendError if other threads know it, and the value cannot be sent.
   */
  static withResolvers<T>(): Resolvers<T> {
    return makeResolvers<T>();
  }

  #status: FutureStatus = 'pending';
  /** The value or the error, once settled. */
  #outcome: unknown;
  #callbacks: Set<() => void> | undefined;
  /** Made when somebody first waits; most futures of a `map` never need it. */
  #promise: Promise<T> | undefined;
  #resolve: ((value: never) => void) | undefined;
  #reject: ((error: unknown) => void) | undefined;
  readonly #producer: FutureProducer;
  /** Where the work was started: for the report of an error that nobody awaits. */
  readonly #scope: Scope | undefined;
  #observed = false;
  #unawaited: Unawaited | undefined;

  /** Once other threads know it. */
  #handle: SharedHandle<Settlement> | undefined;
  #watched = false;

  static {
    settleFuture = (future, status, outcome, strict = false) => future.#settle(status, outcome, strict);
    handleOfFuture = (future) => future.#handle ?? future.#share();
    ignoreErrorOf = (future) => future.#observe();
    isOnlyHere = (future) => future.#producer.onlyHere?.() === true;
    makeRemote = () => {
      const work = new RemoteWork(() => work.future.#handle!.core);
      work.future = new Future<unknown>(work);
      work.future.#handle = new SharedHandle(work.future, SETTLEMENT, undefined);
      return work.future;
    };
  }

  /** Not for users: futures come from executors and from `Future.withResolvers`. */
  constructor(producer: FutureProducer) {
    this.#producer = producer;
    this.#scope = currentScope();
  }

  get [Symbol.toStringTag](): 'Future' {
    return 'Future';
  }
  get status(): FutureStatus {
    this.#look();
    return this.#status === 'pending' && this.#producer.isRunning === true ? 'running' : this.#status;
  }

  /**
   * The value. A wait that ends by itself (time-out, signal, cancellation of the waiting task) leaves the work alone.
   *
   * @throws TimeoutError, `signal.reason`, CancelledError, or the error of the work.
   */
  result(options?: WaitOptions): Promise<T> {
    return this.#limited(this.#wait(), options, 'result', this);
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
    this.#look();
    if (this.#settled) return;
    const text = `Cannot get the ${what} of ${this.#producer.describe()}`;
    if (timeout > 0 && this.#producer.block === undefined)
      throw new DeadlockError(`${text}: only this loop can settle it, and it would be blocked; await it`);
    this.#observe();
    if (timeout > 0 && this.#producer.block!(timeout)) return this.#look();
    throwIfEnded();
    this.#look();
    if (!this.#settled) throw new TimeoutError(`${text}: ${timeout} ms have passed`);
  }

  /** The value, if it is there; throws the error of work that failed. */
  tryResult(): { value: T } | undefined {
    this.#look();
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
    return this.#limited(ended, options, 'error');
  }

  /**
   * Cancels the work: queued, it never runs; running, it is told. The future rejects with `CancelledError`, its
   * `cause` being `reason`.
   *
   * @returns false if the future was settled before.
   */
  cancel(reason?: unknown): boolean {
    this.#look();
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
    this.#look();
    if (this.#settled) {
      let wanted = true;
      queueMicrotask(() => wanted && this.#call(fn));
      return () => {
        wanted = false;
      };
    }
    const callback = (): void => this.#call(fn);
    this.#watch();
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
    if (scope === undefined) return this.#during(wait, false);
    const text = (): string => this.#producer.describe();
    return this.#during(interruptible(wait, undefined, text, this), false);
  }

  #limited<R>(
    wait: Promise<R>,
    options: WaitOptions | undefined,
    what: string,
    source?: Settleable<R>,
  ): Promise<R> {
    const text = (): string => `Cannot get the ${what} of ${this.#producer.describe()} in time`;
    const limited = interruptible(wait, options, text, source);
    const hasWayOut = options?.timeout !== undefined || options?.signal !== undefined;
    return this.#settled ? limited : this.#during(limited, hasWayOut);
  }

  /** Says that somebody waits, for as long as that goes on. */
  #during<R>(wait: Promise<R>, hasWayOut: boolean): Promise<R> {
    try {
      const ended = this.#producer.awaited?.(hasWayOut);
      if (ended !== undefined) wait.then(ended, ended);
      return this.#holding(wait);
    } catch (error) {
      wait.catch(() => {});
      return Promise.reject(error);
    }
  }

  #wait(): Promise<T> {
    this.#observe();
    this.#look();
    this.#watch();
    if (this.#promise === undefined) {
      this.#promise = new Promise<T>((resolve, reject) => {
        this.#resolve = resolve;
        this.#reject = reject;
      });
      if (this.#status === 'fulfilled') this.#resolve!(this.#outcome as never);
      else if (this.#settled) this.#reject!(this.#outcome);
    }
    return this.#promise;
  }

  /** Waiting for what another thread settles keeps the process up. */
  #holding<R>(wait: Promise<R>): Promise<R> {
    if (!isMainLoop || this.#settled || this.#handle === undefined || this.#producer.holds?.() !== true)
      return wait;
    holdLoop();
    wait.then(releaseLoop, releaseLoop);
    return wait;
  }

  /** Other threads may know it from now on. */
  #share(): SharedHandle<Settlement> {
    const handle = new SharedHandle<Settlement>(this, SETTLEMENT, undefined, prepareSettlement);
    const { core } = handle;
    this.#handle = handle;
    // Whoever gets it may await it.
    this.#observe();
    if (this.#settled) putOutcome(core, this.#status as Settled, this.#outcome, false);
    else {
      this.#watch();
      this.#producer.shared?.(core.object);
    }
    return handle;
  }

  /** Learns of it when another thread settles it. */
  #watch(): void {
    const handle = this.#handle;
    if (this.#watched || handle === undefined || this.#settled) return;
    this.#watched = true;
    void outside(() => waitAsync(new GateWait(handle), UNASKED, () => this.#adopt(handle.coreInUse)));
  }

  /** Whether another thread has settled it. */
  #look(): void {
    if (this.#handle === undefined || this.#settled) return;
    const core = this.#watched ? this.#handle.coreInUse : this.#handle.core;
    if (core.isSettled) this.#adopt(core);
  }

  #adopt(core: Settlement): void {
    this.#producer.settling?.();
    if (this.#settled) return;
    const [how, value] = readOutcome(core);
    this.#settleHere(how, value);
    if (how === 'cancelled') this.#producer.cancelled?.(value);
  }

  #settle(status: Settled, outcome: unknown, strict: boolean): boolean {
    if (this.#settled) return false;
    if (this.#handle !== undefined) {
      const core = this.#watched ? this.#handle.coreInUse : this.#handle.core;
      if (!putOutcome(core, status, outcome, strict)) {
        this.#adopt(core);
        return false;
      }
    }
    this.#settleHere(status, outcome);
    return true;
  }

  #settleHere(status: Settled, outcome: unknown): void {
    this.#status = status;
    this.#outcome = outcome;
    if (status === 'fulfilled') this.#resolve?.(outcome as never);
    else this.#reject?.(outcome);
    // A cancellation is asked for, and whoever asked knows: only errors of the work itself must be seen by somebody.
    if (status === 'rejected' && !this.#observed) {
      this.#unawaited = new Unawaited(() => this.#producer.describe(), this.#scope);
      this.#unawaited.rejected(outcome);
    }
    const callbacks = this.#callbacks;
    if (callbacks === undefined) return;
    queueMicrotask(() => {
      for (const callback of callbacks) callback();
    });
  }

  /** Gives up what this thread holds of a future that others know. Waits of it go on. */
  [Symbol.dispose](): void {
    this.#handle?.dispose();
  }

  #call(callback: (future: this) => void): void {
    try {
      callback(this);
    } catch (error) {
      report('HEDDLE_CALLBACK_ERROR', `A done callback of ${this.#producer.describe()} threw`, error);
    }
  }
}

registerSource(Future, (future) => sourceOfFuture(future));
registerShared<Future<unknown>>(FUTURE, {
  type: Future,
  handleOf: (future) => handleOfFuture(future),
  make: () => makeRemote(),
  recover: recoverSettlement,
  free: freeSettlement,
});
