import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { hasChildren, lookAtChildren, watchChildren } from '../../../src/platform/child-threads.ts';
import { runProgram } from './program.ts';

/** Word 0 sends the worker to its end, word 1 says that its loop runs. */
const START = `
  const { workerData: { words } } = require('node:worker_threads');
  const hold = setInterval(() => {}, 1e6);
  setTimeout(() => { Atomics.store(words, 1, 1); Atomics.notify(words, 1); });
  const end = (fn) => Atomics.waitAsync(words, 0, 0).value.then(() => setTimeout(fn));
`;

const ENDS = {
  'has no more to do': 'end(() => clearInterval(hold));',
  exits: 'end(() => process.exit(3));',
  throws: 'end(() => { throw new Error("on purpose"); });',
  'runs out of memory':
    'end(() => { for (const all = []; ; ) all.push(new Array(1000).fill(Math.random())); });',
};

interface Started {
  readonly worker: Worker;
  readonly threadId: number;
  readonly words: Int32Array;
  readonly exit: Promise<unknown>;
}

const workers: Worker[] = [];
const ended: number[] = [];
const times = ({ threadId }: { threadId: number }): number => ended.filter((id) => id === threadId).length;

beforeAll(() => watchChildren((threadId) => ended.push(threadId)));
afterEach(async () => {
  for (const worker of workers.splice(0)) await worker.terminate();
});

function start(source: string): Started {
  const words = new Int32Array(new SharedArrayBuffer(12));
  const worker = new Worker(START + source, {
    eval: true,
    stderr: true,
    workerData: { words },
    resourceLimits: { maxOldGenerationSizeMb: 16 },
  });
  workers.push(worker);
  worker.on('error', () => {});
  const exit = new Promise((resolve) => worker.once('exit', resolve));
  return { worker, threadId: worker.threadId, words, exit };
}

function tellToEnd({ words }: Started): void {
  Atomics.store(words, 0, 1);
  Atomics.notify(words, 0);
}

async function running(started: Started): Promise<void> {
  if (Atomics.load(started.words, 1) === 0) await once(started.worker, 'online');
  Atomics.wait(started.words, 1, 0, 5_000);
  expect(Atomics.load(started.words, 1)).toBe(1);
}

/** Blocks this thread, looking at its children, until it was told `count` ends, or it has looked so many times. */
function block(looks: number, done: () => boolean): void {
  const sleep = new Int32Array(new SharedArrayBuffer(4));
  for (; looks > 0 && !done(); looks--) {
    Atomics.wait(sleep, 0, 0, 20);
    lookAtChildren();
  }
}

for (const [how, source] of Object.entries(ENDS)) {
  test(`watchChildren() tells once of a worker that ${how}`, async () => {
    const child = start(source);
    await running(child);
    expect(times(child)).toBe(0);
    expect(hasChildren()).toBe(true);
    tellToEnd(child);
    await child.exit;
    expect(times(child)).toBe(1);
    expect(hasChildren()).toBe(false);
  });

  test(`lookAtChildren() finds, while this thread is blocked, a worker that ${how}; its event tells no more`, async () => {
    const child = start(source);
    await running(child);
    tellToEnd(child);
    block(500, () => times(child) > 0);
    expect(times(child)).toBe(1);
    await child.exit;
    expect(times(child)).toBe(1);
  });
}

test('watchChildren() tells once of a worker that is terminated', async () => {
  const child = start('');
  await running(child);
  await child.worker.terminate();
  expect(times(child)).toBe(1);
});

test('lookAtChildren() tells of no worker that starts, waits for events, is busy or blocked', {
  timeout: 60_000,
}, async () => {
  const idle = start('');
  const blocked = start('setTimeout(() => Atomics.wait(words, 2, 0), 10);');
  const busy = start('setTimeout(() => { for (;;); }, 10);');
  const busyFromTheStart = start('for (;;);');
  for (const child of [idle, blocked, busy]) await running(child);
  const starting = start('');
  const all = [idle, blocked, busy, busyFromTheStart, starting];
  block(50, () => all.some((child) => times(child) > 0));
  expect(all.map(times)).toEqual([0, 0, 0, 0, 0]);
});

test('watchChildren() keeps no process up', async () => {
  const { out, code } = await runProgram(`
    import { Worker } from 'node:worker_threads';
    import { watchChildren } from './child-threads.ts';
    watchChildren(() => {});
    const worker = new Worker('setInterval(() => {}, 1e6)', { eval: true });
    worker.unref();
    worker.on('online', () => console.log('online'));
    const hold = setInterval(() => {}, 1e6);
    worker.on('online', () => clearInterval(hold));
  `);
  expect([out, code]).toEqual(['online\n', 0]);
});

const OWN_END = new URL('../../../src/platform/child-threads.ts', import.meta.url).href;

/** Writes the order of the calls into words 1 and 2: the user's listener was there first. */
async function callsAtEnd(end: string): Promise<readonly number[]> {
  const calls = new Int32Array(new SharedArrayBuffer(16));
  const worker = new Worker(
    `
    const { workerData: calls, parentPort } = require('node:worker_threads');
    process.on('exit', () => { calls[1] = ++calls[0]; });
    setInterval(() => {}, 1e6);
    import(${JSON.stringify(OWN_END)}).then(({ onOwnEnd }) => {
      onOwnEnd(() => { calls[2] = ++calls[0]; });
      parentPort.postMessage('ready');
      ${end}
    });
  `,
    { eval: true, stderr: true, workerData: calls },
  );
  workers.push(worker);
  worker.on('error', () => {});
  const exit = new Promise((resolve) => worker.once('exit', resolve));
  // Not `once()` of node:events: an error of the thread comes by a port of its own, and may arrive first.
  const ready = new Promise((resolve) => worker.once('message', resolve));
  await ready;
  if (end === '') await worker.terminate();
  await exit;
  return [...calls];
}

test('onOwnEnd() is called once, before the listeners that are there already, when the thread exits or throws', async () => {
  for (const end of ['setTimeout(() => process.exit(3));', 'setTimeout(() => { throw new Error(); });']) {
    expect(await callsAtEnd(end), end).toEqual([2, 2, 1, 0]);
  }
});

test('onOwnEnd() is not called when the thread is terminated', async () => {
  expect(await callsAtEnd('')).toEqual([0, 0, 0, 0]);
});

test('watchChildren() tells once of a worker that is terminated before it could start', async () => {
  const child = start('');
  void child.worker.terminate();
  await child.exit;
  expect(times(child)).toBe(1);
  expect(hasChildren()).toBe(false);
});
