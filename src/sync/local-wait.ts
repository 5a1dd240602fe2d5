/** A wait in a line that only this thread knows, such as that below a guard of a re-entrant lock. */
import { mayNow, putOff } from '../park/turn.ts';
import { holdLoop, releaseLoop } from '../platform/keep-alive.ts';
import type { Scope } from '../scope/scope.ts';
import { Waiter } from '../scope/waiter.ts';
import type { SharedHandle } from './shared-handle.ts';

/** A task that waits for a `T`. Whoever gives it takes the first of the line. */
export class LocalWait<T, C> extends Waiter<T> {
  /** By which it waits. */
  readonly handle: SharedHandle<C>;
  readonly #line: Set<LocalWait<T, C>>;
  readonly #holds: boolean;
  /** From its turn until the task is told. */
  #take: ((scope: Scope | undefined) => T) | undefined;

  /** Stands at the end of the line from now on. `holds`: it keeps the loop alive. */
  constructor(scope: Scope | undefined, line: Set<LocalWait<T, C>>, handle: SharedHandle<C>, holds: boolean) {
    super(scope);
    this.handle = handle;
    this.#line = line;
    this.#holds = holds;
    line.add(this);
    handle.use();
    if (holds) holdLoop();
  }

  /** It is its turn: whatever comes now, the wait ends with what `take` gives or throws. */
  grant(take: (scope: Scope | undefined) => T): void {
    this.#line.delete(this);
    this.#take = take;
    if (mayNow()) this.#end(take);
    else putOff(() => this.#end(take), false);
  }

  #end(take: (scope: Scope | undefined) => T): void {
    if (this.settled) return;
    try {
      this.resolve(take(this.scope));
    } catch (error) {
      this.reject(error);
    }
    this.#left();
  }

  protected override giveUp(): boolean {
    if (this.#take !== undefined) {
      this.#end(this.#take);
      return false;
    }
    this.#line.delete(this);
    this.#left();
    return true;
  }

  #left(): void {
    if (this.#holds) releaseLoop();
    this.handle.unuse();
  }
}
