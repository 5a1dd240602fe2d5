/** Queues between tasks and threads. */
import { checkBoolean, checkInteger, checkOptions } from '../core/arguments.ts';
import { now, nowWhileBlocked } from '../core/clock.ts';
import { InvalidStateError } from '../core/errors.ts';
import { QUEUE } from '../memory/kinds.ts';
import {
  QUEUE_BYTES,
  QUEUE_CAPACITY,
  QUEUE_MOST_BYTES,
  QUEUE_SIZE,
  QUEUE_STATE,
  QUEUE_UNFINISHED,
} from '../memory/layout.ts';
import { registerSource, type Source } from '../park/source.ts';
import { granted, isRoundOver } from '../park/turn.ts';
import { checkWait, rejection, throwIfEnded, waitAsync, waitSync } from '../park/wait.ts';
import { StackProbe } from '../platform/stack.ts';
import type { WaitOptions } from '../scope/interruptible.ts';
import type { SyncWaitOptions } from '../sync/permit-request.ts';
import { SharedHandle } from '../sync/shared-handle.ts';
import { clear } from './clear.ts';
import { Ends, type PutOptions } from './ends.ts';
import { AsyncItems, SyncItems } from './iterators.ts';
import {
  checkBound,
  checkItems,
  deadline,
  type QueueOptions,
  type QueueStatistics,
  type ShutdownOptions,
  withCount,
} from './options.ts';
import { GetRequest, JoinRequest, type PutRequest } from './requests.ts';
import { registerQueue, sharingOf } from './sharing.ts';
import { CLEARED, FIFO, FOR_NEWCOMER, MOST, OPEN, SHUT } from './states.ts';
import type { Store } from './store.ts';

const stack = new StackProbe();

export let handleOf: (queue: Queue<unknown>) => SharedHandle<Store>;
let sourceOf: (queue: Queue<unknown>) => Source;

/**
 * A queue of items, from any task or thread to any other.
 *
 * Use it to hand work or results over, with a bound on how much may wait. For one number that says how many there are, a
 * Semaphore is enough. For the last put first, see LifoQueue; for the most urgent first, PriorityQueue.
 *
 * - **Scope.** Tasks of any loop and blocked threads, at the same time, at both ends. Sent to a thread it arrives as a
 *   handle of the same queue.
 * - **Items** are any values that can be sent. They are encoded at the call: what cannot be sent is refused then, and
 *   later changes are not seen.
 * - **Order.** Items come out in the order in which they were put. Who waits to get is served first come, first served, and
 *   so is who waits to put; newcomers cannot overtake. An item for a getter that was woken stays in the queue, and
 *   counts, until it has taken it.
 * - **Cancellation.** A wait that times out, is aborted or cancelled leaves no trace, and takes no item. If it was
 *   served in that moment, it succeeds.
 * - **Death** of a thread: what it was putting is not put; what it was just taking goes to the next. What it had taken and
 *   not marked by `taskDone()` counts as done, and `join()` rejects with an `OwnerDiedError`, once. The same if it gives up
 *   its last handle, disposed or collected.
 * - **Cost.** Encoding, and some ten atomic operations for an item from one end to the other; waking only who waits.
 *
 * @example
 * ```ts
 * import { Queue, toThread } from 'heddle';
 *
 * const lines = new Queue<string>({ capacity: 100 });
 * const producing = toThread((queue) => {
 *   for (const line of ['one', 'two', 'three']) queue.putSync(line); // blocks the thread while the queue is full
 *   queue.shutdown();
 * }, lines);
 * for await (const line of lines) console.log(line);
 * await producing;
 * ```
 */
export class Queue<T> implements Disposable, AsyncIterable<T> {
  readonly #handle: SharedHandle<Store>;
  readonly #ends: Ends;

  static {
    handleOf = (queue) => queue.#handle;
    sourceOf = (queue) => queue.#ends.source();
  }

  /** @throws {RangeError} if a bound is not a positive whole number or `Infinity`. */
  constructor(options?: QueueOptions) {
    const { capacity = Infinity, maxBytes = Infinity } = checkOptions(options);
    const most = checkBound(capacity, 'capacity');
    const mostBytes = checkBound(maxBytes, 'maxBytes');
    this.#handle = new SharedHandle(this, sharingOf(new.target), options, (words, object) => {
      words[object + QUEUE_CAPACITY] = most;
      words[object + QUEUE_MOST_BYTES] = mostBytes;
    });
    this.#ends = new Ends(this.#handle);
  }

  get name(): string | undefined {
    return this.#handle.name;
  }

  /** How many items are in it. */
  get size(): number {
    return this.#handle.core.read(QUEUE_SIZE);
  }

  /** How many were put and not yet marked by `taskDone()`. */
  get unfinished(): number {
    return this.#handle.core.read(QUEUE_UNFINISHED);
  }

  get isShutDown(): boolean {
    return this.#handle.core.read(QUEUE_STATE) !== OPEN;
  }

  /** How many tasks and threads wait, to get, to put and to join. */
  get waiting(): number {
    return this.statistics().waiting;
  }

  /** How many items it takes before `put` waits. May be changed in use: nothing that is in it is dropped. */
  get capacity(): number {
    const capacity = this.#handle.core.read(QUEUE_CAPACITY);
    return capacity === MOST ? Infinity : capacity;
  }

  set capacity(capacity: number) {
    this.#handle.core.change(QUEUE_CAPACITY, checkBound(capacity, 'capacity'));
  }

  /**
   * Puts an item, as soon as there is room.
   *
   * @throws {SendError} if the item cannot be sent.
   * @throws {TypeError} if it is a promise or another thenable: `await get()` would not give it. Wrap it in an object.
   * @throws {RangeError} if it is larger than `maxBytes`.
   * @throws {QueueShutDownError} after shutdown.
   * @throws {TimeoutError} after `timeout` milliseconds; with 0, unless there is room.
   */
  put(item: T, options?: WaitOptions & PutOptions): Promise<void> {
    let request: PutRequest | undefined;
    try {
      const wait = checkWait(options);
      if (isRoundOver()) stack.probe();
      request = this.#ends.put(this.#ends.makeToWait(item, options, wait.signal));
      if (request === undefined) return granted(undefined);
      if (wait.timeout === 0) request.drop();
      return waitAsync(request, wait, (got) => this.#ends.checkPut(got));
    } catch (error) {
      request?.drop();
      return rejection(error);
    }
  }

  /** Blocks the thread until the item is put. @throws {DeadlockError} if only this thread could make room. */
  putSync(item: T, options?: SyncWaitOptions & PutOptions): void {
    const { timeout } = checkWait(options);
    const request = this.#ends.put(this.#ends.makeToWait(item, options));
    if (request === undefined) return;
    try {
      if (timeout > 0) this.#handle.checkOthers('put into', timeout);
      this.#ends.checkPut(waitSync(request, timeout));
    } finally {
      request.drop();
    }
  }

  /** Puts the item if there is room now. @throws {QueueShutDownError} {SendError} {TypeError} {RangeError} as `put()`. */
  tryPut(item: T, options?: PutOptions): boolean {
    const request = this.#ends.put(this.#ends.make(item, options));
    request?.drop();
    return request === undefined;
  }

  /**
   * Takes the first item, as soon as there is one.
   *
   * @throws {QueueShutDownError} after shutdown, when nothing is left.
   * @throws {TimeoutError} after `timeout` milliseconds; with 0, unless there is an item.
   */
  get(options?: WaitOptions): Promise<T> {
    try {
      const wait = checkWait(options);
      throwIfEnded(wait.signal);
      if (isRoundOver()) stack.probe();
      const store = this.#handle.core;
      const item = store.take(FOR_NEWCOMER);
      if (item !== 0) return granted(this.#ends.open(item, false)) as Promise<T>;
      if (store.isOver()) throw this.#ends.shutDownError('get from');
      return waitAsync(new GetRequest(this.#handle), wait, (got) =>
        this.#ends.received(got, false),
      ) as Promise<T>;
    } catch (error) {
      return rejection(error);
    }
  }

  /** Blocks the thread until there is an item. @throws {DeadlockError} if only this thread could put one. */
  getSync(options?: SyncWaitOptions): T {
    const { timeout } = checkWait(options);
    throwIfEnded();
    const there = this.tryGet();
    if (there !== undefined) return there.value;
    if (timeout > 0) this.#handle.checkOthers('get from', timeout);
    return this.#ends.received(waitSync(new GetRequest(this.#handle), timeout), true) as T;
  }

  /** Takes the first item, if there is one now. @throws {QueueShutDownError} as `get()`. */
  tryGet(): { value: T } | undefined {
    const store = this.#handle.core;
    const item = store.take(FOR_NEWCOMER);
    if (item !== 0) return { value: this.#ends.open(item, true) as T };
    if (store.isOver()) throw this.#ends.shutDownError('get from');
    return undefined;
  }

  /**
   * Puts the items one after the other, each as it is when its turn comes; others may come between. The time-out is
   * for all together.
   *
   * @throws as `put()`; the error's `count` says how many were put.
   */
  async putMany(items: Iterable<T>, options?: WaitOptions & PutOptions): Promise<void> {
    const left = deadline(checkWait(options).timeout, now);
    checkItems(items);
    let count = 0;
    try {
      this.#ends.checkPriority(options);
      for (const item of items) {
        await this.put(item, { ...options, timeout: left() });
        count++;
      }
      // Also where there was nothing to put.
      if (count === 0) throwIfEnded(options?.signal);
    } catch (error) {
      throw withCount(error, count);
    }
  }

  /** As `putMany()`, blocking. */
  putManySync(items: Iterable<T>, options?: SyncWaitOptions & PutOptions): void {
    const left = deadline(checkWait(options).timeout, nowWhileBlocked);
    checkItems(items);
    let count = 0;
    try {
      this.#ends.checkPriority(options);
      for (const item of items) {
        this.putSync(item, { ...options, timeout: left() });
        count++;
      }
      if (count === 0) throwIfEnded();
    } catch (error) {
      throw withCount(error, count);
    }
  }

  /** Waits for an item, and takes what is there then: from 1 to `max` items, which may be `Infinity`. */
  async getMany(max: number, options?: WaitOptions): Promise<T[]> {
    checkInteger(max, 'max', { min: 1, infinite: true });
    // The handle may be given up while it waits.
    this.#handle.use();
    try {
      const items: T[] = [await this.get(options)];
      while (items.length < max) {
        const item = this.#handle.coreInUse.take(FOR_NEWCOMER);
        if (item === 0) break;
        items.push((await this.#ends.open(item, false)) as T);
      }
      return items;
    } finally {
      this.#handle.unuse();
    }
  }

  /** As `getMany()`, blocking. */
  getManySync(max: number, options?: SyncWaitOptions): T[] {
    checkInteger(max, 'max', { min: 1, infinite: true });
    const items = [this.getSync(options)];
    while (items.length < max) {
      const item = this.#handle.core.take(FOR_NEWCOMER);
      if (item === 0) break;
      items.push(this.#ends.open(item, true) as T);
    }
    return items;
  }

  /**
   * Marks one item as done that this thread has taken; `join()` waits for all.
   *
   * @throws {InvalidStateError} if the thread has taken none that is not done.
   */
  taskDone(): void {
    if (this.#handle.core.taskDone()) return;
    throw new InvalidStateError(
      `Cannot mark an item of ${this.#handle.describe()} as done: this thread has taken none that is not; call taskDone() once for each item, where it was taken`,
    );
  }

  /**
   * Waits until every item that was put is done. Resolves also if one is put again at once.
   *
   * @throws {OwnerDiedError} if a thread had died with items that were not done. One `join()` is told of it.
   */
  join(options?: WaitOptions): Promise<void> {
    try {
      const wait = checkWait(options);
      throwIfEnded(wait.signal);
      const done = this.#handle.core.join();
      if (done !== 0) return granted(this.#ends.checkDone(done));
      return waitAsync(new JoinRequest(this.#handle), wait, (told) => this.#ends.checkDone(told));
    } catch (error) {
      return rejection(error);
    }
  }

  /** As `join()`, blocking. @throws {DeadlockError} if only this thread could mark items. */
  joinSync(options?: SyncWaitOptions): void {
    const { timeout } = checkWait(options);
    throwIfEnded();
    const done = this.#handle.core.join();
    if (done === 0 && timeout > 0) this.#handle.checkOthers('join', timeout);
    this.#ends.checkDone(done === 0 ? waitSync(new JoinRequest(this.#handle), timeout) : done);
  }

  /**
   * Shuts the queue down: nothing can be put any more, who waits to put is refused; who gets gets what is left, and then
   * an error. Iterations end. May be called again, to drop what is left.
   */
  shutdown(options?: ShutdownOptions): void {
    const { immediate: given, error } = checkOptions(options);
    const immediate = checkBoolean(given, 'immediate');
    const store = this.#handle.core;
    if (error !== undefined) this.#ends.keepError(error);
    store.change(QUEUE_STATE, immediate ? CLEARED : SHUT);
    if (immediate) clear(store);
  }

  /** The first item, which stays in the queue; `undefined` if there is none. */
  peek(): { value: T } | undefined {
    return this.#ends.peek() as { value: T } | undefined;
  }

  /**
   * Drops what is in it, also from what is unfinished; gives how many items that were. Items for getters that were
   * woken stay, and who waits to put comes in after it.
   */
  clear(): number {
    return clear(this.#handle.core);
  }

  /** Takes item after item, until the queue is shut down and nothing is left. `options` are for each wait. */
  values(options?: WaitOptions): AsyncIterableIterator<T> {
    return new AsyncItems(() => this.get(options), checkWait(options).signal);
  }

  /** As `values()`, blocking. */
  valuesSync(options?: SyncWaitOptions): IterableIterator<T> {
    checkWait(options);
    return new SyncItems(() => this.getSync(options));
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<T> {
    return this.values();
  }

  /** Read from shared memory, whatever any loop is doing. */
  statistics(): QueueStatistics {
    const { core, name } = this.#handle;
    const getters = core.getters.count();
    const putters = core.putters.count();
    const joiners = core.joiners.count();
    return {
      ...(name !== undefined && { name }),
      size: core.read(QUEUE_SIZE),
      bytes: core.read(QUEUE_BYTES),
      unfinished: core.read(QUEUE_UNFINISHED),
      getters,
      putters,
      joiners,
      waiting: getters + putters + joiners,
    };
  }

  /** Gives up this handle: it cannot be used any more. Its waits go on; the items are freed with the last handle. */
  [Symbol.dispose](): void {
    this.#handle.dispose();
  }
}

/** For the classes that extend it. */
export function handleOfQueue(queue: Queue<unknown>): SharedHandle<Store> {
  return handleOf(queue);
}

registerSource(Queue, (queue) => sourceOf(queue));
registerQueue(QUEUE, 'queue', FIFO, Queue, (name) => new Queue<unknown>({ name }), handleOfQueue);
