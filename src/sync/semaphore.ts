/** Permits that tasks and threads take and give back. */
import { checkInteger, checkOptions } from '../core/arguments.ts';
import type { Guard } from '../core/guard.ts';
import { SEMAPHORE } from '../memory/kinds.ts';
import { PERMITS_FREE, PERMITS_MAX } from '../memory/layout.ts';
import { parkingOf } from '../park/own-parking.ts';
import { checkWait, rejection, throwIfEnded, waitSync } from '../park/wait.ts';
import type { WaitOptions } from '../scope/interruptible.ts';
import { type GuardKind, reportAbandoned } from './guard.ts';
import {
  acquirePermits,
  acquirePermitsSync,
  checkNotForItself,
  type PermitGuards,
  PermitRequest,
  type SyncWaitOptions,
  takeForGood,
  tryPermits,
} from './permit-request.ts';
import { MOST_PERMITS, Permits, reclaimPermits } from './permits.ts';
import { runGuarded, runGuardedSync } from './run.ts';
import { type NameOptions, registerShared, SharedHandle, type Sharing } from './shared-handle.ts';

export interface SemaphoreOptions extends NameOptions {
  /** There are never more permits than that, free and held by guards together. By default no limit. */
  readonly max?: number | undefined;
}

export interface PermitOptions {
  /** How many are taken, all at once. By default 1. */
  readonly permits?: number | undefined;
}

export interface SemaphoreStatistics {
  readonly name?: string;
  /** What a newcomer could take. */
  readonly value: number;
  /** How many tasks and threads wait. */
  readonly waiting: number;
}

const SHARING: Sharing<Permits> = {
  kind: SEMAPHORE,
  what: 'semaphore',
  core: (parking, object, record) => new Permits(parking, object, record),
};

let handleOf: (semaphore: Semaphore) => SharedHandle<Permits>;
let guards: GuardKind<Semaphore>;

/**
 * A number of permits: whoever has one goes on, the others wait.
 *
 * Use it to bound how many do something at the same time, over all loops and threads; or, with `take` and `release`, to
 * count what has been made and not yet been used. For exactly one at a time, see Lock, which is faster. For a limit that
 * changes while it is in use, see CapacityLimiter.
 *
 * - **Scope.** Tasks of any loop and blocked threads, at the same time. Sent to a thread it arrives as a handle of the
 *   same semaphore.
 * - **Fairness.** First come, first served: the permits of a release go to the first in the line, and wait for it to have
 *   enough, even if a later one wants fewer. Newcomers cannot overtake.
 * - **Cancellation.** A wait that times out, is aborted or cancelled leaves no trace. If it was granted in that moment,
 *   it succeeds.
 * - **Death** of a thread or task: the permits of its guards come back; with a report, if it was a task. Those it took for
 *   good (`take`) do not.
 * - **Cost.** Two atomic operations to acquire, two to release while nobody waits.
 *
 * @example
 * ```ts
 * import { Semaphore, sleep } from 'heddle';
 *
 * const connections = new Semaphore(2);
 * let open = 0;
 *
 * async function query(): Promise<void> {
 *   using permit = await connections.acquire();
 *   open++;
 *   console.log(open <= 2); // true
 *   await sleep(1);
 *   open--;
 * }
 *
 * await Promise.all([query(), query(), query()]);
 * ```
 */
export class Semaphore implements Disposable {
  readonly #handle: SharedHandle<Permits>;
  readonly #guards: PermitGuards<Semaphore>;

  static {
    handleOf = (semaphore) => semaphore.#handle;
    guards = {
      release: (semaphore, permits) => semaphore.#giveBack(permits),
      abandon: (semaphore, task, permits) => {
        reportAbandoned(task, semaphore.#handle.describe());
        semaphore.#giveBack(permits);
      },
    };
  }

  /**
   * @param value so many permits are free at first.
   * @throws {RangeError} if it is negative, or more than `max`.
   */
  constructor(value: number = 1, options?: SemaphoreOptions) {
    const { max = MOST_PERMITS } = checkOptions(options);
    const most = checkInteger(max, 'max', { min: 1, max: MOST_PERMITS });
    checkInteger(value, 'value', { min: 0, max: most });
    this.#handle = new SharedHandle(this, SHARING, options, (words, object) => {
      words[object + PERMITS_FREE] = value;
      words[object + PERMITS_MAX] = most;
    });
    this.#guards = {
      handle: this.#handle,
      of: this,
      kind: guards,
      action: 'acquire',
      hold: (guard, taken) => {
        this.#handle.use();
        guard.hold(taken);
        return guard;
      },
    };
  }

  get name(): string | undefined {
    return this.#handle.name;
  }

  /** How many a newcomer could take now: 0 while somebody waits. By the time you look, it may have changed. */
  get value(): number {
    return this.#handle.core.free();
  }

  /**
   * Waits for `permits`, and takes them until the guard is released.
   *
   * @throws {RangeError} if there can never be so many.
   * @throws {TimeoutError} after `timeout` milliseconds; with 0, unless they can be had at once.
   */
  acquire(options?: WaitOptions & PermitOptions): Promise<Guard> {
    try {
      return acquirePermits(this.#guards, this.#wanted(options), options);
    } catch (error) {
      return rejection(error);
    }
  }

  /**
   * Blocks the thread until it has `permits`.
   *
   * @throws {DeadlockError} if only this thread could release them.
   * @throws {RangeError} {TimeoutError} as `acquire()`.
   */
  acquireSync(options?: SyncWaitOptions & PermitOptions): Guard {
    const wanted = this.#wanted(options);
    return acquirePermitsSync(this.#guards, wanted, options, (timeout) =>
      this.#checkBlocking(wanted, timeout),
    );
  }

  /** Takes `permits` if they can be had at once; else `undefined`. */
  tryAcquire(options?: PermitOptions): Guard | undefined {
    return tryPermits(this.#guards, this.#wanted(options));
  }

  /** Waits for `permits` and takes them for good: nobody gives them back but by `release(n)`. For signalling. */
  take(options?: WaitOptions & PermitOptions): Promise<void> {
    try {
      return takeForGood(this.#handle, this.#wanted(options), options);
    } catch (error) {
      return rejection(error);
    }
  }

  /** Blocks the thread until it has taken `permits` for good. */
  takeSync(options?: SyncWaitOptions & PermitOptions): void {
    const wanted = this.#wanted(options);
    const { timeout } = checkWait(options);
    throwIfEnded();
    if (this.#handle.core.take(wanted, false) !== 0) return;
    if (timeout > 0) this.#checkBlocking(wanted, timeout);
    waitSync(new PermitRequest(this.#handle, wanted, false, 'take from'), timeout);
  }

  /** Takes `permits` for good if they can be had at once. */
  tryTake(options?: PermitOptions): boolean {
    return this.#handle.core.take(this.#wanted(options), false) !== 0;
  }

  /**
   * Adds `n` permits, whoever took any: no guard is needed.
   *
   * @throws {RangeError} if there would be more than `max`; then nothing has changed.
   */
  release(n: number = 1): void {
    checkInteger(n, 'n', { min: 1, max: MOST_PERMITS });
    if (this.#handle.core.add(n)) return;
    throw new RangeError(
      `Cannot release ${n} to ${this.#handle.describe()}: there would be more than its max of ${this.#handle.core.max()} permits`,
    );
  }

  /** Calls `fn` while it has `permits`, and gives them back when `fn` has ended; gives what `fn` gave. */
  run<R>(fn: () => R | PromiseLike<R>, options?: WaitOptions & PermitOptions): Promise<R> {
    return runGuarded(() => this.acquire(options), fn);
  }

  /** Blocks until it has `permits`, calls `fn`, and gives them back. @throws {TypeError} if `fn` returned a promise. */
  runSync<R>(fn: () => R, options?: SyncWaitOptions & PermitOptions): R {
    return runGuardedSync(() => this.acquireSync(options), fn, this.#handle.describe());
  }

  /** Read from shared memory, whatever any loop is doing. */
  statistics(): SemaphoreStatistics {
    const { core, name } = this.#handle;
    return { ...(name !== undefined && { name }), value: core.free(), waiting: core.queue.count() };
  }

  /** Gives up this handle: it cannot be used any more. Guards and waits of it go on. */
  [Symbol.dispose](): void {
    this.#handle.dispose();
  }

  #wanted(options: PermitOptions | undefined): number {
    const { permits = 1 } = checkOptions(options);
    return checkInteger(permits, 'permits', { min: 1, max: this.#handle.core.max() });
  }

  #giveBack(permits: number): void {
    this.#handle.coreInUse.giveBack(permits);
    this.#handle.unuse();
  }

  #checkBlocking(wanted: number, timeout: number): void {
    checkNotForItself(this.#guards, wanted);
    this.#handle.checkOthers('acquire', timeout);
  }
}

registerShared(SEMAPHORE, {
  type: Semaphore,
  handleOf: (semaphore: Semaphore) => handleOf(semaphore),
  make: (name) => new Semaphore(1, { name }),
  recover: (heap, object) => new Permits(parkingOf(heap), object, 0).recover(),
  reclaim: reclaimPermits,
});
