/**
 * Calling something outside every asynchronous context, heddle's and those of users.
 *
 * What is made once, on demand, and then serves everybody must not belong to whoever came first: a callback would run
 * in that task, and the context would be kept for ever. Taking the context of this module's own loading is nearly
 * enough, since programs import statically; where somebody imports heddle inside a context, Node's is taken off.
 */
import { AsyncResource } from 'node:async_hooks';
import { runtimeName } from './runtime.ts';

/** What the resource of a context is called inside Node: up to 22 one property for each store, then one for all. */
const STORES = new Set(['kResourceStore', 'context_frame']);

const nowhere = makeNowhere();
/**
 * Whether each storage has a property of its own on the resource, which `run` and `enterWith` set: so does Node before 24, and later
 * ones that are told to.
 */
const oneForEachStore =
  runtimeName === 'node' &&
  (Number.parseInt(process.versions.node, 10) < 24 ||
    [...process.execArgv, process.env['NODE_OPTIONS'] ?? ''].join(' ').includes('--no-async-context-frame'));

function makeNowhere(): AsyncResource {
  const made = new AsyncResource('HEDDLE', { requireManualDestroy: true });
  for (const key of Object.getOwnPropertySymbols(made))
    if (STORES.has(key.description ?? '')) Reflect.set(made, key, undefined);
  return made;
}

/**
 * Calls `fn` in no context: `getStore()` of every AsyncLocalStorage gives `undefined` in it and in all that it starts.
 * On Bun and Deno in the context in which heddle was imported, which is none unless a dynamic import stood in one.
 *
 * What `fn` enters (`AsyncLocalStorage.enterWith`) is left when it returns.
 *
 * **Cost.** Some 30 ns; up to Node 22 half a microsecond, on Deno one. It does not switch AsyncLocalStorage on.
 */
export function outsideContext<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): R {
  // One for all would show a call inside of another what that one has entered.
  return (oneForEachStore ? makeNowhere() : nowhere).runInAsyncScope(fn, undefined, ...args);
}
