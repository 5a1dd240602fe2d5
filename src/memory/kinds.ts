/**
 * The kinds of shared objects: what the memory must know of each to recover and to free it. A kind is registered by
 * the module of its class; the number stands in the object's first word.
 */
import type { Heap } from './heap.ts';
import { LIST_WORDS, LISTS } from './layout.ts';

export interface Kind {
  /** The class of its handles. */
  readonly type: abstract new (
    ...args: never[]
  ) => object;
  /** How many lists of waiters its objects have, from `LISTS` on. */
  readonly lists: number;
  /**
   * Called when a thread has died, for each object of the kind: mends what that thread left, and tells who waits for
   * it. May be called by several threads at once, again after one was interrupted, and for nothing.
   */
  recover(heap: Heap, object: number): void;
  /** The address of a handle's object, which enters the shared memory if it has not yet. */
  enter(handle: object): number;
  /** One more handle of the same object. */
  another(handle: object): Disposable;
  /** A new handle of an object, which this thread has been counted as holding already. */
  restore(object: number): Disposable;
}

const kinds: (Kind | undefined)[] = [];
const byClass = new Map<unknown, { readonly number: number; readonly kind: Kind }>();

/** The kind of Lock; the number of each is fixed, since copies of heddle share a region. */
export const LOCK = 16;

export function registerKind(number: number, kind: Kind): void {
  kinds[number] = kind;
  byClass.set(kind.type, { number, kind });
}

/** `undefined` for records, and for kinds whose module this thread has not loaded. */
export function kindOf(number: number): Kind | undefined {
  return kinds[number];
}

/** The offsets of the lists that objects of that kind have. */
export function listsOf(number: number): readonly number[] {
  return Array.from({ length: kinds[number]?.lists ?? 0 }, (_, index) => LISTS + index * LIST_WORDS);
}

/** The kind of a value that is a handle of a shared object; `undefined` for every other value. */
export function kindOfHandle(value: object): { readonly number: number; readonly kind: Kind } | undefined {
  for (
    let prototype: unknown = Object.getPrototypeOf(value);
    prototype !== null;
    prototype = Object.getPrototypeOf(prototype)
  ) {
    const found = byClass.get((prototype as { constructor?: unknown }).constructor);
    if (found !== undefined) return found;
  }
  return undefined;
}
