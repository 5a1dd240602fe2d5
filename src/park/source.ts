/** What `select` takes from: classes say how. */
import type { Wanted } from './wait.ts';

/** One object as a source. `sync` says that the thread blocks. */
export interface Source {
  readonly wanted: Wanted<unknown>;
  /** What the waiter gets of what it took. */
  value(taken: unknown, sync: boolean): unknown;
  /** Throws if there never will be anything. */
  check(): void;
  /** Throws if the thread would be blocked for ever, were this the only source. */
  checkOthers(timeout: number): void;
}

const sources = new Map<unknown, (object: never) => Source>();

export function registerSource<T extends object>(
  type: abstract new (...args: never[]) => T,
  sourceOf: (object: T) => Source,
): void {
  sources.set(type, sourceOf);
}

/** `undefined` if objects of its class are no sources. */
export function sourceOf(object: object): Source | undefined {
  for (
    let prototype: unknown = Object.getPrototypeOf(object);
    prototype !== null;
    prototype = Object.getPrototypeOf(prototype)
  ) {
    const found = sources.get((prototype as { constructor?: unknown }).constructor);
    if (found !== undefined) return found(object as never);
  }
  return undefined;
}
