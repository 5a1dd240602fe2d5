/** The jobs of an `InlineExecutor`: begun by this loop, in the order of their submit. */
import { startTimer } from '../core/clock.ts';
import { CancelledError, DeadlockError, ShutDownError } from '../core/errors.ts';
import { granted, settleSoon } from '../park/turn.ts';
import { checkWait, rejection, throwIfEnded } from '../park/wait.ts';
import type { WaitOptions } from '../scope/interruptible.ts';
import { currentScope } from '../scope/scope.ts';
import type { AnyFunction } from './executor.ts';
import type { CallRules } from './inline-calls.ts';
import { InlineRun } from './inline-run.ts';
import { Job, type JobOptions, type JobOwner } from './job.ts';
import type { JobSink } from './job-executor.ts';
import { holdForPermit } from './limiter-hold.ts';
import { throwIfCalledOff } from './room.ts';
import type { Work } from './work.ts';

// Invariant: a run stands in `#runs` from the submit until nothing of its job goes on any more.
export class InlineJobs implements JobSink, JobOwner {
  /** There is one thread. Async jobs overlap all the same. */
  readonly width = 1;
  readonly full = false;
  readonly keepsContext: boolean;
  readonly #name: string;
  readonly #rules: CallRules;
  readonly #runs = new Map<Job, InlineRun>();
  #isShutDown = false;

  constructor(name: string, rules: CallRules) {
    this.#name = name;
    this.#rules = rules;
    // By the rules of threads, a storage that no thread would find, and a value that could not be sent, are refused.
    this.keepsContext = rules.copy === undefined;
  }

  get isShutDown(): boolean {
    return this.#isShutDown;
  }

  start(fn: AnyFunction, site: AnyFunction, work: Work, options: JobOptions): Job {
    // Before anything is moved, which cannot be given back.
    throwIfCalledOff(work, options.signal);
    this.#checkOpen('submit to');
    const call = this.#rules.prepare(fn, site, work);
    const job = new Job(call.fn, work, options, this);
    job.companions = call.companions ?? [];
    const run = new InlineRun(job, call, this.#rules, () => this.#over(job));
    try {
      this.#runs.set(job, run);
      const queue = (): void => settleSoon(() => run.begin());
      if (options.limiter === undefined) queue();
      else
        holdForPermit(job, queue, (error) => {
          job.reject(error);
          this.#drop(job);
        });
    } catch (error) {
      call.discard();
      this.#runs.delete(job);
      throw error;
    }
    job.watch();
    return job;
  }

  waitForRoom(options: WaitOptions | undefined): Promise<void> {
    try {
      throwIfEnded(checkWait(options).signal);
      this.#checkOpen('wait for room in');
      return granted(undefined);
    } catch (error) {
      return rejection(error);
    }
  }

  /** Refuses new jobs. Resolves when the others have ended; not that by which it is called, which could never end. */
  async shutdown(cancelPending: boolean, cancelRunning: boolean): Promise<void> {
    this.#isShutDown = true;
    const caller = this.#callingJob();
    const jobs = [...this.#runs.keys()].filter((job) => job !== caller);
    const reason = new CancelledError(`${this.describe()} is shutting down`);
    for (const job of jobs) {
      if (this.isRunning(job) ? cancelRunning : cancelPending || cancelRunning) job.cancelBy(reason);
    }
    await Promise.all(jobs.map((job) => job.ended));
  }

  /** Nobody waits for what still runs any more. */
  abandonAll(): void {
    for (const job of this.#runs.keys()) job.abandon();
  }

  describe(): string {
    return `executor "${this.#name}"`;
  }

  // For the job

  isRunning(job: Job): boolean {
    return this.#runs.get(job)?.task !== undefined;
  }

  whereabouts(job: Job): string {
    return this.isRunning(job) ? 'running on this loop' : 'queued';
  }

  ranFor(job: Job): number | undefined {
    const run = this.#runs.get(job);
    return run?.task && performance.now() - run.began;
  }

  withdrawn(job: Job): void {
    const run = this.#runs.get(job);
    if (run?.task === undefined) return this.#drop(job);
    run.cancel();
    if (job.options.onCancel === 'abandon') job.abandon();
    if (job.options.onCancel === 'terminate')
      startTimer(job.options.grace, () => job.terminate(), { hold: false });
  }

  /** Code on this loop cannot be stopped: but nobody need wait for it. */
  terminate(job: Job): void {
    job.abandon();
  }

  /** What has not begun is run here and now. If it waits for something, that cannot come while this loop is blocked. */
  block(job: Job): boolean {
    const text = `Cannot block on ${job.describe()}`;
    if (job.phase === 'held')
      throw new DeadlockError(`${text}: it waits for its limiter on this loop; await it`);
    this.#runs.get(job)?.begin();
    if (job.settled) return true;
    throw new DeadlockError(`${text}: it goes on on this very loop, which would be blocked; await it`);
  }

  awaited(): undefined {
    return undefined;
  }

  ended(): void {}

  /** @throws ShutDownError */
  #checkOpen(action: string): void {
    if (this.#isShutDown) throw new ShutDownError(`Cannot ${action} ${this.describe()}: it was shut down`);
  }

  #drop(job: Job): void {
    this.#runs.get(job)?.discard();
    this.#over(job);
  }

  #over(job: Job): void {
    this.#runs.delete(job);
    job.finish();
  }

  /** The job whose code runs now, if it is one of these. */
  #callingJob(): Job | undefined {
    for (let scope = currentScope(); scope !== undefined; scope = scope.parent)
      for (const [job, { task }] of this.#runs) if (task !== undefined && task === scope.task) return job;
    return undefined;
  }
}
