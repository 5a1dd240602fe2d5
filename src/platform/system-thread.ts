/**
 * Threads as the operating system knows them. On Linux any thread of the process can see, blocked or not, whether any
 * other has ended, however it ended and whoever started it; on every runtime. Elsewhere nothing is known.
 */
import { readFileSync, readlinkSync } from 'node:fs';

const TASKS = '/proc/self/task';

/** Thread ids of Linux are below 2²². Above them goes a part of the start time, should an id be given out anew. */
const ID_BITS = 22;
const START_BITS = 9;

let own: number | undefined;

/**
 * The calling thread, as a number above 0 that fits a word of shared memory; 0 if the system does not tell. Costs some
 * 100 µs the first time.
 */
export function ownSystemThread(): number {
  own ??= mayRead() ? ownMark() : 0;
  return own;
}

/**
 * Whether the thread has certainly ended: its stack is gone, it will touch no memory any more. False for 0, for a
 * thread that cannot be looked up, and for some milliseconds after it ran its last JavaScript. Costs 10 to 80 µs.
 */
export function systemThreadEnded(thread: number): boolean {
  const self = ownSystemThread();
  if (self === 0 || thread === 0 || thread === self) return false;
  const mark = markOf(thread & (2 ** ID_BITS - 1));
  // Nobody is declared dead because the files of the system cannot be read any more.
  return mark !== undefined && mark !== thread && markOf(self & (2 ** ID_BITS - 1)) === self;
}

/**
 * A text that stays the same for as long as the thread sleeps in the system and does not run at all; `undefined` while it
 * runs, or if that cannot be told.
 */
export function systemThreadAsleep(thread: number): string | undefined {
  const fields = statOf(thread & (2 ** ID_BITS - 1));
  // State, and the time spent in user and kernel mode.
  return fields !== undefined && fields[0] === 'S' ? `${fields[11]} ${fields[12]}` : undefined;
}

function ownMark(): number {
  try {
    const id = Number(readlinkSync('/proc/thread-self').split('/').at(-1));
    return Number.isInteger(id) && id > 0 && id < 2 ** ID_BITS ? (markOf(id) ?? 0) : 0;
  } catch {
    return 0;
  }
}

/** The thread that has that id now; 0 if none has; `undefined` if that cannot be told. */
function markOf(id: number): number | undefined {
  try {
    const start = Number(readStat(id)[19]);
    return Number.isInteger(start) ? ((start % 2 ** START_BITS) << ID_BITS) | id : undefined;
  } catch (error) {
    const { code } = error as { code?: unknown };
    return code === 'ENOENT' || code === 'ESRCH' ? 0 : undefined;
  }
}

function statOf(id: number): readonly string[] | undefined {
  try {
    return readStat(id);
  } catch {
    return undefined;
  }
}

/** From the third field on: the second is a name in brackets and may hold anything. */
function readStat(id: number): readonly string[] {
  const text = readFileSync(`${TASKS}/${id}/stat`, 'latin1');
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

/** Deno would ask the user, in the middle of the program, unless everything is allowed. */
function mayRead(): boolean {
  if (process.platform !== 'linux') return false;
  const { Deno } = globalThis as { Deno?: { permissions: { querySync(what: object): { state: string } } } };
  return (
    Deno === undefined ||
    ['read', 'write', 'net', 'env', 'sys', 'run', 'ffi'].every(
      (name) => Deno.permissions.querySync({ name }).state === 'granted',
    )
  );
}
