/** Waiting for permits, on the loop or blocked: what semaphores, limiters and locks of readers and writers share. */
import { DeadlockError } from '../core/errors.ts';
import type { Guard } from '../core/guard.ts';
import { granted, isRoundOver } from '../park/turn.ts';
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
import type { WaitOptions } from '../scope/interruptible.ts';
import { currentScope, type Scope } from '../scope/scope.ts';
import { type GuardKind, HeldGuard } from './guard.ts';
import type { Permits } from './permits.ts';
import type { SharedHandle } from './shared-handle.ts';

const stack = new StackProbe();

/** What is asked for: so many, for a guard or for good. */
export class PermitRequest implements Wanted<number> {
  readonly parking: Permits['parking'];
  readonly object: number;
  readonly #handle: SharedHandle<Permits>;
  readonly #permits: Permits;
  readonly #wanted: number;
  readonly #counted: boolean;
  readonly #action: string;

  constructor(handle: SharedHandle<Permits>, wanted: number, counted: boolean, action: string) {
    this.#handle = handle;
    this.#permits = handle.core;
    this.#wanted = wanted;
    this.#counted = counted;
    this.#action = action;
    this.parking = this.#permits.parking;
    this.object = this.#permits.object;
  }

  isThere(): boolean {
    return this.#permits.free() >= this.#wanted;
  }

  hasLine(): boolean {
    return !this.#permits.queue.isEmpty();
  }

  attempt(): number | undefined {
    const taken = this.#permits.take(this.#wanted, this.#counted);
    return taken === 0 ? undefined : taken;
  }

  line(node: number): undefined {
    this.#permits.line(node, this.#wanted, this.#counted);
  }

  granted(value: number): number {
    return value;
  }

  withdraw(node: number): undefined {
    this.#permits.withdraw(node);
  }

  begin(): void {
    this.#handle.use();
  }

  end(): void {
    this.#handle.unuse();
  }

  describe(): string {
    return `Cannot ${this.#action} ${this.#handle.describe()}`;
  }
}

/** Options of a blocking wait. */
export interface SyncWaitOptions {
  /** Milliseconds after which the wait fails with a `TimeoutError`. */
  readonly timeout?: number | undefined;
}

/** How an object of class `T` gives guards of permits. */
export interface PermitGuards<T extends object> {
  readonly handle: SharedHandle<Permits>;
  readonly of: T;
  readonly kind: GuardKind<T>;
  readonly action: string;
  /** Makes an error of a negative number: all were taken, after a death. */
  readonly hold: (guard: HeldGuard<T>, taken: number) => Guard;
}

export function acquirePermits<T extends object>(
  guards: PermitGuards<T>,
  wanted: number,
  options: WaitOptions | undefined,
): Promise<Guard> {
  const { handle, of, kind, action, hold } = guards;
  try {
    const wait = checkWait(options);
    throwIfEnded(wait.signal);
    if (isRoundOver()) stack.probe();
    const guard = new HeldGuard(kind, of, currentScope());
    const taken = handle.core.take(wanted, true);
    if (taken !== 0) return granted(hold(guard, taken));
    return waitAsync(new PermitRequest(handle, wanted, true, action), wait, (got, scope) =>
      hold(new HeldGuard(kind, of, scope), got),
    );
  } catch (error) {
    return rejection(error);
  }
}

/** `check` throws if this thread would wait for itself. */
export function acquirePermitsSync<T extends object>(
  guards: PermitGuards<T>,
  wanted: number,
  options: SyncWaitOptions | undefined,
  check: (timeout: number) => void,
): Guard {
  const { handle, of, kind, action, hold } = guards;
  const { timeout } = checkWait(options);
  throwIfEnded();
  const guard = new HeldGuard(kind, of, currentScope());
  const taken = handle.core.take(wanted, true);
  if (taken !== 0) return hold(guard, taken);
  if (timeout > 0) check(timeout);
  return hold(guard, waitSync(new PermitRequest(handle, wanted, true, action), timeout));
}

export function tryPermits<T extends object>(guards: PermitGuards<T>, wanted: number): Guard | undefined {
  const { handle, of, kind, hold } = guards;
  const guard = new HeldGuard(kind, of, currentScope());
  const taken = handle.core.take(wanted, true);
  return taken === 0 ? undefined : hold(guard, taken);
}

/**
 * To be called before the thread blocks for permits.
 *
 * @throws DeadlockError if there can never be enough while this thread is blocked.
 */
export function checkNotForItself<T extends object>(
  { handle, action }: PermitGuards<T>,
  wanted: number,
): void {
  if (!handle.core.waitsForItself(wanted)) return;
  throw new DeadlockError(
    `Cannot ${action} ${handle.describe()}: this thread, or a task of its loop that is before it in the line, would have what it waits for`,
  );
}

/** Permits for good: no guard, nothing to give back. */
export function takeForGood(
  handle: SharedHandle<Permits>,
  wanted: number,
  options: WaitOptions | undefined,
): Promise<void> {
  try {
    const wait: CheckedWait = checkWait(options);
    throwIfEnded(wait.signal);
    if (handle.core.take(wanted, false) !== 0) return granted(undefined);
    return waitAsync(new PermitRequest(handle, wanted, false, 'take from'), wait, ignore);
  } catch (error) {
    return rejection(error);
  }
}

function ignore(_taken: number, _scope: Scope | undefined): void {}
