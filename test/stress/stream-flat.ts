/** A gigabyte of an iterable through a thread and back: the memory of the process and the blocks in use stay as they are. */
import { createHash } from 'node:crypto';
import { portable, ThreadPoolExecutor } from '../../src/index.ts';
import { enterMainLoop, nothingLeft, recordsInUse, usedBlocks } from './heap-watch.ts';

const PIECE = 2 ** 16;
/** Of what a process needs by itself, and gives back when it likes. */
const MOST_GROWTH = 96;
/** Blocks that are on their way. */
const MOST_BLOCKS = 200;

export interface StreamReport {
  readonly bytes: number;
  readonly megabytes: { readonly start: number; readonly most: number };
  readonly blocks: { readonly start: number; readonly most: number };
  readonly megabytesPerSecond: number;
}

const turned = portable(import.meta, async function* turned(pieces: AsyncIterable<Uint8Array>) {
  for await (const piece of pieces) yield piece.map((byte) => ~byte);
});

/** @throws Error if the memory grows, or something came otherwise than it was. */
export async function streamFlat(bytes: number): Promise<StreamReport> {
  enterMainLoop();
  const before = usedBlocks();
  const records = recordsInUse();
  const pool = new ThreadPoolExecutor({ threads: 1 });
  const sent = createHash('sha256');
  const came = createHash('sha256');
  async function* source(): AsyncGenerator<Uint8Array> {
    for (let at = 0, n = 0; at < bytes; at += PIECE, n++) {
      const piece = new Uint8Array(PIECE).fill(n);
      sent.update(piece.map((byte) => ~byte));
      yield piece;
    }
  }
  const megabytes: number[] = [];
  const blocks: number[] = [];
  const began = performance.now();
  let received = 0;
  for await (const piece of await pool.submit(turned, source())) {
    came.update(piece);
    received += piece.length;
    // The first tenth is for what a thread needs once.
    if (received < bytes / 10 || received % 2 ** 24 !== 0) continue;
    megabytes.push(Math.round(process.memoryUsage.rss() / 2 ** 20));
    blocks.push(Object.values(usedBlocks()).reduce((sum, n) => sum + n, 0));
  }
  const seconds = (performance.now() - began) / 1000;
  await pool.shutdown();
  pool[Symbol.dispose]();
  await nothingLeft(before, records);
  const report: StreamReport = {
    bytes: received,
    megabytes: { start: megabytes[0]!, most: Math.max(...megabytes) },
    blocks: { start: blocks[0]!, most: Math.max(...blocks) },
    megabytesPerSecond: Math.round(received / 2 ** 20 / seconds),
  };
  if (received !== bytes || came.digest('hex') !== sent.digest('hex'))
    throw new Error('What came is not what was sent');
  if (report.megabytes.most - report.megabytes.start > MOST_GROWTH || report.blocks.most > MOST_BLOCKS)
    throw new Error(`The memory grows: ${JSON.stringify(report)}`);
  return report;
}
