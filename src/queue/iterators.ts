/** Iterating over the items of a queue until it is shut down and drained. */
import { QueueShutDownError } from '../core/errors.ts';

/** Takes an item for each `next()`, and none ahead of it. */
export class AsyncItems<T> implements AsyncIterableIterator<T> {
  readonly #get: () => Promise<T>;
  readonly #signal: AbortSignal | undefined;
  #ended = false;

  constructor(get: () => Promise<T>, signal: AbortSignal | undefined) {
    this.#get = get;
    this.#signal = signal;
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    if (this.#ended) return END;
    try {
      return { value: await this.#get(), done: false };
    } catch (error) {
      this.#ended = true;
      // The reason of the signal may be such an error too, of another queue.
      if (error instanceof QueueShutDownError && error !== this.#signal?.reason) return END;
      throw error;
    }
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.#ended = true;
    return Promise.resolve(END);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

/** The same, blocking. */
export class SyncItems<T> implements IterableIterator<T> {
  readonly #get: () => T;
  #ended = false;

  constructor(get: () => T) {
    this.#get = get;
  }

  next(): IteratorResult<T, undefined> {
    if (this.#ended) return END;
    try {
      return { value: this.#get(), done: false };
    } catch (error) {
      this.#ended = true;
      if (error instanceof QueueShutDownError) return END;
      throw error;
    }
  }

  return(): IteratorResult<T, undefined> {
    this.#ended = true;
    return END;
  }

  [Symbol.iterator](): this {
    return this;
  }
}

const END: IteratorReturnResult<undefined> = { value: undefined, done: true };
