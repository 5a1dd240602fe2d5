/** The asynchronous context of users, which every AsyncLocalStorage reads: for what runs later, or elsewhere on the stack. */
import { AsyncResource } from 'node:async_hooks';

/**
 * Takes hold of the context of now: what this gives calls a function in it.
 *
 * **Cost.** An AsyncResource, some 100 ns. It does not switch AsyncLocalStorage on.
 */
export function captureContext(): <R>(fn: () => R) => R {
  const resource = new AsyncResource('HEDDLE_CONTEXT', { requireManualDestroy: true });
  return (fn) => resource.runInAsyncScope(fn);
}
