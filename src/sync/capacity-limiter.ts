/** A limit of how many do something at the same time, which may be changed meanwhile. */
import { checkInteger } from '../core/arguments.ts';
import type { Guard } from '../core/guard.ts';
import { CAPACITY_LIMITER } from '../memory/kinds.ts';
import { PERMITS_FREE, PERMITS_MAX } from '../memory/layout.ts';
import { parkingOf } from '../park/own-parking.ts';
import type { WaitOptions } from '../scope/interruptible.ts';
import { type GuardKind, reportAbandoned } from './guard.ts';
import {
  acquirePermits,
  acquirePermitsSync,
  checkNotForItself,
  type PermitGuards,
  type SyncWaitOptions,
  tryPermits,
} from './permit-request.ts';
import { MOST_PERMITS, Permits, reclaimPermits } from './permits.ts';
import { runGuarded, runGuardedSync } from './run.ts';
import { type NameOptions, registerShared, SharedHandle, type Sharing } from './shared-handle.ts';

export interface CapacityLimiterStatistics {
  readonly name?: string;
  readonly total: number;
  /** How many are held by guards. */
  readonly borrowed: number;
  /** How many tasks and threads wait. */
  readonly waiting: number;
}

const SHARING: Sharing<Permits> = {
  kind: CAPACITY_LIMITER,
  what: 'capacity limiter',
  core: (parking, object, record) => new Permits(parking, object, record),
};

let handleOf: (limiter: CapacityLimiter) => SharedHandle<Permits>;
let guards: GuardKind<CapacityLimiter>;

/**
 * A limit of how many tasks and threads do something at the same time, which may be changed while it is in use.
 *
 * Use it for what has a size that one wants to adapt or to look at: how many requests are under way, how many jobs a
 * machine is given. For permits that somebody else gives back, or that are taken several at once, see Semaphore; for
 * exactly one at a time, Lock.
 *
 * - **Scope.** Tasks of any loop and blocked threads, at the same time. Sent to a thread it arrives as a handle of the
 *   same limiter.
 * - **Fairness.** First come, first served; newcomers cannot overtake who waits.
 * - **Changing the total.** A higher one lets the first in the line go on at once. A lower one takes nothing from who
 *   holds some: nobody gets any until fewer than that are borrowed.
 * - **Cancellation.** A wait that times out, is aborted or cancelled leaves no trace. If it was granted in that moment,
 *   it succeeds.
 * - **Death** of a thread or task: what its guards borrowed comes back; with a report, if it was a task.
 * - **Cost.** Two atomic operations to acquire, two to release while nobody waits.
 *
 * @example
 * ```ts
 * import { CapacityLimiter, sleep } from 'heddle';
 *
 * const uploads = new CapacityLimiter(2, { name: 'uploads' });
 *
 * async function upload(): Promise<void> {
 *   using place = await uploads.acquire();
 *   console.log(uploads.borrowed <= uploads.total); // true
 *   await sleep(1);
 * }
 *
 * const all = [upload(), upload(), upload(), upload()];
 * uploads.total = 3;
 * await Promise.all(all);
 * ```
 */
export class CapacityLimiter implements Disposable {
  readonly #handle: SharedHandle<Permits>;
  readonly #guards: PermitGuards<CapacityLimiter>;

  static {
    handleOf = (limiter) => limiter.#handle;
    guards = {
      release: (limiter, borrowed) => limiter.#giveBack(borrowed),
      abandon: (limiter, task, borrowed) => {
        reportAbandoned(task, limiter.#handle.describe());
        limiter.#giveBack(borrowed);
      },
    };
  }

  /**
   * @param total so many may be borrowed at the same time; or `Infinity`.
   * @throws {RangeError} if it is not a positive whole number.
   */
  constructor(total: number, options?: NameOptions) {
    const limit = checkTotal(total);
    this.#handle = new SharedHandle(this, SHARING, options, (words, object) => {
      words[object + PERMITS_FREE] = limit;
      words[object + PERMITS_MAX] = limit;
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

  /** So many may be borrowed at the same time. */
  get total(): number {
    const limit = this.#handle.core.max();
    return limit === MOST_PERMITS ? Infinity : limit;
  }

  /**
   * Changes the limit for all threads, and lets those go on who may now, in order. Lowering it revokes nothing.
   *
   * @throws {RangeError} if it is not a positive whole number or `Infinity`; then nothing has changed.
   */
  set total(total: number) {
    this.#handle.core.limit(checkTotal(total));
  }

  /** How many are held by guards, of all threads: more than `total` after that was lowered. */
  get borrowed(): number {
    return this.#handle.core.held();
  }

  /** How many newcomers could acquire now: 0 while somebody waits. By the time you look, it may have changed. */
  get available(): number {
    const { core } = this.#handle;
    return core.max() === MOST_PERMITS ? Infinity : core.free();
  }

  /**
   * Waits until fewer than `total` are borrowed, and borrows one until the guard is released. On failure nothing has
   * changed.
   *
   * @throws {TimeoutError} after `timeout` milliseconds; with 0, unless it can be had at once.
   */
  acquire(options?: WaitOptions): Promise<Guard> {
    return acquirePermits(this.#guards, 1, options);
  }

  /**
   * Blocks the thread until it can borrow one.
   *
   * @throws {DeadlockError} if only this thread could give one back.
   * @throws {TimeoutError} as `acquire()`.
   */
  acquireSync(options?: SyncWaitOptions): Guard {
    return acquirePermitsSync(this.#guards, 1, options, (timeout) => {
      checkNotForItself(this.#guards, 1);
      this.#handle.checkOthers('acquire', timeout);
    });
  }

  /** Borrows one if that can be done at once; else `undefined`, and nothing has changed. */
  tryAcquire(): Guard | undefined {
    return tryPermits(this.#guards, 1);
  }

  /** Calls `fn` while it has borrowed one, and gives it back when `fn` has ended; gives what `fn` gave. */
  run<R>(fn: () => R | PromiseLike<R>, options?: WaitOptions): Promise<R> {
    return runGuarded(() => this.acquire(options), fn);
  }

  /** Blocks until it has borrowed one, calls `fn`, and gives it back. @throws {TypeError} if `fn` returned a promise. */
  runSync<R>(fn: () => R, options?: SyncWaitOptions): R {
    return runGuardedSync(() => this.acquireSync(options), fn, this.#handle.describe());
  }

  /** Read from shared memory, whatever any loop is doing. */
  statistics(): CapacityLimiterStatistics {
    const { core, name } = this.#handle;
    return {
      ...(name !== undefined && { name }),
      total: this.total,
      borrowed: core.held(),
      waiting: core.queue.count(),
    };
  }

  /** Gives up this handle: it cannot be used any more. Guards and waits of it go on. */
  [Symbol.dispose](): void {
    this.#handle.dispose();
  }

  #giveBack(borrowed: number): void {
    this.#handle.coreInUse.giveBack(borrowed);
    this.#handle.unuse();
  }
}

/** As many as there are permits for it. */
function checkTotal(total: unknown): number {
  const checked = checkInteger(total, 'total', { min: 1, max: MOST_PERMITS - 1, infinite: true });
  return Math.min(checked, MOST_PERMITS);
}

registerShared(CAPACITY_LIMITER, {
  type: CapacityLimiter,
  handleOf: (limiter: CapacityLimiter) => handleOf(limiter),
  make: (name) => new CapacityLimiter(1, { name }),
  recover: (heap, object) => new Permits(parkingOf(heap), object, 0).recover(),
  reclaim: reclaimPermits,
});
