/** What goes in at one end of a queue and comes out at the other, as seen by one handle. */
import { checkOptions, show } from '../core/arguments.ts';
import { OwnerDiedError, QueueShutDownError } from '../core/errors.ts';
import { ITEM_BYTES, QUEUE_DIED, QUEUE_ERROR, QUEUE_MOST_BYTES } from '../memory/layout.ts';
import type { Source } from '../park/source.ts';
import { throwIfEnded } from '../park/wait.ts';
import { isThenable } from '../scope/call.ts';
import type { SharedHandle } from '../sync/shared-handle.ts';
import { dropItem } from './item-block.ts';
import { type Items, itemsOf } from './items.ts';
import { copyFirst, copyItem } from './look.ts';
import { GetRequest, PutRequest } from './requests.ts';
import { DONE_BY_DEATH, PRIORITY, READY, REFUSED } from './states.ts';
import type { Store } from './store.ts';

export interface PutOptions {
  /** The lowest first. Only a PriorityQueue takes it; 0 by default. */
  readonly priority?: number | undefined;
}

export class Ends {
  readonly #handle: SharedHandle<Store>;
  /** Looked up once: that costs as much as a small item. */
  #known: Items | undefined;

  constructor(handle: SharedHandle<Store>) {
    this.#handle = handle;
  }

  #items(core: Store): Items {
    this.#known ??= itemsOf(core.parking);
    return this.#known;
  }

  /** The priority of what is put. @throws TypeError, RangeError */
  checkPriority(options: PutOptions | undefined): number {
    const priority: unknown = options === undefined ? undefined : checkOptions(options).priority;
    if (priority === undefined) return 0;
    if (typeof priority !== 'number')
      throw new TypeError(`priority must be a number, received ${show(priority)}`);
    if (Number.isNaN(priority)) throw new RangeError('priority must be a number that is not NaN');
    if (this.#handle.core.order !== PRIORITY)
      throw new TypeError(`Cannot put by priority into ${this.#handle.describe()}: use a PriorityQueue`);
    return priority;
  }

  /** The item of a value, in hand. @throws SendError, TypeError, RangeError */
  make(value: unknown, options: PutOptions | undefined): number {
    const { core } = this.#handle;
    if (isThenable(value)) {
      throw new TypeError(
        `Cannot put into ${this.#handle.describe()}: the item is ${show(value)}, which await get() would wait for; await it before, or wrap it in an object`,
      );
    }
    const item = this.#items(core).make(core.object, value, this.checkPriority(options));
    const { words } = core.parking.heap;
    const bytes = words[item + ITEM_BYTES]!;
    const most = core.read(QUEUE_MOST_BYTES);
    if (bytes <= most) return item;
    dropItem(core.parking.heap, item);
    throw new RangeError(
      `Cannot put into ${this.#handle.describe()}: the item has ${bytes} bytes, more than its maxBytes of ${most}`,
    );
  }

  /** The same, unless the wait has ended before it begins: a wrong argument comes first. @throws as `throwIfEnded` */
  makeToWait(value: unknown, options: PutOptions | undefined, signal?: AbortSignal): number {
    const item = this.make(value, options);
    try {
      throwIfEnded(signal);
    } catch (error) {
      dropItem(this.#handle.core.parking.heap, item);
      throw error;
    }
    return item;
  }

  /** Puts an item that was made. If there is no room it is the request's from then on: to wait with, or to drop. */
  put(item: number): PutRequest | undefined {
    const put = this.#handle.core.put(item);
    if (put === READY) return undefined;
    const request = new PutRequest(this.#handle, item);
    if (put !== REFUSED) return request;
    request.drop();
    throw this.shutDownError('put into');
  }

  /**
   * The value of an item that was taken. A promise only while a module must be loaded, and never if `sync`. Here as below
   * the handle may have been given up while the wait went on.
   */
  open(item: number, sync: boolean): unknown {
    return this.#items(this.#handle.coreInUse).open(item, sync);
  }

  /** The same of an item that a waiter got; 0 if the queue was shut down. */
  received(item: number, sync: boolean): unknown {
    if (item === 0) throw this.shutDownError('get from');
    return this.open(item, sync);
  }

  checkPut(put: number): void {
    if (put === REFUSED) throw this.shutDownError('put into');
  }

  checkDone(done: number): void {
    if (done !== DONE_BY_DEATH) return;
    throw new OwnerDiedError(
      `Joined ${this.#handle.describe()}, but thread ${this.#handle.coreInUse.read(QUEUE_DIED)} ended, or gave up its last handle, with items that it had not marked as done`,
    );
  }

  /** What is thrown after shutdown. */
  shutDownError(action: string): unknown {
    const { coreInUse } = this.#handle;
    const item = coreInUse.read(QUEUE_ERROR);
    if (item !== 0) return this.#items(coreInUse).look(copyItem(coreInUse, item))!.value;
    return new QueueShutDownError(`Cannot ${action} ${this.#handle.describe()}: it was shut down`);
  }

  /** Keeps what is to be thrown after shutdown. The first who says it decides. */
  keepError(error: unknown): void {
    const { core } = this.#handle;
    const item = this.#items(core).make(core.object, error, 0);
    if (!core.keepError(item)) dropItem(core.parking.heap, item);
  }

  /** For `select`. */
  source(): Source {
    const handle = this.#handle;
    return {
      wanted: new GetRequest(handle),
      value: (item, sync) => this.received(item as number, sync),
      check: () => {
        if (handle.core.isOver()) throw this.shutDownError('get from');
      },
      checkOthers: (timeout) => handle.checkOthers('get from', timeout),
    };
  }

  peek(): { value: unknown } | undefined {
    const { core } = this.#handle;
    for (;;) {
      const copy = copyFirst(core);
      if (copy === undefined) return undefined;
      const seen = this.#items(core).look(copy);
      if (seen !== undefined) return seen;
    }
  }
}
