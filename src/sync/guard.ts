/** The guard of locks, semaphores and their kin. */

import { NotOwnerError } from '../core/errors.ts';
import type { Guard } from '../core/guard.ts';
import { bindToLoop } from '../core/unsendable.ts';
import { report } from '../platform/report.ts';
import { type Holding, holderIn, holdInTask, letGo } from '../scope/holdings.ts';
import type { Scope } from '../scope/scope.ts';

/** How a class of objects takes back what its guards stand for. */
export interface GuardKind<T> {
  /** Called once at most for each guard, with the amount that it holds. */
  release(of: T, amount: number): void;
  /** The task that held the guard has ended: takes it back as from a dead owner. */
  abandon(of: T, task: string, amount: number): void;
}

/** One acquisition of `T`. */
export class HeldGuard<T extends object> implements Guard, Holding {
  readonly #kind: GuardKind<T>;
  /** `undefined` once it was given back. */
  #of: T | undefined;
  /** The task that answers for it. */
  #scope: Scope | undefined;
  #amount = 1;

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
    if (this.#of === undefined) throw new NotOwnerError('Cannot release guard: it was released before');
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
  }

  abandoned(task: string): void {
    const of = this.#of;
    this.#of = undefined;
    this.#scope = undefined;
    if (of !== undefined) this.#kind.abandon(of, task, this.#amount);
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
