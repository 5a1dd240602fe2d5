import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { ownSystemThread, systemThreadEnded } from '../../../src/platform/system-thread.ts';

const url = new URL('../../../src/platform/system-thread.ts', import.meta.url).href;

/** Tells its own number, and looks at the one it is given; then blocks. */
const WORKER = `
  const { parentPort, workerData } = require('node:worker_threads');
  import(${JSON.stringify(url)}).then(({ ownSystemThread, systemThreadEnded }) => {
    parentPort.postMessage({ own: ownSystemThread(), ended: workerData && systemThreadEnded(workerData) });
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });
`;

interface Told {
  readonly own: number;
  readonly ended: boolean;
}

async function startBlocked(workerData: number): Promise<Told & { readonly worker: Worker }> {
  const worker = new Worker(WORKER, { eval: true, workerData });
  const [told] = (await once(worker, 'message')) as [Told];
  return { worker, ...told };
}

test('systemThreadEnded() never says so of the calling thread, nor of an unknown one', () => {
  expect(systemThreadEnded(ownSystemThread())).toBe(false);
  expect(systemThreadEnded(0)).toBe(false);
});

describe.runIf(process.platform === 'linux')('on Linux', () => {
  test('ownSystemThread() is another word for each thread, the same each time', async () => {
    const { own, worker } = await startBlocked(0);
    expect(own).toBeGreaterThan(0);
    expect(own).toBe(own | 0);
    expect(own).not.toBe(ownSystemThread());
    expect(ownSystemThread()).toBe(ownSystemThread());
    await worker.terminate();
  });

  test('systemThreadEnded() tells a thread that has ended from one that is blocked, from any thread', async () => {
    const first = await startBlocked(0);
    expect(systemThreadEnded(first.own)).toBe(false);
    const sibling = await startBlocked(first.own);
    expect(sibling.ended).toBe(false);
    await first.worker.terminate();
    expect(systemThreadEnded(first.own)).toBe(true);
    const later = await startBlocked(first.own);
    expect(later.ended).toBe(true);
    for (const { worker } of [sibling, later]) await worker.terminate();
  });

  test('systemThreadEnded() says so if the id was given to another thread since', () => {
    expect(systemThreadEnded(ownSystemThread() ^ (1 << 22))).toBe(true);
  });
});
