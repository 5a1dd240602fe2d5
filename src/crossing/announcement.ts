/**
 * Something that one thread says once, and that any other can look up or wait for. Unlike a future of its own it costs this
 * thread no wait: so it goes when whoever made it is collected, and who waits elsewhere learns that nothing will be said.
 */
import type { Future } from '../executor/future.ts';
import { makeRight } from '../executor/resolvers.ts';
import { FUTURE, kindOf } from '../memory/kinds.ts';
import { ownParking } from '../park/own-parking.ts';
import { prepareSettlement, type Right, SETTLEMENT, type Settlement } from '../queue/settlement.ts';
import { SharedHandle } from '../sync/shared-handle.ts';

export class Announcement implements Disposable {
  readonly #settlement: SharedHandle<Settlement>;
  readonly #right: SharedHandle<Right>;

  constructor() {
    this.#settlement = new SharedHandle<Settlement>(this, SETTLEMENT, undefined, prepareSettlement);
    // Given up with this object, as the settlement is.
    this.#right = makeRight({ of: this }, this.address);
  }

  /** Of the shared object: the same for all threads, as long as one of them has it. */
  get address(): number {
    return this.#settlement.core.object;
  }

  /** @throws SendError, CaptureError if the value cannot be sent; then nothing was said. */
  say(value: unknown): void {
    this.#settlement.core.put('fulfilled', value);
  }

  /** A copy of what was said. */
  read(): unknown {
    return this.#settlement.core.read()?.[1];
  }

  /** To be sent: it settles with what is said, or rejects if that will never be. */
  future(): Future<unknown> {
    ownParking().handles.retain(this.address);
    return kindOf(FUTURE)!.restore(this.address) as Future<unknown>;
  }

  /** Nothing more is said. */
  [Symbol.dispose](): void {
    this.#right.dispose();
    this.#settlement.dispose();
  }
}

/** One more handle of a future that has come from another thread. */
export function anotherOfFuture<T>(future: Future<T>): Future<T> {
  return kindOf(FUTURE)!.another(future) as Future<T>;
}

/** The address of a future that has come from another thread. */
export function addressOfFuture(future: Future<unknown>): number {
  return kindOf(FUTURE)!.enter(future);
}
