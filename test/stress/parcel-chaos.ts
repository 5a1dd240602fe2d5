/**
 * Locks travel to the threads of a pool and back, inside arguments and results, while jobs are cancelled and threads
 * die. No lock is freed that somebody uses, and none is left when nobody does.
 */
import { type Executor, type Future, HeddleError, Lock, ThreadPoolExecutor } from '../../src/index.ts';
import { Arena } from './arena.ts';
import { dumpHeap, enterMainLoop, nothingLeft, recordsInUse, usedBlocks } from './heap-watch.ts';
import { type Cargo, type Parcel, parcelJobs } from './parcel-jobs.ts';
import { type Random, seeded } from './random.ts';

export interface ParcelReport {
  readonly seed: number;
  readonly pools: number;
  readonly jobs: number;
  readonly outcomes: Readonly<Record<string, number>>;
}

const THINGS = 6;

export async function parcelChaos(seed: number, milliseconds: number): Promise<ParcelReport> {
  const random = seeded(seed);
  const outcomes: Record<string, number> = {};
  const end = performance.now() + milliseconds;
  // The code of the pool is there before the first thread dies.
  enterMainLoop();
  const before = usedBlocks();
  const records = recordsInUse();
  await new PoolOfParcels(random, {}).live(5, 0);
  let pools = 0;
  let jobs = 0;
  while (performance.now() < end) {
    const pool = new PoolOfParcels(random, outcomes);
    jobs += await pool.live(random.integer(20, 150), jobs);
    pools++;
    try {
      await nothingLeft(before, records);
    } catch (error) {
      throw new Error(`Pool ${pools} of seed ${seed}: ${JSON.stringify(pool.outcomes)}`, { cause: error });
    }
  }
  return { seed, pools, jobs, outcomes };
}

class PoolOfParcels {
  readonly outcomes: Record<string, number> = {};
  readonly #total: Record<string, number>;
  readonly #random: Random;
  readonly #arena = Arena.make(1, THINGS);
  readonly #locks: Lock[] = Array.from({ length: THINGS }, (_, n) => new Lock({ name: `thing ${n}` }));
  /** Handles that have come back. */
  readonly #got: Lock[] = [];

  constructor(random: Random, total: Record<string, number>) {
    this.#random = random;
    this.#total = total;
  }

  async live(jobs: number, first: number): Promise<number> {
    const random = this.#random;
    const pool = new ThreadPoolExecutor({
      threads: random.integer(1, 3),
      concurrency: random.pick([1, 2]),
      onCancel: random.pick(['wait', 'terminate', 'abandon'] as const),
      grace: random.integer(0, 5),
    });
    const work: Promise<void>[] = [];
    for (let n = 1; n <= jobs; n++) {
      work.push(this.#job(pool, ((first + n) % 100_000) + 1));
      if (random.chance(0.3)) await new Promise(setImmediate);
    }
    if (random.chance(0.7)) await Promise.all(work);
    const cancel = random.chance(0.5);
    await Promise.all([pool.shutdown({ cancelPending: cancel, cancelRunning: cancel }), ...work]);
    const fault = this.#arena.describeFault();
    if (fault !== undefined) throw new Error(`${fault}\n${dumpHeap()}`);
    for (const lock of [...this.#locks, ...this.#got]) lock[Symbol.dispose]();
    return jobs;
  }

  #cargo(job: number): Cargo {
    const random = this.#random;
    const parcels: Parcel[] = [];
    for (let n = random.integer(1, 4); n > 0; n--) {
      const thing = random.integer(0, THINGS - 1);
      parcels.push({ name: `thing ${thing}`, thing, lock: this.#locks[thing]! });
    }
    // No lock twice: the second time it would wait for itself, until it is too late.
    const things = new Set<number>();
    const once = parcels.filter(({ thing }) => !things.has(thing) && things.add(thing));
    return { arena: this.#arena.shape, parcels: once, job };
  }

  async #job(pool: ThreadPoolExecutor, job: number): Promise<void> {
    const random = this.#random;
    const kind = random.pick([
      ...['use', 'use', 'use', 'pass', 'pass', 'pass', 'forget', 'fail', 'linger', 'exit', 'crash', 'spin'],
    ] as const);
    const executor: Executor =
      kind === 'spin' ? pool.with({ runTimeout: random.integer(1, 15), onCancel: 'terminate' }) : pool;
    // A job that is ended with its thread has not said so: it may be dead from now on.
    this.#arena.willDie(job);
    const future = this.#submit(kind, executor, this.#cargo(job));
    if (random.chance(0.2)) setImmediate(() => future.cancel('chaos'));
    let outcome = 'value';
    try {
      this.#take(await future);
    } catch (error) {
      if (!(error instanceof HeddleError) && !String(error).includes('planned')) throw error;
      outcome = (error as Error).name;
    }
    const key = `${kind}: ${outcome}`;
    this.outcomes[key] = (this.outcomes[key] ?? 0) + 1;
    this.#total[key] = (this.#total[key] ?? 0) + 1;
  }

  #submit(kind: string, executor: Executor, cargo: Cargo): Future<unknown> {
    if (kind === 'linger') return executor.submit(parcelJobs.linger, cargo, this.#random.integer(0, 10));
    const jobs = parcelJobs as unknown as Record<string, (cargo: Cargo) => unknown>;
    return executor.submit(jobs[kind]!, cargo);
  }

  /** Locks in a result are those that were sent. */
  #take(result: unknown): void {
    if (typeof result !== 'object' || result === null) return;
    const { back, fresh } = result as {
      readonly back: { readonly deep: readonly Parcel[] };
      readonly fresh: Parcel;
    };
    for (const { name, lock } of [...back.deep, fresh]) {
      if (lock.name !== name) throw new Error(`Lock "${name}" came back as "${lock.name}"\n${dumpHeap()}`);
      this.#got.push(lock);
    }
    fresh.lock.acquireSync({ timeout: 1000 }).release();
  }
}
