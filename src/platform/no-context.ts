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
const storesOf = (): symbol[] =>
  Object.getOwnPropertySymbols(nowhere).filter(({ description = '' }) => STORES.has(description));
for (const key of storesOf()) Reflect.set(nowhere, key, undefined);
/** Whether each storage has a property there, which `enterWith` sets; Node has a symbol there, in any case. */
const oneForEachStore =
  Object.getOwnPropertySymbols(nowhere).length > 0 &&
  !storesOf().some(({ description }) => description === 'context_frame');

/**
 * Calls `fn` in no context: `getStore()` of every AsyncLocalStorage gives `undefined` in it and in all that it starts.
 * On Bun and Deno in the context in which heddle was imported, which is none unless a dynamic import stood in one.
 *
 * What `fn` enters (`AsyncLocalStorage.enterWith`) is left when it returns.
 *
 * **Cost.** Some 30 ns; up to Node 22 100 ns, on Deno 1 µs. It does not switch AsyncLocalStorage on.
 */
export function outsideContext<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): R {
  if (!oneForEachStore) return nowhere.runInAsyncScope(fn, undefined, ...args);
  try {
    return nowhere.runInAsyncScope(fn, undefined, ...args);
  } finally {
    for (const key of storesOf()) Reflect.deleteProperty(nowhere, key);
  }
}
