/** The role "lock-like": what one holds at a time. Who plays it is listed here, a line each. */
import {
  CapacityLimiter,
  type Guard,
  Lock,
  RLock,
  RWLock,
  Semaphore,
  type WaitOptions,
} from '../../src/index.ts';

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
  /** What the next to get it after the death of an owner gets: an error whose guard has it, or it as if nothing had been. */
  readonly afterDeath: 'error' | 'whole';
  create(): Disposable;
  /** The shared object as a lock: here, or where it has travelled to. */
  as(object: Disposable): LockLike;
}

function implementation<T extends Disposable>(
  name: string,
  create: () => T,
  as: (object: T) => LockLike,
  more: Partial<Pick<Implementation, 'reentrant' | 'afterDeath'>> = {},
): Implementation {
  return {
    name,
    reentrant: false,
    afterDeath: 'error',
    ...more,
    create,
    as: as as (object: Disposable) => LockLike,
  };
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
  implementation(
    'RWLock.write',
    () => new RWLock(),
    (lock) => ({
      acquire: lock.write,
      acquireSync: (options) => lock.writeSync(options),
      tryAcquire: () => lock.tryWrite(),
      run: lock.write.run,
      runSync: lock.write.runSync,
      statistics: () => lock.statistics(),
    }),
  ),
  implementation(
    'Semaphore(1)',
    () => new Semaphore(1, { max: 1 }),
    (semaphore) => semaphore,
    { afterDeath: 'whole' },
  ),
  implementation(
    'CapacityLimiter(1)',
    () => new CapacityLimiter(1),
    (limiter) => limiter,
    { afterDeath: 'whole' },
  ),
];

export function implementationOf(name: string): Implementation {
  return IMPLEMENTATIONS.find((one) => one.name === name)!;
}
