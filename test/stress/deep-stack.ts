/**
 * A thread calls everything a lock has at every depth near the end of its stack. Whatever overflows where, afterwards
 * each word is sound: nobody has the lock, nobody is in its section, who waits is served, nothing is left.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Guard } from '../../src/core/guard.ts';
import { ownHeap, recordOf } from '../../src/memory/heap.ts';
import { RECORD_TELLING, SECTION } from '../../src/memory/layout.ts';
import { Lock } from '../../src/sync/lock.ts';
import { toToken } from '../../src/thread/tokens.ts';
import { bundle } from './bundle.ts';
import type { Call, DeepData, DiveRequest, DiveResult } from './deep-calls.ts';
import { dumpHeap, nothingLeft, recordsInUse, usedBlocks } from './heap-watch.ts';

/** Of which one thread or task has it at a time. */
export interface Exclusive extends Disposable {
  acquire(options: { readonly timeout: number }): Promise<Guard>;
  statistics(): { readonly locked?: boolean; readonly waiting: number };
}

export type Partners = 'alone' | 'contended' | 'held';

export interface DeepReport {
  readonly dives: number;
  readonly overflows: number;
  readonly others: number;
}

/** Dives with each of `pads`. Rejects with the first thing that is wrong. */
export async function deepStack(
  call: Call,
  partners: Partners,
  pads: readonly number[],
  enough: number = 60,
  create: () => Exclusive = () => new Lock({ name: 'deep' }),
): Promise<DeepReport> {
  const before = usedBlocks();
  const records = recordsInUse();
  using module = await bundle(new URL('./deep-stack-thread.ts', import.meta.url));
  const lock = create();
  const token = toToken(lock);
  const words = new Int32Array(new SharedArrayBuffer(16));
  const start = (role: DeepData['role']): Worker =>
    new Worker(module.file, { workerData: { role, token, words } satisfies DeepData });
  const others = { alone: [], contended: ['blocks', 'awaits'] as const, held: ['holds'] as const }[partners];
  const deep = start('deep');
  await answered(deep);
  const workers = [deep, ...others.map(start)];
  const report = { dives: 0, overflows: 0, others: 0 };
  try {
    await until(() => partners !== 'held' || Atomics.load(words, 3) === 1, 'the lock to be held');
    for (const pad of pads) {
      const result = (await asked(deep, { call, pad, enough })) as DiveResult;
      const what = `${call}, ${partners}, pad ${pad}: ${JSON.stringify({ ...result, wrong: undefined }, undefined, 1)}`;
      if (result.wrong.length > 0) throw new Error(`${what}\n${result.wrong.join('\n')}`);
      await sound(lock, token.object, partners, words, what);
      report.dives++;
      report.overflows += result.overflows;
      report.others += result.others;
    }
    Atomics.store(words, 0, 1);
    deep.postMessage('end');
    await Promise.all(workers.map((worker) => once(worker, 'exit')));
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
  lock[Symbol.dispose]();
  await nothingLeft(before, records);
  return report;
}

async function sound(
  lock: Exclusive,
  object: number,
  partners: Partners,
  words: Int32Array,
  what: string,
): Promise<void> {
  const fail = (problem: string): never => {
    throw new Error(`${what}: ${problem}\n${dumpHeap()}`);
  };
  const { words: heap } = ownHeap();
  if (partners === 'contended') {
    const [blocks, awaits] = [Atomics.load(words, 1), Atomics.load(words, 2)];
    await until(
      () => Atomics.load(words, 1) > blocks && Atomics.load(words, 2) > awaits,
      `${what}: the partners to be served`,
    );
  }
  if (partners !== 'held') {
    try {
      (await lock.acquire({ timeout: 10_000 })).release();
    } catch (error) {
      fail(`the lock cannot be had: ${error}`);
    }
  }
  if (partners === 'alone') {
    const { locked, waiting } = lock.statistics();
    if (locked === true || waiting > 0) fail(`locked ${locked}, waiting ${waiting}`);
    if (Atomics.load(heap, object + SECTION) !== 0) fail('somebody is in the section');
    for (const token of recordsInUse())
      if (heap[recordOf(Math.abs(token)) + RECORD_TELLING] !== 0) fail(`thread ${token} is telling`);
  }
  if (partners === 'held' && lock.statistics().waiting > 0) fail('somebody waits');
}

async function until(condition: () => boolean, what: string): Promise<void> {
  const end = performance.now() + 20_000;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`Waiting in vain for ${what}\n${dumpHeap()}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

function asked(worker: Worker, request: DiveRequest): Promise<unknown> {
  worker.postMessage(request);
  return answered(worker);
}

function answered(worker: Worker): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const ended = (code: number): void => reject(new Error(`The thread ended with code ${code}`));
    worker.once('exit', ended);
    worker.once('message', (message) => {
      worker.off('exit', ended);
      resolve(message);
    });
  });
}
