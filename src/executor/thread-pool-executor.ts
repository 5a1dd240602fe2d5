import { DeadlockError, ShutDownError } from '../core/errors.ts';
import { JobStore } from '../jobs/job-store.ts';
import { poolClassLoaded, poolMending } from '../jobs/pool-kind.ts';
import { END_WANTED, ENDED, MOST, OPEN } from '../jobs/states.ts';
import { nameOf } from '../memory/handles.ts';
import { POOL } from '../memory/kinds.ts';
import {
  DATA,
  KIND,
  LIST_COUNT,
  LISTS,
  POOL_CANCELLED,
  POOL_COMPLETED,
  POOL_FAILED,
  POOL_KEEPER,
  POOL_MAX_PENDING,
  POOL_QUEUED,
  POOL_RUNNING,
  POOL_SLOTS,
  POOL_SPARES,
  POOL_STATE,
  POOL_THREADS,
  POOL_WORDS,
} from '../memory/layout.ts';
import { ownParking } from '../park/own-parking.ts';
import { adopt } from '../scope/run.ts';
import { registerShared, SharedHandle, type Sharing } from '../sync/shared-handle.ts';
import { ownPool, runnerFor } from '../thread/own-runner.ts';
import { checkShutdown, type OwnedExecutor, type ShutdownOptions } from './executor.ts';
import { Job, type JobOptions } from './job.ts';
import { JobExecutor, type JobSink } from './job-executor.ts';
import { defaultJobOptions } from './job-options.ts';
import { PoolJobs } from './pool-jobs.ts';
import { PoolKeeper } from './pool-keeper.ts';
import { checkThreads, type PoolSettings, readPoolOptions, type ThreadPoolOptions } from './pool-options.ts';
import type { PoolStatistics } from './pool-statistics.ts';
import { closedIn, roomIn, roomInSync } from './room.ts';

/** What a handle is made with that another thread's pool comes by. */
class Foreign {
  readonly name: string | undefined;

  constructor(name: string | undefined) {
    this.name = name;
  }
}

let handleOf: (pool: ThreadPoolExecutor) => SharedHandle<PoolJobs>;
/** The same, of a pool that others can ask for threads by then. */
let keptHandleOf: typeof handleOf;

/**
 * A pool of threads that run functions.
 *
 * - **Scope**: shared. Any thread that it is sent to submits to it, and its threads take jobs by themselves: they go on while
 *   who submits is busy or blocked. The thread that made it starts and ends its threads, and they end with that one.
 * - **Ordering**: jobs start in the order of their priority, then of their submit; each thread runs `concurrency` of
 *   them at once (1 by default).
 * - **Threads** start one by one, when a job comes and none is free. An idle pool does not keep the process alive. While jobs
 *   are short one thread runs them all; another is woken when one takes longer.
 * - **Jobs of jobs**: one that awaits another of its pool gives its slot to others meanwhile; one that blocks on it runs it in
 *   place if it has not begun, else another thread takes over.
 * - **Cancellation**: settles the future at once; a queued job never runs, a running one is told, and keeps its slot
 *   until it has really ended. `onCancel` says what becomes of one that does not.
 * - **Death of a thread**: its jobs reject with `ThreadDiedError`, or are run once more if `idempotent`; a new thread
 *   takes its place. Five deaths within a second without one finished job break the pool.
 * - **Cost**: a thread takes 25 to 50 ms to start and 5 to 11 MB; a call some microseconds.
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
export class ThreadPoolExecutor extends JobExecutor implements OwnedExecutor, Disposable {
  readonly #name: string;
  readonly #settings: PoolSettings | undefined;
  readonly #handle: SharedHandle<PoolJobs>;
  #keeper: PoolKeeper | undefined;
  #isShutDown = false;
  readonly #disown: () => void;
  protected override readonly sink: JobSink;
  protected override readonly jobOptions: JobOptions;

  static {
    handleOf = (pool) => pool.#handle;
    keptHandleOf = (pool) => {
      if (pool.#settings !== undefined) void pool.#jobs;
      return pool.#handle;
    };
  }

  /** @throws TypeError, RangeError, CaptureError for an option of the wrong kind or out of range. */
  constructor(options?: ThreadPoolOptions) {
    super();
    const foreign = (options as unknown) instanceof Foreign;
    const settings = foreign ? undefined : readPoolOptions(options, new.target);
    this.#settings = settings;
    this.#name = settings?.name ?? options?.name ?? 'pool';
    this.jobOptions = settings?.jobOptions ?? defaultJobOptions;
    const prepare =
      settings === undefined
        ? undefined
        : (words: Int32Array, object: number): void => {
            words[object + POOL_MAX_PENDING] = Math.min(settings.maxPending, MOST / 2);
            words[object + POOL_SLOTS] = settings.threads * settings.concurrency;
            words[object + POOL_SPARES] = Math.min(settings.maxSpares, MOST);
            words[object + POOL_KEEPER] = ownParking().heap.token;
            if (this.#isShutDown) words[object + POOL_STATE] = ENDED;
          };
    this.#handle = new SharedHandle(this, sharing, { name: this.#name }, prepare);
    this.sink = this.#makeSink();
    this.#disown =
      settings === undefined
        ? () => {}
        : adopt({
            shutdown: ({ cancelRunning }) => this.shutdown({ cancelPending: cancelRunning, cancelRunning }),
            terminate: async () => this.#keeper?.threads.terminateAll(),
            describe: () => {
              const running = this.#keeper?.running().map((job) => job.report()) ?? [];
              return `${this.#describe()}${running.length === 0 ? '' : ` (it runs ${running.join(', ')})`}`;
            },
          });
    if (settings !== undefined && settings.min > 0) void this.#jobs;
  }

  get name(): string {
    return this.#name;
  }

  /** Whether new jobs are refused. */
  get isShutDown(): boolean {
    return this.#isShutDown || (this.#entered && this.#handle.coreInUse.store.read(POOL_STATE) !== OPEN);
  }

  /** How many threads are alive. */
  get size(): number {
    return this.#entered ? this.#handle.coreInUse.store.read(POOL_THREADS) : 0;
  }

  /**
   * Changes how many threads the pool may have. Threads beyond that end when their jobs have; jobs that wait start on
   * new ones at once. Resolves when the surplus has ended.
   *
   * Rejects with a RangeError or TypeError for anything but a whole number of at least 1.
   */
  async resize(threads: number): Promise<void> {
    const wanted = checkThreads(threads);
    void this.#jobs;
    await this.#kept('resize').resize(wanted);
  }

  /**
   * Refuses new jobs with `ShutDownError`, runs those that wait, and resolves when every thread has ended; jobs that
   * were cancelled with `'abandon'` are not waited for. May be called again, also to cancel after all.
   */
  shutdown(options?: ShutdownOptions): Promise<void> {
    const ending = this.#shutdown(options);
    // Its own job may say so and go on: that it cannot wait is told to who does.
    if (this.#entered && runnerFor(this.#jobs.store.object) !== undefined) ending.catch(() => {});
    return ending;
  }

  async #shutdown(options: ShutdownOptions | undefined): Promise<void> {
    const { cancelPending, cancelRunning } = checkShutdown(options);
    this.#isShutDown = true;
    // One that was never used has nothing to end.
    if (!this.#entered) return this.#disown();
    if (this.#keeper !== undefined) return this.#keeper.shutdown(cancelPending, cancelRunning);
    const jobs = this.#jobs;
    if (jobs.store.read(POOL_STATE) === OPEN) jobs.ask(END_WANTED);
    if (runnerFor(jobs.store.object) !== undefined)
      throw new DeadlockError(
        `Cannot wait for the end of ${this.#describe()}: this is a job of it, which it waits for`,
      );
    await closedIn(jobs, this.#handle, () => jobs.store.read(POOL_STATE) >= ENDED);
  }

  /** As `shutdown()`, and blocks this thread until all threads of the pool have ended. */
  shutdownSync(): void {
    this.#isShutDown = true;
    if (this.#entered) this.#kept('shut down').shutdownSync();
    else this.#disown();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const cancel = this.#settings?.onDispose === 'cancel';
    await this.shutdown({ cancelPending: cancel, cancelRunning: cancel });
  }

  /** Gives up this handle; the pool goes on. To end it, `shutdown()`, or `await using`. */
  [Symbol.dispose](): void {
    this.#handle.dispose();
  }

  statistics(): PoolStatistics {
    if (!this.#entered) return { ...NOTHING, name: this.#name, busyMs: this.#busyMs() };
    const jobs = this.#handle.coreInUse;
    const { store } = jobs;
    const threads = store.read(POOL_THREADS);
    let abandoned = 0;
    let oldest = 0;
    for (const job of Job.inOrder(jobs.jobs.values())) {
      if (job.isRunning && job.settled) abandoned++;
      else if (!job.isRunning && oldest === 0) oldest = performance.now() - job.submittedAt;
    }
    return {
      name: this.#name,
      threads,
      idle: this.#keeper === undefined ? store.read(LISTS + LIST_COUNT) : this.#keeper.threads.idle,
      queued: store.read(POOL_QUEUED),
      running: store.read(POOL_RUNNING) - abandoned,
      abandoned,
      completed: store.read(POOL_COMPLETED),
      failed: store.read(POOL_FAILED),
      cancelled: store.read(POOL_CANCELLED),
      oldestQueuedMs: oldest,
      busyMs: this.#busyMs(),
    };
  }

  get #entered(): boolean {
    return this.#keeper !== undefined || this.#settings === undefined;
  }

  /** What this thread does with the pool, which enters the shared memory with the first job. */
  get #jobs(): PoolJobs {
    const jobs = this.#handle.core;
    if (this.#keeper === undefined && this.#settings !== undefined) {
      const object = this.#handle.addressToSend();
      this.#keeper = new PoolKeeper(this.#settings, jobs, object, () => this.#disown());
      jobs.keeper = this.#keeper;
      this.#keeper.begin();
    }
    jobs.handle ??= {
      name: this.#describe(),
      inUse: (more) => (more ? this.#handle.use() : this.#handle.unuse()),
    };
    return jobs;
  }

  #kept(action: string): PoolKeeper {
    if (this.#keeper !== undefined) return this.#keeper;
    throw new TypeError(`Cannot ${action} ${this.#describe()}: another thread made it, and ends it`);
  }

  #makeSink(): JobSink {
    const pool = this;
    return {
      get width() {
        if (pool.#settings !== undefined && pool.#keeper === undefined)
          return pool.#settings.threads * pool.#settings.concurrency;
        return pool.#jobs.store.read(POOL_SLOTS);
      },
      get full() {
        return (pool.#entered || !pool.#isShutDown) && pool.#jobs.isFull;
      },
      start: (fn, site, work, options) => {
        if (pool.#isShutDown && !pool.#entered)
          throw new ShutDownError(`Cannot submit to ${pool.#describe()}: it was shut down`);
        return pool.#jobs.start(fn, site, work, options);
      },
      waitForRoom: (options) => roomIn(pool.#jobs, pool.#handle, options),
      waitForRoomSync: (timeout, then) => roomInSync(pool.#jobs, pool.#handle, timeout, then),
    };
  }

  #busyMs(): number[] {
    const ended = this.#keeper?.busyMs ?? [];
    const length = Math.max(this.#keeper?.wanted ?? this.#settings?.threads ?? 0, ended.length);
    const busyMs = Array.from({ length }, (_, slot) => ended[slot] ?? 0);
    for (const thread of this.#keeper?.threads ?? [])
      busyMs[thread.slot] = (busyMs[thread.slot] ?? 0) + thread.busyMs;
    return busyMs;
  }

  #describe(): string {
    return `pool "${this.#name}"`;
  }
}

const NOTHING = {
  threads: 0,
  idle: 0,
  queued: 0,
  running: 0,
  abandoned: 0,
  completed: 0,
  failed: 0,
  cancelled: 0,
  oldestQueuedMs: 0,
} as const;

const sharing: Sharing<PoolJobs> = {
  kind: POOL,
  what: 'pool',
  more: POOL_WORDS - DATA,
  core: (parking, object, record) => new PoolJobs(new JobStore(parking, object, record)),
};

/** The pool whose jobs this thread runs, if it is one of a pool. */
export function poolOfThread(): ThreadPoolExecutor | undefined {
  const object = ownPool();
  if (object === 0) return undefined;
  const { heap, handles } = ownParking();
  if (heap.words[object + KIND] !== POOL) return undefined;
  handles.retain(object);
  const pool = new ThreadPoolExecutor(new Foreign(nameOf(heap, object)) as ThreadPoolOptions);
  handleOf(pool).adopt(object);
  return pool;
}

registerShared<ThreadPoolExecutor>(POOL, {
  type: ThreadPoolExecutor,
  handleOf: (pool) => keptHandleOf(pool),
  make: (name) => new ThreadPoolExecutor(new Foreign(name) as ThreadPoolOptions),
  ...poolMending,
});
poolClassLoaded();
