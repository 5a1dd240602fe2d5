/** The jobs that go on in this thread. */
import { Atomics } from '#atomics';
import { CancelledError } from '../core/errors.ts';
import { IntMap } from '../core/int-map.ts';
import { jobClock } from '../jobs/job-clock.ts';
import type { Payloads } from '../jobs/payloads.ts';
import { CANCELLED_ERROR, ERROR, NO_REASON, VALUE } from '../jobs/states.ts';
import { JOB_AWAITS, JOB_BEGAN, JOB_CANCEL, JOB_FUNCTION, JOB_RAN } from '../memory/layout.ts';
import { currentTask } from '../scope/current-task.ts';
import { outcomeOf, ownerOf, type Task, type TaskOwner } from '../scope/task.ts';

/** Who hears how runs go. */
export interface RunWatcher {
  /** A run waits for what it has started: perhaps for jobs of its pool, which need its slot. */
  gives(run: Run): void;
  /** It asks whether it was cancelled. */
  polls(run: Run): void;
  /** Its function has ended, and all that this had started. */
  ends(run: Run, outcome: number, value: unknown): void;
}

/** A job in this thread. It looks after its task by itself: one object less for each. */
export class Run implements TaskOwner {
  readonly job: number;
  /** By `performance.now()`. */
  readonly began: number;
  /** Of its function. */
  readonly block: number;
  /** When the thread began to run job after job; `undefined` if this one does not go by that. */
  readonly round: number | undefined;
  /** Whether its thread has not returned from its first stretch; and the job that was taken when it ended within that. */
  isSync = true;
  next: number | undefined;
  /** Once its function has returned from its first stretch. */
  task: Task<unknown> | undefined;
  cancelled: { readonly cause: unknown } | undefined;
  /** How many of its waits have it give its slot away. */
  given = 0;
  /** The jobs that it waits for, the latest last. */
  awaits: number[] | undefined;
  readonly #watcher: RunWatcher;

  constructor(watcher: RunWatcher, job: number, block: number, began: number, round: number | undefined) {
    this.#watcher = watcher;
    this.job = job;
    this.block = block;
    this.began = began;
    this.round = round;
  }

  // For the task

  failed(): void {}

  poll(): void {
    this.#watcher.polls(this);
  }

  waits(): void {
    this.#watcher.gives(this);
  }

  ended(task: Task<unknown>): void {
    const outcome = outcomeOf(task)!;
    if (outcome.ok) return this.#watcher.ends(this, VALUE, outcome.value);
    const wasCancelled = this.cancelled !== undefined && outcome.error instanceof CancelledError;
    this.#watcher.ends(this, wasCancelled ? CANCELLED_ERROR : ERROR, outcome.error);
  }
}

export class JobRuns {
  readonly #words: Int32Array;
  readonly #payloads: Payloads;
  readonly #watcher: RunWatcher;
  readonly #runs = new IntMap<Run>();

  constructor(words: Int32Array, payloads: Payloads, watcher: RunWatcher) {
    this.#words = words;
    this.#payloads = payloads;
    this.#watcher = watcher;
  }

  get isEmpty(): boolean {
    return this.#runs.size === 0;
  }

  has(run: Run): boolean {
    return this.#runs.get(run.job) === run;
  }

  begin(job: number, time: number, round: number | undefined): Run {
    const words = this.#words;
    const run = new Run(this.#watcher, job, words[job + JOB_FUNCTION]!, time, round);
    words[job + JOB_BEGAN] = jobClock(time);
    words[job + JOB_AWAITS] = 0;
    this.#runs.set(job, run);
    return run;
  }

  end({ job }: Run): void {
    this.#runs.delete(job);
  }

  /** The one whose task that is. */
  of(task: Task<unknown>): Run | undefined {
    const owner = ownerOf(task);
    return owner instanceof Run && this.has(owner) ? owner : undefined;
  }

  /** Why the job was cancelled, if it was. */
  reasonFor(job: number): { readonly cause: unknown } | undefined {
    const reason = Atomics.load(this.#words, job + JOB_CANCEL);
    if (reason === 0) return undefined;
    if (reason === NO_REASON) return { cause: undefined };
    const value = this.#payloads.openPart(reason, true);
    return { cause: value instanceof CancelledError ? value.cause : value };
  }

  /** Called by `cancelled()` in the job: it may be in its first, synchronous stretch, before there is a task to cancel. */
  poll(run: Run): void {
    this.#cancelIfAsked(run);
    if (run.cancelled !== undefined && run.task === undefined) currentTask()?.cancel(run.cancelled.cause);
  }

  lookForCancellations(): void {
    for (const run of [...this.#runs.values()]) this.#cancelIfAsked(run);
  }

  /** This thread exits: who waits for its jobs learns the code, whatever it hears of the thread itself. */
  exits(code: number): void {
    for (const { job } of this.#runs.values()) this.#words[job + JOB_RAN] = -1 - code;
  }

  #cancelIfAsked(run: Run): void {
    if (run.cancelled !== undefined) return;
    const reason = this.reasonFor(run.job);
    run.cancelled = reason;
    if (reason !== undefined) run.task?.cancel(reason.cause);
  }
}
