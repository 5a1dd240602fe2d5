/**
 * Who settles a future by hand: `resolve` and `reject`, here and in other threads. Both are handles of one shared object, the
 * right to settle it; when no thread has that any more, the future fails.
 */
import { show } from '../core/arguments.ts';
import { nowWhileBlocked } from '../core/clock.ts';
import { CancelledError, DeadlockError, InvalidStateError, OwnerDiedError } from '../core/errors.ts';
import { REJECT, RESOLVE } from '../memory/kinds.ts';
import { REFS } from '../memory/layout.ts';
import { ownParking } from '../park/own-parking.ts';
import { freeRight, prepareRight, RIGHT, type Right, type Settled } from '../queue/settlement.ts';
import { isThenable } from '../scope/call.ts';
import { currentScope, pathOf } from '../scope/scope.ts';
import { registerShared, SharedHandle } from '../sync/shared-handle.ts';
import { type Asker, firstFrame, noteAsker } from './asker.ts';
import { Future, handleOfFuture, settleFuture } from './future.ts';
import type { FutureProducer } from './future-producer.ts';
import { blockForShared } from './shared-future.ts';
import { awaitsOwn } from './unsettled.ts';

/** A blocked thread looks so often whether others can settle what it waits for, in milliseconds. */
const LOOK_MS = 250;

export interface Resolvers<T> extends Disposable {
  readonly future: Future<T>;
  resolve(value: T): boolean;
  reject(error: unknown): boolean;
}

/** The right to settle what stands at that address, which `owner` gives up when it is collected. */
export function makeRight(owner: object, settlement: number): SharedHandle<Right> {
  const right = new SharedHandle(owner, RIGHT, undefined, (words, object) =>
    prepareRight(words, object, settlement),
  );
  void right.core;
  return right;
}

/** A future of one's own, in the thread that made it. */
class OwnWork implements FutureProducer {
  readonly future: Future<unknown>;
  /** Once other threads know it. */
  #right: SharedHandle<Right> | undefined;
  #disposed = false;
  /** Who made it, if that is known. */
  readonly #maker: Asker | undefined;

  constructor(maker: Asker | undefined) {
    this.#maker = maker;
    this.future = new Future<unknown>(this);
  }

  /** To be sent: other threads know the future from now on. */
  get right(): SharedHandle<Right> {
    this.#check();
    const { object } = handleOfFuture(this.future).core;
    // One that was settled before it was shared has none.
    this.#right ??= makeRight(this, object);
    return this.#right;
  }

  settle(how: Settled, value: unknown): boolean {
    this.#check();
    return settleFuture(this.future, how, value, true);
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    if (this.#right !== undefined) this.#right.dispose();
    else settleFuture(this.future, 'rejected', lostError());
  }

  #check(): void {
    if (this.#disposed) throw new InvalidStateError('Cannot settle future: its resolvers were disposed');
  }

  // For the future

  shared(settlement: number): void {
    this.#right = makeRight(this, settlement);
  }

  cancel(reason: unknown): boolean {
    return settleFuture(this.future, 'cancelled', cancelledError(reason));
  }

  describe(): string {
    return 'a future';
  }

  awaited(hasWayOut: boolean): (() => void) | undefined {
    if (hasWayOut) return undefined;
    const path = pathOf(currentScope());
    return awaitsOwn(() => {
      const place = firstFrame(this.#maker);
      return `a future${place === undefined ? '' : ` made at ${place}`}${path === '' ? '' : `, which task "${path}" awaits`}`;
    });
  }

  holds(): boolean {
    // Whoever is left settles it, or it fails when nobody is.
    if (this.#disposed) return true;
    // Nobody but this thread: then nothing comes while it does nothing.
    return this.#right !== undefined && ownParking().heap.words[this.#right.coreInUse.object + REFS]! > 1;
  }

  onlyHere(): boolean {
    return !this.holds();
  }

  block(timeout: number): boolean {
    const end = nowWhileBlocked() + timeout;
    for (;;) {
      // Others may give their right up, or die: nobody tells of that who can still settle it.
      if (!this.holds())
        throw new DeadlockError(
          'Cannot block on a future: only this thread can settle it, and it would be blocked; await it',
        );
      const left = end - nowWhileBlocked();
      if (blockForShared(this.future, Math.min(Math.max(left, 0), LOOK_MS))) return true;
      if (left <= LOOK_MS) return false;
    }
  }
}

/** What `resolve` and `reject` are, so that they are known as handles when they are sent. */
abstract class ResolveFunction {
  declare [Symbol.dispose]: () => void;
}
abstract class RejectFunction {
  declare [Symbol.dispose]: () => void;
}
Object.setPrototypeOf(ResolveFunction.prototype, Function.prototype);
Object.setPrototypeOf(RejectFunction.prototype, Function.prototype);

/** By function: the right that it has. */
const rights = new WeakMap<object, () => SharedHandle<Right>>();

export function makeResolvers<T>(): Resolvers<T> {
  const work = new OwnWork(noteAsker(Future.withResolvers));
  const right = (): SharedHandle<Right> => work.right;
  const resolvers = {
    future: work.future as Future<T>,
    resolve: asResolve((value) => work.settle('fulfilled', value), right),
    reject: asReject((error) => work.settle('rejected', error), right),
  };
  // Not one of its fields: what is sent is the others.
  Object.defineProperty(resolvers, Symbol.dispose, { value: () => work.dispose() });
  return resolvers as Resolvers<T>;
}

function asResolve(
  settle: (value: unknown) => boolean,
  right: () => SharedHandle<Right>,
): (value: unknown) => boolean {
  const resolve = (value: unknown): boolean => {
    if (isThenable(value))
      throw new TypeError(
        `Cannot resolve future: received ${show(value)}, which is a thenable; await it first`,
      );
    return settle(value);
  };
  return known(resolve, ResolveFunction.prototype, right);
}

function asReject(
  settle: (error: unknown) => boolean,
  right: () => SharedHandle<Right>,
): (error: unknown) => boolean {
  return known((error: unknown) => settle(error), RejectFunction.prototype, right);
}

function known<F extends object>(fn: F, prototype: object, right: () => SharedHandle<Right>): F {
  rights.set(fn, right);
  return Object.setPrototypeOf(fn, prototype) as F;
}

/** One that has come from another thread; its right is adopted by who makes it. */
function restored(
  make: (settle: (value: unknown) => boolean, right: () => SharedHandle<Right>) => object,
  how: Settled,
): object {
  const fn: object = make(
    (value) => right.core.settlement.put(how, value),
    () => right,
  );
  const right = new SharedHandle(fn, RIGHT, undefined);
  return fn;
}

export function cancelledError(reason: unknown): CancelledError {
  return new CancelledError('The future was cancelled', { cause: reason });
}

/** Nobody settles it any more. */
export function lostError(): OwnerDiedError {
  return new OwnerDiedError(
    'The future was not settled: every thread that could settle it has ended, or given that up',
  );
}

for (const [kind, type, make] of [
  [RESOLVE, ResolveFunction, () => restored(asResolve, 'fulfilled')],
  [REJECT, RejectFunction, () => restored(asReject, 'rejected')],
] as const)
  registerShared<Disposable>(kind, {
    type,
    lists: [],
    handleOf: (fn) => rights.get(fn)!(),
    make: () => make() as Disposable,
    recover: () => {},
    free: freeRight,
  });

for (const { prototype } of [ResolveFunction, RejectFunction])
  prototype[Symbol.dispose] = function (this: object): void {
    rights.get(this)!().dispose();
  };
