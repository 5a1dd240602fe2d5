/**
 * A thread of a pool runs jobs: takes them from shared memory by itself, one after the other, and waits there when there are
 * none.
 *
 * ```text
 * drain   next job; run it; if it has ended: its result into shared memory, the next job out of it, and only then is its
 *         owner told, in one go with all that ended since that looked
 *         nothing more, or no slot: rest, and if there is a slot: stand in the line of the idle
 * ```
 *
 * Jobs that return a promise go on beside the others, up to `concurrency`. After some milliseconds the loop goes round before
 * the next job, so that timers and messages of the thread come through.
 */
import { Atomics } from '#atomics';
import { CancelledError } from '../core/errors.ts';
import { complete, FUNCTION_TIME } from '../jobs/job-block.ts';
import { jobClock } from '../jobs/job-clock.ts';
import { removeJob } from '../jobs/job-removal.ts';
import type { JobStore } from '../jobs/job-store.ts';
import { payloadsOf } from '../jobs/payloads.ts';
import {
  BY_PORT,
  CANCELLED_ERROR,
  EACH,
  ERROR,
  KIND_MASK,
  OPEN,
  SHORT,
  STOP,
  THREAD_WANTED,
  VALUE,
} from '../jobs/states.ts';
import {
  BUSY,
  JOB_BEGAN,
  JOB_CANCEL,
  JOB_FLAGS,
  JOB_RAN,
  LAST_BEGAN,
  LAST_ENDED,
  POOL_ASKED,
  POOL_BLOCKED,
  POOL_COMPLETED,
  POOL_FAILED,
  POOL_QUEUED,
  POOL_SLOTS,
  POOL_SPARES,
  POOL_STATE,
  POOL_SURPLUS,
  POOL_THREADS,
  POOL_UNCOUNTED,
} from '../memory/layout.ts';
import { callErrand } from '../park/mailbox.ts';
import type { Parking } from '../park/parking.ts';
import { inNextTurn } from '../park/turn.ts';
import { outsideContext } from '../platform/no-context.ts';
import { startTask, type Task } from '../scope/task.ts';
import { IdlePlace } from './idle-place.ts';
import { JobAnswers } from './job-answers.ts';
import { JobBegins } from './job-begins.ts';
import { type Call, JobCalls } from './job-calls.ts';
import type { JobRunnerOptions } from './job-runner-options.ts';
import { JobRuns, type Run, type RunWatcher } from './job-runs.ts';
import { loadCarriers } from './values.ts';

/** The loop goes round after so many milliseconds of jobs. */
const ROUND_MS = 8;

export class JobRunner implements RunWatcher {
  readonly #parking: Parking;
  readonly #words: Int32Array;
  readonly #options: JobRunnerOptions;
  readonly #store: JobStore;
  readonly #calls: JobCalls;
  readonly #answers: JobAnswers;
  readonly #runs: JobRuns;
  /** Calls that wait for a module. */
  #loading: Promise<void> | undefined;
  readonly #begins = new JobBegins(() => this.#drainSoon());
  /** How many run that have their slot. */
  #active = 0;
  #draining = false;
  #scheduled = false;
  #stopped: ((busyMs: number) => void) | undefined;
  #busyMs = 0;
  /** When it was looked at the clock last: a job that follows another begins when that ended. */
  #time = 0;
  readonly #idle: IdlePlace;

  constructor(options: JobRunnerOptions) {
    const { store } = options;
    this.#options = options;
    this.#store = store;
    this.#parking = store.parking;
    this.#words = store.parking.heap.words;
    const payloads = payloadsOf(store.parking);
    this.#runs = new JobRuns(this.#words, payloads, this);
    this.#calls = new JobCalls(this.#words, payloads, options.fetch);
    this.#answers = new JobAnswers(store.parking, options);
    this.#idle = new IdlePlace(store, () => this.#drain());
  }

  start(): void {
    this.#parking.onErrand(() => {
      this.#runs.lookForCancellations();
      if (this.#runs.isEmpty) this.#retireIfSurplus();
    });
    this.#drain();
  }

  /** Takes no more jobs; calls `ended` once none runs. */
  stop(ended: (busyMs: number) => void): void {
    this.#stopped = ended;
    this.#idle.leave();
    this.#store.rest();
    this.#endIfStopped();
  }

  /** The job whose task that is, if it is one of this runner. */
  runOf(task: Task<unknown>): Run | undefined {
    return this.#runs.of(task);
  }

  /** Whether it has not ended. */
  runs(run: Run): boolean {
    return this.#runs.has(run);
  }

  /** Has a job of this thread give its slot to another, until the function that this gives is called. */
  giveSlot(run: Run): () => void {
    this.gives(run);
    return () => {
      if (--run.given > 0 || !this.#runs.has(run)) return;
      this.#active++;
      this.#store.giveSlot(false, false);
    };
  }

  /** A job blocks this thread, until the function that this gives is called: a spare thread may be wanted. False if there is none. */
  blockSlot(): (() => void) | undefined {
    const store = this.#store;
    // A loop has no other thread.
    if (this.#options.concurrency === Infinity) return () => {};
    if (store.read(POOL_BLOCKED) >= store.read(POOL_SPARES)) return undefined;
    store.giveSlot(true, true);
    this.#askForThread();
    return () => store.giveSlot(false, true);
  }

  /** For its runs. */
  polls(run: Run): void {
    this.#runs.poll(run);
  }

  /** For its runs, too. */
  gives(run: Run): void {
    if (run.given++ > 0) return;
    this.#active--;
    this.#store.giveSlot(true, false);
    this.#drainSoon();
  }

  /**
   * Runs a job that is queued here and now, on the stack of who waits for it. False if it is not queued any more. `future` as
   * in `removeJob`.
   */
  runInPlace(job: number, future: number = 0): boolean {
    if (!removeJob(this.#store, job, true, future)) return false;
    this.#look();
    // It takes no other job: that would run on the stack of this one.
    this.#begin(job, -Infinity);
    this.#drainSoon();
    return true;
  }

  get #mayTake(): boolean {
    return this.#active < this.#options.concurrency && this.#begins.none && this.#stopped === undefined;
  }

  #drainSoon(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    inNextTurn(() => {
      this.#scheduled = false;
      this.#drain();
    });
  }

  #drain(): void {
    if (this.#draining || this.#scheduled) return;
    this.#draining = true;
    try {
      const began = this.#look();
      let job = this.#mayTake ? this.#store.next(true, 0, true) : 0;
      for (;;) {
        while (job !== 0) job = this.#begin(job, began);
        if (!this.#mayTake) {
          this.#idle.leave();
          this.#rest();
          return;
        }
        if (this.#look() - began > ROUND_MS) {
          this.#store.rest();
          if (this.#store.read(POOL_QUEUED) > 0) return this.#drainSoon();
        }
        job = this.#store.next(true, 0, true) || this.#linger();
        if (job === 0 && this.#mayTake) {
          job = this.#idle.stand();
          if (job === 0) return;
        }
      }
    } finally {
      this.#draining = false;
    }
  }

  /** Waits for a job a little, awake or blocked. */
  #linger(): number {
    const mayDoze = this.#options.concurrency !== Infinity && this.#runs.isEmpty;
    const job = this.#idle.spin(this.#options.spin) || (mayDoze ? this.#idle.doze(() => this.#mayTake) : 0);
    if (job !== 0) this.#look();
    return job;
  }

  /** Looks at the clock. */
  #look(): number {
    this.#time = performance.now();
    return this.#time;
  }

  /** Does not look for the next job soon: another does, or will be started. */
  #rest(): void {
    const store = this.#store;
    store.rest();
    const { concurrency } = this.#options;
    if (store.read(POOL_QUEUED) === 0 || !store.idle.isEmpty()) return;
    if (store.read(POOL_THREADS) * concurrency >= store.read(POOL_SLOTS)) return;
    this.#askForThread();
  }

  #askForThread(): void {
    Atomics.or(this.#words, this.#store.object + POOL_ASKED, THREAD_WANTED);
    callErrand(this.#words, this.#options.keeper);
  }

  /** Begins a job; gives the one that is next if it has ended already. */
  #begin(job: number, round?: number): number {
    const words = this.#words;
    const run = this.#runs.begin(job, this.#time, round);
    const { block } = run;
    words[this.#store.record + LAST_BEGAN] = words[job + JOB_BEGAN]!;
    this.#active++;
    // Else it would be this thread that is woken when it rests.
    this.#idle.leave();
    const time = block === 0 ? 0 : words[block + FUNCTION_TIME]!;
    if (time === 0 || time > SHORT) this.#rest();
    try {
      run.cancelled = this.#runs.reasonFor(job);
      const call = run.cancelled === undefined ? this.#calls.load(job) : this.#calls.refuse(job);
      if (call === undefined) {
        this.ends(run, CANCELLED_ERROR, new CancelledError('Cancelled before it began', run.cancelled));
      } else if (call instanceof Promise || this.#loading !== undefined) {
        this.#callLater(run, call);
      } else this.#call(run, call);
    } catch (error) {
      this.ends(run, ERROR, error);
    }
    run.isSync = false;
    if (run.next === undefined && !this.#mayTake) this.#rest();
    return run.next ?? 0;
  }

  /** For its runs. */
  ends(run: Run, outcome: number, value: unknown): void {
    const taken = this.#end(run, outcome, value);
    if (run.isSync) run.next = taken;
    else if (taken !== 0) this.#goOn(taken);
    else this.#drain();
  }

  /** A job has ended on the loop, and this one was taken with that. */
  #goOn(job: number): void {
    this.#draining = true;
    try {
      let next = job;
      while (next !== 0) next = this.#begin(next);
    } finally {
      this.#draining = false;
    }
    this.#drain();
  }

  /** A module must be loaded first. On a loop what comes after it waits as well, for there all begin in order. */
  #callLater(run: Run, call: Call | Promise<Call>): void {
    const before = this.#loading;
    const isPool = this.#options.concurrency !== Infinity;
    // Not once it has begun: the thread takes the next job by itself when it ends.
    const begins = isPool ? this.#begins.add() : undefined;
    const begun = Promise.resolve(call).then(
      async (loaded) => {
        await before;
        begins?.();
        this.#call(run, loaded);
      },
      async (error: unknown) => {
        await before;
        begins?.();
        this.ends(run, ERROR, error);
      },
    );
    if (isPool) return;
    this.#loading = begun;
    void begun.then(() => {
      if (this.#loading === begun) this.#loading = undefined;
    });
  }

  #call(run: Run, [fn, name, args]: Call): void {
    if (run.cancelled !== undefined) {
      this.ends(run, CANCELLED_ERROR, new CancelledError('Cancelled before it began', run.cancelled));
      return;
    }
    const flags = this.#words[run.job + JOB_FLAGS]!;
    const body =
      (flags & KIND_MASK) === EACH
        ? (): unknown => this.#answers.each(run.job, fn, args, (flags & STOP) !== 0)
        : (): unknown => (fn as (...all: readonly unknown[]) => unknown)(...args);
    // Whoever has this thread look for a job may have a context, or have left one behind.
    const task = outsideContext(startTask, body, { name, plain: true, owner: run });
    run.task = task;
    const asked = run.cancelled as Run['cancelled'];
    if (asked !== undefined) task.cancel(asked.cause);
  }

  /** Ends a job; gives the next one, which this thread has taken. */
  #end(run: Run, outcome: number, value: unknown): number {
    const { job, block } = run;
    const round = run.isSync ? run.round : undefined;
    const words = this.#words;
    const now = this.#look();
    const took = (now - run.began) * 1000;
    const settled = this.#answers.set(job, outcome, value);
    if (settled === undefined) {
      void loadCarriers().then(() => this.ends(run, outcome, value));
      return 0;
    }
    this.#runs.end(run);
    if (run.given === 0) this.#active--;
    this.#answers.share(job, outcome, settled, value);
    words[job + JOB_RAN] = Math.min(took, 2 ** 30);
    this.#busyMs += took / 1000;
    words[this.#store.record + BUSY] = this.#busyMs;
    words[this.#store.record + LAST_ENDED] = jobClock(now);
    if (block !== 0) {
      const before = words[block + FUNCTION_TIME]!;
      // A thread that was suspended has seen one that took long, and that says nothing of the next.
      const seen = before === 0 ? took : Math.min(took, 4 * before + SHORT);
      words[block + FUNCTION_TIME] = 1 + (before === 0 ? seen : (before * 7 + seen) / 8);
    }
    const looks = this.#mayTake && this.#store.read(POOL_SURPLUS) === 0;
    const wants = looks && (round === undefined || now - round < ROUND_MS);
    const count =
      words[job + JOB_CANCEL] !== 0
        ? POOL_UNCOUNTED
        : settled === VALUE || settled === BY_PORT
          ? POOL_COMPLETED
          : POOL_FAILED;
    // One that has given its slot away has none to give back.
    if (run.given > 0) this.#store.giveSlot(false, false);
    // It goes on looking, or stands in the line of the idle, before it says that it does not.
    const next = this.#store.next(wants, count, looks, job);
    if (next === 0 && this.#store.read(POOL_STATE) !== OPEN) callErrand(words, this.#options.keeper);
    complete(this.#parking, job, settled);
    if (next === 0 && this.#runs.isEmpty) this.#retireIfSurplus();
    this.#endIfStopped();
    return next;
  }

  /** Ends this thread if the pool has too many, and it has nothing to do. */
  #retireIfSurplus(): void {
    if (this.#stopped !== undefined) return;
    const word = this.#store.object + POOL_SURPLUS;
    for (let left = Atomics.load(this.#words, word); left > 0; left = Atomics.load(this.#words, word)) {
      if (Atomics.compareExchange(this.#words, word, left, left - 1) !== left) continue;
      this.stop(this.#options.ended);
      return;
    }
  }

  /** This thread exits: who waits for its jobs learns the code, whatever it hears of the thread itself. */
  exits(code: number): void {
    this.#runs.exits(code);
  }

  #endIfStopped(): void {
    if (this.#stopped !== undefined && this.#runs.isEmpty) this.#stopped(this.#busyMs);
  }
}
