/** A module of another thread, as an object of functions. */
import type { FunctionReference } from '../function/reference.ts';
import type { AnyFunction, Executor, Remote } from './executor.ts';
import type { Future } from './future.ts';
import { registerReference } from './known-function.ts';

/**
 * Every name is a function until it is called: the module is not loaded here, so only a call can tell that a name is
 * missing. `then` is not a name, for such an object must not look like a promise.
 */
export function remoteModule<M extends object>(url: string, executor: Executor): Remote<M> {
  const members = new Map<string, AnyFunction>();
  const member = (name: string): AnyFunction => {
    let fn = members.get(name);
    if (fn === undefined) {
      fn = remoteFunction({ kind: 'export', url, name }, executor);
      members.set(name, fn);
    }
    return fn;
  };
  return new Proxy(Object.create(null), {
    get: (_, name) => (typeof name === 'symbol' || name === 'then' ? undefined : member(name)),
    has: (_, name) => typeof name === 'string' && name !== 'then',
    set: (_, name) => {
      throw new TypeError(`Cannot set ${String(name)}: the module ${url} lives in other threads`);
    },
  }) as Remote<M>;
}

function remoteFunction(reference: FunctionReference, executor: Executor): AnyFunction {
  const fn = (...args: unknown[]): Future<unknown> =>
    executor.submit(fn as (...all: unknown[]) => unknown, ...args);
  Object.defineProperty(fn, 'name', { value: reference.name });
  registerReference(fn, reference);
  return fn;
}
