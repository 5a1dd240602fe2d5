/**
 * What starts and ends the threads of a pool, in the thread that made it. Jobs go past it: it is asked when a thread may be
 * wanted, and told when one has died.
 */
import { Atomics } from '#atomics';
import type { Wire } from '../codec/wire.ts';
import { startTimer, type Timer } from '../core/clock.ts';
import { BrokenPoolError, CancelledError } from '../core/errors.ts';
import { complete } from '../jobs/job-block.ts';
import { buffersComeBy, SentBuffers, takeBufferMessage } from '../jobs/message-buffers.ts';
import { type Payloads, payloadsBeside } from '../jobs/payloads.ts';
import { BROKEN, CLOSED, END_WANTED, ENDED, EVICTED, KILL, LOST, NO_REASON, OPEN } from '../jobs/states.ts';
import { recordOf } from '../memory/heap.ts';
import {
  FIRST_TOKEN,
  JOB,
  JOB_CANCEL,
  JOB_FLAGS,
  JOB_STATE,
  KIND,
  LIST_HEAD,
  LISTS,
  OBJECT,
  POOL_ASKED,
  POOL_BLOCKED,
  POOL_DRAINING,
  POOL_FINISHED,
  POOL_QUEUED,
  POOL_SLOTS,
  POOL_STATE,
  POOL_SURPLUS,
  POOL_TAKEN,
  POOL_THREADS,
  RECORD_THREAD_ID,
} from '../memory/layout.ts';
import { callErrand } from '../park/mailbox.ts';
import type { Parking } from '../park/parking.ts';
import { holdLoop, releaseLoop } from '../platform/keep-alive.ts';
import type { WorkerEnd } from '../platform/worker.ts';
import { addressOf } from '../thread/parcels.ts';
import type { FromThread } from '../thread/protocol.ts';
import { decodeValue } from '../thread/values.ts';
import type { Job } from './job.ts';
import type { KeeperOfJobs } from './keeper-of-jobs.ts';
import { mainLoopForThreads } from './main-loop.ts';
import type { PoolJobs } from './pool-jobs.ts';
import type { PoolSettings } from './pool-options.ts';
import { PoolThread, type PoolThreadEvents } from './pool-thread.ts';
import { StarvationWatch } from './starvation-watch.ts';
import { describeEnd, diedError } from './thread-death.ts';

/** As many deaths within a second, and no job finished, break a pool. */
const DEATHS_THAT_BREAK = 5;
const DEATHS_WITHIN_MS = 1000;

/** The end of a thread, and who waits to know it. */
interface Death {
  end: { readonly name: string; readonly end: WorkerEnd } | undefined;
  readonly told: (() => void)[];
}

export class PoolKeeper implements KeeperOfJobs {
  readonly threads: Set<PoolThread> = new Set();
  broken: BrokenPoolError | undefined;
  /** By what the thread of a loop died. */
  lost: { readonly name: string; readonly end: WorkerEnd } | undefined;
  /** Called once the first thread takes jobs. */
  ready: (() => void) | undefined;
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
  readonly #byToken = new Map<number, Death>();
  /** Results that came by a message, and who waits for one, by job. */
  readonly #values = new Map<number, Wire<unknown>>();
  readonly #takers = new Map<number, (wire: Wire<unknown>) => void>();
  readonly #deaths: number[] = [];
  #finishedThen = 0;
  #shutdown: { readonly promise: Promise<void>; resolve(): void } | undefined;
  readonly #resizes: (() => void)[] = [];
  readonly #noMoreErrands: () => void;
  readonly #noMoreBuffers: () => void;
  readonly #buffers: SentBuffers;
  readonly payloads: Payloads;
  readonly #ended: () => void;
  #idleTimer: Timer | undefined;
  #finished = false;
  /** Threads that were asked for by the count of surplus, and have not said that they end. */
  #retiring = 0;

  /** `ended` is called when it has been shut down and all threads are gone. */
  constructor(settings: PoolSettings, jobs: PoolJobs, object: number, ended: () => void) {
    this.#settings = settings;
    this.#jobs = jobs;
    this.#object = object;
    this.#parking = jobs.store.parking;
    this.#words = this.#parking.heap.words;
    this.#ended = ended;
    this.wanted = settings.threads;
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
    this.#buffers = new SentBuffers({
      post: (message) => {
        for (const thread of this.threads) thread.remote.post(message);
      },
    });
    this.payloads = payloadsBeside(this.#parking, this.#buffers);
    this.#noMoreBuffers = buffersComeBy(() => this.drainPorts());
    this.#noMoreErrands = this.#parking.onErrand(() => this.#doErrands());
  }

  /** Starts the threads that are there from the start. */
  begin(): void {
    for (let left = this.#settings.min; left > 0; left--) this.#startThread();
  }

  /** How many threads have no job. */
  get idle(): number {
    let idle = 0;
    for (const thread of this.threads) if (thread.load === 0) idle++;
    return idle;
  }

  get isShutDown(): boolean {
    return this.#read(POOL_STATE) !== OPEN && this.broken === undefined;
  }

  /** The jobs of this thread that threads have. */
  running(): Job[] {
    return [...this.#jobs.jobs.values()].filter((job) => job.isRunning);
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
    for (const job of [...this.#jobs.jobs.values()]) {
      if (job.isRunning ? cancelRunning : cancelPending || cancelRunning) job.cancelBy(reason);
    }
    if (cancelPending || cancelRunning) this.#evict();
    if (cancelRunning) this.#cancelRunning();
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
  }

  /** Ends all threads by force. */
  async terminateAll(): Promise<void> {
    await Promise.all([...this.threads].map((thread) => thread.terminate()));
  }

  terminate(token: number): void {
    // It may run a job before its first message has come.
    const threadId = this.#words[recordOf(token) + RECORD_THREAD_ID];
    for (const thread of this.threads) if (thread.remote.threadId === threadId) void thread.terminate();
  }

  whenEnded(token: number, told: () => void): void {
    const death = this.#deathBy(token);
    if (death.end === undefined) death.told.push(told);
    else queueMicrotask(told);
  }

  deathOf(token: number, job: Job): unknown {
    const known = this.#byToken.get(token)?.end;
    if (this.broken !== undefined) return this.broken;
    return diedError(
      job.describe(),
      known?.name ?? 'of the pool',
      known?.end ?? { reason: 'terminated', exitCode: 1 },
    );
  }

  resultByPort(address: number, take: (wire: Wire<unknown>) => void): void {
    const wire = this.#values.get(address);
    this.#values.delete(address);
    if (wire === undefined) this.#takers.set(address, take);
    else take(wire);
  }

  lookWhileBlocked(): void {
    this.drainPorts();
    const { heap } = this.#parking;
    let gone = false;
    for (const thread of this.threads) {
      if (thread.gone || thread.token === 0 || !heap.isDead(thread.token)) continue;
      this.#left(thread);
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
    this.#jobs.store.add(POOL_THREADS, -1);
  }

  /** How many threads there are. */
  get #size(): number {
    let size = 0;
    for (const thread of this.threads) if (!thread.gone) size++;
    return size;
  }

  drainPorts(): void {
    for (const thread of this.threads) thread.remote.drain();
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
    if (this.#size >= this.#limit || this.broken !== undefined || this.#read(POOL_QUEUED) === 0) return;
    // One that is idle is woken, one that drains comes by itself.
    if (this.#read(LISTS + LIST_HEAD) !== 0 || this.#read(POOL_DRAINING) > 0) return;
    let coming = 0;
    for (const thread of this.threads)
      if (!thread.gone && thread.state === 'starting') coming += this.#settings.concurrency;
    for (let left = most; left > 0 && coming < this.#read(POOL_QUEUED); left--) {
      if (this.#size >= this.#limit) return;
      this.#startThread();
      coming += this.#settings.concurrency;
    }
  }

  #startThread(): void {
    const taken = new Set([...this.threads].map((thread) => thread.slot));
    let slot = 0;
    while (taken.has(slot)) slot++;
    const { name, initializer, resourceLimits, env, execArgv, concurrency, spin } = this.#settings;
    const { heap, handles } = this.#parking;
    const options = {
      name: `${name}-${slot + 1}`,
      keeper: heap.token,
      concurrency,
      spin,
      isLoop: this.#settings.isLoop,
      mainLoop: mainLoopForThreads(),
      initializer,
      resourceLimits,
      env,
      execArgv,
    };
    const thread = new PoolThread(slot, this.#words, options, this.#events);
    this.threads.add(thread);
    this.#jobs.store.add(POOL_THREADS, 1);
    for (const message of this.#buffers.messages()) thread.remote.post(message);
    thread.remote.post({
      type: 'begin',
      pool: this.#object,
      parcel: handles.pack(this.#object, addressOf(heap, thread.remote.threadId)),
    });
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
        if (thread.state === 'starting') thread.state = 'ready';
        this.ready?.();
        this.#watchIdle();
        this.advance();
        return;
      case 'unfit':
        this.#unfit(thread, message.error);
        return;
      case 'fetch':
        this.#sendArguments(thread, message.job);
        return;
      case 'value':
        this.#valueCame(message.job, message.value);
        return;
      case 'ending':
        if (!thread.stopped) this.#retiring = Math.max(this.#retiring - 1, 0);
        thread.saidEnd = true;
        thread.stopped = true;
        thread.state = 'stopping';
        thread.remote.hold();
        this.busyMs[thread.slot] = (this.busyMs[thread.slot] ?? 0) + message.busyMs;
    }
  }

  #unfit(thread: PoolThread, wire: Wire<unknown>): void {
    const unfit = (error: unknown): void => {
      if (this.failed !== undefined) {
        this.failed(error);
        void thread.terminate();
        return;
      }
      this.#break(`its initializer failed: ${error instanceof Error ? error.message : String(error)}`, error);
      void thread.terminate();
    };
    let error: unknown;
    try {
      error = decodeValue(wire);
    } catch (refused) {
      error = refused;
    }
    if (error instanceof Promise) error.then(unfit, unfit);
    else unfit(error);
  }

  #sendArguments(thread: PoolThread, address: number): void {
    const wire = this.#jobs.jobs.get(address)?.byPort;
    if (wire === undefined) thread.remote.post({ type: 'gone', job: address });
    else thread.remote.post({ type: 'arguments', job: address, args: wire });
  }

  #valueCame(address: number, wire: Wire<unknown>): void {
    const take = this.#takers.get(address);
    this.#takers.delete(address);
    if (take === undefined) this.#values.set(address, wire);
    else take(wire);
  }

  #threadEnded(thread: PoolThread, end: WorkerEnd): void {
    this.threads.delete(thread);
    this.#left(thread);
    if (this.#settings.isLoop && !thread.stopped) this.#lost(thread, end);
    if (!thread.condemned && !thread.stopped && !this.#settings.isLoop) this.#countDeath(end);
    if (thread.token !== 0) {
      const death = this.#deathBy(thread.token);
      death.end = { name: thread.name, end };
      for (const told of death.told.splice(0)) told();
      // Its jobs are told by whoever mends, which may be a little later; nobody asks for it after that.
      startTimer(1000, () => this.#byToken.delete(thread.token), { hold: false });
    }
    this.advance();
  }

  /** The thread of a loop died: nobody runs its jobs any more. */
  #lost(thread: PoolThread, end: WorkerEnd): void {
    this.lost = { name: thread.name, end };
    this.#jobs.store.change(POOL_STATE, LOST);
    this.#evict();
    this.#finish();
  }

  #deathBy(token: number): Death {
    let death = this.#byToken.get(token);
    if (death === undefined) {
      death = { end: undefined, told: [] };
      this.#byToken.set(token, death);
    }
    return death;
  }

  #countDeath(end: WorkerEnd): void {
    const now = performance.now();
    const finished = this.#read(POOL_FINISHED);
    if (finished !== this.#finishedThen) this.#deaths.length = 0;
    this.#finishedThen = finished;
    this.#deaths.push(now);
    const first = this.#deaths.at(-DEATHS_THAT_BREAK);
    if (first === undefined || now - first > DEATHS_WITHIN_MS) return;
    this.#break(
      `${DEATHS_THAT_BREAK} threads died within a second and no job finished, the last by ${describeEnd(end)}`,
      end.cause,
    );
  }

  #break(why: string, cause: unknown): void {
    if (this.broken !== undefined) return;
    this.broken = new BrokenPoolError(`Cannot run jobs on ${this.#describe()}: ${why}`, { cause });
    this.#jobs.store.change(POOL_STATE, BROKEN);
    this.#evict();
    this.advance();
  }

  /** Ends all jobs that are queued, whoever waits for them. */
  #evict(): void {
    for (let job = this.#jobs.store.evict(); job !== 0; job = this.#jobs.store.evict())
      complete(this.#parking, job, EVICTED);
  }

  /** Also those that other threads wait for. */
  #cancelRunning(): void {
    const { blocks } = this.#parking.heap;
    const words = this.#words;
    for (let block = blocks.nextUsed(0); block !== 0; block = blocks.nextUsed(block)) {
      if (words[block + KIND] !== JOB || words[block + OBJECT] !== this.#object) continue;
      const token = Atomics.load(words, block + JOB_STATE);
      if (token < FIRST_TOKEN || Atomics.compareExchange(words, block + JOB_CANCEL, 0, NO_REASON) !== 0)
        continue;
      callErrand(words, token);
    }
  }

  /** Ends the threads that are not wanted any more and have nothing to do. */
  #trim(): void {
    const ending = this.#read(POOL_STATE) !== OPEN && this.#read(POOL_QUEUED) === 0;
    if (ending) {
      for (const thread of this.threads) {
        if (!thread.condemned) thread.stop();
        if (this.#isAbandoned(thread)) void thread.terminate();
      }
    } else this.#retireSurplus();
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
    this.#idleTimer?.stop();
    this.#ended();
    this.#shutdown?.resolve();
  }

  /** So many threads end as soon as they have nothing to do: whichever come first, each by taking one off the count. */
  #retireSurplus(): void {
    const word = this.#object + POOL_SURPLUS;
    let surplus = this.threads.size - this.#limit;
    if (surplus <= 0) {
      this.#retiring = 0;
      Atomics.store(this.#words, word, 0);
      return;
    }
    for (const thread of this.threads) if (thread.stopped || thread.condemned) surplus--;
    const more = surplus - this.#retiring;
    if (more > 0) {
      this.#retiring += more;
      Atomics.add(this.#words, word, more);
    }
    for (let less = -more; less > 0; less--) {
      const left = Atomics.load(this.#words, word);
      if (left === 0 || Atomics.compareExchange(this.#words, word, left, left - 1) !== left) break;
      this.#retiring--;
    }
    for (const thread of this.threads) if (thread.token !== 0) callErrand(this.#words, thread.token);
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
    if (asked === 0) return;
    const { blocks } = this.#parking.heap;
    for (let block = blocks.nextUsed(0); block !== 0; block = blocks.nextUsed(block)) {
      if (words[block + KIND] !== JOB || words[block + OBJECT] !== this.#object) continue;
      if ((words[block + JOB_FLAGS]! & KILL) !== 0) this.terminate(words[block + JOB_STATE]!);
    }
    if ((asked & END_WANTED) !== 0 && this.#shutdown === undefined) void this.shutdown(false, false);
    this.advance();
  }

  /** Above `min`, a thread ends that has had nothing to do for `idleTimeout`. */
  #watchIdle(): void {
    const { min, idleTimeout } = this.#settings;
    if (min === this.wanted || this.#idleTimer !== undefined || this.threads.size <= min) return;
    this.#idleTimer = startTimer(Math.max(idleTimeout / 2, 1), () => this.#endIdle(), { hold: false });
  }

  #endIdle(): void {
    this.#idleTimer = undefined;
    const { min, idleTimeout } = this.#settings;
    for (const thread of this.threads) {
      if (this.threads.size <= min) return;
      if (thread.state !== 'ready' || thread.load > 0 || thread.idleMs < idleTimeout) continue;
      thread.stop();
    }
    this.#watchIdle();
  }

  #describe(): string {
    return `pool "${this.#settings.name}"`;
  }
}
