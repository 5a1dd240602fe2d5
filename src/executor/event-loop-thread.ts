/** An event loop in a thread of its own. */
import { checkFunction, checkOptions } from '../core/arguments.ts';
import { DeadlockError, ThreadDiedError } from '../core/errors.ts';
import { JobStore } from '../jobs/job-store.ts';
import { poolMending } from '../jobs/pool-kind.ts';
import { END_WANTED, ENDED, LOST, MOST, OPEN } from '../jobs/states.ts';
import { nameOf } from '../memory/handles.ts';
import { EVENT_LOOP_THREAD } from '../memory/kinds.ts';
import {
  DATA,
  KIND,
  POOL_KEEPER,
  POOL_MAX_PENDING,
  POOL_SLOTS,
  POOL_SPARES,
  POOL_STATE,
  POOL_WORDS,
} from '../memory/layout.ts';
import { ownParking } from '../park/own-parking.ts';
import { holdLoop, releaseLoop } from '../platform/keep-alive.ts';
import { checkDebug, type DebugOptions } from '../scope/debug.ts';
import { adopt } from '../scope/run.ts';
import { registerShared, type Sharing } from '../sync/shared-handle.ts';
import { ownPool, runnerFor } from '../thread/own-runner.ts';
import { EventLoop, findStartedLoop, handleOfLoop, jobsOfLoop, LoopInit } from './event-loop.ts';
import { type AnyFunction, checkShutdown, type ShutdownOptions } from './executor.ts';
import { Future, settleFuture } from './future.ts';
import { knowFunction } from './known-function.ts';
import { PoolJobs } from './pool-jobs.ts';
import { PoolKeeper } from './pool-keeper.ts';
import { loopSettings } from './pool-options.ts';
import { closedIn } from './room.ts';
import { describeEnd, diedError } from './thread-death.ts';

export interface LoopThreadOptions {
  /** What the thread, messages and warnings call it. */
  readonly name?: string | undefined;
  /** Called in the thread before anything else. If it throws, the start fails with that. */
  readonly initializer?: (() => unknown) | undefined;
  /** Reports what stalls the loop, as `run({ debug })` does for that of the program. */
  readonly debug?: DebugOptions | undefined;
}

let unnamed = 0;

/**
 * An event loop in a thread of its own: for work that lives long, with state, timers and connections of its own.
 *
 * - **Scope**: shared, as every `EventLoop`; any thread that has it may stop it.
 * - **Stopping**: refuses new work, lets what waits begin and what runs end, and ends the thread. Every `finally` runs.
 * - **Death** of its thread: `stopped` rejects with `ThreadDiedError`, and so does all work that it had; there is no other
 *   thread in its place.
 * - **Keep-alive**: an idle loop thread holds no process; `await loop.stopped` does.
 *
 * @example
 * ```ts
 * import { EventLoopThread } from 'heddle';
 *
 * await using loop = await EventLoopThread.start({ name: 'counter' });
 * const count = (): number => ((globalThis as { n?: number }).n = ((globalThis as { n?: number }).n ?? 0) + 1);
 * await loop.submit(count);
 * console.log(await loop.submit(count)); // 2
 * ```
 */
export class EventLoopThread extends EventLoop {
  #keeper: PoolKeeper | undefined;
  #stopped: Future<void> | undefined;
  #disown: () => void = () => {};

  /** Starts a thread, and resolves once its loop takes work. @throws what the initializer threw; ThreadDiedError */
  static async start(options?: LoopThreadOptions): Promise<EventLoopThread> {
    const { loop, started } = EventLoopThread.#begin(options, EventLoopThread.start);
    holdLoop();
    try {
      await started.promise;
    } finally {
      releaseLoop();
    }
    return loop;
  }

  /** As `start()`, blocking. */
  static startSync(options?: LoopThreadOptions): EventLoopThread {
    const { loop, started } = EventLoopThread.#begin(options, EventLoopThread.startSync);
    const keeper = loop.#keeper!;
    started.promise.catch(() => {});
    // How it really ended is told on the loop, which is blocked.
    keeper.exiting = (end) =>
      started.settle({ reason: diedError(`the start of loop "${loop.name}"`, loop.name, end) });
    jobsOfLoop(loop).store.parking.blockUntil(() => {
      keeper.drainPorts();
      return started.outcome !== undefined;
    }, Infinity);
    if (started.outcome?.error !== undefined) throw started.outcome.error.reason;
    return loop;
  }

  static #begin(
    options: LoopThreadOptions | undefined,
    site: AnyFunction,
  ): { loop: EventLoopThread; started: Started } {
    const { name, initializer, debug } = checkOptions(options) as LoopThreadOptions;
    if (initializer !== undefined) checkFunction(initializer, 'initializer');
    const reference = initializer && knowFunction(initializer, site).reference;
    const called = name === undefined ? `loop-${++unnamed}` : String(name);
    const settings = loopSettings(called, reference, checkDebug(debug));
    const loop = new EventLoopThread(new LoopInit(settings.name, false), sharing, (words, object) => {
      words[object + POOL_MAX_PENDING] = MOST / 2;
      words[object + POOL_SLOTS] = MOST / 2;
      words[object + POOL_SPARES] = 0;
      words[object + POOL_KEEPER] = ownParking().heap.token;
    });
    const jobs = jobsOfLoop(loop);
    const started = new Started();
    const keeper = new PoolKeeper(settings, jobs, handleOfLoop(loop).addressToSend(), () =>
      loop.#ended(started),
    );
    loop.#keeper = keeper;
    jobs.keeper = keeper;
    keeper.ready = () => started.settle(undefined);
    keeper.failed = (error) => started.settle({ reason: error });
    // The loop lives though nobody has its handle.
    handleOfLoop(loop).use();
    loop.#disown = adopt({
      shutdown: ({ cancelRunning }) => loop.stop({ cancelPending: cancelRunning, cancelRunning }),
      terminate: () => keeper.threads.terminateAll(),
      describe: () => `loop "${loop.name}"`,
    });
    keeper.begin();
    return { loop, started };
  }

  /**
   * Refuses new work, and resolves when the thread has ended: what waits is run first, or cancelled with `cancelPending`; what
   * runs is awaited, and cancelled before with `cancelRunning`. Does not block the calling loop.
   *
   * @throws DeadlockError within its own work, which it would wait for; it stops all the same.
   */
  stop(options?: ShutdownOptions): Promise<void> {
    const stopping = this.#stop(options);
    // Its own work may say so and go on: that it cannot wait is told to who does.
    if (runnerFor(jobsOfLoop(this).store.object) !== undefined) stopping.catch(() => {});
    return stopping;
  }

  async #stop(options: ShutdownOptions | undefined): Promise<void> {
    const { cancelPending, cancelRunning } = checkShutdown(options);
    if (this.#keeper !== undefined) return this.#keeper.shutdown(cancelPending, cancelRunning);
    const jobs = jobsOfLoop(this);
    if (jobs.store.read(POOL_STATE) === OPEN) jobs.ask(END_WANTED);
    if (runnerFor(jobs.store.object) !== undefined)
      throw new DeadlockError(
        `Cannot wait for the end of loop "${this.name}": this is work of it, which it waits for`,
      );
    await this.stopped.error();
  }

  /** As `stop()`, and blocks this thread until the other has ended. */
  stopSync(): void {
    const jobs = jobsOfLoop(this);
    if (runnerFor(jobs.store.object) !== undefined)
      throw new DeadlockError(`Cannot wait for the end of loop "${this.name}": this is its own thread`);
    if (this.#keeper !== undefined) return this.#keeper.shutdownSync();
    if (jobs.store.read(POOL_STATE) === OPEN) jobs.ask(END_WANTED);
    this.stopped.errorSync();
  }

  /** Settles when the thread has ended: rejects with `ThreadDiedError` if it was not stopped. */
  get stopped(): Future<void> {
    if (this.#stopped === undefined) {
      const jobs = jobsOfLoop(this);
      const isOver = (): boolean => jobs.store.read(POOL_STATE) >= ENDED;
      this.#stopped = new Future<void>({
        cancel: () => false,
        describe: () => `the end of loop "${this.name}"`,
        block: (timeout) =>
          jobs.store.parking.blockUntil(() => {
            this.#keeper?.drainPorts();
            if (isOver()) this.#settleStopped();
            return isOver();
          }, timeout),
        awaited: () => {
          holdLoop();
          return releaseLoop;
        },
      });
      // Never as an unhandled rejection, nor as an error that nobody awaited.
      this.#stopped.addDoneCallback(() => {});
      if (isOver()) this.#settleStopped();
      else if (this.#keeper === undefined)
        closedIn(jobs, handleOfLoop(this), isOver).then(
          () => this.#settleStopped(),
          () => {},
        );
    }
    return this.#stopped;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #ended(started: Started): void {
    this.#disown();
    const lost = this.#keeper?.lost;
    started.settle({
      reason:
        lost === undefined
          ? new ThreadDiedError(`Cannot start loop "${this.name}": it was stopped`, {
              reason: 'exit',
              exitCode: 0,
            })
          : diedError(`the start of loop "${this.name}"`, lost.name, lost.end),
    });
    if (this.#stopped !== undefined) this.#settleStopped();
    handleOfLoop(this).unuse();
  }

  #settleStopped(): void {
    if (jobsOfLoop(this).store.read(POOL_STATE) !== LOST) {
      settleFuture(this.#stopped!, 'fulfilled', undefined);
      return;
    }
    const end = this.#keeper?.lost?.end ?? ({ reason: 'terminated', exitCode: 1 } as const);
    const message = `Loop "${this.name}" died: its thread ended by ${describeEnd(end)}`;
    const error = new ThreadDiedError(message, end, 'cause' in end ? { cause: end.cause } : {});
    settleFuture(this.#stopped!, 'rejected', error);
  }
}

/** Whether the start has succeeded. */
class Started {
  readonly promise: Promise<void>;
  outcome: { readonly error: { readonly reason: unknown } | undefined } | undefined;
  #resolve!: () => void;
  #reject!: (error: unknown) => void;

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  settle(error: { readonly reason: unknown } | undefined): void {
    if (this.outcome !== undefined) return;
    this.outcome = { error };
    if (error === undefined) this.#resolve();
    else this.#reject(error.reason);
  }
}

const sharing: Sharing<PoolJobs> = {
  kind: EVENT_LOOP_THREAD,
  what: 'loop',
  more: POOL_WORDS - DATA,
  core: (parking, object, record) => new PoolJobs(new JobStore(parking, object, record)),
};

function handleTo(object: number, name: string | undefined): EventLoopThread {
  const loop = new EventLoopThread(new LoopInit(name, false), sharing);
  handleOfLoop(loop).adopt(object);
  return loop;
}

registerShared<EventLoopThread>(EVENT_LOOP_THREAD, {
  type: EventLoopThread,
  handleOf: (loop) => handleOfLoop(loop),
  make: (name) => new EventLoopThread(new LoopInit(name, false), sharing),
  ...poolMending,
});

findStartedLoop(() => {
  const { heap, handles } = ownParking();
  const object = ownPool();
  if (heap.words[object + KIND] !== EVENT_LOOP_THREAD) return undefined;
  handles.retain(object);
  return handleTo(object, nameOf(heap, object));
});
