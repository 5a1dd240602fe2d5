/** Millions of items through one queue of 1,000: the memory of the process and the blocks in use stay as they are. */
import { Worker } from 'node:worker_threads';
import { Queue } from '../../src/queue/queue.ts';
import { toToken } from '../../src/thread/tokens.ts';
import '../../src/thread/values.ts';
import { bundle } from './bundle.ts';
import { nothingLeft, recordsInUse, usedBlocks } from './heap-watch.ts';
import type { QueueWork } from './queue-chaos-thread.ts';
import { Ledger } from './queue-ledger.ts';

const CAPACITY = 1000;
/** Of what a process needs by itself, and gives back when it likes. */
const MOST_GROWTH = 64 * 2 ** 20;

/** At one moment. */
interface Sample {
  readonly put: number;
  readonly blocks: number;
  readonly megabytes: number;
}

export interface FlatReport {
  readonly items: number;
  readonly start: Sample;
  readonly middle: Sample;
  readonly end: Sample;
  readonly milliseconds: number;
}

/** One blocked thread puts, another gets. @throws Error if the memory grows. */
export async function queueFlat(items: number): Promise<FlatReport> {
  const before = usedBlocks();
  const records = recordsInUse();
  const startedAt = performance.now();
  const ledger = Ledger.make(1, items);
  const samples: Sample[] = [];
  {
    using thread = await bundle(new URL('./queue-chaos-thread.ts', import.meta.url));
    using queue = new Queue<number>({ capacity: CAPACITY });
    const workers = (['producer', 'consumer'] as const).map((role) => {
      const common = { queue: toToken(queue as Queue<unknown>), ledger: ledger.shape, mode: 'sync' } as const;
      const workerData: QueueWork = { ...common, role, life: 0, items, pause: Infinity };
      const worker = new Worker(thread.file, { workerData });
      return { worker, ended: new Promise((resolve) => worker.once('exit', resolve)) };
    });
    const producing = workers[0]!.ended.then(() => true);
    // The first tenth is for what threads need once.
    for (let over = false; !over; ) {
      over = await Promise.race([
        producing,
        new Promise<false>((resolve) => setTimeout(resolve, 100, false)),
      ]);
      if (ledger.put(0) >= items / 10 && !over) samples.push(sample(ledger.put(0)));
    }
    queue.shutdown();
    await Promise.all(workers.map(({ ended }) => ended));
  }
  await nothingLeft(before, records);
  const { put, lost, disorder } = ledger.count();
  const [start, middle, end] = [samples[0], samples[samples.length >> 1], samples.at(-1)];
  if (start === undefined || middle === undefined || end === undefined)
    throw new Error('It was over before anything was measured: let more items through');
  const milliseconds = Math.round(performance.now() - startedAt);
  const report = { items: put, start, middle, end, milliseconds };
  if (lost + disorder > 0) throw new Error(`${lost} items are lost, ${disorder} came too late`);
  if ((end.megabytes - start.megabytes) * 2 ** 20 > MOST_GROWTH || end.blocks > start.blocks + 2 * CAPACITY)
    throw new Error(`The memory grows: ${JSON.stringify(report)}`);
  return report;
}

function sample(put: number): Sample {
  const blocks = Object.values(usedBlocks()).reduce((sum, n) => sum + n, 0);
  return { put, blocks, megabytes: Math.round(process.memoryUsage().rss / 2 ** 20) };
}
