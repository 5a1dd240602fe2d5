/**
 * The handle of a shared object: what the classes of `sync/` and `queue/` have in common.
 *
 * An object gets its block of shared memory when it is first used, sent or named. The handle is counted until it is
 * disposed, or collected; who holds a guard of it or waits by it keeps it until that has ended.
 */
import { checkName, checkOptions } from '../core/arguments.ts';
import { DeadlockError, InvalidStateError } from '../core/errors.ts';
import { nameOf } from '../memory/handles.ts';
import type { Heap } from '../memory/heap.ts';
import { type Kind, registerKind } from '../memory/kinds.ts';
import { LISTS, OBJECT_ENTRY, REFS } from '../memory/layout.ts';
import { trackHandle, untrackHandle } from '../park/own-handles.ts';
import { ownParking } from '../park/own-parking.ts';
import type { Parking } from '../park/parking.ts';

/** Options that every shared object takes. */
export interface NameOptions {
  /** For messages and `statistics()`. */
  readonly name?: string | undefined;
}

/** What the handles of a class are made with. */
export interface Sharing<C> {
  readonly kind: number;
  /** What users call the object: `semaphore`. */
  readonly what: string;
  /** How many words it has from `DATA` on. */
  readonly more?: number;
  /** What works on the object in shared memory, for this thread, which holds it by that record. */
  readonly core: (parking: Parking, object: number, record: number) => C;
}

/**
 * Handles that must not be collected: what their guards hold is that of a record of this thread, and a guard that nobody
 * can reach any more (it was kept, and forgotten) holds it until the thread ends.
 */
let firstInUse: SharedHandle<unknown> | undefined;

export class SharedHandle<C> {
  readonly name: string | undefined;
  readonly #owner: object;
  readonly #sharing: Sharing<C>;
  readonly #prepare: (words: Int32Array, object: number) => void;
  #core: C | undefined;
  #object = 0;
  #disposed = false;
  /** Whether others may know of the object though they do not hold it yet. */
  #known = false;
  /** Guards of this handle, and waits by it. */
  #uses = 0;
  /** Neighbours among those in use. A list: a set costs more than all the rest where one comes and goes all the time. */
  #next: SharedHandle<unknown> | undefined;
  #previous: SharedHandle<unknown> | undefined;

  /** The handle of `owner`; `prepare` fills the words of its object when that is made. @throws TypeError */
  constructor(
    owner: object,
    sharing: Sharing<C>,
    options: NameOptions | undefined,
    prepare: (words: Int32Array, object: number) => void = () => {},
  ) {
    this.name = checkName(checkOptions(options).name);
    this.#owner = owner;
    this.#sharing = sharing;
    this.#prepare = prepare;
  }

  /** `semaphore "cache"`. */
  describe(): string {
    const { what } = this.#sharing;
    return this.name === undefined ? what : `${what} "${this.name}"`;
  }

  /** What works on the object. @throws InvalidStateError if the handle was disposed. */
  get core(): C {
    return this.#core !== undefined && !this.#disposed ? this.#core : this.#enter();
  }

  /** The same for a guard or a wait of this handle, which goes on though the handle was disposed. */
  get coreInUse(): C {
    return this.#core!;
  }

  /** The address of the object, for somebody else. */
  addressToSend(): number {
    this.#enter();
    this.#known = true;
    return this.#object;
  }

  /** Makes this a handle of an object that the thread has been counted as holding. */
  adopt(object: number): C {
    const parking = ownParking();
    this.#object = object;
    this.#known = true;
    trackHandle(this.#owner, object);
    this.#core = this.#sharing.core(parking, object, parking.handles.recordOf(object));
    return this.#core;
  }

  /** Somebody holds it or waits for it by this handle: it is not given up before `unuse`. */
  use(): void {
    if (this.#uses++ > 0) return;
    this.#next = firstInUse;
    if (firstInUse !== undefined) firstInUse.#previous = this;
    firstInUse = this;
  }

  unuse(): void {
    if (--this.#uses > 0) return;
    if (this.#previous === undefined) firstInUse = this.#next;
    else this.#previous.#next = this.#next;
    if (this.#next !== undefined) this.#next.#previous = this.#previous;
    this.#next = undefined;
    this.#previous = undefined;
    if (this.#disposed) this.#giveUp();
  }

  /** Gives the handle up, once nobody uses it any more. */
  dispose(): void {
    this.#disposed = true;
    this.#giveUp();
  }

  /**
   * To be called before the thread blocks for what others must do.
   *
   * @throws DeadlockError if there are no others: no other thread has the object, and this one would be blocked.
   */
  checkOthers(action: string, timeout: number): void {
    if (timeout !== Infinity || this.#known) return;
    const { words } = ownParking().heap;
    if (words[this.#object + REFS] !== 1 || words[this.#object + OBJECT_ENTRY] !== 0) return;
    throw new DeadlockError(
      `Cannot ${action} ${this.describe()}: no other thread has it, and this one would be blocked for ever; await the async form`,
    );
  }

  #enter(): C {
    if (this.#disposed) throw new InvalidStateError(`Cannot use ${this.describe()}: it was disposed`);
    if (this.#core !== undefined) return this.#core;
    const { handles, heap } = ownParking();
    const { kind, more } = this.#sharing;
    const object = handles.create(kind, this.name, (address) => this.#prepare(heap.words, address), more);
    const core = this.adopt(object);
    this.#known = false;
    return core;
  }

  #giveUp(): void {
    if (this.#uses > 0 || this.#core === undefined) return;
    untrackHandle(this.#owner, this.#object);
  }
}

type Optional = 'reclaim' | 'reclaimItem' | 'rebuild' | 'free' | 'attached' | 'attach';

/** What the memory must know of a class whose handles are `SharedHandle`s. */
export interface SharedClass<T> extends Pick<Kind, 'type' | 'recover' | Optional> {
  /** Where its lists stand; the first list alone, if not given. */
  readonly lists?: readonly number[];
  handleOf(object: T): SharedHandle<unknown>;
  /** One more object of the class, which has not been used. */
  make(name: string | undefined): T;
}

export function registerShared<T extends Disposable>(number: number, shared: SharedClass<T>): void {
  const restore = (object: number): T => {
    const { heap } = ownParking();
    const made = shared.make(nameOf(heap, object));
    shared.handleOf(made).adopt(object);
    return made;
  };
  const optional: Pick<Kind, Optional> = shared;
  registerKind(number, {
    ...optional,
    type: shared.type,
    lists: shared.lists ?? [LISTS],
    recover: (heap: Heap, object: number) => shared.recover(heap, object),
    enter: (handle) => shared.handleOf(handle as T).addressToSend(),
    another: (handle) => {
      const object = shared.handleOf(handle as T).addressToSend();
      ownParking().handles.retain(object);
      return restore(object);
    },
    restore,
  });
}
