/**
 * Calling something outside every asynchronous context, heddle's and those of users.
 *
 * What is made once, on demand, and then serves everybody must not belong to whoever came first: a callback would run
 * in that task, and the context would be kept for ever. Taking the context of this module's own loading is nearly
 * enough, since programs import statically; where somebody imports heddle inside a context, Node's is taken off.
 */
import { AsyncResource } from 'node:async_hooks';

/** What the resource of a context is called inside Node: up to 22 one property for each store, then one for all. */
const STORES = new Set(['kResourceStore', 'context_frame']);

const nowhere = new AsyncResource('HEDDLE', { requireManualDestroy: true });
for (const key of Object.getOwnPropertySymbols(nowhere)) {
  if (STORES.has(key.description ?? '')) Reflect.set(nowhere, key, undefined);
}

/**
 * Calls `fn` in no context: `getStore()` of every AsyncLocalStorage gives `undefined` in it and in all that it starts.
 * On Bun and Deno in the context in which heddle was imported, which is none unless a dynamic import stood in one.
 *
 * **Cost.** Some 30 ns; on Deno 1 µs. It does not switch AsyncLocalStorage on.
 */
export function outsideContext<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): R {
  return nowhere.runInAsyncScope(fn, undefined, ...args);
}
