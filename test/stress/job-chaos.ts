/**
 * A pool that many threads submit to: the one that made it, threads of another pool that are terminated at any moment, and its
 * own jobs, which wait for others or block for them. Threads of it die, jobs are cancelled, the pool is resized. Every future
 * settles, no job runs twice that must not, and at the end no block of memory and no thread record is left.
 */
import { type Future, HeddleError, ThreadPoolExecutor } from '../../src/index.ts';
import { dumpHeap, nothingLeft, recordsInUse, usedBlocks } from './heap-watch.ts';
import { jobs, type Outcomes, type Runs } from './job-chaos-jobs.ts';
import { Lasting } from './lasting.ts';
import { type Random, seeded } from './random.ts';

export interface JobChaosReport {
  readonly seed: number;
  readonly pools: number;
  /** Jobs of the pool, whoever submitted them. */
  readonly jobs: number;
  /** Threads that submitted and were terminated over it. */
  readonly deadOwners: number;
  readonly outcomes: Readonly<Outcomes>;
}

/** Numbers of jobs that a pool may have. */
const MOST_JOBS = 100_000;
const HANGS_AFTER = 90_000;

/** Ends by itself after about `ms`, if it has seen `enough` by then. Rejects with what went wrong, naming the seed. */
export async function jobChaos(
  seed: number,
  ms: number,
  enough: (seen: Omit<JobChaosReport, 'seed' | 'pools'>) => boolean = () => true,
): Promise<JobChaosReport> {
  const random = seeded(seed);
  await warmUp();
  const before = usedBlocks();
  const records = recordsInUse();
  const outcomes: Outcomes = {};
  let pools = 0;
  let total = 0;
  let deadOwners = 0;
  const lasting = new Lasting(ms, () => enough({ jobs: total, deadOwners, outcomes }));
  do {
    const life = new PoolLife(random, outcomes, lasting.partEnd());
    await inTime(life.live(), () => `pool ${pools} of seed ${seed} hangs: ${life.describe()}\n${dumpHeap()}`);
    total += life.jobs;
    deadOwners += life.deadOwners;
    pools++;
    await nothingLeft(before, records);
  } while (!lasting.isOver);
  return { seed, pools, jobs: total, deadOwners, outcomes };
}

/** What a thread keeps for good once it has used a pool is there at the start. */
async function warmUp(): Promise<void> {
  const pool = new ThreadPoolExecutor({ threads: 1 });
  await pool.submit(jobs.big, 0, 1);
  await pool.shutdown();
  pool[Symbol.dispose]();
}

async function inTime<T>(work: Promise<T>, describe: () => string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(describe())), HANGS_AFTER);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

class PoolLife {
  deadOwners = 0;
  readonly #random: Random;
  readonly #outcomes: Outcomes;
  readonly #end: number;
  readonly #pool: ThreadPoolExecutor;
  readonly #owners: ThreadPoolExecutor;
  readonly #runs: Runs = new Int32Array(new SharedArrayBuffer(4 * (MOST_JOBS + 1)));

  constructor(random: Random, outcomes: Outcomes, end: number) {
    this.#random = random;
    this.#outcomes = outcomes;
    this.#end = end;
    this.#pool = new ThreadPoolExecutor({
      threads: random.integer(1, 3),
      concurrency: random.pick([1, 1, 2, 3]),
      maxPending: random.pick([Infinity, Infinity, 20]),
      scheduling: random.pick(['shared', 'stealing']),
    });
    this.#owners = new ThreadPoolExecutor({ threads: 3 });
  }

  get jobs(): number {
    return this.#runs[MOST_JOBS]!;
  }

  describe(): string {
    return JSON.stringify([this.#pool.statistics(), this.#owners.statistics()]);
  }

  async live(): Promise<void> {
    const work = [this.#submitHere(), this.#own(), this.#own(), this.#own(), this.#resize()];
    await Promise.all(work);
    await Promise.all([this.#pool.shutdown(), this.#owners.shutdown()]);
    const { threads, queued, running, abandoned } = this.#pool.statistics();
    if (threads + queued + running + abandoned > 0) throw new Error(`left over: ${this.describe()}`);
    for (const [number, runs] of this.#runs.subarray(0, MOST_JOBS).entries())
      if (runs > 1 + Math.floor(this.jobs / MOST_JOBS)) throw new Error(`job ${number} ran ${runs} times`);
    // Who holds the pool still, in other threads, is gone with these.
    this.#pool[Symbol.dispose]();
    this.#owners[Symbol.dispose]();
  }

  get #isOver(): boolean {
    return performance.now() > this.#end;
  }

  async #submitHere(): Promise<void> {
    while (!this.#isOver)
      this.#note(await jobs.submitMany(this.#pool, this.#runs, this.#random.integer(0, 2 ** 31), 30));
  }

  /** One thread after the other submits, and half of them are terminated over it. */
  async #own(): Promise<void> {
    const random = this.#random;
    while (!this.#isOver) {
      const options = { onCancel: 'terminate', grace: 0 } as const;
      const seed = random.integer(0, 2 ** 31);
      const future = this.#owners
        .with(options)
        .submit(jobs.submitMany, this.#pool, this.#runs, seed, random.integer(5, 60));
      if (random.chance(0.5)) setTimeout(() => future.cancel('chaos'), random.integer(0, 150));
      await this.#settled(future);
    }
  }

  async #settled(future: Future<Outcomes>): Promise<void> {
    try {
      this.#note(await future);
    } catch (error) {
      if (!(error instanceof HeddleError)) throw error;
      this.deadOwners++;
      this.#note({ [`owner: ${error.name}`]: 1 });
    }
  }

  async #resize(): Promise<void> {
    while (!this.#isOver) {
      await new Promise((resolve) => setTimeout(resolve, this.#random.integer(0, 300)));
      await this.#pool.resize(this.#random.integer(1, 3));
    }
  }

  #note(outcomes: Outcomes): void {
    for (const [key, count] of Object.entries(outcomes))
      this.#outcomes[key] = (this.#outcomes[key] ?? 0) + count;
  }
}
