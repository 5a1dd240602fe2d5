import { checkFunction, checkOptions, checkTimeout } from '../core/arguments.ts';
import { openTimers, startSystemTimer } from '../core/clock.ts';
import { HeddleError } from '../core/errors.ts';
import { mainLoopForThreads } from '../executor/main-loop.ts';
import { type Heap, ownHeap, recordOf } from '../memory/heap.ts';
import { kindOf } from '../memory/kinds.ts';
import {
  CELL,
  ENTRY,
  FUNCTION,
  HANDLE,
  ITEM,
  JOB,
  KIND,
  NODE,
  OBJECT,
  PARCEL,
  RECORD_THREAD_ID,
} from '../memory/layout.ts';
import { livingThreads } from '../memory/reaper.ts';
import { collectGarbage, loopResources } from '../platform/loop-turns.ts';
import { outside } from '../scope/outside.ts';
import { openTasks } from '../scope/task.ts';

export interface NoLeaksOptions {
  /** For how many real milliseconds what was told to end may take to do so; default 5,000. */
  readonly within?: number | undefined;
}

/** How much there is of each thing, by its name. */
type Census = Map<string, number>;

const RECORDS: Readonly<Record<number, string>> = {
  [CELL]: 'wait',
  [NODE]: 'wait',
  [HANDLE]: 'handle',
  [PARCEL]: 'handle under way',
  [ENTRY]: 'name of a shared object',
  [ITEM]: 'item of a queue',
  [JOB]: 'job',
  [FUNCTION]: 'function of a pool',
};
/** Handles of the runtime that belong to threads, servers and connections. */
const HANDLES = /^(?:MessagePort|Worker|TCP\w+|TTYWrap|ProcessWrap|SignalWrap|FSEventWrap)$/;
const LONG = 5_000;
const LOOK_MS = 2;

/**
 * Calls `fn`, and rejects unless all that came to be meanwhile is gone when it has ended: tasks, threads, handles, timers,
 * objects in shared memory with who waits there, jobs. Gives what `fn` gave.
 *
 * What must be collected is seen only where the program was started with `--expose-gc`; else an object that was not disposed
 * of counts as left behind. Pools and loops must be shut down in `fn`, the default pool too.
 *
 * @throws {HeddleError} that says what was left behind.
 * @example
 * ```ts
 * import { Lock, ThreadPoolExecutor } from 'heddle';
 * import { noLeaks } from 'heddle/testing';
 *
 * await noLeaks(async () => {
 *   const pool = new ThreadPoolExecutor({ threads: 1 });
 *   using lock = new Lock();
 *   await pool.submit((given: Lock) => given.acquireSync().release(), lock);
 *   await pool.shutdown();
 *   pool[Symbol.dispose]();
 * });
 * ```
 */
export async function noLeaks<T>(fn: () => T | PromiseLike<T>, options?: NoLeaksOptions): Promise<T> {
  checkFunction(fn, 'fn');
  const within = checkTimeout(checkOptions(options).within ?? LONG, 'within');
  // What is there for good from the first pool on.
  mainLoopForThreads();
  await settled();
  const before = census();
  const result = await fn();
  const end = performance.now() + within;
  let left = more(before, census());
  while (left.length > 0 && performance.now() < end) {
    await settled();
    left = more(before, census());
  }
  if (left.length > 0) throw new HeddleError(`Left behind: ${left.join(', ')}`);
  return result;
}

/** After finalizers have run, and messages have come. */
function settled(): Promise<void> {
  collectGarbage();
  return outside(() => new Promise((resolve) => startSystemTimer(LOOK_MS, resolve)));
}

function census(): Census {
  const found: Census = new Map();
  const count = (what: string, n = 1): void => void found.set(what, (found.get(what) ?? 0) + n);
  const heap = ownHeap();
  for (let block = heap.blocks.nextUsed(0); block !== 0; block = heap.blocks.nextUsed(block)) {
    const what = nameOfBlock(heap, block);
    if (what !== undefined) count(what);
  }
  // One may have joined the shared memory twice.
  const threads = livingThreads(heap.words).map((token) => heap.words[recordOf(token) + RECORD_THREAD_ID]);
  count('thread', new Set(threads).size);
  count('task', openTasks());
  count('timer', openTimers());
  for (const name of loopResources()) if (HANDLES.test(name)) count(name);
  return found;
}

/** `undefined` for what a thread keeps for its next waits, and for plain bytes, which belong to something. */
function nameOfBlock({ words, blocks, token }: Heap, block: number): string | undefined {
  const kind = words[block + KIND]!;
  if (kind === CELL && words[block + OBJECT] === 0 && blocks.stateOf(block) === token) return undefined;
  return RECORDS[kind] ?? kindOf(kind)?.type.name;
}

/** What there is more of. */
function more(before: Census, now: Census): string[] {
  const found: string[] = [];
  for (const [what, count] of now) {
    const extra = count - (before.get(what) ?? 0);
    if (extra > 0) found.push(`${extra} × ${what}`);
  }
  return found;
}
