/**
 * Ending the thread of a job by force, and of no other: the job may end by itself at that moment, and its thread take another.
 * So in the section of the pool, where jobs begin and end, the thread is condemned if it has the job: it takes no more.
 */
import { Atomics } from '#atomics';
import type { Heap } from '../memory/heap.ts';
import { CONDEMNED, FIRST_TOKEN, HANDLE, JOB_STATE, KIND, OBJECT, SECTION } from '../memory/layout.ts';
import { enterSection } from '../memory/section.ts';
import type { JobStore } from './job-store.ts';

/** Condemns the thread that runs the job: gives its token, by which it is to be ended; 0 if the job does not run any more. */
export function condemn({ parking, object }: JobStore, job: number): number {
  const { heap } = parking;
  const { words, token: me } = heap;
  const runner = Atomics.load(words, job + JOB_STATE);
  if (runner < FIRST_TOKEN) return 0;
  const record = recordIn(heap, object, runner);
  let token = 0;
  if (Atomics.compareExchange(words, object + SECTION, 0, me) !== 0) enterSection(heap, object);
  if (
    words[job + JOB_STATE] === runner &&
    words[record - 1] === runner &&
    words[record + OBJECT] === object
  ) {
    words[record + CONDEMNED] = 1;
    token = runner;
  }
  if (Atomics.compareExchange(words, object + SECTION, me, 0) !== me) {
    Atomics.compareExchange(words, object + SECTION, -me, 0);
    Atomics.notify(words, object + SECTION);
  }
  return token;
}

/** The record by which a thread holds the pool; 0 if it does not. Looks at all blocks: it is rare that one is ended by force. */
function recordIn({ words, blocks }: Heap, object: number, token: number): number {
  for (let block = blocks.nextUsed(0); block !== 0; block = blocks.nextUsed(block))
    if (words[block + KIND] === HANDLE && words[block + OBJECT] === object && words[block - 1] === token)
      return block;
  return 0;
}
