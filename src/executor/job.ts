/**
 * One job: work given to an executor, from the submit to its real end.
 *
 * Two things end, and not always together: the **future** settles (result, error, cancellation, time-out) and the
 * **work** ends (its slot is free). A job that is cancelled while it runs settles at once and ends later.
 *
 * | phase   | the work            | leaves it by                                    |
 * | ------- | ------------------- | ----------------------------------------------- |
 * | queued  | waits for a thread  | `start` → running; `cancel`, `expire` → ended   |
 * | running | is in a thread      | `finish` → ended (`requeue` → queued, once)     |
 * | ended   | is over             |                                                 |
 */
import { startTimer, type Timer } from '../core/clock.ts';
import { CancelledError, TimeoutError } from '../core/errors.ts';
import { onAbort } from '../scope/abort.ts';
import type { KnownFunction } from '../thread/remote-thread.ts';
import type { OnCancel } from './executor.ts';
import { createFuture, type Future, type FutureControl } from './future.ts';
import type { Queued } from './job-queue.ts';
import { releaseWork, SENT, type Work } from './work.ts';

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
}

/** What a job asks of its executor. */
export interface JobOwner {
  /** The future of a job was settled from outside while the job was `queued` or `running`. */
  withdrawn(job: Job, phase: 'queued' | 'running'): void;
  /** Ends the thread of a job that runs on though it was withdrawn. */
  terminate(job: Job): void;
}

export type JobPhase = 'queued' | 'running' | 'ended';

let nextJobId = 1;

export class Job implements Queued {
  readonly id: number;
  readonly fn: KnownFunction;
  readonly options: JobOptions;
  readonly submittedAt: number;
  work: Work;
  links: Queued['links'];
  /** Whether its thread died once already. */
  repeated = false;
  /** Milliseconds that it ran, once it has. */
  ranMs = 0;
  /** Takes the job out of the task that it belongs to. */
  detach: (() => void) | undefined;
  /** Why the future was settled from outside: what a thread is told. */
  withdrawal: unknown;

  #phase: JobPhase = 'queued';
  #abandoned = false;
  readonly #owner: JobOwner;
  readonly #control: FutureControl<unknown>;
  #deadline: Timer | undefined;
  #runDeadline: Timer | undefined;
  #stopListening: (() => void) | undefined;
  #ended: { readonly promise: Promise<void>; resolve(): void } | undefined;

  constructor(fn: KnownFunction, work: Work, options: JobOptions, owner: JobOwner) {
    this.id = nextJobId++;
    this.fn = fn;
    this.work = work;
    this.options = options;
    this.submittedAt = performance.now();
    this.#owner = owner;
    this.#control = createFuture<unknown>({
      cancel: (reason) => this.cancel(new CancelledError(`Cancelled ${this.describe()}`, { cause: reason })),
      describe: () => this.describe(),
    });
  }

  get future(): Future<unknown> {
    return this.#control.future;
  }

  get priority(): number {
    return this.options.priority;
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

  /** Whether it may be run again now that its thread died. A chunk is taken apart by its `map` instead. */
  get mayRepeat(): boolean {
    return this.options.idempotent && !this.repeated && this.work.kind === 'call';
  }

  get name(): string {
    return this.options.name ?? this.fn.name;
  }

  describe(): string {
    return `job "${this.name}"`;
  }

  /** Starts the clocks, and listens to the signal, of a job that its executor has accepted. */
  watch(): void {
    const { signal, timeout } = this.options;
    if (signal !== undefined)
      this.#stopListening = onAbort(signal, () => this.#withdraw(signal.reason, 'cancel'));
    if (timeout !== Infinity) {
      this.#deadline = startTimer(timeout, () => this.#expire(`within ${timeout} ms of its submit`), {
        hold: false,
      });
    }
  }

  /** The job was given to a thread. */
  start(): void {
    this.#phase = 'running';
    this.#control.start();
  }

  /** The arguments are on their way: keeps them no longer than it takes to be able to send them again. */
  sent(): void {
    if (this.work.kind !== 'call' || this.options.idempotent) return;
    releaseWork(this.work);
    this.work = SENT;
  }

  /** The thread has begun to run it: `runTimeout` counts from here. */
  startClock(): void {
    const { runTimeout } = this.options;
    if (runTimeout === Infinity || this.settled) return;
    this.#runDeadline = startTimer(runTimeout, () => this.#expire(`within ${runTimeout} ms of running`), {
      hold: false,
    });
  }

  /** Its thread died, and it may be run again. */
  requeue(): void {
    this.#runDeadline?.stop();
    this.#phase = 'queued';
    this.repeated = true;
  }

  resolve(value: unknown): boolean {
    return this.#settled(this.#control.resolve(value));
  }

  reject(error: unknown): boolean {
    return this.#settled(this.#control.reject(error));
  }

  /** Ends the work by force, if its future is settled and it goes on all the same. */
  terminate(): void {
    if (this.settled && this.#phase === 'running') this.#owner.terminate(this);
  }

  /** Settles as cancelled; the executor is told, so that it stops the work. */
  cancel(error: CancelledError): boolean {
    return this.#withdraw(error, 'cancel');
  }

  /** The work is over and its slot is free, whatever became of the future. */
  finish(): void {
    this.#phase = 'ended';
    this.#stopWatching();
    releaseWork(this.work);
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
    this.#withdraw(new TimeoutError(`Cannot finish ${this.describe()}: it did not end ${limit}`), 'reject');
  }

  #withdraw(error: unknown, how: 'reject' | 'cancel'): boolean {
    if (this.settled || this.#phase === 'ended') return false;
    const phase = this.#phase;
    this.withdrawal = error;
    if (how === 'reject') this.#settled(this.#control.reject(error));
    else this.#settled(this.#control.cancel(error));
    this.#owner.withdrawn(this, phase);
    return true;
  }

  #settled(done: boolean): boolean {
    if (done) this.#stopWatching();
    return done;
  }

  #stopWatching(): void {
    this.#deadline?.stop();
    this.#runDeadline?.stop();
    this.#stopListening?.();
  }
}
