/** Jobs that get locks inside their arguments, use them, and give some back. */
import { type Guard, Lock, OwnerDiedError, portable, sleep } from '../../src/index.ts';
import { Arena, type ArenaShape } from './arena.ts';

/** A lock on its way, with the name by which it is known from another. */
export interface Parcel {
  readonly name: string;
  readonly thing: number;
  readonly lock: Lock;
}

export interface Cargo {
  readonly arena: ArenaShape;
  readonly parcels: readonly Parcel[];
  /** Stands for the thread in the words of the arena: a number of this job alone. */
  readonly job: number;
}

/** Uses each of the locks, if it can be had soon. */
async function use({ arena: shape, parcels, job }: Cargo, inside: () => void): Promise<void> {
  const arena = new Arena(shape);
  for (const { name, thing, lock } of parcels) {
    if (lock.name !== name) arena.fault(5, thing, job);
    let guard: Guard;
    try {
      guard = await lock.acquire({ timeout: 20 });
    } catch (error) {
      if (!(error instanceof OwnerDiedError)) continue;
      arena.mend(thing);
      guard = error.guard as Guard;
    }
    // Whoever ends while it holds a lock, by a cancellation too, leaves the rest to the next.
    arena.enter(thing, job, 0);
    inside();
    arena.leave(thing, job, 0);
    guard.release();
  }
}

const functions = {
  async use(cargo: Cargo): Promise<number> {
    await use(cargo, () => {});
    return cargo.job;
  },

  /** Gives back what it got, twice, and something new. */
  async pass(
    cargo: Cargo,
  ): Promise<{ readonly back: { readonly deep: readonly Parcel[] }; readonly fresh: Parcel }> {
    await use(cargo, () => {});
    const name = `fresh ${cargo.job}`;
    return {
      back: { deep: [...cargo.parcels, ...cargo.parcels] },
      fresh: { name, thing: -1, lock: new Lock({ name }) },
    };
  },

  async fail(cargo: Cargo): Promise<never> {
    await use(cargo, () => {});
    throw new Error('planned');
  },

  async linger(cargo: Cargo, ms: number): Promise<number> {
    await sleep(ms);
    return cargo.parcels.length;
  },

  spin(cargo: Cargo): never {
    for (;;) if (cargo.job < 0) break;
    throw new Error('never');
  },

  /** Ends its thread with a lock in hand. */
  async exit(cargo: Cargo): Promise<never> {
    new Arena(cargo.arena).willDie(cargo.job);
    await use(cargo, () => process.exit(77));
    process.exit(77);
  },

  crash(cargo: Cargo): Promise<never> {
    new Arena(cargo.arena).willDie(cargo.job);
    setImmediate(() => {
      throw new Error('planned');
    });
    return use(cargo, () => {}).then(() => new Promise<never>(() => {}));
  },

  /** Drops the locks without a word: the collector may find them. */
  forget(_cargo: Cargo): void {},
};

export const parcelJobs: typeof functions = portable(import.meta, functions);
