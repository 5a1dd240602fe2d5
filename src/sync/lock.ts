/** Mutual exclusion, for tasks and threads alike. */
import { checkFunction, checkName, checkOptions } from '../core/arguments.ts';
import { DeadlockError, InvalidStateError, OwnerDiedError } from '../core/errors.ts';
import type { Guard } from '../core/guard.ts';
import { nameOf } from '../memory/handles.ts';
import { ownHeap } from '../memory/heap.ts';
import { LOCK, registerKind } from '../memory/kinds.ts';
import { LISTS, LOCK_WORD } from '../memory/layout.ts';
import { trackHandle, untrackHandle } from '../park/own-handles.ts';
import { ownParking, parkingOf } from '../park/own-parking.ts';
import { granted, isRoundOver } from '../park/turn.ts';
import { checkWait, rejection, throwIfEnded, waitAsync, waitSync } from '../park/wait.ts';
import { report } from '../platform/report.ts';
import { StackProbe } from '../platform/stack.ts';
import { isThenable } from '../scope/call.ts';
import type { WaitOptions } from '../scope/interruptible.ts';
import { currentScope } from '../scope/scope.ts';
import { type GuardKind, HeldGuard } from './guard.ts';
import { AFTER_DEATH, LockWord, type Taken, WHOLE } from './lock-word.ts';

const stack = new StackProbe();

export interface LockStatistics {
  readonly name?: string;
  readonly locked: boolean;
  /** How many wait for it, tasks and threads. */
  readonly waiting: number;
}

let guards: GuardKind<Lock>;
/** The address of a lock, which enters the shared memory for it. */
let addressOf: (lock: Lock) => number;
/** Makes a handle of a lock that another thread has sent. */
let restoreLock: (object: number) => Lock;

/**
 * A lock that one task or thread has at a time.
 *
 * Use it where several waits in a row must not be interleaved with those of others, or where threads change the same
 * shared memory. Between two awaits nothing interrupts a task of one loop: there it is not needed. For a limited number
 * rather than one, see Semaphore; for readers and a writer, RWLock.
 *
 * - **Scope.** Tasks of any loop and blocked threads, at the same time, on the same lock. Sent to a thread (as an
 *   argument, a result, inside an object) it arrives as a handle of the same lock.
 * - **Ownership.** The guard belongs to its thread, and to the task that got it, unless it is kept (`guard.keep()`). Not
 *   re-entrant: a task that acquires it twice waits for itself; a thread that does is told by a `DeadlockError`.
 * - **Fairness.** Who waits is served first come, first served, tasks and threads in one line; the lock is handed to the
 *   first, and newcomers cannot overtake. A newcomer that finds the lock free takes it.
 * - **Cancellation.** A wait that times out, is aborted or cancelled leaves no trace. If it was granted in that moment,
 *   it succeeds.
 * - **Death** of the owner, thread or task: the next to acquire gets an `OwnerDiedError` whose `guard` has the lock, so
 *   that what it protects can be mended. Death of one who waits changes nothing for the others.
 * - **Cost.** Until it is first contended or sent, a plain object. Then one compare-and-swap to acquire and one to
 *   release while nobody waits; a wake-up of one thread if somebody does.
 *
 * @example
 * ```ts
 * import { Lock, sleep } from 'heddle';
 *
 * const lock = new Lock({ name: 'balance' });
 * let balance = 100;
 *
 * async function spend(amount: number): Promise<void> {
 *   await lock.run(async () => {
 *     const before = balance;
 *     await sleep(1);
 *     balance = before - amount;
 *   });
 * }
 *
 * await Promise.all([spend(30), spend(30)]);
 * console.log(balance); // 40
 * ```
 */
// A lock begins as a plain object of its thread. It enters the shared memory (`#enter`) when somebody else must see it:
// another thread, or a second task that waits. Before that, nobody waits, and `#held` is all there is to know.
export class Lock implements Disposable {
  readonly name: string | undefined;
  /** Once it has entered the shared memory. */
  #word: LockWord | undefined;
  /** Whether a guard of this very handle has the lock. */
  #held = false;
  #disposed = false;

  static {
    guards = {
      release: (lock) => lock.#release(),
      abandon: (lock, task) => lock.#abandon(task),
      conditions: {
        word: (lock) => lock.#word ?? lock.#makeWord(),
        suspend: (lock) => lock.#suspend(),
        resume: (lock, guard, taken) => lock.#resume(guard, taken),
        drop: (lock) => lock.#word!.end(),
      },
    };
    addressOf = (lock) => {
      if (lock.#disposed) throw new InvalidStateError(`Cannot send ${lock.#describe()}: it was disposed`);
      return lock.#enter().object;
    };
    restoreLock = (object) => {
      const lock = new Lock({ name: nameOf(ownHeap(), object) });
      lock.#adopt(object);
      return lock;
    };
  }

  constructor(options?: { readonly name?: string | undefined }) {
    this.name = options === undefined ? undefined : checkName(checkOptions(options).name);
  }

  /** Whether anybody has it. By the time you look, it may have changed. */
  get locked(): boolean {
    return this.#word === undefined ? this.#held : !this.#word.isThere();
  }

  /**
   * Waits until the lock can be had, and takes it. On failure the lock is as if nobody had asked.
   *
   * @throws {TimeoutError} after `timeout` milliseconds; with 0, unless the lock is free.
   * @throws {OwnerDiedError} if the last owner ended while it held the lock; the lock is had, by the error's `guard`.
   */
  acquire(options?: WaitOptions): Promise<Guard> {
    try {
      const wait = checkWait(options);
      throwIfEnded(wait.signal);
      if (isRoundOver()) stack.probe();
      const guard = new HeldGuard(guards, this, currentScope());
      const taken = this.#attempt();
      if (taken !== undefined) return granted(this.#hold(guard, taken));
      return waitAsync(this.#enter(), wait, (got, scope) =>
        this.#hold(new HeldGuard(guards, this, scope), got),
      );
    } catch (error) {
      return rejection(error);
    }
  }

  /**
   * Blocks the thread until the lock can be had, and takes it. On failure the lock is as if nobody had asked.
   *
   * @throws {DeadlockError} if only this thread could release it, for it has the lock, or a task of its loop is before
   * it in the line.
   * @throws {TimeoutError} after `timeout` milliseconds; with 0, unless the lock is free.
   * @throws {OwnerDiedError} as `acquire()`.
   */
  acquireSync(options?: { readonly timeout?: number | undefined }): Guard {
    const { timeout } = checkWait(options);
    throwIfEnded();
    const guard = new HeldGuard(guards, this, currentScope());
    return this.#hold(guard, this.#attempt() ?? this.#block(timeout));
  }

  /**
   * Takes the lock if it is free; `undefined`, and nothing has changed, if it is not.
   *
   * @throws {OwnerDiedError} as `acquire()`.
   */
  tryAcquire(): Guard | undefined {
    const guard = new HeldGuard(guards, this, currentScope());
    const taken = this.#attempt();
    return taken === undefined ? undefined : this.#hold(guard, taken);
  }

  /** Calls `fn` while it has the lock, and releases it when `fn` has ended; gives what `fn` gave. */
  async run<R>(fn: () => R | PromiseLike<R>, options?: WaitOptions): Promise<R> {
    checkFunction(fn, 'fn');
    const guard = await this.acquire(options);
    try {
      return await fn();
    } finally {
      guard[Symbol.dispose]();
    }
  }

  /**
   * Blocks until it has the lock, calls `fn`, and releases it; gives what `fn` gave.
   *
   * @throws {TypeError} if `fn` returned a promise: it would go on without the lock.
   */
  runSync<R>(fn: () => R, options?: { readonly timeout?: number | undefined }): R {
    checkFunction(fn, 'fn');
    // The lock must be released again here.
    stack.probe();
    const guard = this.acquireSync(options);
    try {
      const result = fn();
      if (!isThenable(result)) return result;
      throw new TypeError(
        `Cannot run with ${this.#describe()}: fn returned a promise, and the lock would be released before it settles; use run()`,
      );
    } finally {
      guard[Symbol.dispose]();
    }
  }

  /** Read from shared memory, whatever any loop is doing. */
  statistics(): LockStatistics {
    return {
      ...(this.name !== undefined && { name: this.name }),
      locked: this.locked,
      waiting: this.#word?.queue.count() ?? 0,
    };
  }

  /**
   * Gives up this handle: it cannot be used any more. The memory is freed at once if it was the last of all threads,
   * and nothing happens to a lock that others use. Who has the lock by this handle or waits for it goes on; the handle
   * is given up when the guard is released.
   */
  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#dropIfDisposed();
  }

  #release(): void {
    // Before it is released: the next may be a task of this thread, by this very handle.
    this.#held = false;
    this.#word?.release();
    this.#dropIfDisposed();
  }

  #abandon(task: string): void {
    report(
      'HEDDLE_ABANDONED_GUARD',
      `Task "${task}" has ended while it held ${this.#describe()}: release the guard, or keep() it`,
    );
    // Disposed and never seen by anybody else: nobody can learn of it any more.
    const word = this.#word ?? (this.#disposed ? undefined : this.#enter());
    this.#held = false;
    word?.abandon();
    this.#dropIfDisposed();
  }

  #describe(): string {
    return this.name === undefined ? 'lock' : `lock "${this.name}"`;
  }

  #attempt(): Taken | undefined {
    if (this.#disposed) throw new InvalidStateError(`Cannot acquire ${this.#describe()}: it was disposed`);
    if (this.#word !== undefined) return this.#word.attempt();
    return this.#held ? undefined : WHOLE;
  }

  /** The lock is let go, and the handle goes on being used. */
  #suspend(): void {
    this.#word!.begin();
    this.#held = false;
    this.#word!.release(true);
  }

  #resume(guard: Guard, taken: Taken): void {
    this.#held = true;
    this.#word!.end();
    if (taken === AFTER_DEATH) throw this.#afterDeath(guard);
  }

  // The guard is made before the lock is taken: if the stack does not suffice, nothing has happened.
  #hold(guard: HeldGuard<Lock>, taken: Taken): Guard {
    this.#held = true;
    guard.hold();
    if (taken === AFTER_DEATH) throw this.#afterDeath(guard);
    return guard;
  }

  #afterDeath(guard: Guard): OwnerDiedError {
    return new OwnerDiedError(
      `Cannot acquire ${this.#describe()}: ${this.#word!.whoDied()} ended while holding it; mend what it protects, then release error.guard`,
      guard,
    );
  }

  #block(timeout: number): Taken {
    const word = this.#enter();
    if (word.isMine()) {
      throw new DeadlockError(
        `Cannot acquire ${this.#describe()}: this thread has it, and would wait for itself`,
      );
    }
    if (word.parking.waitsFor(word.object)) {
      throw new DeadlockError(
        `Cannot acquire ${this.#describe()}: a task of this thread is before it in the line, and could not run`,
      );
    }
    return waitSync(word, timeout);
  }

  #enter(): LockWord {
    if (this.#word !== undefined) return this.#word;
    if (this.#disposed) throw new InvalidStateError(`Cannot use ${this.#describe()}: it was disposed`);
    return this.#makeWord();
  }

  #makeWord(): LockWord {
    const { handles, heap } = ownParking();
    const object = handles.create(LOCK, this.name, (address) => {
      heap.words[address + LOCK_WORD] = this.#held ? heap.token : 0;
    });
    return this.#adopt(object);
  }

  #adopt(object: number): LockWord {
    this.#word = new LockWord(ownParking(), object, this.#describe(), () => this.#dropIfDisposed());
    trackHandle(this, object);
    return this.#word;
  }

  /** Once it was disposed, and nobody has the lock or waits for it by this handle. */
  #dropIfDisposed(): void {
    if (!this.#disposed || this.#held || this.#word === undefined || this.#word.waits > 0) return;
    untrackHandle(this, this.#word.object);
  }
}

registerKind(LOCK, {
  type: Lock,
  lists: [LISTS],
  recover: (heap, object) => new LockWord(parkingOf(heap), object, 'lock').recover(),
  enter: (lock) => addressOf(lock as Lock),
  another: (lock) => {
    const object = addressOf(lock as Lock);
    ownParking().handles.retain(object);
    return restoreLock(object);
  },
  restore: (object) => restoreLock(object),
});
