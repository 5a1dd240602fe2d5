/**
 * Threads of one pool die by the thousand under load: they exit, throw, and are terminated wherever they are. Every future
 * settles, the pool goes on with as many threads as it had, and nothing is left over.
 */
import {
  currentThread,
  type Future,
  HeddleError,
  portable,
  sleep,
  ThreadPoolExecutor,
} from '../../src/index.ts';
import { dumpHeap, enterMainLoop, nothingLeft, recordsInUse, usedBlocks } from './heap-watch.ts';
import { Lasting } from './lasting.ts';
import { type Random, seeded } from './random.ts';

export interface DeathsReport {
  readonly seed: number;
  /** Threads that died: as many as were started in their place. */
  readonly deaths: number;
  readonly jobs: number;
  /** By kind and outcome. */
  readonly outcomes: Readonly<Record<string, number>>;
}

const IN_FLIGHT = 40;
const THREADS = 3;
const HANGS_AFTER = 60_000;

const functions = {
  /** By its number it is seen how many threads were started. */
  value(): number {
    return currentThread().id;
  },

  async later(n: number, ms: number): Promise<number> {
    await sleep(ms);
    return n;
  },

  big(n: number, length: number): string {
    return `${n} `.repeat(length);
  },

  /** Never returns to its loop until the time is up, and is terminated before. */
  spin(ms: number): void {
    const end = performance.now() + ms;
    while (performance.now() < end);
  },

  async exit(ms: number): Promise<never> {
    await sleep(ms);
    process.exit(77);
  },

  /** Not in the job: the thread dies of it. */
  async throws(ms: number): Promise<never> {
    await sleep(ms);
    setImmediate(() => {
      throw new Error('on purpose');
    });
    return await new Promise(() => {});
  },
};

const jobs: typeof functions = portable(import.meta, functions);

/** Until so many threads have died, or the time is up and it has seen `enough`. */
export async function deaths(
  seed: number,
  ms: number,
  most: number,
  enough: (seen: Pick<DeathsReport, 'deaths' | 'outcomes'>) => boolean = () => true,
): Promise<DeathsReport> {
  const random = seeded(seed);
  const outcomes: Record<string, number> = {};
  enterMainLoop();
  const before = usedBlocks();
  const records = recordsInUse();
  const pool = new ThreadPoolExecutor({ threads: THREADS, concurrency: 4 });
  const first = await pool.submit(jobs.value);
  let last = first;
  let count = 0;
  const died = (): number => last - first + 1 - THREADS;
  const lasting = new Lasting(ms, () => enough({ deaths: died(), outcomes }));
  const one = async (): Promise<void> => {
    while (died() < most && !lasting.isOver) {
      const [kind, future] = submit(pool, random, count++);
      const outcome = await settled(kind, future);
      if (kind === 'value' && outcome === 'value') last = Math.max(last, (await future) as number);
      outcomes[`${kind}: ${outcome}`] = (outcomes[`${kind}: ${outcome}`] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, one));
  for (const answer of Array.from({ length: 100 }, () => pool.submit(jobs.value)))
    if ((await settled('value', answer)) !== 'value') throw new Error('the pool does not work any more');
  await pool.shutdown();
  const { threads, queued, running, abandoned } = pool.statistics();
  if (threads + queued + running + abandoned > 0)
    throw new Error(`left over: ${JSON.stringify(pool.statistics())}`);
  pool[Symbol.dispose]();
  await nothingLeft(before, records);
  return { seed, deaths: died(), jobs: count, outcomes };
}

function submit(pool: ThreadPoolExecutor, random: Random, n: number): readonly [string, Future<unknown>] {
  const kind = random.pick([
    'value',
    'value',
    'later',
    'big',
    'twice',
    'twice',
    'exit',
    'throws',
    'spin',
  ] as const);
  const ms = random.integer(0, 3);
  switch (kind) {
    case 'value':
      return [kind, pool.submit(jobs.value)];
    case 'later':
      return [kind, pool.submit(jobs.later, n, ms)];
    case 'big':
      return [kind, pool.submit(jobs.big, n, random.integer(1, 5000))];
    case 'twice':
      return [kind, pool.with({ idempotent: true }).submit(jobs.later, n, ms)];
    case 'exit':
      return [kind, pool.submit(jobs.exit, ms)];
    case 'throws':
      return [kind, pool.submit(jobs.throws, ms)];
    case 'spin': {
      const future = pool.with({ onCancel: 'terminate', grace: 0 }).submit(jobs.spin, 60_000);
      whenRunning(future, () => setTimeout(() => future.cancel('chaos'), ms));
      return [kind, future];
    }
  }
}

/** Calls `then` once the job runs, or has ended: its thread died over another. */
function whenRunning(future: Future<unknown>, then: () => void): void {
  const look = (): void => {
    if (future.status === 'pending') setImmediate(look);
    else then();
  };
  look();
}

async function settled(kind: string, future: Future<unknown>): Promise<string> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`A job hangs: ${kind}, ${future.status}\n${dumpHeap()}`)),
      HANGS_AFTER,
    );
  });
  try {
    await Promise.race([future, late]);
    return 'value';
  } catch (error) {
    if (error instanceof HeddleError) return error.name;
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
