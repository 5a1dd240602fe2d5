/**
 * What a thread does around a blocking wait: it stays killable, and sees who died.
 *
 * ```text
 * try {
 *   while (!done()) {
 *     Atomics.wait(words, index, seen, blockedSlice(left));
 *     lookWhileBlocked();
 *   }
 * } finally {
 *   endBlocked();
 * }
 * ```
 *
 * - **Signals.** A listener cannot run while the main thread is blocked, and takes the default effect away: so all
 *   listeners of SIGINT and SIGTERM are taken off after 50 ms, the user's too, and are on again after the end. One that
 *   comes within the 50 ms is lost, a second one works.
 * - **Deaths.** Every 250 ms it looks at the threads it has started (`lookAtChildren`), and does what `whileBlocked` was
 *   given. A thread without either sleeps as long as it likes.
 * - **Nesting.** A job that runs in place within a wait may block as well: its end ends the outer one's watch too, and
 *   the next slice of the outer one begins it anew.
 * - **Cost.** A wait that ends before that: one reading of the clock; none where there is nothing to look at.
 */
import { isMainThread } from 'node:worker_threads';
import { nowWhileBlocked as now } from '../core/clock.ts';
import { hasChildren, lookAtChildren } from './child-threads.ts';
import { DEFAULT_SIGNALS, takeListenersOff } from './signals.ts';

const SIGNALS_AFTER = 50;
const LOOK_EVERY = 250;

const looks: { readonly look: () => void; readonly needed: () => boolean }[] = [];

/** When to look next; 0 while no wait is watched. */
let nextLook = 0;
let looking = false;
let restoreSignals: (() => void) | undefined;

/**
 * Has `look` called every 250 ms while this thread is blocked and it is `needed`. For as long as the thread lives. A
 * thread that needs nothing sleeps until it is woken.
 */
export function whileBlocked(look: () => void, needed: () => boolean): void {
  looks.push({ look, needed });
}

/** Who hears how long this thread was blocked; nobody but in debug mode. */
let told: ((ms: number) => void) | undefined;
let began = 0;

/** Calls `tell` after each blocking wait, with how long that took, until the function that this gives is called. One at a time. */
export function watchBlocking(tell: (ms: number) => void): () => void {
  told = tell;
  return () => {
    told = undefined;
  };
}

/** How long the next `Atomics.wait` may last, in ms, of the `left` that are left. */
export function blockedSlice(left: number): number {
  if (told !== undefined && began === 0) began = now();
  if (nextLook === 0) {
    if (!isMainThread && !hasOthers()) return left;
    const first = isMainThread ? SIGNALS_AFTER : LOOK_EVERY;
    nextLook = now() + first;
    return Math.min(left, first);
  }
  return nextLook === Infinity ? left : Math.min(left, Math.max(nextLook - now(), 1));
}

/** After each slice, however it ended. */
export function lookWhileBlocked(): void {
  if (looking || nextLook === 0 || now() < nextLook) return;
  nextLook = hasOthers() ? now() + LOOK_EVERY : Infinity;
  if (isMainThread) restoreSignals ??= takeListenersOff(DEFAULT_SIGNALS);
  // What is done for the dead may have to wait as well: it does not look again.
  looking = true;
  try {
    lookAtChildren();
    for (const { look, needed } of looks) if (needed()) look();
  } finally {
    looking = false;
  }
}

/** After the last slice; must be in a `finally`. */
export function endBlocked(): void {
  nextLook = 0;
  const restore = restoreSignals;
  restoreSignals = undefined;
  restore?.();
  if (told === undefined || began === 0) return;
  const ms = now() - began;
  began = 0;
  told(ms);
}

function hasOthers(): boolean {
  return hasChildren() || looks.some(({ needed }) => needed());
}
