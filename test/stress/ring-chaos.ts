/**
 * Rings of bytes whose writer, reader or both are terminated at any moment: each record that was read is the next one
 * and whole, and whoever is left frees all blocks of the rest.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { ByteRing } from '../../src/memory/byte-ring.ts';
import { ownHeap } from '../../src/memory/heap.ts';
import { ownParking } from '../../src/park/own-parking.ts';
import { bundle } from './bundle.ts';
import { dumpHeap, recordsInUse } from './heap-watch.ts';
import { type Random, seeded } from './random.ts';
import type { RingData } from './ring-chaos-thread.ts';

export interface RingReport {
  readonly seed: number;
  readonly terminations: number;
  readonly records: number;
}

const PAIRS = 3;
const BYTES = 2048;

export async function ringChaos(seed: number, milliseconds: number): Promise<RingReport> {
  const random = seeded(seed);
  // Makes this thread hear of the end of others.
  ownParking();
  using module = await bundle(new URL('./ring-chaos-thread.ts', import.meta.url));
  const end = performance.now() + milliseconds;
  let terminations = 0;
  let records = 0;
  while (performance.now() < end) {
    const before = ownHeap().blocks.countUsed();
    const threads = recordsInUse();
    const pairs = await Promise.all(Array.from({ length: PAIRS }, () => live(module.file, random)));
    for (const pair of pairs) {
      terminations += pair.terminations;
      records += pair.records;
    }
    const after = ownHeap().blocks.countUsed();
    const left = recordsInUse().filter((token) => !threads.includes(token));
    if (after !== before || left.length > 0)
      throw new Error(`${after} blocks are used, not ${before}; threads ${left}\n${dumpHeap()}`);
  }
  return { seed, terminations, records };
}

async function live(
  file: string,
  random: Random,
): Promise<{ readonly terminations: number; readonly records: number }> {
  const { words: heap, blocks } = ownHeap();
  const address = ownHeap().allocate(ByteRing.wordsFor(BYTES));
  // Its first word says to whoever looks that it is no object.
  ByteRing.format(heap, address, BYTES);
  const words = new Int32Array(new SharedArrayBuffer(32));
  const start = (end: RingData['end']): Worker =>
    new Worker(file, {
      workerData: { end, address, seed: random.integer(0, 2 ** 31), words } satisfies RingData,
    });
  const workers = [start('write'), start('read')];
  const ended = workers.map((worker) => once(worker, 'exit'));
  await Promise.all(workers.map((worker) => once(worker, 'message')));
  await sleep(random.integer(0, 60));
  const victims = random.pick([[0], [1], [0, 1]]);
  await Promise.all(victims.map((index) => workers[index]!.terminate()));
  if (random.chance(0.5)) await sleep(random.integer(0, 5));
  Atomics.store(words, 0, 1);
  await Promise.all(ended);
  const wrong = Atomics.load(words, 3);
  if (wrong !== 0) throw new Error(`Record ${wrong - 1} is not what was written\n${dumpHeap()}`);
  const ring = new ByteRing(heap, address, blocks);
  ring.dispose();
  // A second time, as after the death of whoever did it first.
  if (ring.dispose() !== 0) throw new Error('The blocks of a ring were freed twice');
  blocks.free(address);
  return { terminations: victims.length, records: Atomics.load(words, 2) };
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
