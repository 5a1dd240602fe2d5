/** Where a job is, for reports of what has not ended. */
import { Atomics } from '#atomics';
import { jobClockSince } from '../jobs/job-clock.ts';
import { nameOf } from '../memory/handles.ts';
import { type Heap, recordOf } from '../memory/heap.ts';
import { kindOf } from '../memory/kinds.ts';
import {
  CELL,
  CELL_ASYNC,
  CELL_STATE,
  FIRST_OBJECT_KIND,
  FIRST_TOKEN,
  JOB_BEGAN,
  JOB_STATE,
  KIND,
  OBJECT,
  RECORD_THREAD_ID,
  WAITING,
} from '../memory/layout.ts';
import type { ThreadSet } from './thread-set.ts';

/** `running for 12 ms in thread "pool-1-1", blocked at Lock "cache"`, or `queued`. Looks at all blocks. */
export function whereabouts(heap: Heap, job: number, threads: ThreadSet | undefined): string {
  const { words } = heap;
  const token = Atomics.load(words, job + JOB_STATE);
  if (token < FIRST_TOKEN) return 'queued';
  const began = words[job + JOB_BEGAN]!;
  const ran = began === 0 ? '' : ` for ${Math.round(jobClockSince(began))} ms`;
  const name = threads?.nameOf(token);
  const thread = name === undefined ? `${words[recordOf(token) + RECORD_THREAD_ID]}` : `"${name}"`;
  const blocked = blockedAt(heap, token);
  return `running${ran} in thread ${thread}${blocked === undefined ? '' : `, blocked at ${blocked}`}`;
}

/** What a thread is blocked at, if it is: `Lock "cache"`. */
export function blockedAt(heap: Heap, token: number): string | undefined {
  const { words, blocks } = heap;
  for (let block = blocks.nextUsed(0); block !== 0; block = blocks.nextUsed(block)) {
    if (words[block + KIND] !== CELL || blocks.stateOf(block) !== token) continue;
    const object = words[block + OBJECT]!;
    const waits = words[block + CELL_ASYNC] === 0 && words[block + CELL_STATE] === WAITING;
    if (!waits || object === 0 || words[object + KIND]! < FIRST_OBJECT_KIND) continue;
    const type = kindOf(words[object + KIND]!)?.type.name;
    const name = nameOf(heap, object);
    if (type !== undefined) return name === undefined ? `a ${type}` : `${type} "${name}"`;
  }
  return undefined;
}
