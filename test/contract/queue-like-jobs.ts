/** What the contract of queue-likes has done in other threads. */
import { portable, type Queue } from '../../src/index.ts';
import type { Form } from './lock-like-jobs.ts';

async function put(queue: Queue<number>, form: Form, item: number, timeout?: number): Promise<string> {
  if (form === 'async') await queue.put(item, { timeout });
  else if (form === 'sync') queue.putSync(item, { timeout });
  else return queue.tryPut(item) ? 'put' : 'full';
  return 'put';
}

async function get(queue: Queue<number>, form: Form, timeout?: number): Promise<string> {
  if (form === 'async') return `got ${await queue.get({ timeout })}`;
  if (form === 'sync') return `got ${queue.getSync({ timeout })}`;
  const there = queue.tryGet();
  return there === undefined ? 'empty' : `got ${there.value}`;
}

async function join(queue: Queue<number>, form: Form): Promise<string> {
  if (form === 'async') await queue.join();
  else queue.joinSync();
  return 'joined';
}

/** Once somebody waits, gives what it waits for. */
async function relieve(queue: Queue<number>, form: Form, action: 'get' | 'put' | 'done'): Promise<void> {
  if (action === 'done') await get(queue, form);
  const word = new Int32Array(new SharedArrayBuffer(4));
  while (queue.waiting === 0) Atomics.wait(word, 0, 0, 1);
  if (action === 'get') await put(queue, form, 1);
  else if (action === 'put') await get(queue, form);
  else queue.taskDone();
}

async function putAll(queue: Queue<number>, form: Form, from: number, count: number): Promise<void> {
  for (let item = from; item < from + count; item++) {
    // Some waits are given up, and begun anew.
    const outcome = await put(queue, form, item, item % 7 === 0 ? 1 : undefined).catch(giveUp);
    if (outcome !== 'put') item--;
    else if (form === 'try') await undefined;
  }
}

/** Takes items until it has got a negative one, and marks each as done. Gives the sum and the number of the others. */
async function getAll(queue: Queue<number>, form: Form): Promise<readonly [sum: number, count: number]> {
  let sum = 0;
  let count = 0;
  for (let round = 0; ; round++) {
    const outcome = await get(queue, form, round % 5 === 0 ? 1 : undefined).catch(giveUp);
    if (!outcome.startsWith('got')) continue;
    queue.taskDone();
    const item = Number(outcome.slice(4));
    if (item < 0) return [sum, count];
    sum += item;
    count++;
  }
}

function giveUp(error: { code?: string }): string {
  if (error.code !== 'ERR_HEDDLE_TIMEOUT') throw error;
  return 'timed out';
}

interface Jobs {
  readonly put: typeof put;
  readonly get: typeof get;
  readonly join: typeof join;
  readonly relieve: typeof relieve;
  readonly putAll: typeof putAll;
  readonly getAll: typeof getAll;
}

export const jobs: Jobs = portable(import.meta, { put, get, join, relieve, putAll, getAll });
