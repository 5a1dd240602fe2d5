/** Jobs that submit jobs to a pool they are given, from its own threads and from others. */
import { type Executor, type Future, HeddleError, portable, sleep } from '../../src/index.ts';
import { type Random, seeded } from './random.ts';

/** How often each job ran, by its number; and how many numbers were given out: in the last word. */
export type Runs = Int32Array;

/** What came of the jobs of one submitter, by name: kind and outcome. */
export type Outcomes = Record<string, number>;

/** Whatever a job waits for comes within that, or hangs. In milliseconds. */
const WITHIN = 45_000;

function next(runs: Runs): number {
  return Atomics.add(runs, runs.length - 1, 1) % (runs.length - 1);
}

/** A future of any kind settles in time, and with an error that was to be expected. */
async function outcomeOf(kind: string, future: Future<unknown>): Promise<string> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'hangs'>((resolve) => {
    timer = setTimeout(() => resolve('hangs'), WITHIN);
  });
  try {
    const first = await Promise.race([future.then(() => 'value' as const), late]);
    if (first === 'hangs') throw new Error(`A job hangs: ${kind}, ${future.status}`);
    return first;
  } catch (error) {
    if (error instanceof HeddleError || String(error).includes('planned')) return (error as Error).name;
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** One job of a random kind: gives its kind, and the future; or nothing if the pool took none. */
function submitOne(pool: Executor, runs: Runs, random: Random): readonly [string, Future<unknown>] {
  const number = next(runs);
  const ms = random.integer(0, 2);
  const chosen = pool.with({
    priority: random.pick([0, 0, 0, -1, 1]),
    onCancel: random.pick(['wait', 'wait', 'abandon'] as const),
  });
  const kind = random.pick([
    'quick',
    'quick',
    'quick',
    'later',
    'busy',
    'fail',
    'nested',
    'blocking',
    'exit',
    'twice',
  ] as const);
  switch (kind) {
    case 'quick':
      return [kind, chosen.submit(jobs.quick, runs, number)];
    case 'later':
      return [kind, chosen.submit(jobs.later, runs, number, ms)];
    case 'busy':
      return [kind, chosen.submit(jobs.busy, runs, number, ms)];
    case 'fail':
      return [kind, chosen.submit(jobs.fail, runs, number)];
    case 'nested':
      return [kind, chosen.submit(jobs.nested, pool, runs, number, random.integer(1, 3))];
    case 'blocking':
      return [kind, chosen.submit(jobs.blocking, pool, runs, number)];
    case 'exit':
      return random.chance(0.3)
        ? [kind, chosen.submit(jobs.exit, runs, number, ms)]
        : ['quick', chosen.submit(jobs.quick, runs, number)];
    case 'twice':
      return [kind, chosen.with({ idempotent: true }).submit(jobs.big, number, random.integer(1, 2000))];
  }
}

const functions = {
  quick(runs: Runs, number: number): number {
    Atomics.add(runs, number, 1);
    return number;
  },

  async later(runs: Runs, number: number, ms: number): Promise<number> {
    Atomics.add(runs, number, 1);
    await sleep(ms);
    return number;
  },

  busy(runs: Runs, number: number, ms: number): number {
    Atomics.add(runs, number, 1);
    const end = performance.now() + ms;
    while (performance.now() < end);
    return number;
  },

  fail(runs: Runs, number: number): never {
    Atomics.add(runs, number, 1);
    throw new Error('planned failure');
  },

  async exit(runs: Runs, number: number, ms: number): Promise<never> {
    Atomics.add(runs, number, 1);
    await sleep(ms);
    process.exit(77);
  },

  /** Its result needs a block of its own. */
  big(number: number, length: number): string {
    return `${number} `.repeat(length);
  },

  /** Waits for jobs of its own pool, and gives its slot away. */
  async nested(pool: Executor, runs: Runs, number: number, children: number): Promise<number> {
    Atomics.add(runs, number, 1);
    const all = Array.from({ length: children }, () => pool.submit(jobs.quick, runs, next(runs)));
    for (const child of all) await child;
    return number;
  },

  /** Blocks its thread for one. */
  blocking(pool: Executor, runs: Runs, number: number): number {
    Atomics.add(runs, number, 1);
    return pool.submitSync(jobs.quick, runs, next(runs));
  },

  /** Submits so many jobs at random moments, takes some back, and waits for all. */
  async submitMany(pool: Executor, runs: Runs, seed: number, count: number): Promise<Outcomes> {
    const random = seeded(seed);
    const outcomes: Outcomes = {};
    const waits: Promise<void>[] = [];
    const note = (key: string): void => {
      outcomes[key] = (outcomes[key] ?? 0) + 1;
    };
    for (let left = count; left > 0; left--) {
      let kind: string;
      let future: Future<unknown>;
      try {
        [kind, future] = submitOne(pool, runs, random);
      } catch (error) {
        if (!(error instanceof HeddleError)) throw error;
        note(`refused: ${error.name}`);
        await new Promise(setImmediate);
        continue;
      }
      if (random.chance(0.15)) future.cancel('chaos');
      else if (random.chance(0.1)) setImmediate(() => future.cancel('chaos'));
      waits.push(outcomeOf(kind, future).then((outcome) => note(`${kind}: ${outcome}`)));
      if (random.chance(0.1)) await Promise.all(waits.splice(0));
      else if (random.chance(0.3)) await new Promise(setImmediate);
    }
    await Promise.all(waits);
    return outcomes;
  },
};

export const jobs: typeof functions = portable(import.meta, functions);
