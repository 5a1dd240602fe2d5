/** A lock of many readers or one writer. */
import { OwnerDiedError } from '../core/errors.ts';
import type { Guard } from '../core/guard.ts';
import { RWLOCK } from '../memory/kinds.ts';
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
import { Permits, reclaimPermits } from './permits.ts';
import { runGuarded, runGuardedSync } from './run.ts';
import { type NameOptions, registerShared, SharedHandle, type Sharing } from './shared-handle.ts';

export interface RWLockStatistics {
  readonly name?: string;
  /** How many read. */
  readonly readers: number;
  /** Whether somebody writes. */
  readonly writing: boolean;
  /** How many tasks and threads wait, to read or to write. */
  readonly waiting: number;
}

/** One side of an `RWLock`: a function that waits for a guard, with what runs a function under one. */
export interface RWLockSide {
  /**
   * Waits until the lock can be had so, and takes it. On failure the lock is as if nobody had asked.
   *
   * @throws {TimeoutError} after `timeout` milliseconds; with 0, unless it can be had at once.
   * @throws {OwnerDiedError} if the last writer ended while it wrote; the lock is had for writing, by the error's `guard`.
   */
  (options?: WaitOptions): Promise<Guard>;
  /** Calls `fn` while it has the lock so, and releases it when `fn` has ended; gives what `fn` gave. */
  run<R>(fn: () => R | PromiseLike<R>, options?: WaitOptions): Promise<R>;
  /** Blocks until it has the lock so, calls `fn`, and releases it. @throws {TypeError} if `fn` returned a promise. */
  runSync<R>(fn: () => R, options?: SyncWaitOptions): R;
}

/** A writer takes all permits, a reader one. There are never so many readers. */
const ALL = 2 ** 24;
const ONE = 1;

const SHARING: Sharing<Permits> = {
  kind: RWLOCK,
  what: 'rwlock',
  core: (parking, object, record) => new Permits(parking, object, record),
};

let handleOf: (lock: RWLock) => SharedHandle<Permits>;
let guards: GuardKind<RWLock>;

/**
 * A lock that many have at a time to read, or one to write.
 *
 * Use it where threads read the same shared memory often and for long, and seldom write it. For short work a Lock is
 * faster, for it is simpler.
 *
 * - **Scope.** Tasks of any loop and blocked threads, at the same time. Sent to a thread it arrives as a handle of the
 *   same lock.
 * - **Ownership.** A guard belongs to its thread, and to the task that got it, unless it is kept. Not re-entrant, and a
 *   reader cannot become a writer: who reads and waits to write waits for itself. A thread that does so is told by a
 *   `DeadlockError`.
 * - **Fairness.** One line, in order of arrival: readers that stand side by side read together, and whoever comes after
 *   a writer that waits stands behind it. So neither readers nor writers starve.
 * - **Cancellation.** A wait that times out, is aborted or cancelled leaves no trace. If it was granted in that moment,
 *   it succeeds.
 * - **Death** of a writer, thread or task: the next to acquire, a reader too, gets an `OwnerDiedError` whose `guard` has
 *   the lock for writing, so that what it protects can be mended. A reader that died counts no more.
 * - **Cost.** Two atomic operations to acquire, two to release while nobody waits.
 *
 * @example
 * ```ts
 * import { RWLock } from 'heddle';
 *
 * const lock = new RWLock({ name: 'prices' });
 * const prices = new Float64Array(new SharedArrayBuffer(80));
 *
 * await lock.write.run(() => prices.fill(2));
 * const sum = await lock.read.run(() => prices.reduce((a, b) => a + b));
 * console.log(sum); // 20
 *
 * {
 *   using guard = await lock.read();
 *   console.log(lock.tryRead() !== undefined, lock.tryWrite() !== undefined); // true false
 * }
 * ```
 */
export class RWLock implements Disposable {
  readonly #handle: SharedHandle<Permits>;
  readonly #reading: PermitGuards<RWLock>;
  readonly #writing: PermitGuards<RWLock>;
  #read: RWLockSide | undefined;
  #write: RWLockSide | undefined;

  static {
    handleOf = (lock) => lock.#handle;
    guards = {
      release: (lock, permits) => lock.#release(permits),
      abandon: (lock, task, permits) => lock.#abandon(task, permits),
    };
  }

  constructor(options?: NameOptions) {
    this.#handle = new SharedHandle(this, SHARING, options, (words, object) => {
      words[object + PERMITS_FREE] = ALL;
      words[object + PERMITS_MAX] = ALL;
    });
    const handle = this.#handle;
    const hold = this.#hold;
    this.#reading = { handle, of: this, kind: guards, action: 'read', hold };
    this.#writing = { handle, of: this, kind: guards, action: 'write', hold };
  }

  get name(): string | undefined {
    return this.#handle.name;
  }

  /** Waits until nobody writes and no writer stands before it, and reads until the guard is released. */
  get read(): RWLockSide {
    this.#read ??= this.#side(this.#reading, ONE);
    return this.#read;
  }

  /** Waits until nobody else reads or writes, and writes until the guard is released. */
  get write(): RWLockSide {
    this.#write ??= this.#side(this.#writing, ALL);
    return this.#write;
  }

  /**
   * Blocks the thread until it reads.
   *
   * @throws {DeadlockError} if it would wait for itself: it writes; or it reads, or a task of its loop stands in the
   * line, and a writer that waits for that is before it.
   * @throws {TimeoutError} {OwnerDiedError} as `read()`.
   */
  readSync(options?: SyncWaitOptions): Guard {
    return this.#block(this.#reading, ONE, options);
  }

  /**
   * Blocks the thread until it writes.
   *
   * @throws {DeadlockError} if it would wait for itself: it reads or writes, or a task of its loop is before it in the line.
   * @throws {TimeoutError} {OwnerDiedError} as `write()`.
   */
  writeSync(options?: SyncWaitOptions): Guard {
    return this.#block(this.#writing, ALL, options);
  }

  /**
   * Reads, if nobody writes or waits to; else `undefined`, and nothing has changed.
   *
   * @throws {OwnerDiedError} as `read()`.
   */
  tryRead(): Guard | undefined {
    return tryPermits(this.#reading, ONE);
  }

  /**
   * Writes, if nobody reads or writes; else `undefined`, and nothing has changed.
   *
   * @throws {OwnerDiedError} as `write()`.
   */
  tryWrite(): Guard | undefined {
    return tryPermits(this.#writing, ALL);
  }

  /** Read from shared memory, whatever any loop is doing. */
  statistics(): RWLockStatistics {
    const { core, name } = this.#handle;
    const held = core.held();
    return {
      ...(name !== undefined && { name }),
      readers: held === ALL ? 0 : held,
      writing: held === ALL,
      waiting: core.queue.count(),
    };
  }

  /** Gives up this handle: it cannot be used any more. Guards and waits of it go on. */
  [Symbol.dispose](): void {
    this.#handle.dispose();
  }

  #side(access: PermitGuards<RWLock>, permits: number): RWLockSide {
    const acquire = (options?: WaitOptions): Promise<Guard> => acquirePermits(access, permits, options);
    return Object.assign(acquire, {
      run: <R>(fn: () => R | PromiseLike<R>, options?: WaitOptions): Promise<R> =>
        runGuarded(() => acquire(options), fn),
      runSync: <R>(fn: () => R, options?: SyncWaitOptions): R =>
        runGuardedSync(() => this.#block(access, permits, options), fn, this.#handle.describe()),
    });
  }

  #block(access: PermitGuards<RWLock>, permits: number, options: SyncWaitOptions | undefined): Guard {
    return acquirePermitsSync(access, permits, options, (timeout) => {
      checkNotForItself(access, permits);
      this.#handle.checkOthers(access.action, timeout);
    });
  }

  readonly #hold: PermitGuards<RWLock>['hold'] = (guard, taken) => {
    this.#handle.use();
    guard.hold(Math.abs(taken));
    if (taken > 0) return guard;
    throw new OwnerDiedError(
      `Cannot acquire ${this.#handle.describe()}: ${this.#handle.coreInUse.whoDied()} ended while writing; mend what it protects, then release error.guard, which has the lock for writing`,
      guard,
    );
  };

  #release(permits: number): void {
    this.#handle.coreInUse.giveBack(permits);
    this.#handle.unuse();
  }

  #abandon(task: string, permits: number): void {
    reportAbandoned(task, this.#handle.describe());
    this.#handle.coreInUse.abandon(permits);
    this.#handle.unuse();
  }
}

registerShared(RWLOCK, {
  type: RWLock,
  handleOf: (lock: RWLock) => handleOf(lock),
  make: (name) => new RWLock({ name }),
  recover: (heap, object) => new Permits(parkingOf(heap), object, 0).recover(),
  reclaim: reclaimPermits,
});
