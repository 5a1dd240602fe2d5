/**
 * Callbacks, signals, tables and iterables whose other ends are in threads that die at any moment, or are ended by force. Every job
 * and every iteration ends; calls come in order, and before the end of their job; every iterable of this loop is closed. At
 * the end no block of memory and no thread record is left.
 */
import { callback, HeddleError, Shared, sleep, ThreadPoolExecutor } from '../../src/index.ts';
import { type End, jobs } from './crossing-chaos-jobs.ts';
import { enterMainLoop, HANGS_AFTER, inTime, nothingLeft, recordsInUse, usedBlocks } from './heap-watch.ts';
import { Lasting } from './lasting.ts';
import { type Random, seeded } from './random.ts';

export interface CrossingChaosReport {
  readonly seed: number;
  /** How many of each kind were done. */
  readonly done: Readonly<Record<string, number>>;
  /** How they ended. */
  readonly outcomes: Readonly<Record<string, number>>;
}

const AT_ONCE = 4;

/** Ends by itself after about `ms`, if it has seen `enough` by then. Rejects with what went wrong, naming the seed. */
export async function crossingChaos(
  seed: number,
  ms: number,
  enough: (seen: Omit<CrossingChaosReport, 'seed'>) => boolean = () => true,
): Promise<CrossingChaosReport> {
  const random = seeded(seed);
  const done: Record<string, number> = {};
  const outcomes: Record<string, number> = {};
  const lasting = new Lasting(ms, () => enough({ done, outcomes }));
  enterMainLoop();
  do {
    const before = usedBlocks();
    const records = recordsInUse();
    const pool = new ThreadPoolExecutor({ threads: 3, concurrency: 2 });
    const life = lasting.partEnd();
    const live = async (): Promise<void> => {
      while (performance.now() < life) {
        const [kind, act] = random.pick(ACTS);
        const outcome = await inTime(act({ pool, random }), `${kind} of seed ${seed}`);
        done[kind] = (done[kind] ?? 0) + 1;
        outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, live));
    await inTime(pool.shutdown(), `shutdown of seed ${seed}`);
    pool[Symbol.dispose]();
    await nothingLeft(before, records);
  } while (!lasting.isOver);
  return { seed, done, outcomes };
}

interface Stage {
  readonly pool: ThreadPoolExecutor;
  readonly random: Random;
}

const ACTS: readonly (readonly [kind: string, act: (stage: Stage) => Promise<string>])[] = [
  ['callback', calls],
  ['signal', aborts],
  ['table', reads],
  ['argument', given],
  ['argument, blocking', givenSync],
  ['result', taken],
  ['through', through],
];

async function calls(stage: Stage): Promise<string> {
  const { random } = stage;
  const seen: number[] = [];
  const count = random.integer(1, 60);
  const [outcome, value] = await ended(stage, (pool) =>
    pool.submit(
      jobs.tell,
      callback((n: number) => seen.push(n)),
      count,
      howToEnd(random),
    ),
  );
  if (seen.some((n, index) => n !== index + 1)) throw new Error(`calls came as ${seen.join()}`);
  if (value !== undefined && seen.length !== count) throw new Error(`${seen.length} of ${count} calls came`);
  const atEnd = seen.length;
  await sleep(1);
  if (seen.length !== atEnd) throw new Error('a call came after the end of its job');
  return outcome;
}

async function aborts(stage: Stage): Promise<string> {
  const { random } = stage;
  const controller = new AbortController();
  const job = random.pick([jobs.waitFor, jobs.spinFor]);
  setTimeout(() => controller.abort('planned'), random.integer(0, 4));
  const [outcome, value] = await ended(stage, (pool) =>
    pool.submit(job, controller.signal, howToEnd(random)),
  );
  if (value !== undefined && value !== 'planned') throw new Error(`the reason was ${String(value)}`);
  return outcome;
}

async function reads(stage: Stage): Promise<string> {
  using table = new Shared({ rows: [1, 2, 3] });
  const [outcome, value] = await ended(stage, (pool) => pool.submit(jobs.read, table));
  if (value !== undefined && value !== 6) throw new Error(`the sum was ${String(value)}`);
  return outcome;
}

async function given(stage: Stage): Promise<string> {
  const { random } = stage;
  const items = new Counting(random);
  const most = random.integer(1, 400);
  const [outcome, value] = await ended(stage, (pool) =>
    pool.submit(jobs.take, items.async(), most, howToEnd(random)),
  );
  if (value !== undefined && value !== sumTo(Math.min(most, items.to)))
    throw new Error(`the sum was ${String(value)}`);
  await items.closed();
  return outcome;
}

async function givenSync(stage: Stage): Promise<string> {
  const items = new Counting(stage.random);
  const most = stage.random.integer(1, 400);
  const [outcome, value] = await ended(stage, (pool) => pool.submit(jobs.takeSync, items.sync(), most));
  if (value !== undefined && value !== sumTo(Math.min(most, items.to)))
    throw new Error(`the sum was ${String(value)}`);
  await items.closed();
  return outcome;
}

async function taken(stage: Stage): Promise<string> {
  const { random } = stage;
  const to = random.integer(1, 400);
  const [outcome, items] = await ended(stage, (pool) => pool.submit(jobs.give, to, howToEnd(random)));
  return items === undefined ? outcome : readAll(stage, items, (n) => n, to);
}

async function through(stage: Stage): Promise<string> {
  const items = new Counting(stage.random);
  const [outcome, doubled] = await ended(stage, (pool) =>
    pool.submit(jobs.doubled, items.async(), howToEnd(stage.random)),
  );
  const read = doubled === undefined ? outcome : await readAll(stage, doubled, (n) => 2 * n, items.to);
  await items.closed();
  return read;
}

async function readAll(
  { random }: Stage,
  items: AsyncIterable<number>,
  expected: (n: number) => number,
  to: number,
): Promise<string> {
  // What has no end must be left.
  const most = to === Infinity || random.chance(0.3) ? random.integer(1, 50) : Infinity;
  let count = 0;
  try {
    for await (const item of items) {
      if (item !== expected(++count)) throw new Error(`item ${count} was ${item}`);
      if (count === most) return 'left early';
    }
  } catch (error) {
    return nameOf(error);
  }
  if (count !== to) throw new Error(`${count} of ${to} items came`);
  return 'read';
}

/** Numbers from 1, which know whether they were closed. */
class Counting {
  readonly to: number;
  #opened = false;
  #isClosed = false;

  constructor(random: Random) {
    this.to = random.chance(0.3) ? Infinity : random.integer(1, 300);
  }

  async *async(): AsyncGenerator<number> {
    yield* this.sync();
  }

  *sync(): Generator<number> {
    this.#opened = true;
    try {
      for (let n = 1; n <= this.to; n++) yield n;
    } finally {
      this.#isClosed = true;
    }
  }

  /** Who reads may have ended just now. */
  async closed(): Promise<void> {
    const late = performance.now() + HANGS_AFTER;
    while (this.#opened && !this.#isClosed) {
      if (performance.now() > late) throw new Error('an iterable was not closed');
      await sleep(1);
    }
  }
}

function sumTo(n: number): number {
  return (n * (n + 1)) / 2;
}

function howToEnd(random: Random): End {
  return random.pick(['return', 'return', 'return', 'throw', 'exit']);
}

/** What came of a job, which may be ended by force meanwhile. */
async function ended<T>(
  { pool, random }: Stage,
  submit: (pool: Pick<ThreadPoolExecutor, 'submit'>) => PromiseLike<T> & { cancel(): boolean },
): Promise<readonly [outcome: string, value: T | undefined]> {
  const isForced = random.chance(0.2);
  const future = submit(isForced ? pool.with({ onCancel: 'terminate', grace: random.integer(0, 2) }) : pool);
  if (isForced) setTimeout(() => future.cancel(), random.integer(0, 5));
  try {
    return ['value', await future];
  } catch (error) {
    return [nameOf(error), undefined];
  }
}

function nameOf(error: unknown): string {
  const { name } = error as Error;
  if (error instanceof HeddleError || name === 'Planned') return name;
  throw error;
}
