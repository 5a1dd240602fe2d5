/** Jobs that submit jobs to their own pool, and see in which order these are run. */
import { currentThread, outside, portable, type ThreadPoolExecutor } from '../../../src/index.ts';
import { blockUntil } from './jobs.ts';

/** Words: how many have run, or whether it is over; the most that were queued; what has run, in order. */
export const RUN = 0;
export const MOST_QUEUED = 1;
const ORDER = 2;

export function orderWords(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(4 * 64));
}

export function orderIn(words: Int32Array): number[] {
  return [...words.subarray(ORDER, ORDER + words[RUN]!)];
}

const functions = {
  note(words: Int32Array, n: number): number {
    words[ORDER + words[RUN]!] = n;
    Atomics.add(words, RUN, 1);
    Atomics.notify(words, RUN);
    return currentThread().id;
  },

  /** Submits a job for each number, of that priority, and awaits them. */
  async fork(
    pool: ThreadPoolExecutor,
    words: Int32Array,
    numbers: readonly number[],
    priorities: readonly number[] = [],
  ): Promise<void> {
    await Promise.all(
      numbers.map((n, i) => pool.with({ priority: priorities[i] ?? 0 }).submit(stealing.note, words, n)),
    );
  },

  /** The same, and blocks its thread until they have been run: by others. */
  async forkAndBlock(
    pool: ThreadPoolExecutor,
    words: Int32Array,
    numbers: readonly number[],
  ): Promise<boolean> {
    const all = numbers.map((n) => pool.submit(stealing.note, words, n));
    blockUntil(words, RUN, numbers.length);
    return (await Promise.all(all)).every((id) => id !== currentThread().id);
  },

  /** Submits itself again, and again, until the word is raised. */
  goOn(pool: ThreadPoolExecutor, words: Int32Array): void {
    if (Atomics.load(words, RUN) === 0) void outside(() => pool.submit(stealing.goOn, pool, words));
  },

  async tree(pool: ThreadPoolExecutor, words: Int32Array, depth: number): Promise<number> {
    words[MOST_QUEUED] = Math.max(words[MOST_QUEUED]!, pool.statistics().queued);
    if (depth === 0) return 1;
    const below = [0, 0].map(() => pool.submit(stealing.tree, pool, words, depth - 1));
    return (await below[0]!) + (await below[1]!);
  },
};

export const stealing: typeof functions = portable(import.meta, functions);
