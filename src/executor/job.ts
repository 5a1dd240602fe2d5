/**
 * One job: work given to an executor, from the submit to its real end, as the thread sees it that waits for it.
 *
 * Two things end, and not always together: the **future** settles (result, error, cancellation, time-out) and the
 * **work** ends (its slot is free). A job that is cancelled while it runs settles at once and ends later.
 *
 * | phase   | the work                    | leaves it by                                                    |
 * | ------- | --------------------------- | --------------------------------------------------------------- |
 * | held    | waits for its limiter       | `queued`; `cancel`, `expire` → ended                            |
 * | queued  | waits for a thread, or runs: shared memory says which | `finish` → ended; `requeue` → queued, once |
 * | ended   | is over                     |                                                                 |
 */

import type { Companion, Wire } from '../codec/wire.ts';
import { now, startTimer, type Timer } from '../core/clock.ts';
import { CancelledError, DeadlockError, TimeoutError } from '../core/errors.ts';
import type { ContextStorage } from '../function/storage.ts';
import type { KnownFunction } from '../jobs/functions.ts';
import type { LoopWait } from '../park/parking.ts';
import type { Right } from '../queue/settlement.ts';
import { onAbort } from '../scope/abort.ts';
import type { Scope } from '../scope/scope.ts';
import type { CapacityLimiter } from '../sync/capacity-limiter.ts';
import type { SharedHandle } from '../sync/shared-handle.ts';
import type { Asker } from './asker.ts';
import type { OnCancel } from './executor.ts';
import { Future, settleFuture } from './future.ts';
import type { FutureProducer } from './future-producer.ts';
import { makeRight } from './resolvers.ts';
import type { Work } from './work.ts';

/** Submit options with every default filled in. */
export interface JobOptions {
  readonly signal: AbortSignal | undefined;
  readonly timeout: number;
  readonly runTimeout: number;
  readonly priority: number;
  readonly name: string | undefined;
  readonly onCancel: OnCancel;
  readonly grace: number;
  readonly idempotent: boolean;
  readonly limiter: CapacityLimiter | undefined;
  readonly context: readonly ContextStorage[];
}

/** What a job asks of its executor. */
export interface JobOwner {
  /** The future of a job was settled from outside: the work is to end. */
  withdrawn(job: Job): void;
  /** Ends the thread of a job that runs on though it was withdrawn. */
  terminate(job: Job): void;
  /** Whether a thread has it. */
  isRunning(job: Job): boolean;
  /** Where it is, for a report. */
  whereabouts(job: Job): string;
  /** For how many milliseconds a thread has had it; `undefined` if none has. */
  ranFor(job: Job): number | undefined;
  /** It has ended: takes what came of it. */
  ended(job: Job): void;
  /** As `FutureProducer`. */
  block(job: Job, timeout: number): boolean;
  awaited(job: Job, hasWayOut: boolean): (() => void) | undefined;
  onlyHere?(job: Job): boolean;
  /** Its future travels: what other threads know of that is its `settlement`. */
  shared?(job: Job): void;
}

/** Something that ends with a scope. */
interface Bound {
  attachTo(scope: Scope): void;
  drop(): void;
}

let jobsMade = 0;

export type JobPhase = 'held' | 'queued' | 'ended';

export class Job implements FutureProducer, LoopWait {
  readonly fn: KnownFunction;
  readonly options: JobOptions;
  readonly future: Future<unknown>;
  readonly submittedAt: number = now();
  readonly #number: number = ++jobsMade;
  work: Work;
  /** Where it stands in shared memory; 0 while it does not. */
  address = 0;
  /** Where another stands like it, if it may be run again. */
  spare = 0;
  /** What goes by a message, if bytes cannot carry it. */
  byPort: Wire<unknown> | undefined;
  /** Whether it has what was moved: that is here no more. */
  moves = false;
  /** What other threads know of its future; 0 if they do not. */
  settlement = 0;
  /** Whether what came of it has been taken: its future is settled, or will be. */
  taken = false;
  /** The pool. */
  object = 0;
  readonly ownsCell = true;
  /** Whether its function is async, as far as can be seen. */
  isAsync = false;
  /** Whether its thread died once already. */
  repeated = false;
  /** Who submitted it, if that is known. */
  asker: Asker | undefined;
  /** Milliseconds that it ran, once it has. */
  ranMs = 0;
  /** Takes the job out of the task that it belongs to. */
  detach: (() => void) | undefined;
  /** Called when the work is over: what it holds besides. */
  release: (() => void) | undefined;
  /** Why the future was settled from outside: what a thread is told. */
  withdrawal: unknown;
  /** What stays here of its arguments. */
  companions: readonly Companion[] = [];
  /** The scope that it belongs to. */
  scope: Scope | undefined;
  /** Whether its result has something that may still need those. */
  #leftWith = false;

  #phase: JobPhase = 'queued';
  #abandoned = false;
  readonly #owner: JobOwner;
  #deadline: Timer | undefined;
  #runDeadline: Timer | undefined;
  #stopListening: (() => void) | undefined;
  /** While its future can be settled by this thread, and others know it. */
  #right: SharedHandle<Right> | undefined;
  #ended: { readonly promise: Promise<void>; resolve(): void } | undefined;

  constructor(fn: KnownFunction, work: Work, options: JobOptions, owner: JobOwner) {
    this.fn = fn;
    this.work = work;
    this.options = options;
    this.#owner = owner;
    this.future = new Future<unknown>(this);
  }

  /** In the order in which they were submitted. */
  static inOrder(jobs: Iterable<Job>): Job[] {
    return [...jobs].sort((a, b) => a.#number - b.#number);
  }

  get phase(): JobPhase {
    return this.#phase;
  }

  get settled(): boolean {
    const { status } = this.future;
    return status !== 'pending' && status !== 'running';
  }

  get abandoned(): boolean {
    return this.#abandoned;
  }

  /** For the task that it belongs to. */
  get waits(): boolean {
    return !this.settled && this.#phase !== 'ended' && !this.isRunning;
  }

  get isRunning(): boolean {
    return this.#phase === 'queued' && this.#owner.isRunning(this);
  }

  /** Whether it may be run again now that its thread died. A chunk is taken apart by its `map` instead. */
  get mayRepeat(): boolean {
    return this.spare !== 0;
  }

  /** Whether its arguments are still there for a second time. */
  get mayBeWrittenTwice(): boolean {
    const isRead = this.companions.some(({ needsLoop }) => needsLoop !== undefined);
    return this.options.idempotent && this.work.kind === 'call' && !this.moves && !isRead;
  }

  get name(): string {
    return this.options.name ?? this.fn.name;
  }

  describe(): string {
    return `job "${this.name}"`;
  }

  /** The same, and where it is. */
  report(): string {
    const where = this.#phase === 'held' ? 'waiting for its limiter' : this.#owner.whereabouts(this);
    return `${this.describe()} (${where})`;
  }

  /** It waits for something before it can be queued. */
  hold(): void {
    this.#phase = 'held';
  }

  queued(): void {
    this.#phase = 'queued';
  }

  /** Starts the clocks, and listens to the signal, of a job that its executor has accepted. */
  watch(): void {
    const { signal, timeout, runTimeout } = this.options;
    if (signal !== undefined)
      this.#stopListening = onAbort(signal, () => this.#withdraw(signal.reason, 'cancelled'));
    if (timeout !== Infinity) {
      this.#deadline = startTimer(timeout, () => this.#expire(`within ${timeout} ms of its submit`), {
        hold: false,
      });
    }
    if (runTimeout !== Infinity) this.#watchRun(runTimeout);
  }

  /**
   * Nobody tells that it has begun. So after as long as it may run, it is seen whether it has: if not, it may run as long
   * from now on at least.
   */
  #watchRun(left: number): void {
    const { runTimeout } = this.options;
    this.#runDeadline = startTimer(
      Math.max(left, 1),
      () => {
        const ran = this.#phase === 'queued' ? this.#owner.ranFor(this) : undefined;
        const more = ran === undefined ? runTimeout : runTimeout - ran;
        if (more <= 0) this.#expire(`within ${runTimeout} ms of running`);
        else this.#watchRun(more);
      },
      { hold: false },
    );
  }

  /** After how many milliseconds it runs out of time, as far as can be said now: for who is blocked, where no timer fires. */
  timeLeft(): number {
    const { timeout, runTimeout } = this.options;
    const ran = runTimeout === Infinity || this.#phase !== 'queued' ? undefined : this.#owner.ranFor(this);
    const left = ran === undefined ? runTimeout : runTimeout - ran;
    return Math.min(this.submittedAt + timeout - now(), left);
  }

  expireIfDue(): void {
    const { timeout, runTimeout } = this.options;
    if (now() >= this.submittedAt + timeout) this.#expire(`within ${timeout} ms of its submit`);
    else if (runTimeout !== Infinity && (this.#owner.ranFor(this) ?? 0) >= runTimeout)
      this.#expire(`within ${runTimeout} ms of running`);
  }

  /** It was not accepted. */
  refused(): void {
    for (const companion of this.companions) companion.refused?.();
  }

  /** For `LoopWait`: it has ended, in whatever way. */
  set(): void {
    this.#owner.ended(this);
  }

  block(timeout: number): boolean {
    const needed = this.companions.find(({ needsLoop }) => needsLoop !== undefined)?.needsLoop;
    if (needed !== undefined)
      throw new DeadlockError(
        `Cannot block on ${this.describe()}: it ${needed}, which would be blocked; await it`,
      );
    return this.#owner.block(this, timeout);
  }

  onlyHere(): boolean {
    return this.#phase === 'held' || (this.#owner.onlyHere?.(this) ?? true);
  }

  awaited(hasWayOut: boolean): (() => void) | undefined {
    return this.#owner.awaited(this, hasWayOut);
  }

  shared(settlement: number): void {
    this.settlement = settlement;
    this.#right = makeRight(this, settlement);
    this.#owner.shared?.(this);
  }

  /** Another thread has cancelled its future. */
  cancelled(error: unknown): void {
    if (this.#phase === 'ended') return;
    this.withdrawal = error;
    this.#stopWatching();
    this.#owner.withdrawn(this);
  }

  /** What has come with its result and is bound to where it came from. `all`: whether that is known to be all. */
  receives(received: readonly unknown[], all: boolean): void {
    if (received.length > 0 || !all) this.#leftWith = true;
    for (const one of received as readonly Bound[]) {
      // It was cancelled, or out of time, before: nobody gets what it gave.
      if (this.settled) one.drop();
      else if (this.scope?.closed === false) one.attachTo(this.scope);
    }
  }

  resolve(value: unknown): boolean {
    this.settling();
    return this.#settled(settleFuture(this.future, 'fulfilled', value));
  }

  reject(error: unknown): boolean {
    this.settling();
    return this.#settled(settleFuture(this.future, 'rejected', error));
  }

  /** Ends the work by force, if its future is settled and it goes on all the same. */
  terminate(): void {
    if (this.settled && this.#phase === 'queued') this.#owner.terminate(this);
  }

  /** For `future.cancel()`. */
  cancel(reason: unknown): boolean {
    return this.#withdraw(new CancelledError(`Cancelled ${this.describe()}`, { cause: reason }), 'cancelled');
  }

  /** Settles as cancelled, by that very error. */
  cancelBy(error: unknown): boolean {
    if (this.taken) {
      this.settling();
      return this.#settled(settleFuture(this.future, 'cancelled', error));
    }
    return this.#withdraw(error, 'cancelled');
  }

  /** The work is over and its slot is free, whatever became of the future. */
  finish(): void {
    if (this.#phase === 'ended') return;
    this.#phase = 'ended';
    this.#stopWatching();
    if (this.settled) this.#right?.dispose();
    this.release?.();
    for (const companion of this.companions) companion.jobEnded?.(this.#leftWith);
    // Who keeps the future does not keep these.
    this.companions = [];
    this.scope = undefined;
    this.detach?.();
    this.#ended?.resolve();
  }

  /** Nobody waits for the end of the work any more, though it goes on. */
  abandon(): void {
    this.#abandoned = true;
    this.detach?.();
    this.#ended?.resolve();
  }

  /** Fulfilled when the work has really ended, or is abandoned. Never rejects. */
  get ended(): Promise<void> {
    if (this.#ended === undefined) {
      let resolve!: () => void;
      const promise = new Promise<void>((done) => {
        resolve = done;
      });
      this.#ended = { promise, resolve };
      if (this.#phase === 'ended' || this.#abandoned) resolve();
    }
    return this.#ended.promise;
  }

  #expire(limit: string): void {
    this.#withdraw(new TimeoutError(`Cannot finish ${this.describe()}: it did not end ${limit}`), 'rejected');
  }

  #withdraw(error: unknown, how: 'rejected' | 'cancelled'): boolean {
    if (this.settled || this.#phase === 'ended') return false;
    this.withdrawal = error;
    this.settling();
    // Another thread may have settled it in this moment.
    if (!this.#settled(settleFuture(this.future, how, error))) return false;
    for (const companion of this.companions) companion.withdrawn?.();
    this.#owner.withdrawn(this);
    return true;
  }

  /** What its code has said before comes before its end. */
  settling(): void {
    for (const companion of this.companions) companion.settling?.();
  }

  #settled(done: boolean): boolean {
    if (done) {
      this.#stopWatching();
      this.#right?.dispose();
    }
    return done;
  }

  #stopWatching(): void {
    this.#deadline?.stop();
    this.#runDeadline?.stop();
    this.#stopListening?.();
  }
}
