/** Waiting, with a lock, for what others do under it. */
import { checkFunction, checkInteger, checkOptions, show } from '../core/arguments.ts';
import { now, nowWhileBlocked } from '../core/clock.ts';
import { DeadlockError, InvalidStateError, NotOwnerError, TimeoutError } from '../core/errors.ts';
import type { Guard } from '../core/guard.ts';
import { dropHold } from '../memory/handles.ts';
import { CONDITION, kindOf, kindOfHandle, LOCK, RLOCK } from '../memory/kinds.ts';
import { CONDITION_LOCK, CONDITION_RECORD, KIND, OBJECT_ID } from '../memory/layout.ts';
import { ownParking, parkingOf } from '../park/own-parking.ts';
import { type CheckedWait, checkWait, rejection, throwIfEnded } from '../park/wait.ts';
import { isThenable } from '../scope/call.ts';
import type { WaitOptions } from '../scope/interruptible.ts';
import { currentScope } from '../scope/scope.ts';
import { containCancellation } from '../scope/waiter.ts';
import { waitNotified, waitNotifiedSync } from './condition-wait.ts';
import { ConditionWord, reclaimNotifications } from './condition-word.ts';
import { HeldGuard } from './guard.ts';
import { Lock } from './lock.ts';
import type { SyncWaitOptions } from './permit-request.ts';
import type { RLock } from './rlock.ts';
import { type NameOptions, registerShared, SharedHandle, type Sharing } from './shared-handle.ts';

export interface ConditionOptions<L extends Lock | RLock = Lock> extends NameOptions {
  /** The lock of what is waited for. By default one of the condition's own. */
  readonly lock?: L | undefined;
}

export interface ConditionStatistics {
  readonly name?: string;
  /** How many tasks and threads wait to be notified. */
  readonly waiting: number;
}

const SHARING: Sharing<ConditionWord> = {
  kind: CONDITION,
  what: 'condition',
  core: (parking, object, record) => {
    const word = new ConditionWord(parking, object, record);
    word.publishHold();
    return word;
  },
};

let handleOf: (condition: Condition<Lock | RLock>) => SharedHandle<ConditionWord>;

/**
 * A lock, and a way to wait until what it protects has become what one needs.
 *
 * Use it where whoever waits must look at state that others change under the same lock: a buffer that has room, a set of
 * jobs that is empty. If a flag says it all, see Event; if things are handed on, see Queue.
 *
 * Whoever has the lock may `wait`: the lock is let go, and taken again once somebody has notified. Then what was waited for
 * may have changed again, so look: `waitFor` does, each time, with the lock held.
 *
 * - **Scope.** Tasks of any loop and blocked threads, at the same time. Sent to a thread it arrives as a handle of the
 *   same condition, with its lock.
 * - **Order.** Notifications go to who has waited longest. A notification is never remembered: if nobody waits it is gone,
 *   and it is not for who begins to wait later. To wait and to let the lock go are one: nothing is missed between.
 * - **The guard.** While its holder waits `guard.released` is true; afterwards the same guard has the lock, also if the wait
 *   failed.
 * - **Cancellation.** A time-out, a signal and the task's cancellation end the wait for the notification. Then the lock is
 *   taken again, which nothing cuts short but `run({ cleanupTimeout })`; then the wait rejects. A wait that fails though it
 *   was notified (it was cancelled in that moment, or while it took the lock again) passes the notification on to the next.
 * - **Death** of a thread that was notified and has not got the lock: the notification is passed on. Of the owner of the
 *   lock: as with every lock, by an `OwnerDiedError`; its `guard` is the one that has waited.
 * - **Cost.** To wait: a cell, and the lock twice. To notify nobody: one read.
 *
 * @example
 * ```ts
 * import { Condition, TaskGroup } from 'heddle';
 *
 * const changed = new Condition();
 * const buffer: number[] = [];
 *
 * await TaskGroup.run((group) => {
 *   group.spawn(async () => {
 *     using guard = await changed.lock.acquire();
 *     await changed.waitFor(guard, () => buffer.length >= 2);
 *     console.log(buffer); // [ 1, 2 ]
 *   });
 *   group.spawn(async () => {
 *     for (const item of [1, 2]) {
 *       using guard = await changed.lock.acquire();
 *       buffer.push(item);
 *       changed.notify(guard);
 *     }
 *   });
 * });
 * ```
 */
export class Condition<L extends Lock | RLock = Lock> implements Disposable {
  readonly #handle: SharedHandle<ConditionWord>;
  #lock: L | undefined;
  /** Whether this handle has made its handle of the lock. */
  #ownsLock = false;

  static {
    handleOf = (condition) => condition.#handle;
  }

  /** @throws {TypeError} if `lock` is no Lock or RLock, or if a lock is given without `{ lock }` around it. */
  constructor(options?: ConditionOptions<L>) {
    const lock = checkOptions(options).lock;
    if (lock !== undefined) checkLock(lock);
    else if (options !== undefined) checkNoHandle(options);
    this.#lock = lock;
    this.#handle = new SharedHandle(this, SHARING, options, (words, object) => this.#prepare(words, object));
  }

  get name(): string | undefined {
    return this.#handle.name;
  }

  /** The lock: the same object every time. One that the condition has made is given up with the condition. */
  get lock(): L {
    const { core } = this.#handle;
    this.#lock ??= this.#restoreLock(core.lock());
    return this.#lock;
  }

  /**
   * Lets the lock go, waits for a notification, and takes the lock again, all for that guard.
   *
   * @throws {NotOwnerError} if the guard is not one of this lock, or does not have it.
   * @throws {TimeoutError} after `timeout` milliseconds without a notification; the lock is had. With 0, at once.
   * @throws {OwnerDiedError} if the last owner of the lock ended while holding it; the lock is had, by this guard.
   */
  wait(guard: Guard, options?: WaitOptions): Promise<void> {
    try {
      const wait = checkWait(options);
      const held = this.#check(guard, 'wait for');
      throwIfEnded(wait.signal);
      return containCancellation(currentScope(), waitNotified(this.#handle, held, wait));
    } catch (error) {
      return rejection(error);
    }
  }

  /**
   * The same, blocking the thread.
   *
   * @throws {DeadlockError} if no other thread has the condition, and no time-out is given; or if a task of this thread is
   * in the line for the lock: it would get it, and could not run.
   * @throws {NotOwnerError} {TimeoutError} {OwnerDiedError} as `wait()`.
   */
  waitSync(guard: Guard, options?: SyncWaitOptions): void {
    const { timeout } = checkWait(options);
    throwIfEnded();
    this.#block(this.#check(guard, 'wait for'), timeout);
  }

  /**
   * Waits until `predicate`, called with the lock held, gives something truthy, and gives that. It is called at once, after
   * each notification, and a last time when the time is up.
   *
   * @throws {TimeoutError} after `timeout` milliseconds in all, however often it was notified; the lock is had.
   * @throws {TypeError} if `predicate` returns a promise: what that gives need not be true any more.
   * @throws {NotOwnerError} {OwnerDiedError} as `wait()`; and what `predicate` throws.
   */
  waitFor<T>(guard: Guard, predicate: () => T, options?: WaitOptions): Promise<T> {
    try {
      checkFunction(predicate, 'predicate');
      const wait = checkWait(options);
      const held = this.#check(guard, 'wait for');
      throwIfEnded(wait.signal);
      return containCancellation(currentScope(), this.#waitFor(held, predicate, wait));
    } catch (error) {
      return rejection(error);
    }
  }

  /** The same, blocking the thread. @throws {DeadlockError} as `waitSync()`, once it would wait. */
  waitForSync<T>(guard: Guard, predicate: () => T, options?: SyncWaitOptions): T {
    checkFunction(predicate, 'predicate');
    const { timeout } = checkWait(options);
    const held = this.#check(guard, 'wait for');
    throwIfEnded();
    const deadline = nowWhileBlocked() + timeout;
    this.#handle.use();
    try {
      for (;;) {
        const value = this.#look(predicate);
        if (value) return value;
        const left = this.#timeLeft(held, deadline - nowWhileBlocked(), timeout);
        try {
          this.#block(held, left);
        } catch (error) {
          if (!(error instanceof TimeoutError)) throw error;
        }
      }
    } finally {
      this.#handle.unuse();
    }
  }

  /**
   * Notifies the first `n` who wait, or all if they are fewer. They go on once they have the lock, so not before the guard
   * is released.
   *
   * @throws {NotOwnerError} if the guard is not one of this lock, or does not have it.
   * @throws {RangeError} if `n` is not a whole number of at least 1.
   */
  notify(guard: Guard, n: number = 1): void {
    this.#check(guard, 'notify');
    checkInteger(n, 'n', { min: 1 });
    this.#handle.core.notify(n);
  }

  /** Notifies all who wait. @throws {NotOwnerError} as `notify()`. */
  notifyAll(guard: Guard): void {
    this.#check(guard, 'notify');
    this.#handle.core.notify(Infinity);
  }

  /** Read from shared memory, whatever any loop is doing. */
  statistics(): ConditionStatistics {
    const { core, name } = this.#handle;
    return { ...(name !== undefined && { name }), waiting: core.queue.count() };
  }

  /** Gives up this handle, with its lock if it has made that: it cannot be used any more. Waits of it go on. */
  [Symbol.dispose](): void {
    this.#handle.dispose();
    if (this.#ownsLock) this.#lock?.[Symbol.dispose]();
  }

  async #waitFor<T>(held: HeldGuard<object>, predicate: () => T, wait: CheckedWait): Promise<T> {
    const deadline = now() + wait.timeout;
    this.#handle.use();
    try {
      for (;;) {
        const value = this.#look(predicate);
        if (value) return value;
        throwIfEnded(wait.signal);
        const timeout = this.#timeLeft(held, deadline - now(), wait.timeout);
        try {
          await waitNotified(this.#handle, held, { ...wait, timeout });
        } catch (error) {
          if (!(error instanceof TimeoutError) || error === wait.signal?.reason) throw error;
        }
      }
    } finally {
      this.#handle.unuse();
    }
  }

  #look<T>(predicate: () => T): T {
    const value = predicate();
    if (!isThenable(value)) return value;
    throw new TypeError(
      `Cannot wait for ${this.#handle.describe()}: predicate returned a promise; what it gives need not be true any more by then`,
    );
  }

  /** How long the next wait may be: what is `left`. @throws TimeoutError if the time is up. */
  #timeLeft(held: HeldGuard<object>, left: number, timeout: number): number {
    // The predicate may have released it.
    this.#check(held, 'wait for', this.#handle.coreInUse);
    if (left > 0) return left;
    throw new TimeoutError(
      `Cannot wait for ${this.#handle.describe()}: ${timeout} ms have passed, and the predicate does not hold`,
    );
  }

  #block(held: HeldGuard<object>, timeout: number): void {
    const { object, parking } = held.lockWord!;
    this.#handle.checkOthers('wait for', timeout);
    if (timeout > 0 && parking.waitsFor(object)) {
      throw new DeadlockError(
        `Cannot wait for ${this.#handle.describe()}: a task of this thread is in the line for its lock, would get it, and could not run`,
      );
    }
    waitNotifiedSync(this.#handle, held, timeout);
  }

  /** @throws TypeError, NotOwnerError if it is not a guard that has the condition's lock. */
  #check(
    guard: unknown,
    action: 'wait for' | 'notify',
    core: ConditionWord = this.#handle.core,
  ): HeldGuard<object> {
    if (!(guard instanceof HeldGuard))
      throw new TypeError(`guard must be a guard of the condition's lock, received ${show(guard)}`);
    const fault = faultOf(guard, core.lock());
    if (fault !== undefined) throw new NotOwnerError(`Cannot ${action} ${this.#handle.describe()}: ${fault}`);
    const obstacle = action === 'wait for' ? guard.obstacle : undefined;
    if (obstacle !== undefined)
      throw new InvalidStateError(`Cannot wait for ${this.#handle.describe()}: ${obstacle}`);
    return guard;
  }

  /** Makes the condition hold its lock, which enters the shared memory. */
  #prepare(words: Int32Array, object: number): void {
    if (this.#lock === undefined) {
      this.#lock = new Lock({ name: this.name }) as L;
      this.#ownsLock = true;
    }
    const lock = kindOfHandle(this.#lock)!.kind.enter(this.#lock);
    words[object + CONDITION_RECORD] = ownParking().handles.holdForObject(lock);
    words[object + CONDITION_LOCK] = lock;
  }

  #restoreLock(lock: number): L {
    const { handles, heap } = ownParking();
    // It is there: the condition holds it.
    handles.open(lock, OBJECT_ID, heap.words[lock + OBJECT_ID]!);
    this.#ownsLock = true;
    return kindOf(heap.words[lock + KIND]!)!.restore(lock) as L;
  }
}

function checkLock(value: unknown): void {
  const number = typeof value === 'object' && value !== null ? kindOfHandle(value)?.number : undefined;
  if (number !== LOCK && number !== RLOCK)
    throw new TypeError(`lock must be a Lock or an RLock, received ${show(value)}`);
}

/** A lock given in place of the options would be none of the condition's. */
function checkNoHandle(options: object): void {
  if (kindOfHandle(options) === undefined) return;
  throw new TypeError(`options must be an object such as { lock }, received ${show(options)}`);
}

function faultOf(guard: HeldGuard<object>, lock: number): string | undefined {
  if (guard.suspended) return 'the guard is without its lock, for its holder waits already';
  if (guard.released) return 'the guard was released; acquire the lock first';
  if (guard.lockWord?.object !== lock)
    return 'the guard is of something else; acquire its lock, `condition.lock`';
  return undefined;
}

registerShared<Condition<Lock | RLock>>(CONDITION, {
  type: Condition,
  handleOf: (condition) => handleOf(condition),
  make: (name) => new Condition({ name }),
  recover: (heap, object) => new ConditionWord(parkingOf(heap), object, 0).recover(),
  reclaim: reclaimNotifications,
  free: (heap, object) => dropHold(heap, object, CONDITION_RECORD),
});
