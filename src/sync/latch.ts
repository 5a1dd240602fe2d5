/** A count that tasks and threads wait for to become 0. */
import { checkInteger } from '../core/arguments.ts';
import { LATCH } from '../memory/kinds.ts';
import { GATE_COUNT } from '../memory/layout.ts';
import { parkingOf } from '../park/own-parking.ts';
import { registerSource } from '../park/source.ts';
import type { WaitOptions } from '../scope/interruptible.ts';
import { Gate } from './gate.ts';
import { gateSource, passGate, passGateSync } from './gate-wait.ts';
import type { SyncWaitOptions } from './permit-request.ts';
import { type NameOptions, registerShared, SharedHandle, type Sharing } from './shared-handle.ts';

/** Below every token of a thread, as every count in shared memory. */
const MOST = 2 ** 30 - 1;

export interface LatchStatistics {
  readonly name?: string;
  /** How often it must be counted down until it opens. */
  readonly count: number;
  /** How many tasks and threads wait. */
  readonly waiting: number;
}

const SHARING: Sharing<Gate> = {
  kind: LATCH,
  what: 'latch',
  core: (parking, object) => new Gate(parking, object),
};

let handleOf: (latch: Latch) => SharedHandle<Gate>;

/**
 * A door that is opened once, for good, when it has been counted down to 0.
 *
 * Use it to wait until so many things have happened, whoever does them: jobs that were started, threads that are ready.
 * Who counts down need not wait. If those who wait are those who arrive, and again and again, see Barrier; for a flag that
 * can be taken back, see Event.
 *
 * - **Scope.** Tasks of any loop and blocked threads, at the same time. Sent to a thread it arrives as a handle of the
 *   same latch.
 * - **Order.** All who wait are let through when it opens, the first first; whoever comes later passes at once. What was
 *   written to shared memory before a `countDown()` is seen by whoever has passed.
 * - **Cancellation.** A wait that times out, is aborted or cancelled leaves no trace.
 * - **Death** of a thread changes nothing for the others: what it has not counted down stays.
 * - **Cost.** To ask, and to wait for a latch that is open: one read.
 *
 * @example
 * ```ts
 * import { Latch, sleep, TaskGroup } from 'heddle';
 *
 * const ready = new Latch(2);
 * await TaskGroup.run(async (group) => {
 *   for (const ms of [1, 2]) {
 *     group.spawn(async () => {
 *       await sleep(ms);
 *       ready.countDown();
 *     });
 *   }
 *   await ready.wait();
 *   console.log(ready.isOpen); // true
 * });
 * ```
 */
export class Latch implements Disposable {
  readonly #handle: SharedHandle<Gate>;

  static {
    handleOf = (latch) => latch.#handle;
  }

  /**
   * @param count so often it must be counted down; with 0 it is open.
   * @throws {RangeError} if that is negative, not whole, or too much.
   */
  constructor(count: number, options?: NameOptions) {
    checkInteger(count, 'count', { min: 0, max: MOST });
    this.#handle = new SharedHandle(this, SHARING, options, (words, object) => {
      words[object + GATE_COUNT] = count;
    });
  }

  get name(): string | undefined {
    return this.#handle.name;
  }

  /** How often it must be counted down until it opens. By the time you look, it may have changed. */
  get count(): number {
    return this.#handle.core.count();
  }

  get isOpen(): boolean {
    return this.#handle.core.count() === 0;
  }

  /**
   * Counts down by `n`, and opens the latch at 0. It does not go below 0: no effect if the latch is open.
   *
   * @throws {RangeError} if `n` is not a whole number of at least 1; then nothing has changed.
   */
  countDown(n: number = 1): void {
    checkInteger(n, 'n', { min: 1 });
    this.#handle.core.countDown(n);
  }

  /**
   * Waits until the latch is open.
   *
   * @throws {TimeoutError} after `timeout` milliseconds; with 0, unless it is open.
   */
  wait(options?: WaitOptions): Promise<void> {
    return passGate(this.#handle, options);
  }

  /**
   * Blocks the thread until the latch is open.
   *
   * @throws {TimeoutError} as `wait()`.
   * @throws {DeadlockError} if no other thread has the latch, and no time-out is given.
   */
  waitSync(options?: SyncWaitOptions): void {
    passGateSync(this.#handle, options);
  }

  /** Read from shared memory, whatever any loop is doing. */
  statistics(): LatchStatistics {
    const { core, name } = this.#handle;
    return { ...(name !== undefined && { name }), count: core.count(), waiting: core.queue.count() };
  }

  /** Gives up this handle: it cannot be used any more. Waits of it go on. */
  [Symbol.dispose](): void {
    this.#handle.dispose();
  }
}

registerSource(Latch, (latch) => gateSource(handleOf(latch)));
registerShared(LATCH, {
  type: Latch,
  handleOf: (latch: Latch) => handleOf(latch),
  make: (name) => new Latch(0, { name }),
  recover: (heap, object) => new Gate(parkingOf(heap), object).recover(),
});
