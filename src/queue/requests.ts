/** What is waited for at a queue: an item, room for one, or that all is done. */
import type { Parking } from '../park/parking.ts';
import type { Wanted } from '../park/wait.ts';
import type { WaitQueue } from '../park/wait-queue.ts';
import type { SharedHandle } from '../sync/shared-handle.ts';
import { dropItem } from './item-block.ts';
import { FOR_NEWCOMER, FOR_WAITER, READY, REFUSED } from './states.ts';
import type { Store } from './store.ts';

abstract class Request {
  readonly parking: Parking;
  readonly object: number;
  protected readonly store: Store;
  readonly #handle: SharedHandle<Store>;
  readonly #line: WaitQueue;

  constructor(handle: SharedHandle<Store>, line: WaitQueue) {
    this.#handle = handle;
    this.#line = line;
    this.store = handle.core;
    this.parking = this.store.parking;
    this.object = this.store.object;
  }

  protected abstract readonly want: number;
  protected abstract readonly action: string;

  hasLine(): boolean {
    return !this.#line.isEmpty();
  }

  line(node: number): undefined {
    this.store.line(this.#line, node, this.want);
  }

  withdraw(node: number): undefined {
    this.store.withdraw(this.#line, node);
  }

  begin(): void {
    this.#handle.use();
  }

  end(): void {
    this.#handle.unuse();
  }

  describe(): string {
    return `Cannot ${this.action} ${this.#handle.describe()}`;
  }
}

/** An item: its address, or 0 if the queue was shut down. */
export class GetRequest extends Request implements Wanted<number> {
  protected readonly want = 0;
  protected readonly action = 'get from';

  constructor(handle: SharedHandle<Store>) {
    super(handle, handle.core.getters);
  }

  isThere(): boolean {
    return this.store.hasItem();
  }

  attempt(): number | undefined {
    return this.store.take(FOR_NEWCOMER) || undefined;
  }

  granted(value: number): number {
    return value === READY ? this.store.take(FOR_WAITER) : 0;
  }
}

/** Room for an item that this thread has in hand: `READY`, or `REFUSED` if the queue was shut down. It is dropped if not put. */
export class PutRequest extends Request implements Wanted<number> {
  protected readonly want: number;
  protected readonly action = 'put into';
  #inHand = true;

  constructor(handle: SharedHandle<Store>, item: number) {
    super(handle, handle.core.putters);
    this.want = item;
  }

  isThere(): boolean {
    return this.store.hasRoom(this.want);
  }

  attempt(): number | undefined {
    const put = this.store.put(this.want);
    return put === 0 ? undefined : this.granted(put);
  }

  granted(value: number): number {
    if (value === REFUSED) this.drop();
    else this.#inHand = false;
    return value;
  }

  override withdraw(node: number): undefined {
    super.withdraw(node);
    this.drop();
  }

  /** The item will not be put. Nothing if it is not in hand any more. */
  drop(): void {
    if (!this.#inHand) return;
    this.#inHand = false;
    dropItem(this.parking.heap, this.want);
  }
}

/** That nothing is unfinished: `DONE` or `DONE_BY_DEATH`. */
export class JoinRequest extends Request implements Wanted<number> {
  protected readonly want = 0;
  protected readonly action = 'join';

  constructor(handle: SharedHandle<Store>) {
    super(handle, handle.core.joiners);
  }

  isThere(): boolean {
    return this.store.isDone();
  }

  override hasLine(): boolean {
    return false;
  }

  attempt(): number | undefined {
    return this.store.join() || undefined;
  }

  granted(value: number): number {
    return value;
  }
}
