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
import { explainCloneFailure } from '../codec/encode.ts';
import { show } from '../core/arguments.ts';
import { CancelledError, HeddleError, SendError } from '../core/errors.ts';
import { type FunctionReference, resolveReference } from '../function/reference.ts';
import type { AnyFunction } from '../function/registry.ts';
import type { FunctionEntry } from '../jobs/functions.ts';
import { addPart, complete } from '../jobs/job-block.ts';
import { jobClock } from '../jobs/job-clock.ts';
import type { JobStore } from '../jobs/job-store.ts';
import { FUNCTION_TIME, type Payloads, payloadsOf } from '../jobs/payloads.ts';
import {
  ARGS_BY_PORT,
  BY_PORT,
  CALL_SOON,
  CANCELLED_ERROR,
  EACH,
  ERROR,
  KIND_MASK,
  NO_REASON,
  OPEN,
  STOP,
  THREAD_WANTED,
  VALUE,
  WITH_FUNCTION,
  WITH_NAME,
} from '../jobs/states.ts';
import {
  BUSY,
  JOB_BEGAN,
  JOB_CANCEL,
  JOB_FLAGS,
  JOB_FUNCTION,
  JOB_OWNER,
  JOB_RAN,
  LAST_BEGAN,
  LAST_ENDED,
  POOL_ASKED,
  POOL_COMPLETED,
  POOL_FAILED,
  POOL_QUEUED,
  POOL_SLOTS,
  POOL_STATE,
  POOL_SURPLUS,
  POOL_THREADS,
  POOL_UNCOUNTED,
  RESERVED,
} from '../memory/layout.ts';
import { callErrand } from '../park/mailbox.ts';
import type { LoopWait, Parking } from '../park/parking.ts';
import { report } from '../platform/report.ts';
import { isThenable } from '../scope/call.ts';
import { cancelled } from '../scope/cancelled.ts';
import { currentTask } from '../scope/current-task.ts';
import { outcomeOf, startTask, type Task } from '../scope/task.ts';
import { carried, Part, sendable } from './outcomes.ts';
import type { ItemOutcomes } from './protocol.ts';

/** What takes longer is not short: another thread may take the next job meanwhile. In microseconds. */
const SHORT = 20;
/** The loop goes round after so many milliseconds of jobs. */
const ROUND_MS = 8;
/** Outcomes of a chunk that has run this long are sent, so that a death of the thread loses little. */
const PART_MS = 10;

export interface JobRunnerOptions {
  readonly store: JobStore;
  /** The thread that the port leads to, and the values that go there. */
  readonly keeper: number;
  readonly payloads: Payloads;
  /** Jobs at once. */
  readonly concurrency: number;
  /** Microseconds of looking before it waits. */
  readonly spin: number;
  /** Fetches from the owner of the pool what only a message can carry; and sends it there. */
  readonly fetch: (job: number) => Promise<unknown>;
  readonly send: (job: number, value: unknown) => void;
  /** Called when it has stopped by itself, and no job runs. */
  readonly ended: (busyMs: number) => void;
}

/** A job in this thread. */
interface Run {
  readonly job: number;
  readonly began: number;
  readonly block: number;
  /** Once its function has returned from its first stretch. */
  task: Task<unknown> | undefined;
  cancelled: { readonly cause: unknown } | undefined;
  /** Whether it has given its slot away. */
  given: number;
}

interface Loaded {
  readonly fn: AnyFunction;
  readonly name: string;
}

type Call = readonly [fn: AnyFunction, name: string, args: readonly unknown[]];

export class JobRunner {
  readonly #parking: Parking;
  readonly #words: Int32Array;
  readonly #payloads: Payloads;
  readonly #byPort: Payloads;
  readonly #options: JobRunnerOptions;
  readonly #store: JobStore;
  /** By the block of the function. */
  readonly #functions = new Map<number, Loaded | Promise<Loaded>>();
  readonly #runs = new Map<number, Run>();
  /** Whose function is being called. */
  #starting: Run | undefined;
  /** How many run that have their slot. */
  #active = 0;
  #draining = false;
  #scheduled = false;
  /** The cell by which it stands in the line of the idle; 0 if it does not. */
  #cell = 0;
  #stopped: ((busyMs: number) => void) | undefined;
  #busyMs = 0;
  readonly #wait: LoopWait;

  constructor(options: JobRunnerOptions) {
    const { store } = options;
    this.#options = options;
    this.#store = store;
    this.#parking = store.parking;
    this.#words = store.parking.heap.words;
    this.#payloads = payloadsOf(store.parking);
    this.#byPort = options.payloads;
    this.#wait = {
      object: store.object,
      set: (cell) => {
        // Not if it was just leaving the line.
        if (cell !== this.#cell) return;
        this.#cell = 0;
        this.#drain();
      },
    };
  }

  start(): void {
    this.#parking.onErrand(() => {
      this.#lookForCancellations();
      if (this.#runs.size === 0) this.#retireIfSurplus();
    });
    this.#drain();
  }

  /** Takes no more jobs; calls `ended` once none runs. */
  stop(ended: (busyMs: number) => void): void {
    this.#stopped = ended;
    this.#leaveLine();
    this.#store.rest();
    this.#endIfStopped();
  }

  /** Has a job of this thread give its slot to another, until the function that this gives is called. */
  giveSlot(task: Task<unknown>): (() => void) | undefined {
    const run = this.#runOf(task);
    if (run === undefined) return undefined;
    if (run.given++ === 0) {
      this.#active--;
      this.#store.giveSlot(true, false);
      this.#drainSoon();
    }
    return () => {
      if (--run.given > 0 || !this.#runs.has(run.job)) return;
      this.#active++;
      this.#store.giveSlot(false, false);
    };
  }

  #runOf(task: Task<unknown>): Run | undefined {
    for (const run of this.#runs.values()) if (run.task === task) return run;
    // In its first, synchronous stretch the task is not known yet.
    return this.#starting;
  }

  /** Runs a job that is queued here and now, on the stack of who waits for it. False if it is not queued any more. */
  runInPlace(job: number): boolean {
    if (!this.#store.remove(job, true)) return false;
    // It takes no other job: that would run on the stack of this one.
    this.#begin(job, -Infinity);
    return true;
  }

  get #mayTake(): boolean {
    return this.#active < this.#options.concurrency && this.#stopped === undefined;
  }

  #drainSoon(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#drain();
    });
  }

  #drain(): void {
    if (this.#draining || this.#scheduled) return;
    this.#draining = true;
    try {
      const began = performance.now();
      let job = this.#mayTake ? this.#store.next(true, 0, true) : 0;
      for (;;) {
        while (job !== 0) job = this.#begin(job, began);
        if (!this.#mayTake) {
          this.#leaveLine();
          this.#rest();
          return;
        }
        if (performance.now() - began > ROUND_MS) {
          this.#store.rest();
          if (this.#store.read(POOL_QUEUED) > 0) return this.#drainSoon();
        }
        job = this.#store.next(true, 0, true) || this.#spin() || this.#standIdle();
        if (job === 0) return;
      }
    } finally {
      this.#draining = false;
    }
  }

  /** Looks for a job for a while, if it may. */
  #spin(): number {
    const { spin } = this.#options;
    if (spin === 0) return 0;
    const end = performance.now() + spin / 1000;
    do {
      for (let looks = 0; looks < 64; looks++)
        if (this.#store.read(POOL_QUEUED) > 0) {
          const job = this.#store.next(true, 0, true);
          if (job !== 0) return job;
        }
    } while (performance.now() < end);
    return 0;
  }

  #standIdle(): number {
    if (this.#cell !== 0) return this.#store.next(true, 0);
    const { cells } = this.#parking;
    this.#cell = cells.take({ async: true });
    this.#parking.expect(this.#cell, this.#wait);
    this.#store.line(this.#store.idle, this.#cell);
    // What was put between the last look and this did not see it in the line.
    const job = this.#store.next(true, 0);
    if (job !== 0) this.#leaveLine();
    return job;
  }

  #leaveLine(): void {
    const cell = this.#cell;
    if (cell === 0) return;
    this.#cell = 0;
    if (this.#parking.giveUp(cell)) {
      this.#store.idle.remove(cell);
      this.#parking.cells.free(cell);
    } else if (this.#words[this.#store.record + RESERVED] === 0) {
      // It has been woken, and looks for no job: another must.
      this.#store.next(false, 0);
    }
  }

  /** Does not look for the next job soon: another does, or will be started. */
  #rest(): void {
    const store = this.#store;
    store.rest();
    const { concurrency, keeper } = this.#options;
    if (store.read(POOL_QUEUED) === 0 || !store.idle.isEmpty()) return;
    if (store.read(POOL_THREADS) * concurrency >= store.read(POOL_SLOTS)) return;
    Atomics.or(this.#words, store.object + POOL_ASKED, THREAD_WANTED);
    callErrand(this.#words, keeper);
  }

  /** Begins a job; gives the one that is next if it has ended already. */
  #begin(job: number, round?: number): number {
    const words = this.#words;
    const block = words[job + JOB_FUNCTION]!;
    const run: Run = {
      job,
      block,
      began: performance.now(),
      task: undefined,
      cancelled: undefined,
      given: 0,
    };
    words[job + JOB_BEGAN] = jobClock();
    words[this.#store.record + LAST_BEGAN] = words[job + JOB_BEGAN]!;
    this.#runs.set(job, run);
    this.#active++;
    // Else it would be this thread that is woken when it rests.
    this.#leaveLine();
    const time = block === 0 ? 0 : words[block + FUNCTION_TIME]!;
    if (time === 0 || time > SHORT) this.#rest();
    let next: number | undefined;
    let sync = true;
    const ended = (outcome: number, value: unknown): void => {
      const taken = this.#end(run, outcome, value, sync ? round : undefined);
      if (sync) next = taken;
      else if (taken !== 0) this.#goOn(taken);
      else this.#drain();
    };
    try {
      run.cancelled = this.#reasonFor(job);
      const call = run.cancelled === undefined ? this.#load(job) : undefined;
      if (call === undefined) {
        ended(CANCELLED_ERROR, new CancelledError('Cancelled before it began', run.cancelled));
      } else if (call instanceof Promise) {
        call.then(
          (loaded) => this.#call(run, loaded, ended),
          (error: unknown) => ended(ERROR, error),
        );
      } else this.#call(run, call, ended);
    } catch (error) {
      ended(ERROR, error);
    }
    sync = false;
    if (next === undefined && this.#active >= this.#options.concurrency) this.#rest();
    return next ?? 0;
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

  /** The function and what it is called with; without waiting when no module has to be loaded for it. */
  #load(job: number): Call | Promise<Call> {
    const words = this.#words;
    const flags = words[job + JOB_FLAGS]!;
    const block = words[job + JOB_FUNCTION]!;
    const values =
      (flags & ARGS_BY_PORT) === 0 ? this.#payloads.openArguments(job) : this.#options.fetch(job);
    const known = block === 0 ? undefined : this.#functionOf(block);
    if (values instanceof Promise || known instanceof Promise)
      return Promise.all([values, known]).then(([v, k]) => this.#callOf(flags, v, k));
    return this.#callOf(flags, values, known);
  }

  #callOf(flags: number, values: unknown, known: Loaded | undefined): Call | Promise<Call> {
    if ((flags & WITH_FUNCTION) !== 0) {
      const [reference, name, args] = values as [FunctionReference, string, unknown[]];
      const fn = resolveReference(reference);
      return fn instanceof Promise ? fn.then((loaded) => [loaded, name, args]) : [fn, name, args];
    }
    if ((flags & WITH_NAME) !== 0) {
      const [name, args] = values as [string, unknown[]];
      return [known!.fn, name, args];
    }
    return [known!.fn, known!.name, values as unknown[]];
  }

  #functionOf(block: number): Loaded | Promise<Loaded> {
    const known = this.#functions.get(block);
    if (known !== undefined) return known;
    const [name, reference] = this.#payloads.openPart(block, true) as FunctionEntry;
    const fn = resolveReference(reference);
    if (!(fn instanceof Promise)) {
      this.#functions.set(block, { fn, name });
      return { fn, name };
    }
    const loading = fn.then((loaded) => ({ fn: loaded, name }));
    // Once it is there, later calls need not wait. One that failed to load stays: so do modules in the loader.
    this.#functions.set(block, loading);
    loading.then(
      (loaded) => this.#functions.set(block, loaded),
      () => {},
    );
    return loading;
  }

  #call(run: Run, [fn, name, args]: Call, ended: (outcome: number, value: unknown) => void): void {
    if (run.cancelled !== undefined) {
      ended(CANCELLED_ERROR, new CancelledError('Cancelled before it began', run.cancelled));
      return;
    }
    const flags = this.#words[run.job + JOB_FLAGS]!;
    const body =
      (flags & KIND_MASK) === EACH
        ? (): unknown => this.#each(run, fn, args, (flags & STOP) !== 0)
        : (): unknown => (fn as (...all: readonly unknown[]) => unknown)(...args);
    const outer = this.#starting;
    this.#starting = run;
    const task = startTask(body, {
      name,
      poll: () => this.#poll(run),
      owner: {
        failed: () => {},
        ended: (task) => {
          const outcome = outcomeOf(task)!;
          if (outcome.ok) return ended(VALUE, outcome.value);
          const wasCancelled = run.cancelled !== undefined && outcome.error instanceof CancelledError;
          ended(wasCancelled ? CANCELLED_ERROR : ERROR, outcome.error);
        },
      },
    });
    this.#starting = outer;
    run.task = task;
    const asked = run.cancelled as Run['cancelled'];
    if (asked !== undefined) task.cancel(asked.cause);
  }

  /** Ends a job; gives the next one, which this thread has taken. */
  #end(run: Run, outcome: number, value: unknown, round: number | undefined): number {
    const { job, block } = run;
    const words = this.#words;
    const now = performance.now();
    const took = (now - run.began) * 1000;
    this.#runs.delete(job);
    if (run.given === 0) this.#active--;
    const settled = this.#setOutcome(job, outcome, value);
    words[job + JOB_RAN] = Math.min(took, 2 ** 30);
    this.#busyMs += took / 1000;
    words[this.#store.record + BUSY] = this.#busyMs;
    words[this.#store.record + LAST_ENDED] = jobClock();
    if (block !== 0) {
      const before = words[block + FUNCTION_TIME]!;
      words[block + FUNCTION_TIME] = before === 0 ? 1 + took : 1 + (before * 7 + took) / 8;
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
    const next = this.#store.next(wants, count, looks);
    if (next === 0 && this.#store.read(POOL_STATE) !== OPEN) callErrand(words, this.#options.keeper);
    complete(this.#parking, job, settled);
    if (next === 0 && this.#runs.size === 0) this.#retireIfSurplus();
    this.#endIfStopped();
    return next;
  }

  /** An answer that cannot be sent is itself an error of the job. */
  #setOutcome(job: number, outcome: number, value: unknown): number {
    const kind = this.#words[job + JOB_FLAGS]! & KIND_MASK;
    const payloads =
      Atomics.load(this.#words, job + JOB_OWNER) === this.#options.keeper ? this.#byPort : this.#payloads;
    if (kind === CALL_SOON) {
      if (outcome === ERROR) report('HEDDLE_CALLBACK_ERROR', 'A function that was called soon threw', value);
      outcome = VALUE;
      value = undefined;
    }
    try {
      if (outcome !== VALUE) {
        payloads.setResult(job, carried(value), 'error');
        return outcome;
      }
      payloads.setResult(job, kind === EACH ? plain(value as Part) : value, 'result');
      return VALUE;
    } catch (error) {
      // Of a chunk only the items fail whose results cannot be sent.
      if (kind === EACH && outcome === VALUE) value = sendable(value as Part);
      if (outcome === VALUE && payloads === this.#byPort && this.#sendByPort(job, value)) return BY_PORT;
      if (kind === EACH && outcome === VALUE) {
        payloads.setResult(job, value, 'result');
        return VALUE;
      }
      const reason =
        outcome === VALUE
          ? error instanceof HeddleError
            ? error
            : explainCloneFailure(value, 'result', error)
          : new SendError(`Cannot send what the function threw: ${show(value)}`, 'error');
      this.#payloads.setResult(job, reason, 'error');
      return outcome === CANCELLED_ERROR ? outcome : ERROR;
    }
  }

  #sendByPort(job: number, value: unknown): boolean {
    try {
      this.#options.send(job, value);
      return true;
    } catch {
      // The error of the bytes tells more: it has the path.
      return false;
    }
  }

  /** Runs a chunk item by item, and returns the last part of its outcomes: errors of items are outcomes too. */
  async #each(run: Run, fn: AnyFunction, [items, args]: readonly unknown[], stop: boolean): Promise<Part> {
    let part = new Part();
    for (const [index, item] of (items as readonly unknown[]).entries()) {
      if (cancelled()) break;
      try {
        const value = (fn as (...all: readonly unknown[]) => unknown)(item, ...(args as readonly unknown[]));
        part.values.push(isThenable(value) ? await value : value);
      } catch (error) {
        part.errors.push([part.values.push(undefined) - 1, error]);
        if (stop) break;
      }
      if (index + 1 < (items as readonly unknown[]).length && part.age >= PART_MS) {
        if (this.#sendPart(run.job, part)) part = new Part();
      }
    }
    return part;
  }

  /** Sends outcomes ahead; false if they must go as a whole at the end, for bytes cannot carry them. */
  #sendPart(job: number, part: Part): boolean {
    try {
      addPart(this.#parking.heap, job, this.#payloads.makePart(plain(part), 'result'));
      return true;
    } catch {
      return false;
    }
  }

  /** Why the job was cancelled, if it was. */
  #reasonFor(job: number): { readonly cause: unknown } | undefined {
    const reason = Atomics.load(this.#words, job + JOB_CANCEL);
    if (reason === 0) return undefined;
    if (reason === NO_REASON) return { cause: undefined };
    const value = this.#payloads.openPart(reason, true);
    return { cause: value instanceof CancelledError ? value.cause : value };
  }

  #cancelIfAsked(run: Run): void {
    if (run.cancelled !== undefined) return;
    const reason = this.#reasonFor(run.job);
    run.cancelled = reason;
    if (reason !== undefined) run.task?.cancel(reason.cause);
  }

  /** Called by `cancelled()` in the job: it may be in its first, synchronous stretch, before there is a task to cancel. */
  #poll(run: Run): void {
    this.#cancelIfAsked(run);
    if (run.cancelled !== undefined && run.task === undefined) currentTask()?.cancel(run.cancelled.cause);
  }

  #lookForCancellations(): void {
    for (const run of this.#runs.values()) this.#cancelIfAsked(run);
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

  #endIfStopped(): void {
    if (this.#stopped !== undefined && this.#runs.size === 0) this.#stopped(this.#busyMs);
  }
}

function plain({ values, errors }: Part): ItemOutcomes {
  return { values, errors };
}
