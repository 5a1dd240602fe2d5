/**
 * A job tells how far it is, and whoever shows that shows the newest only: a thread may tell a million times, a screen need not
 * follow. The job calls a function that runs here, and only the newest call counts; the last one comes before the result.
 *
 *     npm exec -- node examples/recipes/progress.ts --blocks 100000
 *     npm exec -- node examples/recipes/progress.ts --blocks 100000 --busy    # this loop does something else meanwhile
 */
import { createHash } from 'node:crypto';
import { parseArgs } from 'node:util';
import { callback, isMainThread, portable, run, toThread } from 'heddle';

// Threads find this by this module, which they import: hence the guard at its end.
const digest = portable(import.meta, function digest(blocks: number, report: (done: number) => void): string {
  const hash = createHash('sha256');
  const block = new Uint8Array(4096);
  for (let n = 1; n <= blocks; n++) {
    hash.update(block.fill(n));
    report(n); // waits for nobody
  }
  return hash.digest('hex');
});

async function main(blocks: number, busy: boolean): Promise<void> {
  const shown: number[] = [];
  const show = callback((done: number) => shown.push(done), { latest: true }); // or redraws a progress bar
  const job = toThread(digest, blocks, show);
  if (busy) job.resultSync(); // stands for whatever keeps this loop from showing anything
  const hash = await job;
  console.log(`${shown.at(-1)} of ${blocks} blocks: ${hash.slice(0, 8)}`);
  const rising = shown.every((done, at) => at === 0 || done > shown[at - 1]!);
  console.log(`shown: ${shown.length}, rising: ${rising}`);
}

if (isMainThread) {
  const { values } = parseArgs({
    options: { blocks: { type: 'string', default: '100000' }, busy: { type: 'boolean', default: false } },
  });
  await run(() => main(Number(values.blocks), values.busy));
}
