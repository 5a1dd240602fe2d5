/**
 * Futures that threads hand to each other, wait for, awaited and blocked, settle and cancel, while threads die at any moment. Every
 * wait ends, unless its own thread does: with what the future was settled with, the same for all. At the end no block of memory
 * and no thread record is left.
 */
import { Future, HeddleError, ThreadPoolExecutor } from '../../src/index.ts';
import { type Form, type How, jobs, nameOf, type Rights } from './future-chaos-jobs.ts';
import { enterMainLoop, inTime, nothingLeft, recordsInUse, usedBlocks } from './heap-watch.ts';
import { Lasting } from './lasting.ts';
import { type Random, seeded } from './random.ts';

export interface FutureChaosReport {
  readonly seed: number;
  readonly futures: number;
  /** How they were settled, as who waited saw it. */
  readonly outcomes: Readonly<Record<string, number>>;
}

/** So many futures at once. */
const AT_ONCE = 5;

/** Ends by itself after about `ms`, if it has seen `enough` by then. Rejects with what went wrong, naming the seed. */
export async function futureChaos(
  seed: number,
  ms: number,
  enough: (seen: Omit<FutureChaosReport, 'seed'>) => boolean = () => true,
): Promise<FutureChaosReport> {
  const random = seeded(seed);
  const outcomes: Record<string, number> = {};
  let futures = 0;
  const lasting = new Lasting(ms, () => enough({ futures, outcomes }));
  enterMainLoop();
  do {
    const before = usedBlocks();
    const records = recordsInUse();
    const stage: Stage = {
      random,
      settlers: new ThreadPoolExecutor({ threads: 2, concurrency: 4 }),
      waiters: new ThreadPoolExecutor({ threads: 3, concurrency: 2 }),
    };
    const life = lasting.partEnd();
    const live = async (): Promise<void> => {
      while (performance.now() < life) {
        const outcome = await inTime(one(stage, futures++), `future ${futures} of seed ${seed}`);
        const kind = outcome.replace(/ \d+$/, '');
        outcomes[kind] = (outcomes[kind] ?? 0) + 1;
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, live));
    for (const pool of [stage.settlers, stage.waiters]) {
      await inTime(pool.shutdown(), `shutdown of seed ${seed}`);
      pool[Symbol.dispose]();
    }
    await nothingLeft(before, records);
  } while (!lasting.isOver);
  return { seed, futures, outcomes };
}

interface Stage {
  readonly random: Random;
  readonly settlers: ThreadPoolExecutor;
  readonly waiters: ThreadPoolExecutor;
}

/** The life of one future: what came of it. */
async function one({ random, settlers, waiters }: Stage, number: number): Promise<string> {
  const made = Future.withResolvers<number>();
  const { future, resolve, reject } = made;
  const work: PromiseLike<unknown>[] = [];
  const waits: PromiseLike<string>[] = [future.then((value) => `value ${value}`, nameOf)];
  for (let left = random.integer(1, 4); left > 0; left--) {
    const form: Form = random.pick(['await', 'await', 'block']);
    waits.push(waiters.submit(jobs.wait, future, form));
  }
  for (let left = random.integer(1, 2); left > 0; left--) {
    const how: How = random.pick(['resolve', 'resolve', 'reject', 'exit', 'nothing']);
    const deadly = random.chance(0.2);
    const settling = settlers
      .with({ onCancel: deadly ? 'terminate' : 'wait', grace: 0 })
      .submit(jobs.settle, { resolve, reject } as Rights, how, number, random.integer(0, 4));
    if (deadly) setTimeout(() => settling.cancel('chaos'), random.integer(0, 4));
    work.push(settling);
  }
  if (random.chance(0.2)) work.push(waiters.submit(jobs.cancel, future, random.integer(0, 4)));
  if (random.chance(0.1)) work.push(waiters.submit(jobs.exit, random.integer(0, 4)));
  // From now on only the threads can settle it.
  made[Symbol.dispose]();
  const seen = await Promise.all(waits.map((wait) => wait.then(undefined, diedOver)));
  await Promise.all(work.map((job) => job.then(undefined, diedOver)));
  const [outcome, ...others] = seen.filter((each) => each !== undefined);
  for (const other of others)
    if (other !== outcome) throw new Error(`future ${number} was seen as ${seen.join(', ')}`);
  future[Symbol.dispose]();
  return outcome!;
}

/** The job itself ended by force. */
function diedOver(error: unknown): undefined {
  if (error instanceof HeddleError) return undefined;
  throw error;
}
