/**
 * Random work on a thread pool: jobs that answer, fail, hang, kill their thread or are cancelled, maps that are left
 * early, pools that are resized and shut down at any moment. Whatever happens, every future settles, nothing runs twice
 * that must not, the counts add up, and no thread is left.
 */
import {
  type Executor,
  type Future,
  HeddleError,
  type OnCancel,
  ThreadPoolExecutor,
} from '../../src/index.ts';
import { chaosJobs } from './chaos-jobs.ts';
import { type Random, seeded } from './random.ts';

export interface ChaosReport {
  readonly seed: number;
  readonly pools: number;
  readonly jobs: number;
  readonly outcomes: Readonly<Record<string, number>>;
}

/** Ends by itself after about `ms`. Rejects with what went wrong, naming the seed. */
export async function poolChaos(seed: number, ms: number): Promise<ChaosReport> {
  const random = seeded(seed);
  const outcomes: Record<string, number> = {};
  const end = performance.now() + ms;
  let pools = 0;
  let jobs = 0;
  while (performance.now() < end) {
    const life = new PoolLife(random, outcomes);
    jobs += await withinTime(life.live(), `pool ${pools} of seed ${seed}`, () => life.describe());
    pools++;
  }
  return { seed, pools, jobs, outcomes };
}

/** A hang is the worst outcome: it must be named, not waited for. */
async function withinTime<T>(work: Promise<T>, what: string, describe: () => string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} hangs: ${describe()}`)), 60_000);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

const POLICIES: readonly OnCancel[] = ['wait', 'terminate', 'abandon'];

class PoolLife {
  readonly #random: Random;
  readonly #outcomes: Record<string, number>;
  readonly #pool: ThreadPoolExecutor;
  readonly #open = new Set<string>();
  readonly #runs = new Int32Array(new SharedArrayBuffer(4 * 1024));
  readonly #mostlyQuick: boolean;
  #started = 0;

  constructor(random: Random, outcomes: Record<string, number>) {
    this.#random = random;
    this.#outcomes = outcomes;
    this.#mostlyQuick = random.chance(0.5);
    this.#pool = new ThreadPoolExecutor({
      threads: random.integer(1, 3),
      concurrency: random.pick([1, 1, 1, 2, 3]),
      onCancel: random.pick(POLICIES),
      scheduling: random.pick(['shared', 'stealing']),
      grace: random.integer(0, 5),
    });
  }

  describe(): string {
    return `${[...this.#open].slice(0, 10).join(', ')}; ${JSON.stringify(this.#pool.statistics())}`;
  }

  async #warmUp(): Promise<void> {
    await Promise.all(Array.from({ length: 40 }, () => this.#pool.submit(chaosJobs.double, 1)));
  }

  async live(): Promise<number> {
    const random = this.#random;
    const work: Promise<void>[] = [];
    // Short jobs are on offer to threads ahead of their turn: a pool that has run some takes another path.
    if (random.chance(0.7)) await this.#warmUp();
    for (let step = random.integer(5, 60); step > 0; step--) {
      work.push(random.chance(0.15) ? this.#map() : this.#job());
      if (random.chance(0.1)) work.push(this.#pool.resize(random.integer(1, 3)));
      if (random.chance(0.3)) await turn(random);
    }
    if (random.chance(0.5)) await Promise.all(work);
    const cancel = random.chance(0.5);
    await Promise.all([
      this.#pool.shutdown({ cancelPending: cancel, cancelRunning: cancel }),
      random.chance(0.3) ? this.#pool.shutdown({ cancelRunning: true }) : undefined,
      ...work,
    ]);
    this.#verify();
    return this.#started;
  }

  #verify(): void {
    const { threads, queued, running, abandoned } = this.#pool.statistics();
    if (threads + queued + running + abandoned > 0) throw new Error(`left over: ${this.describe()}`);
    for (const [index, runs] of this.#runs.entries()) {
      if (runs > 1) throw new Error(`job ${index} ran ${runs} times`);
    }
  }

  async #job(): Promise<void> {
    const random = this.#random;
    const index = this.#started++;
    const [kind, submit] = random.pick(this.#kinds(index));
    const name = `${kind} ${index}`;
    // Nothing but a limit ends a job that never does.
    const limit =
      kind === 'spin' ? { runTimeout: random.integer(1, 10), onCancel: 'terminate' as const } : {};
    const controller = new AbortController();
    const signal = random.chance(0.2) ? { signal: controller.signal } : {};
    this.#open.add(name);
    const future = submit(this.#pool.with({ name, ...limit, ...signal }));
    if (random.chance(0.2)) queueMicrotask(() => future.cancel('chaos'));
    if (random.chance(0.2)) void turn(random).then(() => controller.abort(new RangeError('chaos')));
    await this.#outcome(kind, future);
    this.#open.delete(name);
  }

  #kinds(index: number): readonly (readonly [string, (executor: Executor) => Future<unknown>])[] {
    const runs = this.#runs;
    const ms = this.#random.integer(0, 3);
    return [
      ...Array.from(
        { length: this.#mostlyQuick ? 30 : 2 },
        () => ['quick', (executor: Executor) => executor.submit(chaosJobs.quick, runs, index)] as const,
      ),
      ['later', (executor) => executor.submit(chaosJobs.later, runs, index, ms)],
      ['busy', (executor) => executor.submit(chaosJobs.busy, runs, index, ms)],
      ['fail', (executor) => executor.submit(chaosJobs.fail, index)],
      ['listen', (executor) => executor.submit(chaosJobs.listen, ms * 20)],
      ['exit', (executor) => executor.submit(chaosJobs.exit, ms)],
      ['crash', (executor) => executor.submit(chaosJobs.crash, ms)],
      ['spin', (executor) => executor.submit(chaosJobs.spin)],
      ['unsendable', (executor) => executor.submit(chaosJobs.unsendable, index)],
    ];
  }

  async #outcome(kind: string, future: Future<unknown>): Promise<void> {
    let outcome: string;
    try {
      await future;
      outcome = 'value';
    } catch (error) {
      const expected =
        error instanceof HeddleError || error instanceof RangeError || String(error).includes('planned');
      if (!expected) throw error;
      outcome = (error as Error).name;
    }
    const key = `${kind}: ${outcome}`;
    this.#outcomes[key] = (this.#outcomes[key] ?? 0) + 1;
  }

  async #map(): Promise<void> {
    const random = this.#random;
    const name = `map ${this.#started++}`;
    const stopAt = random.chance(0.4) ? random.integer(0, 50) : Infinity;
    const items = Array.from({ length: random.integer(0, 60) }, (_, index) => index);
    let expected = 0;
    this.#open.add(name);
    try {
      const options = { chunkSize: random.pick([1, 3, 'auto'] as const), ordered: random.chance(0.5) };
      for await (const value of this.#pool.map(chaosJobs.double, items, options)) {
        if (options.ordered && value !== 2 * expected++) throw new Error(`${name}: ${value} is out of order`);
        if (value >= stopAt) break;
      }
    } catch (error) {
      if (!(error instanceof HeddleError)) throw error;
    }
    this.#open.delete(name);
  }
}

/** A few turns of the loop. */
async function turn(random: Random): Promise<void> {
  for (let n = random.integer(0, 5); n > 0; n--) await new Promise(setImmediate);
}
