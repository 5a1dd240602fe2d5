/** Event loops as objects: whatever thread has one gives it work. */
import { checkFunction } from '../core/arguments.ts';
import { InvalidStateError } from '../core/errors.ts';
import { JobStore } from '../jobs/job-store.ts';
import { poolMending } from '../jobs/pool-kind.ts';
import { MOST, OPEN } from '../jobs/states.ts';
import { EVENT_LOOP } from '../memory/kinds.ts';
import {
  DATA,
  OBJECT_ID,
  POOL_KEEPER,
  POOL_MAX_PENDING,
  POOL_SLOTS,
  POOL_STATE,
  POOL_THREAD,
  POOL_WORDS,
} from '../memory/layout.ts';
import { ownParking } from '../park/own-parking.ts';
import { currentThread } from '../platform/thread-identity.ts';
import { isMainLoop } from '../platform/worker.ts';
import { registerShared, SharedHandle, type Sharing } from '../sync/shared-handle.ts';
import { JobRunner } from '../thread/job-runner.ts';
import { addRunner, knownMainLoop, ownPool } from '../thread/own-runner.ts';
import type { JobOptions } from './job.ts';
import { JobExecutor, type JobSink, startInTask } from './job-executor.ts';
import { defaultJobOptions } from './job-options.ts';
import { isAsyncFunction } from './job-writer.ts';
import { LocalKeeper } from './local-keeper.ts';
import { enterMainLoopBy } from './main-loop.ts';
import { PoolJobs } from './pool-jobs.ts';
import { roomIn } from './room.ts';

/** What a handle is made with: of a loop that is there, or of the loop of this thread. */
export class LoopInit {
  readonly name: string | undefined;
  readonly own: boolean;

  constructor(name: string | undefined, own: boolean) {
    this.name = name;
    this.own = own;
  }
}

let handleOf: (loop: EventLoop) => SharedHandle<PoolJobs>;
/** For the class that extends it, and restores its own handles. */
export let handleOfLoop: (loop: EventLoop) => SharedHandle<PoolJobs>;
export let jobsOfLoop: (loop: EventLoop) => PoolJobs;

/**
 * The event loop of a thread, seen from anywhere: `submit` runs a function on it, `callSoon` does without a result.
 *
 * - **Scope**: shared. Whoever has it gives it work; the functions run on that loop, as tasks of it, with all that its thread
 *   has.
 * - **Ordering**: functions begin in the order of their priority, then in that of the calls; any number of async ones go on
 *   at the same time.
 * - **Blocking** on work for one's own loop: `DeadlockError`, unless it is a sync function, which then runs at once.
 * - **Death** of its thread: what it had not finished rejects with `ThreadDiedError`.
 * - **Keep-alive**: work that the main loop has submitted keeps the process up; a loop that waits for work does not.
 *
 * The loops of asyncio: `submit` is `run_coroutine_threadsafe`, `callSoon` is `call_soon_threadsafe`.
 *
 * @example
 * ```ts
 * import { EventLoop, ThreadPoolExecutor } from 'heddle';
 *
 * const pool = new ThreadPoolExecutor({ threads: 1 });
 * const ask = async (main: EventLoop): Promise<string> => `main says ${await main.submit(() => process.title.length > 0)}`;
 * console.log(await pool.submit(ask, EventLoop.current())); // main says true
 * await pool.shutdown();
 * ```
 */
export class EventLoop extends JobExecutor implements Disposable {
  readonly #handle: SharedHandle<PoolJobs>;
  protected override readonly sink: JobSink;
  protected override readonly jobOptions: JobOptions;

  static {
    handleOf = (loop) => loop.#handle;
    handleOfLoop = handleOf;
    jobsOfLoop = (loop) => loop.#jobs;
  }

  /** The loop of the calling thread. */
  static current(): EventLoop {
    own ??= ownLoop();
    return own;
  }

  /**
   * The loop of the main thread.
   *
   * @throws InvalidStateError in a thread that heddle has not started.
   */
  static main(): EventLoop {
    if (isMainLoop) return EventLoop.current();
    main ??= foundMain();
    return main;
  }

  /** Not for users: loops come from `current()`, `main()`, and `EventLoopThread.start()`. */
  constructor(
    init: LoopInit,
    shared: Sharing<PoolJobs> = sharing,
    prepare?: (words: Int32Array, object: number) => void,
  ) {
    super();
    if (!(init instanceof LoopInit))
      throw new TypeError('Cannot make an EventLoop: use EventLoop.current(), or EventLoopThread.start()');
    this.#handle = new SharedHandle(
      this,
      shared,
      { name: init.name },
      prepare ?? (init.own ? prepareOwn : undefined),
    );
    this.jobOptions = defaultJobOptions;
    this.sink = {
      width: 1,
      get full() {
        return false;
      },
      start: (fn, site, work, options) => this.#jobs.start(fn, site, work, options),
      waitForRoom: (options) => roomIn(this.#jobs, this.#handle, options),
    };
  }

  /** The number of its thread, as `currentThread().id` there. */
  get id(): number {
    return this.#jobs.store.read(POOL_THREAD);
  }

  get name(): string {
    return this.#handle.name ?? 'loop';
  }

  /** Whether it takes no more work. */
  get closed(): boolean {
    return this.#jobs.store.read(POOL_STATE) !== OPEN;
  }

  /**
   * Has `fn(...args)` called on the loop, soon and never at once. In order, for each caller. There is no result, and an error is
   * reported there (`HEDDLE_CALLBACK_ERROR`). What was not called when this thread ends is not called.
   *
   * @throws TypeError for an async function, whose errors nobody would see: use `submit`. SendError, CaptureError for what
   * cannot be sent; ShutDownError if the loop is closed.
   */
  callSoon<A extends unknown[]>(fn: (...args: A) => unknown, ...args: A): void {
    checkFunction(fn, 'fn');
    if (isAsyncFunction(fn))
      throw new TypeError('Cannot call an async function soon: nobody would see how it ends; use submit()');
    const job = startInTask(
      this.sink,
      fn,
      this.callSoon,
      { kind: 'call', args, quiet: true },
      this.jobOptions,
    );
    // It goes on whatever becomes of the task.
    job.detach?.();
    job.future.error().catch(() => {});
  }

  /** Gives up this handle; the loop goes on. */
  [Symbol.dispose](): void {
    this.#handle.dispose();
  }

  get #jobs(): PoolJobs {
    const jobs = this.#handle.core;
    if (jobs.handle === undefined) {
      jobs.isLoop = true;
      jobs.handle = {
        name: `loop "${this.name}"`,
        inUse: (more) => (more ? this.#handle.use() : this.#handle.unuse()),
      };
    }
    return jobs;
  }
}

function prepareOwn(words: Int32Array, object: number): void {
  words[object + POOL_MAX_PENDING] = MOST / 2;
  words[object + POOL_SLOTS] = MOST / 2;
  words[object + POOL_KEEPER] = ownParking().heap.token;
  words[object + POOL_THREAD] = currentThread().id;
}

const sharing: Sharing<PoolJobs> = {
  kind: EVENT_LOOP,
  what: 'loop',
  more: POOL_WORDS - DATA,
  core: (parking, object, record) => new PoolJobs(new JobStore(parking, object, record)),
};

let own: EventLoop | undefined;
let main: EventLoop | undefined;
/** The loop that this thread was started as, by its kind. */
let startedAs: (() => EventLoop | undefined) | undefined;

/** Says how a thread that was started as a loop finds that. */
export function findStartedLoop(find: () => EventLoop | undefined): void {
  startedAs = find;
}

function ownLoop(): EventLoop {
  const started = ownPool() === 0 ? undefined : startedAs?.();
  if (started !== undefined) return started;
  const loop = new EventLoop(new LoopInit(currentThread().name, true));
  const jobs = jobsOfLoop(loop);
  const keeper = new LocalKeeper(jobs);
  jobs.keeper = keeper;
  const runner = new JobRunner({
    store: jobs.store,
    keeper: jobs.store.parking.heap.token,
    payloads: keeper.payloads,
    concurrency: Infinity,
    spin: 0,
    fetch: (job) => keeper.fetch(job),
    send: (job, value) => keeper.send(job, value),
    ended: () => {},
  });
  addRunner(jobs.store.object, runner);
  // Nobody is to free it while the thread lives.
  handleOf(loop).use();
  runner.start();
  return loop;
}

function foundMain(): EventLoop {
  const known = knownMainLoop();
  const { handles } = ownParking();
  if (known === undefined || !handles.open(known.object, OBJECT_ID, known.id))
    throw new InvalidStateError(
      'Cannot find the loop of the main thread: this thread was not started by heddle; send EventLoop.current() to it',
    );
  const loop = new EventLoop(new LoopInit('main', false));
  handleOf(loop).adopt(known.object);
  return loop;
}

registerShared<EventLoop>(EVENT_LOOP, {
  type: EventLoop,
  handleOf: (loop) => handleOf(loop),
  make: (name) => new EventLoop(new LoopInit(name, false)),
  ...poolMending,
});

enterMainLoopBy(() => {
  const { store } = jobsOfLoop(EventLoop.current());
  return { object: store.object, id: store.read(OBJECT_ID) };
});
