import { checkBoolean, checkOptions, checkTimeout } from '../core/arguments.ts';
import { type Clock, setClock, type Timer } from '../core/clock.ts';
import { InvalidStateError } from '../core/errors.ts';
import { ownWork } from '../executor/own-work.ts';
import { busyRequests, nextTurn } from '../platform/loop-turns.ts';
import { outside } from '../scope/outside.ts';

export interface VirtualClockOptions {
  /**
   * Whether time jumps to the next timer as soon as this loop has nothing to do: then a test of an hour takes a
   * millisecond. Default: true. If false, only `advance()` and `jump()` move it.
   */
  readonly autoJump?: boolean | undefined;
}

interface VirtualTimer extends Timer {
  readonly due: number;
  readonly fire: () => void;
}

/** So many turns of the loop in which nothing was set or fired: whatever was under way has come to rest. */
const QUIET_TURNS = 4;

let installed: VirtualClock | undefined;

/** Fires the next timer, without waiting for anything; gives the time it was set for, `undefined` if there is none. */
export let fireNext: (clock: VirtualClock) => number | undefined;
/** Forgets all timers: who waits for them waits for ever. */
export let forgetTimers: (clock: VirtualClock) => void;

/**
 * Time for tests: while it is installed, `sleep()`, every time-out on this loop, `withTimeout()` and the time-outs of jobs go
 * by it, and it stands still unless it is moved.
 *
 * - **Jumping.** By itself time goes to the next timer once the loop has been idle for some turns: no task has anything to do, no job
 *   of this loop runs in a thread that is not blocked at a shared object, and the runtime has no request (a file, a
 *   lookup) under way. Timers fire in the order of their times, and then of their making, with the loop at rest in between.
 * - **What it does not move**: other threads, a blocked thread, timers and intervals of the runtime, `Date`.
 * - One at a time in a thread. `[Symbol.dispose]()` takes it out; waits that are left over go on by the time of the runtime.
 *
 * The idea is that of trio's `MockClock`.
 *
 * @example
 * ```ts
 * import { sleep, TimeoutError, withTimeout } from 'heddle';
 * import { VirtualClock } from 'heddle/testing';
 *
 * using clock = VirtualClock.install();
 * await sleep(3_600_000); // an hour, at once
 * console.log(clock.now); // 3600000
 * await withTimeout(1000, () => sleep(2000)).catch((error) => console.log(error instanceof TimeoutError)); // true
 * ```
 */
export class VirtualClock implements Disposable {
  readonly #autoJump: boolean;
  readonly #timers = new Set<VirtualTimer>();
  #now = 0;
  /** How often timers were set, stopped or fired. */
  #changes = 0;
  #jumping = false;
  #disposed = false;

  static {
    fireNext = (clock) => {
      const next = clock.#next();
      if (next !== undefined) clock.#fire(next);
      return next?.due;
    };
    forgetTimers = (clock) => clock.#timers.clear();
  }

  private constructor(autoJump: boolean) {
    this.#autoJump = autoJump;
  }

  /** @throws {InvalidStateError} if this thread has one already. */
  static install(options?: VirtualClockOptions): VirtualClock {
    const autoJump = checkBoolean(checkOptions(options).autoJump ?? true, 'autoJump');
    if (installed !== undefined)
      throw new InvalidStateError(
        'Cannot install a virtual clock: there is one already; dispose of it first',
      );
    installed = new VirtualClock(autoJump);
    setClock(installed.#asClock());
    return installed;
  }

  /** Milliseconds since it was installed. */
  get now(): number {
    return this.#now;
  }

  /** How many timers are set. */
  get timers(): number {
    return this.#timers.size;
  }

  /**
   * Moves time on by `ms`, firing what is due on the way, and resolves with the loop at rest.
   *
   * @throws {RangeError} if `ms` is negative or NaN.
   */
  async advance(ms: number): Promise<void> {
    const until = this.#now + checkTimeout(ms, 'ms');
    await outside(async () => {
      await this.#rest();
      for (let next = this.#next(); next !== undefined && next.due <= until; next = this.#next()) {
        this.#fire(next);
        await this.#rest();
      }
      this.#now = until;
    });
  }

  /** Moves time to the next timer and fires it: false if there is none. Resolves with the loop at rest. */
  async jump(): Promise<boolean> {
    return await outside(async () => {
      await this.#rest();
      const next = this.#next();
      if (next === undefined) return false;
      this.#fire(next);
      await this.#rest();
      return true;
    });
  }

  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    installed = undefined;
    setClock(undefined);
    // Nobody would move it any more.
    for (const { due, fire } of this.#timers) setTimeout(fire, due - this.#now);
    this.#timers.clear();
  }

  #asClock(): Clock {
    return {
      now: () => this.#now,
      startTimer: (delay, fire) => {
        const timer: VirtualTimer = {
          due: this.#now + Math.max(delay, 0),
          fire,
          stop: () => {
            if (this.#timers.delete(timer)) this.#changes++;
          },
        };
        this.#timers.add(timer);
        this.#changes++;
        this.#jumpSoon();
        return timer;
      },
    };
  }

  /** The first to fire; of those of one time, the first that was made. */
  #next(): VirtualTimer | undefined {
    let next: VirtualTimer | undefined;
    for (const timer of this.#timers) if (next === undefined || timer.due < next.due) next = timer;
    return next;
  }

  #fire(timer: VirtualTimer): void {
    this.#timers.delete(timer);
    this.#changes++;
    this.#now = Math.max(this.#now, timer.due);
    timer.fire();
  }

  #jumpSoon(): void {
    if (!this.#autoJump || this.#jumping || this.#disposed) return;
    this.#jumping = true;
    void outside(() => this.#jumpOn());
  }

  async #jumpOn(): Promise<void> {
    for (;;) {
      await this.#rest();
      const next = this.#disposed ? undefined : this.#next();
      if (next === undefined) break;
      this.#fire(next);
    }
    this.#jumping = false;
  }

  /** Until nothing has happened for some turns, and nothing is under way that will. */
  async #rest(): Promise<void> {
    let quiet = 0;
    let seen = this.#changes;
    while (quiet < QUIET_TURNS && !this.#disposed) {
      await nextTurn();
      const isQuiet = seen === this.#changes && ownWork() === 0 && busyRequests() === 0;
      seen = this.#changes;
      quiet = isQuiet ? quiet + 1 : 0;
    }
  }
}
