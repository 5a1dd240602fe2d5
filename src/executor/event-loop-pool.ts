/** Several event loops in threads of their own, as one executor. */
import { checkFunction, checkInteger, checkOneOf, checkOptions, show } from '../core/arguments.ts';
import { ShutDownError } from '../core/errors.ts';
import { POOL_COMPLETED, POOL_FAILED, POOL_QUEUED, POOL_RUNNING } from '../memory/layout.ts';
import { defaultThreads } from '../platform/worker.ts';
import { jobsOfLoop } from './event-loop.ts';
import { EventLoopThread } from './event-loop-thread.ts';
import { checkShutdown, type OwnedExecutor, type ShutdownOptions } from './executor.ts';
import type { JobOptions } from './job.ts';
import { JobExecutor, type JobSink } from './job-executor.ts';
import { defaultJobOptions } from './job-options.ts';

/** What a loop of a pool is doing. */
export interface LoopStatistics {
  readonly name: string;
  /** Jobs that wait to begin. */
  readonly queued: number;
  /** Jobs that have begun and not ended. */
  readonly running: number;
  readonly completed: number;
  readonly failed: number;
  readonly closed: boolean;
}

/** Which loop gets the next job: the one with the fewest, one after the other, or the index that a function gives. */
export type Placement = 'least-loaded' | 'round-robin' | ((loops: readonly LoopStatistics[]) => number);

export interface EventLoopPoolOptions {
  /** How many; default: what the machine, or its container, gives this process. */
  readonly loops?: number | undefined;
  /** Default `'least-loaded'`. */
  readonly placement?: Placement | undefined;
  readonly name?: string | undefined;
  /** Called in each thread before anything else. If it throws, the start fails with that. */
  readonly initializer?: (() => unknown) | undefined;
}

class PoolInit {
  readonly loops: readonly EventLoopThread[];
  readonly placement: Placement;

  constructor(loops: readonly EventLoopThread[], placement: Placement) {
    this.loops = loops;
    this.placement = placement;
  }
}

let unnamed = 0;

/**
 * So many event loops in as many threads, and long-lived async tasks spread over them.
 *
 * - **Scope**: one loop; its `loops` travel one by one.
 * - **Placement** is decided at the submit, and a job stays where it is. Any number of async jobs go on at the same time on
 *   each loop.
 * - **Death** of a thread: what its loop had rejects with `ThreadDiedError`; the next jobs go to the others.
 *
 * @example
 * ```ts
 * import { EventLoopPool } from 'heddle';
 *
 * const pool = await EventLoopPool.start({ loops: 2 });
 * const serve = async (n: number): Promise<number> => {
 *   await new Promise((resolve) => setTimeout(resolve, 10));
 *   return n * n;
 * };
 * console.log(await Promise.all([1, 2, 3].map((n) => pool.submit(serve, n)))); // [ 1, 4, 9 ]
 * await pool.shutdown();
 * ```
 */
export class EventLoopPool extends JobExecutor implements OwnedExecutor {
  readonly loops: readonly EventLoopThread[];
  readonly #placement: Placement;
  #next = 0;
  #shutdown = false;
  protected override readonly sink: JobSink;
  protected override readonly jobOptions: JobOptions;

  /** Starts the loops, and resolves once all take work. @throws TypeError, RangeError; what an initializer threw */
  static async start(options?: EventLoopPoolOptions): Promise<EventLoopPool> {
    const {
      loops: wanted,
      placement = 'least-loaded',
      name,
      initializer,
    } = checkOptions(options) as EventLoopPoolOptions;
    if (wanted !== undefined && typeof wanted !== 'number')
      throw new TypeError(`loops must be a whole number of at least 1, received ${show(wanted)}`);
    const count = checkInteger(wanted ?? defaultThreads(), 'loops', { min: 1 });
    if (typeof placement !== 'function') checkOneOf(placement, 'placement', ['least-loaded', 'round-robin']);
    if (initializer !== undefined) checkFunction(initializer, 'initializer');
    const base = name ?? `loops-${++unnamed}`;
    const starts = Array.from({ length: count }, (_, index) =>
      EventLoopThread.start({ name: `${base}-${index + 1}`, initializer }),
    );
    const settled = await Promise.allSettled(starts);
    const failed = settled.find((one) => one.status === 'rejected');
    const loops = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    if (failed === undefined) return new EventLoopPool(new PoolInit(loops, placement));
    await Promise.all(loops.map((loop) => loop.stop()));
    throw failed.reason;
  }

  /** Not for users: pools come from `EventLoopPool.start()`. */
  constructor(init: PoolInit) {
    super();
    if (!(init instanceof PoolInit))
      throw new TypeError('Cannot make an EventLoopPool: use await EventLoopPool.start()');
    this.loops = init.loops;
    this.#placement = init.placement;
    this.jobOptions = defaultJobOptions;
    this.sink = {
      width: init.loops.length,
      full: false,
      start: (fn, site, work, options) => jobsOfLoop(this.#place()).start(fn, site, work, options),
      waitForRoom: async () => void this.#open(),
    };
  }

  /** What each loop is doing. */
  statistics(): { readonly loops: readonly LoopStatistics[] } {
    return { loops: this.loops.map(statisticsOf) };
  }

  /** Refuses new jobs, and resolves when all loops have stopped. */
  async shutdown(options?: ShutdownOptions): Promise<void> {
    checkShutdown(options);
    this.#shutdown = true;
    await Promise.all(this.loops.map((loop) => loop.stop(options)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }

  /** @throws ShutDownError */
  #open(): readonly EventLoopThread[] {
    const open = this.#shutdown ? [] : this.loops.filter((loop) => !loop.closed);
    if (open.length === 0)
      throw new ShutDownError(
        this.#shutdown
          ? 'Cannot submit to the pool of loops: it was shut down'
          : 'Cannot submit to the pool of loops: all its loops have stopped or died',
      );
    return open;
  }

  #place(): EventLoopThread {
    const open = this.#open();
    if (typeof this.#placement === 'function') {
      const index = this.#placement(this.loops.map(statisticsOf));
      const chosen = this.loops[index];
      if (chosen !== undefined) return chosen;
      throw new RangeError(
        `placement must give the index of a loop, from 0 to ${this.loops.length - 1}, and gave ${show(index)}`,
      );
    }
    const first = this.#next++ % open.length;
    if (this.#placement === 'round-robin') return open[first]!;
    // Of several with as few, one after the other.
    let least = open[first]!;
    for (let n = 1; n < open.length; n++) {
      const loop = open[(first + n) % open.length]!;
      if (loadOf(loop) < loadOf(least)) least = loop;
    }
    return least;
  }
}

function loadOf(loop: EventLoopThread): number {
  const { store } = jobsOfLoop(loop);
  return store.read(POOL_QUEUED) + store.read(POOL_RUNNING);
}

function statisticsOf(loop: EventLoopThread): LoopStatistics {
  const { store } = jobsOfLoop(loop);
  return {
    name: loop.name,
    queued: store.read(POOL_QUEUED),
    running: store.read(POOL_RUNNING),
    completed: store.read(POOL_COMPLETED),
    failed: store.read(POOL_FAILED),
    closed: loop.closed,
  };
}
