/** One wait on this loop, and everything that can end it. */
import { startTimer, type Timer } from '../core/clock.ts';
import { type CancelledError, TimeoutError } from '../core/errors.ts';
import { onAbort } from './abort.ts';
import type { Scope, ScopeWait } from './scope.ts';

const ignore = (): void => {};

// One function for all promises rather than a closure for each: a hundred thousand may wait at a time.
let lastResolve: (value: never) => void;
let lastReject: (error: unknown) => void;
function keepResolvers(resolve: (value: never) => void, reject: (error: unknown) => void): void {
  lastResolve = resolve;
  lastReject = reject;
}

/**
 * Keeps a rejection from counting as unhandled. For cancellations only: they are known to whoever cancelled, and a
 * task that is cut off at one of two waits it had begun must not bring the process down with the other.
 */
export function markHandled(promise: Promise<unknown>): void {
  promise.then(undefined, ignore);
}

// A waiter settles once; whoever comes first (a result, the scope's cancellation, the signal, the time-out) takes all
// the others off at the same moment, so nothing is left behind in a scope, on a signal or in a timer.
export class Waiter<T> implements ScopeWait {
  readonly promise: Promise<T>;
  scope: Scope | undefined;
  /** What is waited for, if somebody asks: a text, or a task. */
  what: (() => string) | { readonly name: string } | undefined;
  #resolve!: (value: T) => void;
  #reject!: (error: unknown) => void;
  #settled = false;
  #timer: Timer | undefined;
  #forgetSignal: (() => void) | undefined;
  #cleanUp: (() => void) | undefined;

  /** `scope` must not be cancelled. `cleanUp` is called when the wait ends without a result. */
  constructor(scope: Scope | undefined, cleanUp?: () => void) {
    this.#cleanUp = cleanUp;
    this.promise = new Promise<T>(keepResolvers);
    this.#resolve = lastResolve as (value: T) => void;
    this.#reject = lastReject;
    scope?.addWait(this);
  }

  get settled(): boolean {
    return this.#settled;
  }

  /** Ends it with `signal.reason` when the signal aborts. It must not be aborted yet. */
  watchSignal(signal: AbortSignal | undefined): void {
    if (signal !== undefined) this.#forgetSignal = onAbort(signal, (reason) => this.#abandon(reason));
  }

  /** Ends it with a `TimeoutError` in `timeout` milliseconds. */
  startTimeout(timeout: number, describe: () => string): void {
    if (timeout === Infinity) return;
    this.#timer = startTimer(timeout, () => this.#abandon(new TimeoutError(describe())));
  }

  resolve(value: T): void {
    if (this.#finish()) this.#resolve(value);
  }

  reject(error: unknown): void {
    if (this.#finish()) this.#reject(error);
  }

  describe(): string | undefined {
    if (typeof this.what === 'function') return this.what();
    return this.what && `task "${this.what.name}"`;
  }

  cancelled(error: CancelledError): void {
    markHandled(this.promise);
    this.#abandon(error);
  }

  /**
   * Called when the wait is to end without a result. If it returns false, it does not end: a result was there first, in
   * shared memory, and `resolve` or `reject` has been called with it.
   */
  protected giveUp(): boolean {
    this.#cleanUp?.();
    return true;
  }

  #abandon(error: unknown): void {
    if (this.#settled || !this.giveUp() || !this.#finish()) return;
    this.#reject(error);
  }

  #finish(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    this.scope?.removeWait(this);
    this.#timer?.stop();
    this.#forgetSignal?.();
    return true;
  }
}

/** A promise that is rejected already, by a cancellation. */
export function rejectedByCancellation<T>(error: CancelledError): Promise<T> {
  const promise = Promise.reject<T>(error);
  markHandled(promise);
  return promise;
}

/**
 * The same promise, but if it rejects by the cancellation of `scope`, that does not count as unhandled. For operations
 * that are made of other waits.
 */
export function containCancellation<T>(scope: Scope | undefined, work: Promise<T>): Promise<T> {
  if (scope === undefined) return work;
  const promise: Promise<T> = new Promise((resolve, reject) => {
    work.then(resolve, (error) => {
      reject(error);
      if (scope.isCancellation(error)) markHandled(promise);
    });
  });
  return promise;
}
