/**
 * A job tells how far it is, and whoever shows that shows the newest only: a thread may tell a million times a second, a screen
 * need not follow. A counter in shared memory has the number; a call tells that it has changed, one at a time.
 *
 *     npm exec -- node examples/recipes/progress.ts --blocks 100000
 *     npm exec -- node examples/recipes/progress.ts --blocks 100000 --busy    # this loop does something else meanwhile
 */
import { createHash } from 'node:crypto';
import { parseArgs } from 'node:util';
import { EventLoop, isMainThread, portable, run, toThread } from 'heddle';

/** How far a job is. Plain shared memory, so it travels; each thread sees the same. */
interface Progress {
  /** The newest number. */
  readonly done: Int32Array;
  /** 1 while a call that shows it is on its way. */
  readonly told: Int32Array;
  /** On whose loop it is shown. */
  readonly loop: EventLoop;
}

function newProgress(): Progress {
  const memory = new SharedArrayBuffer(8);
  return {
    done: new Int32Array(memory, 0, 1),
    told: new Int32Array(memory, 4, 1),
    loop: EventLoop.current(),
  };
}

/** For the job: costs two atomic operations, and a call only if none is on its way. */
function report({ done, told, loop }: Progress, count: number): void {
  Atomics.store(done, 0, count);
  // A call on its way reads the number after it has said so: it shows this one, or a newer one.
  if (Atomics.exchange(told, 0, 1) === 0) loop.callSoon(show, done, told);
}

const shown: number[] = []; // that of the main thread is used

// Threads find these by this module, which they import: hence the guard at its end.
const { show, digest } = portable(import.meta, {
  show(done: Int32Array, told: Int32Array): void {
    Atomics.store(told, 0, 0); // first, or else a number that comes between would not be told
    shown.push(Atomics.load(done, 0)); // or redraws a progress bar
  },

  digest(blocks: number, progress: Progress): string {
    const hash = createHash('sha256');
    const block = new Uint8Array(4096);
    for (let n = 1; n <= blocks; n++) {
      hash.update(block.fill(n));
      report(progress, n);
    }
    return hash.digest('hex');
  },
});

async function main(blocks: number, busy: boolean): Promise<void> {
  const progress = newProgress();
  const job = toThread(digest, blocks, progress);
  if (busy) job.resultSync(); // stands for whatever keeps this loop from showing anything
  const hash = await job;
  // A call may still be on its way when the result is here: the number need not wait for it.
  console.log(`${Atomics.load(progress.done, 0)} of ${blocks} blocks: ${hash.slice(0, 8)}`);
  while (Atomics.load(progress.told, 0) === 1) await new Promise((resolve) => setImmediate(resolve));
  const rising = shown.every((count, at) => at === 0 || count >= shown[at - 1]!);
  console.log(`shown: ${shown.length}, rising: ${rising}, the last: ${shown.at(-1)}`);
}

if (isMainThread) {
  const { values } = parseArgs({
    options: { blocks: { type: 'string', default: '100000' }, busy: { type: 'boolean', default: false } },
  });
  await run(() => main(Number(values.blocks), values.busy));
}
