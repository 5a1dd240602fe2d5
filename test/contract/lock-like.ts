/** The role "lock-like": what one holds at a time. Who plays it is listed here, a line each. */
import { type Guard, Lock, RLock, type WaitOptions } from '../../src/index.ts';

/** The three forms, and what is seen from outside. */
export interface LockLike {
  acquire(options?: WaitOptions): Promise<Guard>;
  acquireSync(options?: { readonly timeout?: number }): Guard;
  tryAcquire(): Guard | undefined;
  run<R>(fn: () => R | PromiseLike<R>, options?: WaitOptions): Promise<R>;
  runSync<R>(fn: () => R, options?: { readonly timeout?: number }): R;
  statistics(): { readonly waiting: number };
}

export interface Implementation {
  readonly name: string;
  /** Whether the blocking forms give it to a thread that has it. */
  readonly reentrant: boolean;
  create(): Disposable;
  /** The shared object as a lock: here, or where it has travelled to. */
  as(object: Disposable): LockLike;
}

function implementation<T extends Disposable>(
  name: string,
  create: () => T,
  as: (object: T) => LockLike,
  { reentrant = false } = {},
): Implementation {
  return { name, reentrant, create, as: as as (object: Disposable) => LockLike };
}

export const IMPLEMENTATIONS: readonly Implementation[] = [
  implementation(
    'Lock',
    () => new Lock(),
    (lock) => lock,
  ),
  implementation(
    'RLock',
    () => new RLock(),
    (lock) => lock,
    { reentrant: true },
  ),
];

export function implementationOf(name: string): Implementation {
  return IMPLEMENTATIONS.find((one) => one.name === name)!;
}
