/**
 * The kinds of shared objects: what the memory must know of each to recover and to free it. A kind is registered by
 * the module of its class; the number stands in the object's first word.
 */
import type { Heap } from './heap.ts';

export interface Kind {
  /** The class of its handles. */
  readonly type: abstract new (
    ...args: never[]
  ) => object;
  /** Where the lists of waiters of its objects stand. */
  readonly lists: readonly number[];
  /**
   * Called when a thread has died, for each object of the kind: mends what that thread left, and tells who waits for
   * it. May be called by several threads at once, again after one was interrupted, and for nothing.
   */
  recover(heap: Heap, object: number): void;
  /**
   * Called before the record of a dead thread is dropped: takes back what the thread held of the object, which is still
   * the record's if its block has the state `dead`.
   */
  reclaim?(heap: Heap, object: number, record: number, dead: number): void;
  /** The same for a record of kind `ITEM`, which belongs to the object and which the dead thread had in hand. */
  reclaimItem?(heap: Heap, object: number, item: number, dead: number): void;
  /** The same for a record of kind `JOB`, which belongs to the object: the dead thread had made it, or ran it. */
  reclaimJob?(heap: Heap, object: number, job: number, dead: number): void;
  /**
   * Called for such a record after that, once nobody can be about to touch it for the sake of the dead thread. False if
   * somebody has it still: then that one has this done again.
   */
  buryJob?(heap: Heap, job: number, dead: number): boolean;
  /** Called in the object's section, when a thread has died there: makes the rest of the index anew. */
  rebuild?(heap: Heap, object: number): void;
  /** Called before the block of an object is freed that nobody holds: frees what belongs to it. */
  free?(heap: Heap, object: number): void;
  /** The address of a handle's object, which enters the shared memory if it has not yet. */
  enter(handle: object): number;
  /** One more handle of the same object. */
  another(handle: object): Disposable;
  /**
   * What a handle has besides its object and takes along when it is sent, by name, for messages: values that can be sent;
   * and the other end of it. `undefined` if nothing. Tokens and names do not carry it.
   */
  attached?(handle: object): Readonly<Record<string, unknown>> | undefined;
  attach?(handle: object, attached: Readonly<Record<string, unknown>>): void;
  /** A new handle of an object, which this thread has been counted as holding already. */
  restore(object: number): Disposable;
}

const kinds: (Kind | undefined)[] = [];
const byClass = new Map<unknown, { readonly number: number; readonly kind: Kind }>();

/** The number of each kind is fixed, since copies of heddle share a region. */
export const LOCK = 16;
export const RLOCK = 17;
export const RWLOCK = 18;
export const SEMAPHORE = 19;
export const CAPACITY_LIMITER = 20;
export const EVENT = 21;
export const CONDITION = 22;
export const BARRIER = 23;
export const LATCH = 24;
export const ONCE = 25;
export const QUEUE = 26;
export const LIFO_QUEUE = 27;
export const PRIORITY_QUEUE = 28;
export const POOL = 29;
export const EVENT_LOOP = 30;
export const EVENT_LOOP_THREAD = 31;
export const FUTURE = 32;
/** The right to settle a future: the function that fulfils it, and the one that rejects it, are handles of one object. */
export const RESOLVE = 33;
export const REJECT = 34;

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
  return kinds[number]?.lists ?? [];
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
