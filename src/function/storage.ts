/** Storages of context, such as an AsyncLocalStorage: and finding the one of another thread that is the same. */
import type { AnyFunction } from './registry.ts';

/** Something that has a value for the code that `run` calls, and for all that this starts. */
export type ContextStorage = {
  run<R>(value: never, fn: () => R): R;
} & ({ getStore(): unknown } | { get(): unknown });

const runs = new WeakMap<ContextStorage, AnyFunction>();

export function isContextStorage(value: unknown): value is ContextStorage {
  if (typeof value !== 'object' || value === null) return false;
  const { run, getStore, get } = value as Record<string, unknown>;
  return typeof run === 'function' && (typeof getStore === 'function' || typeof get === 'function');
}

/** What it holds for the code that runs now. */
export function valueIn(storage: ContextStorage): unknown {
  return 'getStore' in storage ? storage.getStore() : storage.get();
}

/** Its `run` as a function that stands for it, one for each storage. */
export function runOf(storage: ContextStorage): AnyFunction {
  let run = runs.get(storage);
  if (run === undefined) {
    run = (value: never, fn: () => unknown) => storage.run(value, fn);
    runs.set(storage, run);
  }
  return run;
}
