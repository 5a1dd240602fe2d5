/**
 * Debug mode: sees which callback kept the loop busy for long, and where that was started. For every callback and every
 * continuation of an async function the runtime says when it begins and ends (`node:async_hooks`); the place is the stack
 * as it was when the timer was set, or the `await` reached, that it comes from.
 *
 * This costs several microseconds for every promise. A runtime without such hooks sees nothing.
 */
import { createHook } from 'node:async_hooks';
import { isOwnPlace } from './own-files.ts';

/** What kept the loop busy. */
export interface SlowCallback {
  readonly ms: number;
  /** Where it was started: frames of a stack, the innermost first; `''` if that is not known. */
  readonly place: string;
}

interface Place {
  readonly stack?: string;
}

/**
 * Calls `tell` at the end of each callback that took longer than `limit` milliseconds, in its context, until the function that
 * this gives is called. What `excused` has risen by meanwhile does not count: it is told otherwise.
 */
export function watchCallbacks(
  limit: number,
  excused: () => number,
  tell: (slow: SlowCallback) => void,
): () => void {
  const places = new Map<number, Place>();
  let depth = 0;
  let began = 0;
  let outermost = 0;
  let excusedBefore = 0;
  const hook = createHook({
    init(id) {
      const place: Place = {};
      Error.captureStackTrace?.(place);
      places.set(id, place);
    },
    before(id) {
      if (depth++ > 0) return;
      began = performance.now();
      outermost = id;
      excusedBefore = excused();
    },
    after() {
      if (--depth > 0) return;
      const ms = performance.now() - began - (excused() - excusedBefore);
      if (ms > limit) tell({ ms, place: userFrames(places.get(outermost)?.stack) });
    },
    destroy(id) {
      places.delete(id);
    },
  });
  hook.enable();
  return () => {
    hook.disable();
  };
}

/** The frames of a stack without those of the runtime and of this library. */
export function userFrames(stack: string | undefined): string {
  const frames = stack?.split('\n').slice(1) ?? [];
  return frames.filter((line) => !isInternal(line)).join('\n');
}

/** Whether a line of a stack is a frame of this library, or of the runtime. */
export function isInternal(line: string): boolean {
  if (!/^ {4}at /.test(line)) return false;
  return /\(node:|at (async )?node:/.test(line) || isOwnPlace(line);
}
