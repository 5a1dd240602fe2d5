/** What an explored thread has of shared objects, where heddle knows only of the one thread that explores. */

import type { Guard } from '../../core/guard.ts';
import { abandonItems } from '../../queue/abandon.ts';
import type { Queue } from '../../queue/queue.ts';
import type { Scope } from '../../scope/scope.ts';
import { scopeOf } from '../../scope/task.ts';
import { HeldGuard } from '../../sync/guard.ts';

export class Belongings {
  /** Guards by what they are of, the newest last. */
  readonly #guards = new Map<object, Guard[]>();
  /** How deep it is in `run()` of what. */
  readonly #inside = new Map<object, number>();
  /** Items that were taken and are not done. */
  readonly #items = new Map<Queue<unknown>, number>();

  /** The newest guard of it that was not released. */
  guardOf(object: object): Guard | undefined {
    return this.#guards.get(object)?.findLast(({ released }) => !released);
  }

  /** It has got a guard. */
  hold(object: object, guard: unknown): void {
    if (!(guard instanceof HeldGuard)) return;
    const guards = (this.#guards.get(object) ?? []).filter(({ released }) => !released);
    guards.push(guard);
    this.#guards.set(object, guards);
  }

  /** `run()` of it has begun to call a function, and until that ends the guard is nowhere to be seen. */
  enter(object: object): void {
    this.#inside.set(object, (this.#inside.get(object) ?? 0) + 1);
  }

  leave(object: object): void {
    this.#inside.set(object, this.#inside.get(object)! - 1);
  }

  isInside(object: object): boolean {
    return (this.#inside.get(object) ?? 0) > 0;
  }

  /** It has got items. */
  took(queue: Queue<unknown>, count: number): void {
    this.#items.set(queue, (this.#items.get(queue) ?? 0) + count);
  }

  /** An item is to be done. False if it has none. */
  finish(queue: Queue<unknown>): boolean {
    const count = this.#items.get(queue) ?? 0;
    if (count === 0) return false;
    this.#items.set(queue, count - 1);
    return true;
  }

  /** All is left behind by a thread that dies: `cancel` ends its waits. */
  drop(scopes: ReadonlySet<Scope>, cancel: () => void): void {
    const owners = new Set(
      [...scopes].map((scope) => (scope.task === undefined ? scope : scopeOf(scope.task))),
    );
    // Who waits for a condition is without the lock, and does not ask for it again.
    this.#abandon(owners, true);
    cancel();
    this.#abandon(owners, false);
    for (const [queue, count] of this.#items) abandonItems(queue, count);
    this.#items.clear();
  }

  #abandon(owners: ReadonlySet<Scope>, suspended: boolean): void {
    for (const { holdings, task } of owners) {
      for (const holding of holdings ?? []) {
        if (suspended && !(holding instanceof HeldGuard && holding.suspended)) continue;
        holdings!.delete(holding);
        holding.abandoned(task?.name ?? 'thread');
      }
    }
  }
}
