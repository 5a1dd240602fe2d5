/** Looks at the shared memory of this process from outside: what is in use, and what a hang looks like. */
import { EventLoop, toToken } from '../../src/index.ts';
import { ownHeap, recordOf } from '../../src/memory/heap.ts';
import {
  CELL,
  CELL_STATE,
  FIRST_RECORD,
  KIND,
  LIST_WORDS,
  LISTS,
  LOCK_DIED,
  LOCK_WORD,
  MOST_THREADS,
  OBJECT,
  RECORD_BELL,
  RECORD_LOOK,
  RECORD_NEWS,
  RECORD_TELLING,
  RECORD_THREAD_ID,
  RECORD_TOKEN,
  RECORD_WORDS,
  REFS,
  SECTION,
  UNREAPED,
} from '../../src/memory/layout.ts';

const KINDS: Readonly<Record<number, string>> = {
  0: 'bytes',
  1: 'cell',
  2: 'node',
  3: 'handle',
  4: 'parcel',
  5: 'entry',
  16: 'lock',
};

/** The blocks in use, without cells that this thread keeps for its next waits: how many of each kind. */
export function usedBlocks(): Record<string, number> {
  const { words, blocks, token } = ownHeap();
  const counts: Record<string, number> = {};
  for (let block = blocks.nextUsed(0); block !== 0; block = blocks.nextUsed(block)) {
    const kind = words[block + KIND]!;
    if (kind === CELL && words[block + OBJECT] === 0 && blocks.stateOf(block) === token) continue;
    const name = KINDS[kind] ?? `kind ${kind}`;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

/** Thread records that are somebody's: tokens of the living, negative ones of the dead that are not mended. */
export function recordsInUse(): number[] {
  const { words } = ownHeap();
  const found: number[] = [];
  for (let slot = 0; slot < MOST_THREADS; slot++) {
    const token = words[FIRST_RECORD + slot * RECORD_WORDS + RECORD_TOKEN]!;
    if (token !== 0) found.push(token);
  }
  return found;
}

/** Every thread record, object and waiting cell. */
export function dumpHeap(): string {
  const { words, blocks } = ownHeap();
  const lines = [`unreaped ${words[UNREAPED]}, own token ${ownHeap().token}`];
  for (const token of recordsInUse()) {
    const record = recordOf(Math.abs(token));
    const [bell, news, look, telling, thread] = [
      RECORD_BELL,
      RECORD_NEWS,
      RECORD_LOOK,
      RECORD_TELLING,
      RECORD_THREAD_ID,
    ].map((word) => words[record + word]);
    lines.push(
      `record ${token}: thread ${thread}, bell ${bell}, news ${news}, look ${look}, telling ${telling}`,
    );
  }
  for (let block = blocks.nextUsed(0); block !== 0 && lines.length < 400; block = blocks.nextUsed(block)) {
    const kind = words[block + KIND]!;
    const name = KINDS[kind] ?? `kind ${kind}`;
    const state = blocks.stateOf(block);
    if (kind === 16) {
      const list = [...words.subarray(block + LISTS, block + LISTS + LIST_WORDS)];
      lines.push(
        `${name} ${block}: section ${words[block + SECTION]}, refs ${words[block + REFS]}, word ${words[block + LOCK_WORD]}, died ${words[block + LOCK_DIED]}, list ${list}`,
      );
    } else if (kind === CELL) {
      lines.push(
        `${name} ${block} of ${state}: ${[...words.subarray(block, block + 15)]} (state ${words[block + CELL_STATE]})`,
      );
    } else lines.push(`${name} ${block} of ${state}: ${[...words.subarray(block, block + 4)]}`);
  }
  return lines.join('\n');
}

/**
 * Resolves once nothing more is in use than `before`, and no thread but those of `records`; collects garbage meanwhile.
 * Rejects with what is left over if it stays.
 */
export async function nothingLeft(
  before: Readonly<Record<string, number>>,
  records: readonly number[],
  within: number = 15_000,
): Promise<void> {
  const end = performance.now() + within;
  for (;;) {
    (globalThis as { gc?: () => void }).gc?.();
    // Finalizers run as tasks of their own.
    await new Promise((resolve) => setTimeout(resolve, 5));
    const used = usedBlocks();
    const threads = recordsInUse().filter((token) => !records.includes(token));
    // What was garbage at the start may have been collected.
    const isLess = Object.entries(used).every(([kind, count]) => count <= (before[kind] ?? 0));
    if (isLess && threads.length === 0) return;
    if (performance.now() < end) continue;
    throw new Error(
      `Left over in shared memory: ${JSON.stringify(used)}, at the start ${JSON.stringify(before)}; threads ${threads}\n${dumpHeap()}`,
    );
  }
}

/** What takes so long hangs, in milliseconds. */
export const HANGS_AFTER = 60_000;

/** What `work` gives. @throws Error with what stands in the shared memory, if it hangs. */
export async function inTime<T>(work: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} hangs\n${dumpHeap()}`)), HANGS_AFTER);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The loop of the main thread is an object of its own, there from the first pool on: made before anything is counted. */
export function enterMainLoop(): void {
  toToken(EventLoop.current());
}
