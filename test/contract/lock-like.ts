/**
 * The role "lock-like": what one holds at a time; and "permit-like": what is held in amounts. Who plays them is listed
 * here.
 */
import {
  CapacityLimiter,
  type Guard,
  Lock,
  RLock,
  RWLock,
  Semaphore,
  type WaitOptions,
} from '../../src/index.ts';

/** How much is asked for: 1, unless it is told. Only of what is permit-like. */
export interface Amount {
  readonly permits?: number;
}

/** The three forms, and what is seen from outside. */
export interface LockLike {
  acquire(options?: WaitOptions & Amount): Promise<Guard>;
  acquireSync(options?: { readonly timeout?: number } & Amount): Guard;
  tryAcquire(options?: Amount): Guard | undefined;
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

/** What is permit-like. All of it is called 3 permits. */
export interface PermitImplementation extends Implementation {
  /** What may be asked for at a time. */
  readonly amounts: readonly number[];
  /** Whether there are never more than 3 held; else any number of single ones, or all. */
  readonly bounded: boolean;
}

export const PERMITS: readonly PermitImplementation[] = [
  {
    ...implementation(
      'Semaphore(3)',
      () => new Semaphore(3, { max: 3 }),
      (semaphore) => semaphore,
      { afterDeath: 'whole' },
    ),
    amounts: [1, 2, 3],
    bounded: true,
  },
  {
    ...implementation(
      'CapacityLimiter(3)',
      () => new CapacityLimiter(3),
      (limiter) => limiter,
      { afterDeath: 'whole' },
    ),
    amounts: [1],
    bounded: true,
  },
  {
    // To read is to take one, to write to take all.
    ...implementation(
      'RWLock',
      () => new RWLock(),
      (lock) => ({
        acquire: (options) => (writes(options) ? lock.write(options) : lock.read(options)),
        acquireSync: (options) => (writes(options) ? lock.writeSync(options) : lock.readSync(options)),
        tryAcquire: (options) => (writes(options) ? lock.tryWrite() : lock.tryRead()),
        run: lock.read.run,
        runSync: lock.read.runSync,
        statistics: () => lock.statistics(),
      }),
    ),
    amounts: [1, 3],
    bounded: false,
  },
];

function writes(amount: Amount | undefined): boolean {
  return amount?.permits === 3;
}

export function implementationOf(name: string): Implementation {
  return [...IMPLEMENTATIONS, ...PERMITS].find((one) => one.name === name)!;
}
