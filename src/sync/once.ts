/** What is done once, for all threads. */
import { checkFunction } from '../core/arguments.ts';
import { DeadlockError } from '../core/errors.ts';
import type { Guard } from '../core/guard.ts';
import { ONCE } from '../memory/kinds.ts';
import { PERMITS_FREE, PERMITS_MAX } from '../memory/layout.ts';
import { parkingOf } from '../park/own-parking.ts';
import { checkWait, throwIfEnded } from '../park/wait.ts';
import { StackProbe } from '../platform/stack.ts';
import { isThenable } from '../scope/call.ts';
import type { WaitOptions } from '../scope/interruptible.ts';
import { type GuardKind, reportAbandoned } from './guard.ts';
import {
  acquirePermits,
  acquirePermitsSync,
  type PermitGuards,
  type SyncWaitOptions,
} from './permit-request.ts';
import { MOST_PERMITS, Permits, reclaimPermits } from './permits.ts';
import { type NameOptions, registerShared, SharedHandle, type Sharing } from './shared-handle.ts';

const stack = new StackProbe();

export interface OnceStatistics {
  readonly name?: string;
  /** Whether it has been done. */
  readonly done: boolean;
  /** How many tasks and threads wait for whoever does it. */
  readonly waiting: number;
}

/** So many more when it has been done: enough for all who have waited to pass side by side. */
const PLENTY: number = MOST_PERMITS / 2;

const SHARING: Sharing<Permits> = {
  kind: ONCE,
  what: 'once',
  core: (parking, object, record) => new Permits(parking, object, record),
};

let handleOf: (once: Once) => SharedHandle<Permits>;
let guards: GuardKind<Once>;

/**
 * Something that is done once, by whoever comes first; the others wait until it has been done.
 *
 * Use it to prepare what several threads need: a table in shared memory, a file. For a value that each thread needs for
 * itself a variable of its module will do.
 *
 * - **Scope.** Tasks of any loop and blocked threads, at the same time. Sent to a thread it arrives as a handle of the
 *   same `Once`.
 * - **Order.** What the function did has happened before `run()` returns to anybody.
 * - **Failure.** If the function fails, its caller gets the error, and the next in the line calls its own.
 * - **Cancellation.** A wait that times out, is aborted or cancelled leaves no trace. Cancelling the task that calls the
 *   function cancels what the function waits for: if it fails by that, the next calls its own.
 * - **Death** of the thread that was calling the function: the next in the line calls its own. It may find work half
 *   done.
 * - **Cost.** One read, once it has been done.
 *
 * @example
 * ```ts
 * import { Once } from 'heddle';
 *
 * const squares = new Int32Array(new SharedArrayBuffer(40));
 * const filled = new Once();
 *
 * async function squareOf(n: number): Promise<number> {
 *   await filled.run(() => {
 *     for (let i = 0; i < squares.length; i++) squares[i] = i * i;
 *   });
 *   return squares[n]!;
 * }
 *
 * console.log(await Promise.all([squareOf(3), squareOf(4)])); // [ 9, 16 ]
 * ```
 */
// One permit, for who calls the function. When it has been done there are plenty: whoever waits gets one, and gives it
// back. That is one change, by whoever has the only permit, so it happens once.
export class Once implements Disposable {
  readonly #handle: SharedHandle<Permits>;
  readonly #guards: PermitGuards<Once>;

  static {
    handleOf = (once) => once.#handle;
    guards = {
      release: (once, permits) => once.#giveBack(permits),
      abandon: (once, task, permits) => {
        reportAbandoned(task, once.#handle.describe());
        once.#giveBack(permits);
      },
    };
  }

  constructor(options?: NameOptions) {
    this.#handle = new SharedHandle(this, SHARING, options, (words, object) => {
      words[object + PERMITS_FREE] = 1;
      words[object + PERMITS_MAX] = MOST_PERMITS;
    });
    this.#guards = {
      handle: this.#handle,
      of: this,
      kind: guards,
      action: 'run',
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

  /** Whether it has been done. */
  get isDone(): boolean {
    return isDone(this.#handle.core);
  }

  /**
   * Calls `fn`, unless that has been done or somebody is doing it: then waits for its end. Rejects with what `fn` failed
   * with; then it has not been done.
   *
   * @param options bound the wait for another, not the time that `fn` takes.
   * @throws {TimeoutError} after `timeout` milliseconds; with 0, if another is doing it.
   */
  async run(fn: () => unknown, options?: WaitOptions): Promise<void> {
    checkFunction(fn, 'fn');
    throwIfEnded(checkWait(options).signal);
    const { core } = this.#handle;
    if (isDone(core)) return;
    const guard = await acquirePermits(this.#guards, 1, options);
    try {
      if (isDone(core)) return;
      await fn();
      finish(core, guard);
    } finally {
      guard[Symbol.dispose]();
    }
  }

  /**
   * Calls `fn`, unless that has been done or somebody is doing it: then blocks the thread until its end.
   *
   * @throws {TypeError} if `fn` returned a promise; then it has not been done.
   * @throws {DeadlockError} if this thread is doing it, or a task of its loop is before it in the line: that might have
   * to do it, and could not run.
   * @throws {TimeoutError} after `timeout` milliseconds; with 0, if another is doing it.
   */
  runSync(fn: () => unknown, options?: SyncWaitOptions): void {
    checkFunction(fn, 'fn');
    checkWait(options);
    throwIfEnded();
    const { core } = this.#handle;
    if (isDone(core)) return;
    // The permit must be given back again here.
    stack.probe();
    const guard = acquirePermitsSync(this.#guards, 1, options, () => this.#checkBlocking());
    try {
      if (isDone(core)) return;
      if (isThenable(fn())) {
        throw new TypeError(
          `Cannot run ${this.#handle.describe()}: fn returned a promise, and it would count as done before that settles; use run()`,
        );
      }
      finish(core, guard);
    } finally {
      guard[Symbol.dispose]();
    }
  }

  /** Read from shared memory, whatever any loop is doing. */
  statistics(): OnceStatistics {
    const { core, name } = this.#handle;
    return { ...(name !== undefined && { name }), done: isDone(core), waiting: core.queue.count() };
  }

  /** Gives up this handle: it cannot be used any more. What is under way by it goes on. */
  [Symbol.dispose](): void {
    this.#handle.dispose();
  }

  #giveBack(permits: number): void {
    this.#handle.coreInUse.giveBack(permits);
    this.#handle.unuse();
  }

  #checkBlocking(): void {
    const { core } = this.#handle;
    const mine = core.mine() > 0;
    if (!mine && !core.parking.waitsFor(core.object)) return;
    throw new DeadlockError(
      `Cannot run ${this.#handle.describe()}: ${mine ? 'this thread is running it, and would wait for itself' : 'a task of this thread is before it in the line, and might have to run it'}`,
    );
  }
}

/** Whether there are plenty. Before that there was one, whoever had it. */
function isDone(core: Permits): boolean {
  return core.left() > 1;
}

/** It has been done. Not if the task had ended meanwhile: then the next was let on. */
function finish(core: Permits, guard: Guard): void {
  if (!guard.released) core.add(PLENTY);
}

registerShared(ONCE, {
  type: Once,
  handleOf: (once: Once) => handleOf(once),
  make: (name) => new Once({ name }),
  recover: (heap, object) => new Permits(parkingOf(heap), object, 0).recover(),
  reclaim: reclaimPermits,
});
