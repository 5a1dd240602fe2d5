/**
 * The end of threads that this thread has started, heddle's and those that user code starts by `new Worker`; and the
 * end of this thread itself.
 *
 * **While this thread is blocked** it gets no events. `lookAtChildren()` then finds on
 * - Node: children that were seen online before this thread blocked and have ended since. Event loop utilisation
 *   answers from memory that the threads share. Its `idle` is 0 until the parent has heard that the child is online,
 *   and -1 once the child was told to stop, or its environment is gone. Told to stop it may run on up to its next call
 *   or loop: hence a child counts as ended when the look after that finds it so again.
 * - Bun and Deno: nothing. `threadId` changes only with the event, if at all, and Bun has no `performance`.
 *
 * What was started just before this thread blocked is found by `systemThreadEnded()` alone, which also knows threads
 * that are not children, on every runtime, on Linux.
 */
import { subscribe } from 'node:diagnostics_channel';
import { runtimeName } from './runtime.ts';

/** A Worker of `worker_threads`; on Bun also one of the Web, which has neither `once` nor `performance`. */
interface Child {
  readonly threadId: number;
  readonly performance?: { eventLoopUtilization(): { readonly idle: number } };
  once?(event: 'exit' | 'online', listener: () => void): unknown;
  addEventListener?(event: 'close', listener: () => void): void;
}

/** A child that has not ended. The platform forgets its id at the end. */
interface Watch {
  readonly threadId: number;
  stopping: boolean;
}

const children = new Map<Child, Watch>();
const watchers: ((threadId: number) => void)[] = [];

/**
 * Calls `ended` once with the `threadId` of each worker that this thread starts from now on, when that has ended: by
 * itself, by an error, terminated or out of memory. In the order in which that becomes known.
 *
 * It keeps nothing alive. On Deno the event comes some milliseconds before the thread is really gone, and it may come
 * while a spinning thread still runs. Not heard of: `globalThis.Worker` on Deno; a worker from which user code removes
 * all listeners.
 */
export function watchChildren(ended: (threadId: number) => void): void {
  watchers.push(ended);
  if (watchers.length > 1) return;
  // The channel tells at once; the event, which Bun has alone, only when the current code is done.
  subscribe('worker_threads', (message) => startWatch((message as { worker: Child }).worker));
  (process as NodeJS.EventEmitter).on('worker', startWatch);
}

/** Whether there is a worker that this thread has started and that has not ended, as far as is known. */
export function hasChildren(): boolean {
  return children.size > 0;
}

/** Whether it is one of them, by the runtime's number. */
export function isChild(threadId: number): boolean {
  for (const watch of children.values()) if (watch.threadId === threadId) return true;
  return false;
}

/**
 * For a thread that is blocked, every 50 ms or more: finds children that have ended meanwhile, and tells of them as the
 * event would. It takes two calls to find one.
 */
export function lookAtChildren(): void {
  if (runtimeName !== 'node') return;
  for (const [child, watch] of children) {
    if (!isStopping(child)) continue;
    if (watch.stopping) tell(child);
    watch.stopping = true;
  }
}

/**
 * Calls `fn` when this thread ends by itself: its work is done, `process.exit()`, an uncaught error; on the main thread
 * too. Before the `'exit'` listeners that are there already, though JavaScript may still run after it. Not called when
 * the thread is terminated or out of memory.
 */
export function onOwnEnd(fn: (code: number) => void): void {
  process.prependListener('exit', (code) => fn(code));
}

/** Both sources tell of each; on Deno a child that is terminated at once has ended before the second does. */
const watched = new WeakSet<Child>();

function startWatch(child: Child): void {
  if (watched.has(child)) return;
  watched.add(child);
  children.set(child, { threadId: child.threadId, stopping: false });
  if (child.once === undefined) {
    child.addEventListener?.('close', () => tell(child));
    return;
  }
  child.once('exit', () => tell(child));
  // From then on its utilisation is known; asking once makes Node keep the start of its loop.
  if (runtimeName === 'node') child.once('online', () => isStopping(child));
}

function isStopping(child: Child): boolean {
  return child.performance?.eventLoopUtilization().idle === -1;
}

function tell(child: Child): void {
  const watch = children.get(child);
  children.delete(child);
  if (watch !== undefined) for (const ended of watchers) ended(watch.threadId);
}
