/** A thread of the queue chaos: puts its items, or gets whatever there is, and says so in the ledger. */
import { parentPort, workerData } from 'node:worker_threads';
import { QueueShutDownError } from '../../src/core/errors.ts';
import '../../src/queue/lifo-queue.ts';
import { PriorityQueue } from '../../src/queue/priority-queue.ts';
import type { Queue } from '../../src/queue/queue.ts';
import { fromToken, type Token } from '../../src/thread/tokens.ts';
import '../../src/thread/values.ts';
import { Ledger, type LedgerShape } from './queue-ledger.ts';

export interface QueueWork {
  readonly queue: Token;
  readonly ledger: LedgerShape;
  readonly role: 'producer' | 'consumer';
  readonly mode: 'sync' | 'async';
  /** A number of this thread alone. */
  readonly life: number;
  /** So many items it puts at most. */
  readonly items: number;
  /** Above that size of the queue producers wait: what has no bound must not fill the memory. */
  readonly pause: number;
}

const { queue: token, role, mode, life, items, pause, ...work } = workerData as QueueWork;
const ledger = new Ledger(work.ledger);
const queue = fromToken<Queue<number>>(token);
const hasPriorities = queue instanceof PriorityQueue;
const nothing = new Int32Array(new SharedArrayBuffer(4));
/** By producer: the number of the item that was got last. */
const last = new Map<number, number>();

function optionsOf(number: number): { priority: number } | undefined {
  return hasPriorities ? { priority: number % 7 } : undefined;
}

function putAllSync(): void {
  for (let number = 0; number < items && !ledger.stopped; number++) {
    while (queue.size > pause) Atomics.wait(nothing, 0, 0, 1);
    ledger.begin(life, number);
    queue.putSync(ledger.item(life, number), optionsOf(number));
    ledger.returned(life, number);
  }
}

async function putAll(): Promise<void> {
  for (let number = 0; number < items && !ledger.stopped; number++) {
    while (queue.size > pause) await new Promise(setImmediate);
    ledger.begin(life, number);
    await queue.put(ledger.item(life, number), optionsOf(number));
    ledger.returned(life, number);
  }
}

function took(item: number): void {
  ledger.got(item);
  const { each } = ledger.shape;
  const producer = Math.floor(item / each);
  const number = item % each;
  if (number < (last.get(producer) ?? -1)) ledger.disorder();
  last.set(producer, number);
  queue.taskDone();
}

async function getAll(): Promise<void> {
  try {
    for (;;) took(mode === 'sync' ? queue.getSync() : await queue.get());
  } catch (error) {
    if (!(error instanceof QueueShutDownError)) throw error;
  }
}

parentPort!.postMessage('ready');
// Waits of this loop do not keep it alive.
const hold = setInterval(() => {}, 2 ** 30);
if (role === 'consumer') await getAll();
else if (mode === 'sync') putAllSync();
else await putAll();
clearInterval(hold);
queue[Symbol.dispose]();
parentPort!.close();
