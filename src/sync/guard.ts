/** The guard of locks, semaphores and their kin. */

import { NotOwnerError } from '../core/errors.ts';
import type { Guard } from '../core/guard.ts';
import { bindToLoop } from '../core/unsendable.ts';
import { report } from '../platform/report.ts';
import { type Holding, holderIn, holdInTask, letGo } from '../scope/holdings.ts';
import type { Scope } from '../scope/scope.ts';
import type { LockWord, Taken } from './lock-word.ts';

/** How a class of objects takes back what its guards stand for. */
export interface GuardKind<T> {
  /** Called once at most for each guard, with the amount that it holds. */
  release(of: T, amount: number): void;
  /** The task that held the guard has ended: takes it back as from a dead owner. */
  abandon(of: T, task: string, amount: number): void;
  /** Of locks alone. */
  readonly conditions?: ConditionLock<T>;
}

/**
 * What a `Condition` needs of a class of locks, whose guards are of `T`: a guard waits without the lock, and is the same
 * guard when it has it again. The class says how it lets go and how it takes; the guard says of itself whether it has it,
 * and `condition-wait.ts` does the waiting.
 *
 * A `T` is in one of two states: it has the lock (from `hold` on), or it is `suspended`. In the second nobody but `resume`
 * and `drop` may change it, one of which is called once. The handle of the lock stays in use meanwhile.
 */
export interface ConditionLock<T> {
  /** How the lock is waited for. Its `object` tells conditions which lock it is. */
  word(of: T): LockWord;
  /** Why the lock cannot be let go just now, if it cannot: `"others have it below this guard"`. */
  obstacle?(of: T): string | undefined;
  /**
   * Lets go of the lock, however often it is held: whoever is first in the line has it. The stack has been probed: does
   * not throw.
   */
  suspend(of: T): void;
  /** The lock has been taken again, for that guard. @throws OwnerDiedError with the guard, if it was taken after a death. */
  resume(of: T, guard: Guard, taken: Taken): void;
  /** It will not be taken again: waiting for it has failed. */
  drop(of: T): void;
}

/** One acquisition of `T`. */
export class HeldGuard<T extends object> implements Guard, Holding {
  readonly #kind: GuardKind<T>;
  /** `undefined` once it was given back. */
  #of: T | undefined;
  /** The task that answers for it. */
  #scope: Scope | undefined;
  #amount = 1;
  /** What it is of while its holder waits for a condition, without the lock. */
  #suspended: T | undefined;

  /** For the task around `scope`, which answers for it from `hold` on. */
  constructor(kind: GuardKind<T>, of: T, scope: Scope | undefined) {
    this.#kind = kind;
    this.#of = of;
    this.#scope = holderIn(scope);
  }

  /** So much has been acquired. Takes no more of the stack than the constructor did. */
  hold(amount: number = 1): void {
    this.#amount = amount;
    if (this.#scope !== undefined) holdInTask(this, this.#scope);
  }

  get released(): boolean {
    return this.#of === undefined;
  }

  release(): void {
    if (this.#of === undefined) {
      const state =
        this.#suspended === undefined
          ? 'it was released before'
          : 'its holder waits for a condition, without it';
      throw new NotOwnerError(`Cannot release guard: ${state}`);
    }
    this.#kind.release(this.#of, this.#amount);
    this.#of = undefined;
    if (this.#scope !== undefined) this.keep();
  }

  keep(): this {
    if (this.#scope !== undefined) letGo(this.#scope, this);
    this.#scope = undefined;
    return this;
  }

  [Symbol.dispose](): void {
    if (this.#of !== undefined) this.release();
    else if (this.#suspended !== undefined) this.drop();
  }

  abandoned(task: string): void {
    const of = this.#of;
    this.#of = undefined;
    this.#scope = undefined;
    this.#dropSuspended();
    if (of !== undefined) this.#kind.abandon(of, task, this.#amount);
  }

  // Waiting for a condition, see `ConditionLock`

  /** The word of the lock that it has, or had before it was suspended; `undefined` if it has none. */
  get lockWord(): LockWord | undefined {
    const of = this.#of ?? this.#suspended;
    return of === undefined ? undefined : this.#kind.conditions?.word(of);
  }

  get suspended(): boolean {
    return this.#suspended !== undefined;
  }

  /** Why it cannot be suspended, if it cannot. */
  get obstacle(): string | undefined {
    return this.#kind.conditions!.obstacle?.(this.#of!);
  }

  /** Lets the lock go until `resume` or `drop`. */
  suspend(): void {
    const of = this.#of!;
    this.#of = undefined;
    this.#suspended = of;
    this.#kind.conditions!.suspend(of);
  }

  /** @throws OwnerDiedError if the lock was taken after a death; the guard has it. */
  resume(taken: Taken): void {
    const of = this.#suspended!;
    this.#suspended = undefined;
    this.#of = of;
    this.#kind.conditions!.resume(of, this, taken);
  }

  /** It will not have the lock again. */
  drop(): void {
    this.#dropSuspended();
    this.keep();
  }

  #dropSuspended(): void {
    const of = this.#suspended;
    this.#suspended = undefined;
    if (of !== undefined) this.#kind.conditions!.drop(of);
  }
}

/** To be called when a task has ended that held a guard of `what`: `semaphore "cache"`. */
export function reportAbandoned(task: string, what: string): void {
  report(
    'HEDDLE_ABANDONED_GUARD',
    `Task "${task}" has ended while it held ${what}: release the guard, or keep() it`,
  );
}

bindToLoop(HeldGuard, 'a guard');
