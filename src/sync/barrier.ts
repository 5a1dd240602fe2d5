/** A place where so many wait for each other. */
import { checkFunction, checkInteger, checkOptions } from '../core/arguments.ts';
import { now, nowWhileBlocked } from '../core/clock.ts';
import { BrokenBarrierError, DeadlockError, InvalidStateError, TimeoutError } from '../core/errors.ts';
import { BARRIER } from '../memory/kinds.ts';
import {
  BARRIER_HAS_ACTION,
  BARRIER_NEWCOMERS,
  BARRIER_PARTIES,
  BARRIER_WORDS,
  DATA,
  LISTS,
} from '../memory/layout.ts';
import { parkingOf } from '../park/own-parking.ts';
import {
  type CheckedWait,
  checkWait,
  rejection,
  throwIfEnded,
  type Wanted,
  waitAsync,
  waitSync,
} from '../park/wait.ts';
import { StackProbe } from '../platform/stack.ts';
import { isThenable } from '../scope/call.ts';
import type { WaitOptions } from '../scope/interruptible.ts';
import { currentScope } from '../scope/scope.ts';
import { containCancellation } from '../scope/waiter.ts';
import { FAILS } from './barrier-telling.ts';
import { BarrierWord, RUNS, WAITS } from './barrier-word.ts';
import type { SyncWaitOptions } from './permit-request.ts';
import { type NameOptions, registerShared, SharedHandle, type Sharing } from './shared-handle.ts';

const stack = new StackProbe();

/** Below every token of a thread, as every count in shared memory. */
const MOST = 2 ** 30 - 1;

export interface BarrierOptions extends NameOptions {
  /**
   * Called by the last to arrive, before the others go on. It travels with the barrier: then it must be a function that can
   * be sent to threads. What it gives is ignored, but a promise is awaited first.
   */
  readonly action?: (() => unknown) | undefined;
}

export interface BarrierStatistics {
  readonly name?: string;
  readonly parties: number;
  /** How many tasks and threads wait. */
  readonly waiting: number;
  readonly broken: boolean;
}

const SHARING: Sharing<BarrierWord> = {
  kind: BARRIER,
  what: 'barrier',
  more: BARRIER_WORDS - DATA,
  core: (parking, object) => new BarrierWord(parking, object),
};

let handleOf: (barrier: Barrier) => SharedHandle<BarrierWord>;
let actionOf: (barrier: Barrier) => (() => unknown) | undefined;
let setAction: (barrier: Barrier, action: () => unknown) => void;

/** Arriving. */
class Arrival implements Wanted<number> {
  readonly parking: BarrierWord['parking'];
  readonly object: number;
  readonly #handle: SharedHandle<BarrierWord>;
  readonly #barrier: BarrierWord;

  constructor(handle: SharedHandle<BarrierWord>) {
    this.#handle = handle;
    this.#barrier = handle.coreInUse;
    this.parking = this.#barrier.parking;
    this.object = this.#barrier.object;
  }

  isThere(): boolean {
    return false;
  }

  /** One arrives at once, in the line: there is nothing to look at before. */
  hasLine(): boolean {
    return true;
  }

  attempt(): undefined {}

  line(node: number): number | undefined {
    const found = this.#barrier.arrive(node);
    return found === WAITS ? undefined : found;
  }

  granted(value: number): number {
    return value;
  }

  withdraw(node: number): number | undefined {
    return this.#barrier.withdraw(node);
  }

  begin(): void {
    this.#handle.use();
  }

  end(): void {
    this.#handle.unuse();
  }

  describe(): string {
    return `Cannot wait at ${this.#handle.describe()}`;
  }
}

/**
 * A place where `parties` tasks and threads wait until all of them have arrived; then all go on, and it begins anew.
 *
 * Use it for work in steps that no one may be ahead of: each does its part of a step, and waits. If those who wait are not
 * those who are waited for, see Latch.
 *
 * - **Scope.** Tasks of any loop and blocked threads, at the same time. Sent to a thread it arrives as a handle of the
 *   same barrier, with its action.
 * - **Order.** Each pass gives its parties the numbers 0 to `parties` - 1, each once, in order of arrival. The last runs the
 *   action, and nobody goes on before that has ended; who comes meanwhile waits for the next pass. What was written to
 *   shared memory before `wait()` is seen by all who have passed.
 * - **Broken.** All must arrive, so one who does not is everybody's affair: if one of those who wait times out, is aborted
 *   or cancelled, or its thread dies, or if the action throws, the barrier is broken: all others get a `BrokenBarrierError`,
 *   and so does whoever comes, until `reset()`. Whose time-out, signal or cancellation comes after its pass was complete has passed.
 * - **The action** is part of the last one's code: time-out and signal bound the waiting, not the action. If `abort()` or
 *   `reset()` is called meanwhile, or one of those who wait gives up, the pass fails for all, also for who runs it.
 * - **Cost.** A cell and a section to arrive; to let one pass, a compare-and-swap and what it takes to tell it.
 *
 * @example
 * ```ts
 * import { Barrier, TaskGroup } from 'heddle';
 *
 * let total = 0;
 * const step = new Barrier(3, { action: () => console.log(total) });
 *
 * await TaskGroup.run((group) => {
 *   for (const n of [1, 2, 3]) {
 *     group.spawn(async () => {
 *       total += n;
 *       await step.wait(); // 6
 *       total += n;
 *       await step.wait(); // 12
 *     });
 *   }
 * });
 * ```
 */
export class Barrier implements Disposable {
  readonly #handle: SharedHandle<BarrierWord>;
  #action: (() => unknown) | undefined;

  static {
    handleOf = (barrier) => barrier.#handle;
    actionOf = (barrier) => barrier.#action;
    setAction = (barrier, action) => {
      barrier.#action = action;
    };
  }

  /**
   * @throws {RangeError} if `parties` is not a positive whole number.
   * @throws {TypeError} if `action` is no function.
   */
  constructor(parties: number, options?: BarrierOptions) {
    checkInteger(parties, 'parties', { min: 1, max: MOST });
    const { action } = checkOptions(options);
    if (action !== undefined) checkFunction(action, 'action');
    this.#action = action;
    this.#handle = new SharedHandle(this, SHARING, options, (words, object) => {
      words[object + BARRIER_PARTIES] = parties;
      words[object + BARRIER_HAS_ACTION] = action === undefined ? 0 : 1;
    });
  }

  get name(): string | undefined {
    return this.#handle.name;
  }

  get parties(): number {
    return this.#handle.core.parties();
  }

  /** How many tasks and threads wait. By the time you look, it may have changed. */
  get waiting(): number {
    return this.#handle.core.waiting();
  }

  get broken(): boolean {
    return this.#handle.core.isBroken();
  }

  /**
   * Waits until all parties have arrived. Gives the number of this one: 0 for the first, `parties - 1` for the last.
   *
   * @throws {BrokenBarrierError} if the barrier is broken, before or meanwhile.
   * @throws {TimeoutError} after `timeout` milliseconds; that breaks the barrier. With 0, unless this is the last.
   * @throws {InvalidStateError} if it has an action that this handle lacks: one made of a token, or by its name.
   * @throws what the action throws, if this is the last; that breaks the barrier for the others.
   */
  wait(options?: WaitOptions): Promise<number> {
    try {
      const wait = checkWait(options);
      this.#checkAction();
      throwIfEnded(wait.signal);
      return containCancellation(currentScope(), this.#wait(wait));
    } catch (error) {
      return rejection(error);
    }
  }

  /**
   * The same, blocking the thread.
   *
   * @throws {DeadlockError} if others must arrive, no other thread has the barrier, and no time-out is given; or if a task of
   * this thread is running the action.
   * @throws {TypeError} if the action returns a promise; that breaks the barrier.
   * @throws {BrokenBarrierError} {TimeoutError} {InvalidStateError} as `wait()`.
   */
  waitSync(options?: SyncWaitOptions): number {
    const { timeout } = checkWait(options);
    this.#checkAction();
    throwIfEnded();
    const deadline = nowWhileBlocked() + timeout;
    this.#handle.use();
    try {
      let left = timeout;
      for (;;) {
        const found = left > 0 ? this.#block(left) : this.#arriveNow(timeout);
        if (found >= 0) return found;
        if (found === FAILS) throw this.#isBroken();
        if (found === RUNS) return this.#runSync();
        this.#checkAgain();
        left = deadline - nowWhileBlocked();
      }
    } finally {
      this.#handle.unuse();
    }
  }

  /** Breaks it: all who wait get a `BrokenBarrierError`, and so does whoever comes until `reset()`. */
  abort(): void {
    this.#handle.core.abort();
  }

  /** Makes it whole again, and empty: who has arrived gets a `BrokenBarrierError`. */
  reset(): void {
    this.#handle.core.reset();
  }

  /** Read from shared memory, whatever any loop is doing. */
  statistics(): BarrierStatistics {
    const { core, name } = this.#handle;
    return {
      ...(name !== undefined && { name }),
      parties: core.parties(),
      waiting: core.waiting(),
      broken: core.isBroken(),
    };
  }

  /** Gives up this handle: it cannot be used any more. Waits of it go on. */
  [Symbol.dispose](): void {
    this.#handle.dispose();
  }

  async #wait(wait: CheckedWait): Promise<number> {
    const deadline = now() + wait.timeout;
    this.#handle.use();
    try {
      let timeout = wait.timeout;
      for (;;) {
        const found =
          timeout > 0
            ? await waitAsync(new Arrival(this.#handle), { ...wait, timeout }, same)
            : this.#arriveNow(wait.timeout);
        if (found >= 0) return found;
        if (found === FAILS) throw this.#isBroken();
        if (found === RUNS) return await this.#run();
        this.#checkAgain(wait.signal);
        timeout = deadline - now();
      }
    } finally {
      this.#handle.unuse();
    }
  }

  #block(timeout: number): number {
    const { coreInUse } = this.#handle;
    if (coreInUse.isRunner()) {
      throw new DeadlockError(
        `Cannot wait at ${this.#handle.describe()}: a task of this thread runs its action, and could not go on`,
      );
    }
    if (!coreInUse.isLast() && !coreInUse.isBroken()) this.#handle.checkOthers('wait at', timeout);
    return waitSync(new Arrival(this.#handle), timeout);
  }

  #arriveNow(timeout: number): number {
    stack.probe();
    const found = this.#handle.coreInUse.arrive(0);
    if (found !== WAITS) return found;
    throw new TimeoutError(
      timeout === 0
        ? `Cannot wait at ${this.#handle.describe()}: others have not arrived yet; it is broken now`
        : `Cannot wait at ${this.#handle.describe()}: ${timeout} ms have passed`,
    );
  }

  /** A newcomer tries again. If it was cancelled just now, it gives up. */
  #checkAgain(signal?: AbortSignal): void {
    let ended = true;
    try {
      throwIfEnded(signal);
      ended = false;
    } finally {
      if (ended) this.#handle.coreInUse.abort();
    }
  }

  async #run(): Promise<number> {
    const { coreInUse } = this.#handle;
    let failed = true;
    let passed = false;
    try {
      await this.#action!();
      failed = false;
    } finally {
      passed = coreInUse.finish(failed);
    }
    if (passed) return coreInUse.parties() - 1;
    throw this.#isBroken();
  }

  #runSync(): number {
    const { coreInUse } = this.#handle;
    let failed = true;
    let passed = false;
    try {
      if (isThenable(this.#action!())) {
        throw new TypeError(
          `Cannot wait at ${this.#handle.describe()}: its action returned a promise, and a blocked thread cannot await it; use wait()`,
        );
      }
      failed = false;
    } finally {
      passed = coreInUse.finish(failed);
    }
    if (passed) return coreInUse.parties() - 1;
    throw this.#isBroken();
  }

  #isBroken(): BrokenBarrierError {
    return new BrokenBarrierError(
      `Cannot wait at ${this.#handle.describe()}: it is broken; when all know of it, reset() it`,
    );
  }

  #checkAction(): void {
    const { core } = this.#handle;
    if (this.#action !== undefined || !core.hasAction()) return;
    throw new InvalidStateError(
      `Cannot wait at ${this.#handle.describe()}: it has an action, which a token or a name does not carry; send the barrier itself`,
    );
  }
}

function same<T>(value: T): T {
  return value;
}

registerShared(BARRIER, {
  type: Barrier,
  lists: [LISTS, BARRIER_NEWCOMERS],
  handleOf: (barrier: Barrier) => handleOf(barrier),
  make: (name) => new Barrier(1, { name }),
  recover: (heap, object) => new BarrierWord(parkingOf(heap), object).recover(),
  attached: (barrier) => {
    const action = actionOf(barrier as Barrier);
    return action === undefined ? undefined : { action };
  },
  attach: (barrier, { action }) => setAction(barrier as Barrier, action as () => unknown),
});
