/**
 * What starts and ends the threads of a pool, in the thread that made it. Jobs go past it: it is asked when a thread may be
 * wanted, and told when one has died.
 */
import { Atomics } from '#atomics';
import type { Wire } from '../codec/wire.ts';
import { BrokenPoolError, CancelledError } from '../core/errors.ts';
import { condemn } from '../jobs/job-kill.ts';
import { buffersComeBy, SentBuffers, takeBufferMessage } from '../jobs/message-buffers.ts';
import { type Payloads, payloadsBeside } from '../jobs/payloads.ts';
import { BROKEN, CLOSED, END_WANTED, ENDED, KILL_WANTED, LOST, OPEN } from '../jobs/states.ts';
import { recordOf } from '../memory/heap.ts';
import {
  JOB_STATE,
  LIST_HEAD,
  LISTS,
  POOL_ASKED,
  POOL_BLOCKED,
  POOL_DRAINING,
  POOL_FINISHED,
  POOL_QUEUED,
  POOL_SLOTS,
  POOL_STATE,
  POOL_TAKEN,
  POOL_THREADS,
  RECORD_THREAD_ID,
} from '../memory/layout.ts';
import type { Parking } from '../park/parking.ts';
import { holdLoop, releaseLoop } from '../platform/keep-alive.ts';
import type { WorkerEnd } from '../platform/worker.ts';
import type { FromThread } from '../thread/protocol.ts';
import { IdleWatch } from './idle-watch.ts';
import { Job } from './job.ts';
import { cancelRunningJobs, evictJobs, jobsToKill } from './jobs-of-all.ts';
import type { KeeperOfJobs } from './keeper-of-jobs.ts';
import type { PoolJobs } from './pool-jobs.ts';
import type { PoolSettings } from './pool-options.ts';
import type { PoolThread, PoolThreadEvents } from './pool-thread.ts';
import { openError, PortValues } from './port-values.ts';
import { startPoolThread } from './start-pool-thread.ts';
import { StarvationWatch } from './starvation-watch.ts';
import { Surplus } from './surplus.ts';
import { describeEnd, diedError } from './thread-death.ts';
import { ThreadDeaths } from './thread-deaths.ts';
import { ThreadSet } from './thread-set.ts';

export class PoolKeeper implements KeeperOfJobs {
  readonly threads: ThreadSet = new ThreadSet();
  broken: BrokenPoolError | undefined;
  /** By what the thread of a loop died. */
  lost: { readonly name: string; readonly end: WorkerEnd } | undefined;
  /** Called once the first thread takes jobs. */
  ready: (() => void) | undefined;
  /** Called when a thread exits, before that is told as an event. */
  exiting: ((end: WorkerEnd) => void) | undefined;
  /** Called with what the initializer threw, instead of breaking the pool. */
  failed: ((error: unknown) => void) | undefined;
  wanted: number;
  /** Milliseconds that threads were busy that have ended, by their slots. */
  readonly busyMs: number[] = [];
  readonly #settings: PoolSettings;
  readonly #jobs: PoolJobs;
  readonly #parking: Parking;
  readonly #object: number;
  readonly #words: Int32Array;
  readonly #starvation: StarvationWatch;
  readonly #deaths = new ThreadDeaths();
  readonly #surplus: Surplus;
  readonly #values = new PortValues();
  #shutdown: { readonly promise: Promise<void>; resolve(): void } | undefined;
  readonly #resizes: (() => void)[] = [];
  readonly #noMoreErrands: () => void;
  readonly #noMoreBuffers: () => void;
  readonly #buffers: SentBuffers;
  readonly payloads: Payloads;
  readonly #ended: () => void;
  readonly #idleWatch: IdleWatch;
  #finished = false;

  /** `ended` is called when it has been shut down and all threads are gone. */
  constructor(settings: PoolSettings, jobs: PoolJobs, object: number, ended: () => void) {
    this.#settings = settings;
    this.#jobs = jobs;
    this.#object = object;
    this.#parking = jobs.store.parking;
    this.#words = this.#parking.heap.words;
    this.#ended = ended;
    this.wanted = settings.threads;
    this.#idleWatch = new IdleWatch(settings, this.threads);
    this.#surplus = new Surplus(this.#words, object);
    this.#starvation = new StarvationWatch(settings.name, {
      waits: () => this.#read(POOL_QUEUED) > 0,
      taken: () => this.#read(POOL_TAKEN),
      look: () => ({
        // What a map has read ahead waits behind its own items, and starves nobody.
        full:
          this.threads.size >= this.wanted &&
          [...jobs.jobs.values()].some((job) => !job.isRunning && job.work.kind === 'call'),
        jobs: this.running().map((job) => job.name),
      }),
    });
    this.#buffers = new SentBuffers(this.threads);
    this.payloads = payloadsBeside(this.#parking, this.#buffers);
    this.#noMoreBuffers = buffersComeBy(() => this.drainPorts());
    this.#noMoreErrands = this.#parking.onErrand(() => this.#doErrands());
  }

  /** Starts the threads that are there from the start. */
  begin(): void {
    for (let left = this.#settings.min; left > 0; left--) this.#startThread();
  }

  /** The jobs of this thread that threads have. */
  running(): Job[] {
    return Job.inOrder(this.#jobs.jobs.values()).filter((job) => job.isRunning);
  }

  jobPut(): void {
    this.#startWanted(1);
    this.#starvation.watch();
  }

  jobEnded(): void {
    if (this.#shutdown !== undefined || this.threads.size > this.#limit) this.advance();
  }

  async resize(threads: number): Promise<void> {
    this.wanted = threads;
    this.#jobs.store.change(POOL_SLOTS, threads * this.#settings.concurrency);
    this.#jobs.store.add(POOL_THREADS, this.threads.promoteSpares(threads));
    this.advance();
    if (this.threads.size <= this.wanted) return;
    holdLoop();
    try {
      while (this.threads.size > this.wanted) {
        await new Promise<void>((resolve) => this.#resizes.push(resolve));
      }
    } finally {
      releaseLoop();
    }
  }

  shutdown(cancelPending: boolean, cancelRunning: boolean): Promise<void> {
    if (this.lost !== undefined) return Promise.resolve();
    if (this.#shutdown === undefined) {
      let resolve!: () => void;
      const promise = new Promise<void>((done) => {
        resolve = done;
      });
      this.#shutdown = { promise, resolve };
      this.#jobs.store.change(POOL_STATE, CLOSED);
    }
    const reason = new CancelledError(`${this.#describe()} is shutting down`);
    for (const job of Job.inOrder(this.#jobs.jobs.values())) {
      if (job.isRunning ? cancelRunning : cancelPending || cancelRunning) job.cancelBy(reason);
    }
    if (cancelPending || cancelRunning) evictJobs(this.#jobs.store);
    if (cancelRunning) cancelRunningJobs(this.#jobs.store);
    this.advance();
    return this.#shutdown.promise;
  }

  /** As `shutdown`, and blocks this thread until all others have ended. */
  shutdownSync(): void {
    void this.shutdown(false, false);
    const over = (): boolean => {
      this.drainPorts();
      this.advance();
      return [...this.threads].every((thread) => thread.state === 'stopping' && thread.saidEnd);
    };
    this.#parking.blockUntil(over, Infinity);
    for (const thread of this.threads) this.#left(thread);
  }

  terminate(job: number): void {
    const token = condemn(this.#jobs.store, job);
    // It may run a job before its first message has come.
    if (token !== 0) this.threads.terminate(this.#words[recordOf(token) + RECORD_THREAD_ID]!);
  }

  whenEnded(token: number, told: () => void): void {
    this.#deaths.whenEnded(token, told);
  }

  deathOf(token: number, job: Job, seen: WorkerEnd): unknown {
    if (this.broken !== undefined) return this.broken;
    const { name, end } = this.#deaths.endOf(token) ?? { name: this.#settings.name, end: seen };
    return diedError(job.describe(), name, end);
  }

  resultByPort(address: number, take: (wire: Wire<unknown>) => void): void {
    this.#values.take(address, take);
  }

  lookWhileBlocked(): void {
    this.drainPorts();
    const { heap } = this.#parking;
    let gone = false;
    for (const thread of this.threads) {
      if (thread.gone || thread.token === 0 || !heap.isDead(thread.token)) continue;
      this.#left(thread);
      if (this.#settings.isLoop) this.#lost(thread, thread.end ?? { reason: 'terminated', exitCode: 1 });
      gone = true;
    }
    if (gone) this.#startWanted();
  }

  startMore(): void {
    this.#startWanted();
  }

  /** A thread has ended, though its end may not have been told. */
  #left(thread: PoolThread): void {
    if (thread.gone) return;
    thread.gone = true;
    this.#jobs.store.add(POOL_THREADS, this.threads.promoteSpares(this.wanted) - (thread.spare ? 0 : 1));
  }

  drainPorts(): void {
    this.threads.drain();
  }

  /** Threads that are not wanted end, then others start if there is work for them. */
  advance(): void {
    this.#trim();
    this.#startWanted();
  }

  get #limit(): number {
    return this.wanted + Math.min(this.#read(POOL_BLOCKED), this.#settings.maxSpares);
  }

  #read(offset: number): number {
    return this.#jobs.store.read(offset);
  }

  /** Starts threads for jobs that wait, for as many as nobody comes. */
  #startWanted(most = Infinity): void {
    // One that is idle is woken, one that drains comes by itself.
    if (this.#read(POOL_DRAINING) > 0 || this.#read(LISTS + LIST_HEAD) !== 0) return;
    if (this.threads.alive >= this.#limit || this.broken !== undefined || this.#read(POOL_QUEUED) === 0)
      return;
    let coming = this.threads.starting * this.#settings.concurrency;
    for (let left = most; left > 0 && coming < this.#read(POOL_QUEUED); left--) {
      if (this.threads.alive >= this.#limit) return;
      this.#startThread();
      coming += this.#settings.concurrency;
    }
  }

  #startThread(): void {
    const { threads } = this;
    const pool = {
      settings: this.#settings,
      object: this.#object,
      parking: this.#parking,
      buffers: this.#buffers,
    };
    const thread = startPoolThread(pool, threads, this.#events);
    thread.spare = true;
    threads.add(thread);
    this.#jobs.store.add(POOL_THREADS, threads.promoteSpares(this.wanted));
  }

  readonly #events: PoolThreadEvents = {
    message: (thread, message) => this.#receive(thread, message),
    ended: (thread, end) => this.#threadEnded(thread, end),
  };

  #receive(thread: PoolThread, message: FromThread): void {
    switch (message.type) {
      case 'buffer':
      case 'dropped':
        takeBufferMessage(message);
        return;
      case 'ready':
        thread.token = message.token;
        thread.record = message.record;
        this.#deaths.started();
        if (thread.state === 'starting') thread.state = 'ready';
        this.ready?.();
        this.#idleWatch.watch();
        this.advance();
        return;
      case 'unfit':
        openError(message.error, (error) => this.#unfit(thread, error));
        return;
      case 'fetch':
        this.#sendArguments(thread, message.job);
        return;
      case 'value':
        this.#values.came(message.job, message.value);
        return;
      case 'exiting':
        thread.end = { reason: 'exit', exitCode: message.code };
        this.exiting?.(thread.end);
        return;
      case 'ending':
        if (!thread.stopped) this.#surplus.retired();
        thread.saidEnd = true;
        thread.stopped = true;
        thread.state = 'stopping';
        thread.remote.hold();
        this.busyMs[thread.slot] = (this.busyMs[thread.slot] ?? 0) + message.busyMs;
    }
  }

  #unfit(thread: PoolThread, error: unknown): void {
    if (this.failed !== undefined) this.failed(error);
    else
      this.#break(`its initializer failed: ${error instanceof Error ? error.message : String(error)}`, error);
    void thread.terminate();
  }

  #sendArguments(thread: PoolThread, address: number): void {
    const wire = this.#jobs.jobs.get(address)?.byPort;
    if (wire === undefined) thread.remote.post({ type: 'gone', job: address });
    else thread.remote.post({ type: 'arguments', job: address, args: wire }, wire.transfer);
  }

  #threadEnded(thread: PoolThread, end: WorkerEnd): void {
    this.threads.delete(thread);
    this.#left(thread);
    if (this.#settings.isLoop && !thread.endedAsTold(end)) this.#lost(thread, end);
    if (!thread.condemned && !thread.stopped && !this.#settings.isLoop) this.#countDeath(thread, end);
    if (thread.token !== 0) this.#deaths.ended(thread.token, { name: thread.name, end });
    this.advance();
  }

  /** The thread of a loop died: nobody runs its jobs any more. */
  #lost(thread: PoolThread, end: WorkerEnd): void {
    this.lost = { name: thread.name, end };
    this.#jobs.store.change(POOL_STATE, LOST);
    evictJobs(this.#jobs.store);
    this.#finish();
  }

  #countDeath(thread: PoolThread, end: WorkerEnd): void {
    const why = this.#deaths.count(this.#read(POOL_FINISHED), thread.token === 0);
    if (why !== undefined) this.#break(`${why}, the last by ${describeEnd(end)}`, end.cause);
  }

  #break(why: string, cause: unknown): void {
    if (this.broken !== undefined) return;
    this.broken = new BrokenPoolError(`Cannot run jobs on ${this.#describe()}: ${why}`, { cause });
    this.#jobs.store.change(POOL_STATE, BROKEN);
    evictJobs(this.#jobs.store);
    this.advance();
  }

  /** Ends the threads that are not wanted any more and have nothing to do. */
  #trim(): void {
    const ending = this.#read(POOL_STATE) !== OPEN && this.#read(POOL_QUEUED) === 0;
    if (ending) {
      for (const thread of this.threads) {
        if (!thread.condemned) thread.stop();
        if (this.#isAbandoned(thread)) void thread.terminate();
      }
    } else this.#surplus.retire(this.threads, this.#limit);
    if (this.threads.size <= this.wanted) for (const resolve of this.#resizes.splice(0)) resolve();
    if (this.#shutdown !== undefined && this.threads.size === 0 && this.#read(POOL_QUEUED) === 0) {
      this.#jobs.store.change(POOL_STATE, ENDED);
      this.#finish();
    }
  }

  #finish(): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#noMoreErrands();
    this.#noMoreBuffers();
    this.#idleWatch.stop();
    this.#starvation.stop();
    this.#ended();
    this.#shutdown?.resolve();
  }

  /** Whether a thread only runs jobs that nobody waits for. */
  #isAbandoned(thread: PoolThread): boolean {
    const jobs = this.running().filter((job) => this.#words[job.address + JOB_STATE] === thread.token);
    return jobs.length > 0 && jobs.length === thread.load && jobs.every((job) => job.abandoned);
  }

  #doErrands(): void {
    const words = this.#words;
    const asked = Atomics.exchange(words, this.#object + POOL_ASKED, 0);
    this.drainPorts();
    // Once it is shut down, threads call when they have nothing to do.
    if (asked === 0 && this.#shutdown === undefined) return;
    if ((asked & KILL_WANTED) !== 0) for (const job of jobsToKill(this.#jobs.store)) this.terminate(job);
    if ((asked & END_WANTED) !== 0 && this.#shutdown === undefined) void this.shutdown(false, false);
    this.advance();
  }

  #describe(): string {
    return `pool "${this.#settings.name}"`;
  }
}
