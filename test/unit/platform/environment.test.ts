import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { sharedWithThread, shareWithThreads } from '../../../src/platform/environment.ts';

const url = new URL('../../../src/platform/environment.ts', import.meta.url).href;

/** Sets words 1 and 2 of the shared buffer, in a thread and in one nested in that. */
const WORKER = `
  const { Worker, workerData } = require('node:worker_threads');
  import(${JSON.stringify(url)}).then(({ sharedWithThread }) => {
    const shared = new Int32Array(sharedWithThread('test-region'));
    shared[workerData.depth] = shared[0];
    if (workerData.depth === 1) new Worker(workerData.source, { eval: true, workerData: { ...workerData, depth: 2 } });
  });
`;

test('shareWithThreads() reaches a Worker that was started by hand, and one nested in it, whatever the size', async () => {
  const buffer = new SharedArrayBuffer(2 ** 30);
  const words = new Int32Array(buffer);
  words[0] = 42;
  shareWithThreads('test-region', buffer);
  const worker = new Worker(WORKER, { eval: true, env: {}, workerData: { depth: 1, source: WORKER } });
  await new Promise((resolve, reject) => worker.on('exit', resolve).on('error', reject));
  expect([...words.subarray(0, 3)]).toEqual([42, 42, 42]);
});

test('sharedWithThread() gives the thread that shared a buffer that very one', () => {
  const buffer = new SharedArrayBuffer(4);
  shareWithThreads('test-own', buffer);
  expect(sharedWithThread('test-own')).toBe(buffer);
});

test('sharedWithThread() is undefined for what nobody shared', () => {
  expect(sharedWithThread('test-nobody')).toBe(undefined);
});
