/**
 * A counter under each primitive of which one has it at a time, raised by eight threads in two steps: half of them block,
 * half have tasks. No increment is lost.
 */
import { ThreadPoolExecutor } from '../../src/index.ts';
import { IMPLEMENTATIONS } from '../contract/lock-like.ts';
import { jobs, type Part } from '../contract/lock-like-jobs.ts';
import { dumpHeap, enterMainLoop, inTime, nothingLeft, recordsInUse, usedBlocks } from './heap-watch.ts';
import { seeded } from './random.ts';

const THREADS = 8;

export interface CountersReport {
  readonly seed: number;
  /** By primitive: how many increments. */
  readonly increments: Readonly<Record<string, number>>;
}

export async function counters(
  seed: number,
  milliseconds: number,
  atMost: number = Infinity,
): Promise<CountersReport> {
  const random = seeded(seed);
  const increments: Record<string, number> = {};
  const end = performance.now() + milliseconds;
  const pool = new ThreadPoolExecutor({ threads: THREADS });
  try {
    for (let round = 0; round < atMost && (round === 0 || performance.now() < end); round++)
      for (const { name, create } of IMPLEMENTATIONS) {
        const object = create();
        const words = new Int32Array(new SharedArrayBuffer(4 * (1 + 3 * THREADS)));
        const rounds = Array.from({ length: THREADS }, () => random.integer(20, 300));
        const work = rounds.map((times, index) => {
          const form = index % 2 === 0 ? 'sync' : 'async';
          const part: Part = { implementation: name, object, form, words, at: 1 + 3 * index };
          return pool.submit(jobs.count, part, times);
        });
        await inTime(Promise.all(work), name);
        const sum = rounds.reduce((a, b) => a + b);
        if (words[0] !== sum)
          throw new Error(`${name} (seed ${seed}): ${words[0]} instead of ${sum}\n${dumpHeap()}`);
        increments[name] = (increments[name] ?? 0) + sum;
        object[Symbol.dispose]();
      }
  } finally {
    await pool.shutdown({ cancelPending: true, cancelRunning: true });
  }
  return { seed, increments };
}

/** The same, and at the end no block of memory and no thread is left. */
export async function cleanCounters(
  seed: number,
  milliseconds: number,
  atMost?: number,
): Promise<CountersReport> {
  enterMainLoop();
  const before = usedBlocks();
  const records = recordsInUse();
  const report = await counters(seed, milliseconds, atMost);
  await nothingLeft(before, records);
  return report;
}
