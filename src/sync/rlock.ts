/** Mutual exclusion that whoever has it may enter again. */
import { checkFunction, checkOptions, show } from '../core/arguments.ts';
import { DeadlockError, NotOwnerError } from '../core/errors.ts';
import type { Guard } from '../core/guard.ts';
import { RLOCK } from '../memory/kinds.ts';
import { parkingOf } from '../park/own-parking.ts';
import type { Parking } from '../park/parking.ts';
import { granted, isRoundOver } from '../park/turn.ts';
import { checkWait, rejection, throwIfEnded, waitAsync, waitSync } from '../park/wait.ts';
import { StackProbe } from '../platform/stack.ts';
import { runBlock } from '../scope/call.ts';
import type { WaitOptions } from '../scope/interruptible.ts';
import { currentScope, type Scope } from '../scope/scope.ts';
import { HeldGuard } from './guard.ts';
import { LevelScope, levelAround } from './level-scope.ts';
import { Hold, holdOf, Level, LevelGuard, levelOf } from './levels.ts';
import type { LockStatistics } from './lock.ts';
import { AFTER_DEATH, LockWord, type Taken } from './lock-word.ts';
import type { SyncWaitOptions } from './permit-request.ts';
import { runGuardedSync } from './run.ts';
import { type NameOptions, registerShared, SharedHandle } from './shared-handle.ts';

const stack = new StackProbe();

export interface WithinOptions {
  /** A guard of this lock, below which the wait is. By default that of the `run()` around, if there is one. */
  readonly within?: Guard | undefined;
}

/** The word, with waits that keep the handle. */
class Word extends LockWord {
  readonly #handle: SharedHandle<LockWord>;

  constructor(parking: Parking, object: number, handle: SharedHandle<LockWord>) {
    super(parking, object, handle.describe());
    this.#handle = handle;
  }

  override begin(): void {
    this.#handle.use();
  }

  override end(): void {
    this.#handle.unuse();
  }
}

let handleOf: (lock: RLock) => SharedHandle<LockWord>;

/**
 * A lock that whoever has it may acquire again.
 *
 * Use it where code that holds the lock calls other code that locks, and the two cannot be taken apart. Lock is simpler
 * and finds more mistakes.
 *
 * - **Blocking forms** (`acquireSync`, `tryAcquire`, `runSync`): the thread that has it has it again at once, whichever of
 *   its tasks got it first, and the lock is free when all guards were released, in whatever order.
 * - **Async forms**: tasks of one thread exclude each other, so having it is not said of a thread, nor of a task, but
 *   of a guard. What `run(fn)` calls, through any awaits, is below the guard of that run, as is `acquire({ within: guard })`:
 *   it has the lock again at once, unless others below the same guard do. Those take turns: two that are run at the same time
 *   by `Promise.all` exclude each other too. Any depth is fine.
 * - Outside of its `run`, and without `within`, `acquire()` waits for whoever has it, a task of the same loop too. Code that a
 *   `run` has left behind without awaiting it is outside.
 * - **Scope, fairness, cancellation** as Lock. Below a guard: first come, first served, among themselves.
 * - **Death** of the thread: as Lock. A task that ends with a guard: the next below the same guard gets the
 *   `OwnerDiedError`; if there is none, whoever acquires next.
 * - **Cost** of acquiring it again: no atomic operation. `run()` opens a scope, as `withTimeout()` does.
 *
 * @example
 * ```ts
 * import { RLock } from 'heddle';
 *
 * const lock = new RLock({ name: 'accounts' });
 * const balances = { a: 100, b: 0 };
 *
 * async function change(account: 'a' | 'b', amount: number): Promise<void> {
 *   await lock.run(async () => {
 *     balances[account] += amount;
 *   });
 * }
 *
 * await lock.run(async () => {
 *   await Promise.all([change('a', -30), change('b', 30)]);
 * });
 * console.log(balances); // { a: 70, b: 30 }
 * ```
 */
export class RLock implements Disposable {
  readonly #handle: SharedHandle<LockWord>;

  static {
    handleOf = (lock) => lock.#handle;
  }

  constructor(options?: NameOptions) {
    const handle: SharedHandle<LockWord> = new SharedHandle(
      this,
      {
        kind: RLOCK,
        what: 'lock',
        core: (parking, object) => new Word(parking, object, handle),
      },
      options,
    );
    this.#handle = handle;
  }

  get name(): string | undefined {
    return this.#handle.name;
  }

  /** Whether anybody has it. By the time you look, it may have changed. */
  get locked(): boolean {
    return !this.#handle.core.isThere();
  }

  /**
   * Waits until the lock can be had, and takes it; below a guard, until nobody else has it there.
   *
   * @throws {NotOwnerError} if `within` is a guard of something else, or was released.
   * @throws {TimeoutError} after `timeout` milliseconds; with 0, unless it can be had at once.
   * @throws {OwnerDiedError} if its last owner ended while holding it; the lock is had, by the error's `guard`.
   */
  acquire(options?: WaitOptions & WithinOptions): Promise<Guard> {
    return this.#acquire(options);
  }

  /**
   * Blocks the thread until the lock can be had, and takes it; at once if the thread has it.
   *
   * @throws {DeadlockError} if a task of this loop is before it in the line.
   * @throws {TimeoutError} {OwnerDiedError} as `acquire()`.
   */
  acquireSync(options?: SyncWaitOptions): Guard {
    const { timeout } = checkWait(options);
    throwIfEnded();
    return this.#take((word) => word.attempt() ?? this.#block(word, timeout))!;
  }

  /**
   * Takes the lock if nobody has it, or this thread; else `undefined`, and nothing has changed.
   *
   * @throws {OwnerDiedError} as `acquire()`.
   */
  tryAcquire(): Guard | undefined {
    return this.#take((word) => word.attempt());
  }

  /**
   * Calls `fn` while it has the lock, and releases it when `fn` has ended, with all tasks and blocks it has started; gives
   * what `fn` gave.
   */
  async run<R>(fn: () => R | PromiseLike<R>, options?: WaitOptions & WithinOptions): Promise<R> {
    checkFunction(fn, 'fn');
    const guard = await this.#acquire(options);
    return runBlock<R, R>(new LevelScope(levelOf(guard)), () => fn(), {
      conclude: (outcome) => {
        guard[Symbol.dispose]();
        return outcome;
      },
    });
  }

  /** Blocks until it has the lock, calls `fn`, and releases it. @throws {TypeError} if `fn` returned a promise. */
  runSync<R>(fn: () => R, options?: SyncWaitOptions): R {
    return runGuardedSync(() => this.acquireSync(options), fn, this.#handle.describe());
  }

  /** Read from shared memory. Tasks that wait below a guard of their own thread are not counted. */
  statistics(): LockStatistics {
    const { core, name } = this.#handle;
    return { ...(name !== undefined && { name }), locked: !core.isThere(), waiting: core.queue.count() };
  }

  /** Gives up this handle: it cannot be used any more. Guards and waits of it go on. */
  [Symbol.dispose](): void {
    this.#handle.dispose();
  }

  #acquire(options: (WaitOptions & WithinOptions) | undefined): Promise<LevelGuard> {
    try {
      const wait = checkWait(options);
      const within = checkWithin(options);
      throwIfEnded(wait.signal);
      const word = this.#handle.core;
      const above = within === undefined ? levelAround(word.object) : this.#levelOf(within, word);
      if (above !== undefined) return above.acquire(this.#handle, wait);
      if (isRoundOver()) stack.probe();
      const entrance = this.#entrance(new Hold(word), currentScope());
      const taken = word.attempt();
      if (taken !== undefined) return granted(entrance(taken));
      return waitAsync(word, wait, (got, scope) => this.#entrance(new Hold(word), scope)(got));
    } catch (error) {
      return rejection(error);
    }
  }

  #take(get: (word: LockWord) => Taken | undefined): LevelGuard | undefined {
    const word = this.#handle.core;
    const hold = holdOf(word.object);
    const entrance = this.#entrance(hold ?? new Hold(word), currentScope());
    if (hold !== undefined) return entrance();
    const taken = get(word);
    return taken === undefined ? undefined : entrance(taken);
  }

  // The guard is made before the lock is taken: if the stack does not suffice, nothing has happened.
  #entrance(hold: Hold, scope: Scope | undefined): (taken?: Taken) => LevelGuard {
    const level = new Level(hold, this.#handle);
    const guard = new LevelGuard(level, scope);
    return (taken) => {
      const died = level.enter();
      return guard.begin(taken === AFTER_DEATH ? hold.word.whoDied() : died);
    };
  }

  #block(word: LockWord, timeout: number): Taken {
    if (!word.isMine() && !word.parking.waitsFor(word.object)) return waitSync(word, timeout);
    throw new DeadlockError(
      `Cannot acquire ${this.#handle.describe()}: a task of this thread is before it in the line, and could not run`,
    );
  }

  #levelOf(within: HeldGuard<object>, { object }: LockWord): Level {
    const action = `Cannot acquire ${this.#handle.describe()} within a guard`;
    if (!(within instanceof LevelGuard) || levelOf(within).hold.word.object !== object)
      throw new NotOwnerError(`${action}: it is a guard of something else`);
    if (within.released) throw new NotOwnerError(`${action}: it was released`);
    return levelOf(within);
  }
}

function checkWithin(options: WithinOptions | undefined): HeldGuard<object> | undefined {
  const within: unknown = checkOptions(options).within;
  if (within === undefined || within instanceof HeldGuard) return within;
  throw new TypeError(`within must be a guard of the lock, received ${show(within)}`);
}

registerShared(RLOCK, {
  type: RLock,
  handleOf: (lock: RLock) => handleOf(lock),
  make: (name) => new RLock({ name }),
  recover: (heap, object) => new LockWord(parkingOf(heap), object, 'lock').recover(),
});
