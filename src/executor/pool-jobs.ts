/**
 * A pool as one thread sees it that submits: puts jobs into shared memory, and takes what came of them. What starts and ends
 * the threads of the pool, and hears of their deaths, is its keeper (`pool-keeper.ts`), in the thread that made it.
 */
import { Atomics } from '#atomics';
import { anythingMoves } from '../codec/transfers.ts';
import { releaseWire } from '../codec/wire.ts';
import { nowWhileBlocked as now } from '../core/clock.ts';
import { DeadlockError } from '../core/errors.ts';
import { IntMap } from '../core/int-map.ts';
import { freeJob } from '../jobs/job-block.ts';
import { jobClockSince } from '../jobs/job-clock.ts';
import { removeJob } from '../jobs/job-removal.ts';
import type { JobStore } from '../jobs/job-store.ts';
import { type Payloads, payloadsOf } from '../jobs/payloads.ts';
import {
  ACCEPTED,
  ASYNC,
  DIED,
  FULL,
  KILL,
  KILL_WANTED,
  NO_REASON,
  OPEN,
  QUEUED,
  THREAD_WANTED,
  WAKING,
} from '../jobs/states.ts';
import {
  CELL_ASYNC,
  CELL_STATE,
  FIRST_TOKEN,
  JOB_BEGAN,
  JOB_CANCEL,
  JOB_FLAGS,
  JOB_FUTURE,
  JOB_OUTCOME,
  JOB_RAN,
  JOB_STATE,
  JOB_TICKET,
  LIST_HEAD,
  LISTS,
  POOL_ASKED,
  POOL_CANCELLED,
  POOL_DRAINING,
  POOL_FAILED,
  POOL_KEEPER,
  POOL_QUEUED,
  POOL_STATE,
  SETTLEMENT_JOB,
  SETTLEMENT_POOL,
  WAITING,
} from '../memory/layout.ts';
import { callErrand } from '../park/mailbox.ts';
import type { Parking } from '../park/parking.ts';
import { holdLoop, releaseLoop } from '../platform/keep-alive.ts';
import { isMainLoop } from '../platform/worker.ts';
import { currentScope } from '../scope/scope.ts';
import { runnerFor } from '../thread/own-runner.ts';
import { beginAwait, beginBlock } from '../thread/waiting.ts';
import { noteAsker } from './asker.ts';
import type { AnyFunction } from './executor.ts';
import { Job, type JobOptions, type JobOwner } from './job.ts';
import { JobKills } from './job-kills.ts';
import { JobOutcomes } from './job-outcomes.ts';
import { isAsyncFunction, JobWriter } from './job-writer.ts';
import { closedError, type KeeperOfJobs } from './keeper-of-jobs.ts';
import { knowFunction } from './known-function.ts';
import { holdForPermit } from './limiter-hold.ts';
import { workNumber, works } from './own-work.ts';
import { checkAccepts, noRoomIn, throwIfCalledOff } from './room.ts';
import { SpillWatch } from './spill-watch.ts';
import { whereabouts } from './whereabouts.ts';
import { SENT, type Work } from './work.ts';

export class PoolJobs implements JobOwner {
  readonly store: JobStore;
  /** By address. */
  readonly jobs: IntMap<Job> = new IntMap();
  /** Whether one thread alone runs the jobs. */
  isLoop = false;
  /** In the thread of the keeper. */
  keeper: KeeperOfJobs | undefined;
  /** What messages call the pool; and its handle, which is in use while a job of this thread is under way. */
  handle: { readonly name: string; inUse(more: boolean): void } | undefined;
  readonly #number = workNumber();
  readonly #parking: Parking;
  readonly #words: Int32Array;
  readonly #writer: JobWriter;
  readonly #outcomes: JobOutcomes;
  readonly #kills = new JobKills();
  /** While jobs of this thread are under way. */
  #spill: SpillWatch | undefined;

  constructor(store: JobStore) {
    this.store = store;
    this.#parking = store.parking;
    this.#words = store.parking.heap.words;
    this.#writer = new JobWriter(this);
    this.#outcomes = new JobOutcomes(this);
  }

  /** How values go to the threads of the pool. */
  get payloads(): Payloads {
    return this.keeper?.payloads ?? payloadsOf(this.#parking);
  }

  /** @throws TypeError, CaptureError, SendError, the reason of the signal, BrokenPoolError, ShutDownError, PoolFullError */
  start(fn: AnyFunction, site: AnyFunction, work: Work, options: JobOptions): Job {
    const job = new Job(knowFunction(fn, site), work, options, this);
    job.isAsync = isAsyncFunction(fn);
    job.asker = noteAsker(site);
    // What is moved cannot be given back.
    if (anythingMoves()) checkAccepts(this, options.signal);
    this.#make(job);
    try {
      throwIfCalledOff(work, options.signal);
      if (options.limiter === undefined) this.#put(job);
      else {
        this.checkOpen();
        holdForPermit(
          job,
          () => this.#put(job),
          (reason) => {
            job.reject(reason);
            this.#over(job);
          },
        );
      }
    } catch (error) {
      this.#drop(job);
      throw error;
    }
    this.#begin(job);
    job.watch();
    return job;
  }

  /** @throws BrokenPoolError, ShutDownError */
  checkOpen(action = 'submit to'): void {
    const state = this.store.read(POOL_STATE);
    if (state !== OPEN) throw closedError(`Cannot ${action} ${this.describe()}`, state, this.keeper);
  }

  get isFull(): boolean {
    return this.store.read(POOL_STATE) === OPEN && !this.store.hasRoom();
  }

  /** Puts the job into shared memory, for its owner alone. */
  #make(job: Job): void {
    job.object = this.store.object;
    job.address = this.#writer.write(job);
    // Values may change, and must not be kept longer than it takes.
    if (job.mayBeWrittenTwice) job.spare = this.#writer.write(job);
    if (job.work.kind === 'call') job.work = SENT;
  }

  /** @throws BrokenPoolError, ShutDownError, PoolFullError */
  #put(job: Job): void {
    this.#parking.expect(job.address, job);
    const put = this.store.put(job.address);
    if (put === ACCEPTED || put === WAKING) {
      if (put === ACCEPTED) this.#wantThread();
      this.#spill ??= SpillWatch.join(this.store, () => this.#wantThread());
      this.#spill.watch();
      return;
    }
    this.#parking.forget(job.address);
    if (put === FULL) throw noRoomIn(this);
    this.checkOpen();
  }

  describe(): string {
    return this.handle?.name ?? 'pool';
  }

  #begin(job: Job): void {
    if (this.jobs.size === 0) {
      works(this.#number, this);
      this.handle?.inUse(true);
    }
    this.jobs.set(job.address, job);
    if (isMainLoop) holdLoop();
  }

  /** A job that has not been begun. */
  #drop(job: Job): void {
    freeJob(this.#parking.heap, job.address);
    if (job.spare !== 0) freeJob(this.#parking.heap, job.spare);
    if (job.byPort !== undefined) releaseWire(job.byPort);
    job.refused();
    job.address = 0;
  }

  /** The job is over: nothing of it is left. */
  #over(job: Job): void {
    const { heap } = this.#parking;
    this.jobs.delete(job.address);
    this.#parking.forget(job.address);
    freeJob(heap, job.address);
    if (job.spare !== 0) freeJob(heap, job.spare);
    if (job.byPort !== undefined) releaseWire(job.byPort);
    job.finish();
    if (isMainLoop) releaseLoop();
    if (this.jobs.size === 0) {
      this.#spill?.leave();
      this.#spill = undefined;
      works(this.#number, undefined);
      this.handle?.inUse(false);
    }
    if (this.keeper !== undefined) this.keeper.jobEnded();
    else if (this.store.read(POOL_STATE) !== OPEN) callErrand(this.#words, this.store.read(POOL_KEEPER));
  }

  /** No thread was idle: one more may be started. */
  #wantThread(): void {
    if (this.keeper !== undefined) this.keeper.jobPut();
    else if (this.store.read(POOL_DRAINING) === 0) this.ask(THREAD_WANTED);
  }

  /** Asks the keeper for something. */
  ask(what: number): void {
    Atomics.or(this.#words, this.store.object + POOL_ASKED, what);
    callErrand(this.#words, this.store.read(POOL_KEEPER));
  }

  isRunning({ address }: Job): boolean {
    return Atomics.load(this.#words, address + JOB_STATE) >= FIRST_TOKEN;
  }

  whereabouts(job: Job): string {
    return whereabouts(this.#parking.heap, job.address, this.keeper?.threads);
  }

  ranFor(job: Job): number | undefined {
    const began = this.isRunning(job) ? this.#words[job.address + JOB_BEGAN]! : 0;
    return began === 0 ? undefined : jobClockSince(began);
  }

  withdrawn(job: Job): void {
    this.store.add(job.future.status === 'cancelled' ? POOL_CANCELLED : POOL_FAILED, 1);
    if (job.phase === 'held' || removeJob(this.store, job.address, false)) {
      this.#over(job);
      return;
    }
    this.#stopWork(job);
  }

  /** The future of a running job is settled: now its work is to end. */
  #stopWork(job: Job): void {
    const words = this.#words;
    const { address } = job;
    if (Atomics.load(words, address + JOB_CANCEL) === 0) {
      const reason = this.#writer.reason(job);
      Atomics.store(words, address + JOB_CANCEL, reason);
      if (reason !== NO_REASON) this.#parking.heap.blocks.publish(reason, address);
    }
    const runner = Atomics.load(words, address + JOB_STATE);
    if (runner >= FIRST_TOKEN) callErrand(words, runner);
    const { onCancel } = job.options;
    if (onCancel === 'abandon') {
      job.abandon();
      this.keeper?.jobEnded();
    }
    if (onCancel === 'terminate') this.#kills.add(job);
  }

  terminate(job: Job): void {
    if (this.keeper !== undefined) return this.keeper.terminate(job.address);
    Atomics.or(this.#words, job.address + JOB_FLAGS, KILL);
    this.ask(KILL_WANTED);
  }

  block(job: Job, timeout: number): boolean {
    const words = this.#words;
    if (job.phase === 'held')
      throw new DeadlockError(
        `Cannot block on ${job.describe()}: it waits for its limiter on this loop; await it`,
      );
    const runner = runnerFor(this.store.object);
    const mayRunHere = (words[job.address + JOB_FLAGS]! & ASYNC) === 0;
    if (runner !== undefined && mayRunHere && Atomics.load(words, job.address + JOB_STATE) === QUEUED)
      runner.runInPlace(job.address);
    if (this.onlyHere(job) && Atomics.load(words, job.address + CELL_STATE) === WAITING)
      throw new DeadlockError(
        `Cannot block on ${job.describe()}: only this loop can run it, and it would be blocked; await it`,
      );
    const isOver = (): boolean => {
      this.keeper?.lookWhileBlocked();
      return job.settled || Atomics.load(words, job.address + CELL_STATE) !== WAITING;
    };
    const deadline = now() + timeout;
    this.#hurry();
    while (!job.settled) {
      const unblock = isOver() ? undefined : beginBlock(job);
      Atomics.store(words, job.address + CELL_ASYNC, 0);
      let over: boolean;
      try {
        const left = Math.min(deadline, this.#kills.next()) - now();
        over = this.#parking.blockUntil(isOver, Math.max(Math.min(left, job.timeLeft()), 0));
      } finally {
        Atomics.store(words, job.address + CELL_ASYNC, 1);
        unblock?.();
      }
      if (job.settled) return true;
      if (over) this.#take(job, true);
      else if (now() >= deadline || currentScope()?.cancellation !== undefined) return false;
      else {
        // No timer of this loop fires meanwhile.
        this.#kills.endDue();
        job.expireIfDue();
      }
    }
    return true;
  }

  /** Only this loop goes on with it; and a loop has no other thread. */
  onlyHere(job: Job): boolean {
    if (runnerFor(this.store.object) === undefined) return false;
    return this.isLoop || Atomics.load(this.#words, job.address + JOB_STATE) === this.#parking.heap.token;
  }

  /** This loop will be blocked: it will not see whether its jobs wait longer than they should. */
  #hurry(): void {
    if (this.store.read(POOL_QUEUED) === 0) return;
    this.store.wakeOne();
    if (this.store.read(LISTS + LIST_HEAD) === 0) this.keeper?.startMore();
  }

  awaited(job: Job, hasWayOut: boolean): (() => void) | undefined {
    return beginAwait(job, hasWayOut);
  }

  shared(job: Job): void {
    const words = this.#words;
    const { address, settlement } = job;
    if (address === 0 || settlement === 0) return;
    words[settlement + SETTLEMENT_JOB] = address;
    words[settlement + SETTLEMENT_POOL] = this.store.object;
    Atomics.store(words, address + JOB_FUTURE, settlement);
    // Who ended it may not have seen that. Then it is told here, and now: this loop may be blocked afterwards.
    if (Atomics.load(words, address + JOB_OUTCOME) === 0 || job.taken) return;
    const isOver = (): boolean => Atomics.load(words, address + CELL_STATE) !== WAITING;
    Atomics.store(words, address + CELL_ASYNC, 0);
    if (this.#parking.blockUntil(isOver, Infinity)) this.#take(job, true);
    Atomics.store(words, address + CELL_ASYNC, 1);
  }

  /** The cell of the job was set, and nobody can touch it any more. */
  ended(job: Job): void {
    if (!job.taken) this.#take(job, false);
    // If it was put again, by another address.
    if (job.taken) this.#over(job);
  }

  /** Takes what came of the job, and settles its future; or puts it again, if its thread died. */
  #take(job: Job, sync: boolean): void {
    const words = this.#words;
    const { address } = job;
    const outcome = words[address + JOB_OUTCOME]!;
    if (outcome === DIED && job.mayRepeat && !job.settled && this.#repeat(job, sync)) return;
    job.taken = true;
    job.ranMs = words[address + JOB_RAN]! / 1000;
    this.#outcomes.take(job, sync);
    // It is over for the task that blocked on it, which may end before the mailbox is looked into.
    if (sync) job.finish();
  }

  /** Its thread died, and it may be run again: before the others. False if the pool does not take it any more. */
  #repeat(job: Job, sync: boolean): boolean {
    const words = this.#words;
    const { heap } = this.#parking;
    const { address: old, spare } = job;
    words[spare + JOB_TICKET] = words[old + JOB_TICKET]!;
    this.#parking.expect(spare, job);
    const put = this.store.put(spare, true);
    if (put !== ACCEPTED && put !== WAKING) {
      this.#parking.forget(spare);
      return false;
    }
    this.jobs.delete(old);
    if (sync) {
      // It comes by the mailbox, and is in use until then.
      this.#parking.expect(old, { object: 0, ownsCell: true, set: () => freeJob(heap, old) });
    } else freeJob(heap, old);
    job.repeated = true;
    job.address = spare;
    job.spare = 0;
    this.jobs.set(spare, job);
    this.shared(job);
    if (put === ACCEPTED) this.#wantThread();
    return true;
  }
}
