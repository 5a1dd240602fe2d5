/**
 * Jobs that wait for each other. A running job says for which one it waits, by its address and its ticket; who begins to wait
 * says so first, and then follows these words from the other. Of those that close a cycle at the same moment at least one sees
 * it.
 *
 * What is seen on the way may be old: a job that has ended, and another in its place. Its ticket is another then, and nobody
 * takes it for a cycle.
 */
import { Atomics } from '#atomics';
import type { Heap } from '../memory/heap.ts';
import {
  FIRST_TOKEN,
  JOB,
  JOB_AWAITS,
  JOB_AWAITS_TICKET,
  JOB_STATE,
  JOB_TICKET,
  KIND,
} from '../memory/layout.ts';

/** Longer chains are not followed: what is read while others write might go round for ever. */
const LONGEST = 10_000;

/** Says that the running job `from` waits for `to`; whether that closes a cycle. */
export function closesCycle({ words }: Heap, from: number, to: number): boolean {
  words[from + JOB_AWAITS_TICKET] = words[to + JOB_TICKET]!;
  Atomics.store(words, from + JOB_AWAITS, to);
  let job = to;
  for (let steps = 0; job !== from; steps++) {
    const isRunning = words[job + KIND] === JOB && Atomics.load(words, job + JOB_STATE) >= FIRST_TOKEN;
    const next = isRunning ? Atomics.load(words, job + JOB_AWAITS) : 0;
    if (next === 0 || steps === LONGEST) return false;
    if (words[next + JOB_TICKET] !== words[job + JOB_AWAITS_TICKET]) return false;
    job = next;
  }
  return true;
}

/** It waits for nothing any more, or for another job still. */
export function waitsFor({ words }: Heap, from: number, to: number): void {
  if (to !== 0) words[from + JOB_AWAITS_TICKET] = words[to + JOB_TICKET]!;
  Atomics.store(words, from + JOB_AWAITS, to);
}
