/** A flag that tasks and threads wait for. */
import { EVENT } from '../memory/kinds.ts';
import { GATE_COUNT } from '../memory/layout.ts';
import { parkingOf } from '../park/own-parking.ts';
import { registerSource } from '../park/source.ts';
import type { WaitOptions } from '../scope/interruptible.ts';
import { Gate } from './gate.ts';
import { gateSource, passGate, passGateSync } from './gate-wait.ts';
import type { SyncWaitOptions } from './permit-request.ts';
import { type NameOptions, registerShared, SharedHandle, type Sharing } from './shared-handle.ts';

export interface EventStatistics {
  readonly name?: string;
  readonly isSet: boolean;
  /** How many tasks and threads wait. */
  readonly waiting: number;
}

const SHARING: Sharing<Gate> = {
  kind: EVENT,
  what: 'event',
  core: (parking, object) => new Gate(parking, object),
};

let handleOf: (event: Event) => SharedHandle<Gate>;

/**
 * A flag: whoever waits goes on when it is set.
 *
 * Use it to say that something has happened, to anybody who asks before or after. If it happens once for good, after so
 * many have said so, see Latch. If something must be carried along, use a Queue.
 *
 * - **Scope.** Tasks of any loop and blocked threads, at the same time. Sent to a thread it arrives as a handle of the
 *   same event.
 * - **Order.** `set()` lets all through who were waiting at that moment, the first first, also if `clear()` follows at
 *   once. A wait that begins later sees the flag as it is then.
 * - **Cancellation.** A wait that times out, is aborted or cancelled leaves no trace.
 * - **Death** of a thread changes nothing for the others.
 * - **Cost.** To ask, and to wait for an event that is set: one read.
 *
 * @example
 * ```ts
 * import { Event } from 'heddle';
 *
 * const ready = new Event();
 * setTimeout(() => ready.set(), 5);
 * await ready.wait();
 * console.log(ready.isSet); // true
 * ```
 */
export class Event implements Disposable {
  readonly #handle: SharedHandle<Gate>;

  static {
    handleOf = (event) => event.#handle;
  }

  constructor(options?: NameOptions) {
    this.#handle = new SharedHandle(this, SHARING, options, (words, object) => {
      words[object + GATE_COUNT] = 1;
    });
  }

  get name(): string | undefined {
    return this.#handle.name;
  }

  get isSet(): boolean {
    return this.#handle.core.count() === 0;
  }

  /** Sets the flag, and lets everyone through who waits. No effect if it is set. */
  set(): void {
    this.#handle.core.countDown(1);
  }

  /** Takes the flag back: whoever comes waits for the next `set()`. */
  clear(): void {
    this.#handle.core.close();
  }

  /**
   * Waits until the flag is set.
   *
   * @throws {TimeoutError} after `timeout` milliseconds; with 0, unless it is set.
   */
  wait(options?: WaitOptions): Promise<void> {
    return passGate(this.#handle, options);
  }

  /**
   * Blocks the thread until the flag is set.
   *
   * @throws {TimeoutError} as `wait()`.
   * @throws {DeadlockError} if no other thread has the event, and no time-out is given.
   */
  waitSync(options?: SyncWaitOptions): void {
    passGateSync(this.#handle, options);
  }

  /** Read from shared memory, whatever any loop is doing. */
  statistics(): EventStatistics {
    const { core, name } = this.#handle;
    return {
      ...(name !== undefined && { name }),
      isSet: core.count() === 0,
      waiting: core.queue.count(),
    };
  }

  /** Gives up this handle: it cannot be used any more. Waits of it go on. */
  [Symbol.dispose](): void {
    this.#handle.dispose();
  }
}

registerSource(Event, (event) => gateSource(handleOf(event)));
registerShared(EVENT, {
  type: Event,
  handleOf: (event: Event) => handleOf(event),
  make: (name) => new Event({ name }),
  recover: (heap, object) => new Gate(parkingOf(heap), object).recover(),
});
