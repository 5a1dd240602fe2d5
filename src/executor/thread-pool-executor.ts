import { checkOptions } from '../core/arguments.ts';
import { startTimer } from '../core/clock.ts';
import { BrokenPoolError, CancelledError, PoolFullError, ShutDownError } from '../core/errors.ts';
import type { WorkerEnd } from '../platform/worker.ts';
import { adopt } from '../scope/run.ts';
import type { AnyFunction, OwnedExecutor, ShutdownOptions } from './executor.ts';
import { Job, type JobOptions, type JobOwner } from './job.ts';
import { JobExecutor, type JobSink } from './job-executor.ts';
import { JobQueue } from './job-queue.ts';
import { knowFunction } from './known-function.ts';
import { checkThreads, type PoolSettings, readPoolOptions, type ThreadPoolOptions } from './pool-options.ts';
import type { PoolStatistics } from './pool-statistics.ts';
import { PoolThread, type PoolThreadEvents } from './pool-thread.ts';
import { StarvationWatch } from './starvation-watch.ts';
import { describeEnd, diedError } from './thread-death.ts';
import { cloneFailure, freeze, type Work } from './work.ts';

/** As many deaths within a second, and no job finished, break a pool. */
const DEATHS_THAT_BREAK = 5;
const DEATHS_WITHIN_MS = 1000;

/**
 * A pool of threads that run functions.
 *
 * - **Scope**: belongs to the loop that made it.
 * - **Ordering**: jobs start in the order of their priority, then of their submit; each thread runs `concurrency` of
 *   them at once (1 by default).
 * - **Threads** start one by one, when a job comes and none is free. An idle pool does not keep the process alive.
 * - **Cancellation**: settles the future at once; a queued job never runs, a running one is told, and keeps its slot
 *   until it has really ended. `onCancel` says what becomes of one that does not.
 * - **Death of a thread**: its jobs reject with `ThreadDiedError`, or are run once more if `idempotent`; a new thread
 *   takes its place. Five deaths within a second without one finished job break the pool.
 * - **Cost**: a thread takes 25 to 50 ms to start and 5 to 11 MB; a call costs two messages.
 *
 * @example
 * ```ts
 * import { ThreadPoolExecutor } from 'heddle';
 *
 * const pool = new ThreadPoolExecutor({ threads: 2 });
 * try {
 *   for await (const square of pool.map((n: number) => n * n, [1, 2, 3])) console.log(square); // 1, 4, 9
 * } finally {
 *   await pool.shutdown();
 * }
 * ```
 */
export class ThreadPoolExecutor extends JobExecutor implements OwnedExecutor {
  readonly #settings: PoolSettings;
  readonly #threads = new Set<PoolThread>();
  readonly #queue = new JobQueue<Job>();
  readonly #starvation: StarvationWatch;
  readonly #busyMs: number[] = [];
  readonly #deaths: number[] = [];
  #wanted: number;
  #broken: BrokenPoolError | undefined;
  #completed = 0;
  #failed = 0;
  #cancelled = 0;
  #shutdown: { readonly promise: Promise<void>; resolve(): void } | undefined;
  readonly #resizes: (() => void)[] = [];
  readonly #disown: () => void;
  protected override readonly sink: JobSink;
  protected override readonly jobOptions: JobOptions;

  /** @throws TypeError, RangeError, CaptureError for an option of the wrong kind or out of range. */
  constructor(options?: ThreadPoolOptions) {
    super();
    this.#settings = readPoolOptions(options, new.target);
    this.jobOptions = this.#settings.jobOptions;
    this.#wanted = this.#settings.threads;
    this.#starvation = new StarvationWatch(this.#settings.name, () => ({
      // What a map has read ahead waits behind its own items, and starves nobody.
      full: this.#threads.size >= this.#wanted && [...this.#queue].some((job) => job.work.kind === 'call'),
      jobs: this.#running().map((job) => job.name),
    }));
    const pool = this;
    this.sink = {
      get width() {
        return pool.#wanted * pool.#settings.concurrency;
      },
      get full() {
        return pool.#isFull();
      },
      start: (fn, site, work, jobOptions) => this.#start(fn, site, work, jobOptions),
    };
    this.#disown = adopt({
      shutdown: ({ cancelRunning }) => this.shutdown({ cancelPending: cancelRunning, cancelRunning }),
      terminate: () => this.#terminate(),
      describe: () => this.#describe(),
    });
  }

  get name(): string {
    return this.#settings.name;
  }

  /** Whether new jobs are refused. */
  get isShutDown(): boolean {
    return this.#shutdown !== undefined;
  }

  /** How many threads are alive. */
  get size(): number {
    return this.#threads.size;
  }

  /**
   * Changes how many threads the pool may have. Threads beyond that end when their jobs have; jobs that wait start on
   * new ones at once. Resolves when the surplus has ended.
   *
   * Rejects with a RangeError or TypeError for anything but a whole number of at least 1.
   */
  async resize(threads: number): Promise<void> {
    this.#wanted = checkThreads(threads);
    this.#advance();
    while (this.#threads.size > this.#wanted) {
      await new Promise<void>((resolve) => this.#resizes.push(resolve));
    }
  }

  /**
   * Refuses new jobs with `ShutDownError`, runs those that wait, and resolves when every thread has ended; jobs that
   * were cancelled with `'abandon'` are not waited for. May be called again, also to cancel after all.
   */
  async shutdown(options?: ShutdownOptions): Promise<void> {
    const { cancelPending = false, cancelRunning = false } = checkOptions(options) as ShutdownOptions;
    if (this.#shutdown === undefined) {
      let resolve!: () => void;
      const promise = new Promise<void>((done) => {
        resolve = done;
      });
      this.#shutdown = { promise, resolve };
    }
    const reason = new CancelledError(`${this.#describe()} is shutting down`);
    if (cancelPending || cancelRunning) for (const job of [...this.#queue]) job.future.cancel(reason);
    if (cancelRunning) for (const job of this.#running()) job.future.cancel(reason);
    this.#advance();
    return this.#shutdown.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const cancel = this.#settings.onDispose === 'cancel';
    await this.shutdown({ cancelPending: cancel, cancelRunning: cancel });
  }

  statistics(): PoolStatistics {
    const threads = [...this.#threads];
    const running = this.#running();
    const now = performance.now();
    const heads = [...this.#queue.heads()].map((job) => now - job.submittedAt);
    const busyMs = Array.from(
      { length: Math.max(this.#wanted, this.#busyMs.length) },
      (_, slot) => this.#busyMs[slot] ?? 0,
    );
    for (const thread of threads) busyMs[thread.slot] = (busyMs[thread.slot] ?? 0) + thread.busyMs;
    return {
      name: this.#settings.name,
      threads: threads.length,
      idle: threads.filter((thread) => thread.load === 0).length,
      queued: this.#queue.size,
      running: running.filter((job) => !job.settled).length,
      abandoned: running.filter((job) => job.settled).length,
      completed: this.#completed,
      failed: this.#failed,
      cancelled: this.#cancelled,
      oldestQueuedMs: Math.max(0, ...heads),
      busyMs,
    };
  }

  #start(fn: AnyFunction, site: AnyFunction, work: Work, options: JobOptions): Job {
    if (this.#broken !== undefined) throw this.#broken;
    if (this.#shutdown !== undefined)
      throw new ShutDownError(`Cannot submit to ${this.#describe()}: it was shut down`);
    options.signal?.throwIfAborted();
    const job = new Job(knowFunction(fn, site), work, options, this.#owner);
    const thread = this.#freeThread();
    if (thread === undefined) this.#enqueue(job);
    else this.#run(thread, job);
    job.watch();
    return job;
  }

  #enqueue(job: Job): void {
    if (this.#queue.size >= this.#settings.maxPending) {
      throw new PoolFullError(
        `Cannot submit to ${this.#describe()}: ${this.#queue.size} jobs are waiting already (maxPending); await some of them first`,
      );
    }
    job.work = freeze(job.work);
    this.#queue.add(job);
    this.#starvation.watch();
  }

  #isFull(): boolean {
    return this.#queue.size >= this.#settings.maxPending && !this.#mayTakeMore();
  }

  #mayTakeMore(): boolean {
    if (this.#threads.size < this.#wanted) return true;
    for (const thread of this.#threads) if (this.#accepts(thread)) return true;
    return false;
  }

  #run(thread: PoolThread, job: Job): void {
    try {
      thread.run(job);
    } catch (error) {
      throw cloneFailure(job.work, error);
    }
  }

  /** A thread with nothing to do; else a new one, if there may be one more; else one that takes several at once. */
  #freeThread(): PoolThread | undefined {
    let open: PoolThread | undefined;
    for (const thread of this.#threads) {
      if (!this.#accepts(thread)) continue;
      if (thread.load === 0) return thread;
      if (open === undefined || thread.load < open.load) open = thread;
    }
    return this.#threads.size < this.#wanted ? this.#startThread() : open;
  }

  #accepts(thread: PoolThread): boolean {
    return (
      (thread.state === 'starting' || thread.state === 'ready') &&
      !thread.condemned &&
      thread.load < this.#settings.concurrency
    );
  }

  #startThread(): PoolThread {
    const taken = new Set([...this.#threads].map((thread) => thread.slot));
    let slot = 0;
    while (taken.has(slot)) slot++;
    const { name, initializer, resourceLimits, env, execArgv } = this.#settings;
    const options = { name: `${name}-${slot + 1}`, initializer, resourceLimits, env, execArgv };
    const thread = new PoolThread(slot, options, this.#events);
    this.#threads.add(thread);
    return thread;
  }

  readonly #owner: JobOwner = {
    withdrawn: (job, phase) => {
      if (job.future.status === 'cancelled') this.#cancelled++;
      else this.#failed++;
      if (phase === 'queued') {
        this.#queue.remove(job);
        job.finish();
        this.#trim();
      } else this.#stopWork(job);
    },
    terminate: (job) => void this.#threadOf(job)?.terminate(),
  };

  /** The future of a running job is settled: now its work is to end. */
  #stopWork(job: Job): void {
    const thread = this.#threadOf(job);
    thread?.cancel(job);
    const { onCancel, grace } = job.options;
    if (onCancel === 'abandon') {
      job.abandon();
      this.#trim();
    }
    if (onCancel === 'terminate') {
      startTimer(grace, () => {
        job.terminate();
      });
    }
  }

  #threadOf(job: Job): PoolThread | undefined {
    for (const thread of this.#threads) if (thread.has(job)) return thread;
    return undefined;
  }

  #running(): Job[] {
    return [...this.#threads].flatMap((thread) => [...thread.jobs]);
  }

  readonly #events: PoolThreadEvents = {
    ready: () => this.#trim(),
    unfit: (thread, error) => {
      this.#break(`its initializer failed: ${error instanceof Error ? error.message : String(error)}`, error);
      void thread.terminate();
    },
    finished: (_thread, outcome) => {
      this.#deaths.length = 0;
      if (outcome === 'fulfilled') this.#completed++;
      else if (outcome === 'cancelled') this.#cancelled++;
      else if (outcome === 'rejected') this.#failed++;
      this.#advance();
    },
    ended: (thread, end, jobs) => this.#threadEnded(thread, end, jobs),
  };

  #threadEnded(thread: PoolThread, end: WorkerEnd, jobs: readonly Job[]): void {
    this.#threads.delete(thread);
    this.#busyMs[thread.slot] = (this.#busyMs[thread.slot] ?? 0) + thread.busyMs;
    if (!thread.condemned && thread.state !== 'stopping') this.#countDeath(end);
    for (const job of jobs) this.#jobLostItsThread(job, thread, end);
    this.#advance();
  }

  #jobLostItsThread(job: Job, thread: PoolThread, end: WorkerEnd): void {
    if (!job.settled && this.#broken === undefined && job.mayRepeat) {
      job.requeue();
      this.#queue.addFirst(job);
      return;
    }
    if (job.reject(this.#broken ?? diedError(job.describe(), thread.name, end))) this.#failed++;
    job.finish();
  }

  #countDeath(end: WorkerEnd): void {
    const now = performance.now();
    this.#deaths.push(now);
    const first = this.#deaths.at(-DEATHS_THAT_BREAK);
    if (first === undefined || now - first > DEATHS_WITHIN_MS) return;
    this.#break(
      `${DEATHS_THAT_BREAK} threads died within a second and no job finished, the last by ${describeEnd(end)}`,
      end.cause,
    );
  }

  #break(why: string, cause: unknown): void {
    if (this.#broken !== undefined) return;
    const broken = new BrokenPoolError(`Cannot run jobs on ${this.#describe()}: ${why}`, { cause });
    this.#broken = broken;
    for (const job of [...this.#queue]) {
      this.#queue.remove(job);
      if (job.reject(broken)) this.#failed++;
      job.finish();
    }
  }

  /** Gives waiting jobs to threads, new ones if need be, for as long as there are both. */
  #startQueued(): void {
    for (let job = this.#queue.peek(); job !== undefined; job = this.#queue.peek()) {
      const thread = this.#freeThread();
      if (thread === undefined) return;
      this.#queue.remove(job);
      this.#starvation.moved();
      try {
        this.#run(thread, job);
      } catch (error) {
        if (job.reject(error)) this.#failed++;
        job.finish();
      }
    }
  }

  /** After every change: threads that are not wanted end, then the waiting jobs go to those that are free. */
  #advance(): void {
    this.#trim();
    if (this.#queue.size === 0) return;
    this.#startQueued();
    if (this.#queue.size === 0) this.#trim();
  }

  /** Ends the threads that are not wanted any more and have nothing to do. */
  #trim(): void {
    const ending = this.#shutdown !== undefined && this.#queue.size === 0;
    let surplus =
      this.#broken !== undefined || ending ? this.#threads.size : this.#threads.size - this.#wanted;
    for (const thread of this.#threads) {
      if (surplus <= 0) break;
      if (thread.state === 'stopping' || thread.condemned) surplus--;
      else if (thread.load === 0) {
        thread.stop();
        surplus--;
      } else if (ending && thread.abandoned) {
        void thread.terminate();
        surplus--;
      }
    }
    if (this.#threads.size <= this.#wanted) for (const resolve of this.#resizes.splice(0)) resolve();
    if (ending && this.#threads.size === 0) {
      this.#disown();
      this.#shutdown?.resolve();
    }
  }

  async #terminate(): Promise<void> {
    await Promise.all([...this.#threads].map((thread) => thread.terminate()));
  }

  #describe(): string {
    return `pool "${this.#settings.name}"`;
  }
}
