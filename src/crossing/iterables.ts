/**
 * Iterables, iterators and streams in other threads. They stay where they were made, and are read from there: item by item, as far
 * ahead as some megabyte, closed when nobody reads on.
 */
import { provideCarrier } from '../codec/carriers.ts';
import { addReceived, beginsLater } from '../codec/received.ts';
import type { Pulled } from './pull.ts';
import { noteReader, type StreamData, StreamReader } from './stream-reader.ts';
import { StreamSource } from './stream-source.ts';

provideCarrier<AsyncIterable<unknown>>({
  name: 'async-iterable',
  takeApart: (iterable) => takenApart(new StreamSource(() => pulledFrom(iterable))),
  make: (data) => new AsyncItems(readerOf(data)),
});

provideCarrier({
  name: 'two-way',
  takeApart: () => {
    throw new TypeError(
      'it can be written to as well; send what comes out of it, by an async generator that yields it',
    );
  },
  make: unreachable,
});

provideCarrier<Iterator<unknown>>({
  name: 'iterator',
  takeApart: (iterator) => takenApart(new StreamSource(() => iterator as Pulled)),
  make: (data) => new Items(readerOf(data)),
});

if (typeof ReadableStream === 'function')
  provideCarrier<ReadableStream<unknown>>({
    name: 'stream',
    takeApart: (stream) => {
      if (stream.locked) throw new TypeError('it is locked to a reader');
      return takenApart(new StreamSource(() => pulledFromStream(stream)));
    },
    make: (data) => streamOf(readerOf(data)),
  });

function pulledFrom(iterable: AsyncIterable<unknown> & { read?: unknown; destroy?: unknown }): Pulled {
  const iterator = iterable[Symbol.asyncIterator]();
  if (typeof iterable.read !== 'function' || typeof iterable.destroy !== 'function') return iterator;
  // A Readable of Node: its iterator cannot be closed while it waits for data.
  const destroy = iterable.destroy.bind(iterable) as () => void;
  return {
    next: () => iterator.next(),
    return: () => {
      destroy();
      return iterator.return?.();
    },
  };
}

/** Its iterator could not be closed while it is read from; a reader can. */
function pulledFromStream(stream: ReadableStream<unknown>): Pulled {
  const reader = stream.getReader();
  return {
    next: () => reader.read(),
    return: (reason) => reader.cancel(reason).finally(() => reader.releaseLock()),
  };
}

function unreachable(): never {
  throw new Error('What can be written to has been sent');
}

function takenApart(source: StreamSource): { readonly data: StreamData; readonly companion: StreamSource } {
  return { data: source.data, companion: source };
}

function readerOf(data: unknown): StreamReader {
  const reader = new StreamReader(data as StreamData);
  addReceived(reader);
  return reader;
}

/** An async iterable of another thread; `for` blocks the thread for each item. */
class AsyncItems implements AsyncIterableIterator<unknown>, Iterable<unknown> {
  readonly #reader: StreamReader;

  constructor(reader: StreamReader) {
    this.#reader = reader;
    noteReader(this, reader);
  }

  next(): Promise<IteratorResult<unknown, unknown>> {
    return this.#reader.next();
  }

  async return(): Promise<IteratorResult<unknown, unknown>> {
    return this.#reader.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#reader.stop();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  [Symbol.iterator](): IterableIterator<unknown> {
    return new Items(this.#reader);
  }
}

/** An iterator of another thread: `for` blocks the thread for each item, `for await` does not. */
class Items implements IterableIterator<unknown>, AsyncIterable<unknown> {
  readonly #reader: StreamReader;

  constructor(reader: StreamReader) {
    this.#reader = reader;
    noteReader(this, reader);
  }

  next(): IteratorResult<unknown, unknown> {
    return this.#reader.nextSync();
  }

  return(): IteratorResult<unknown, unknown> {
    return this.#reader.stop();
  }

  [Symbol.dispose](): void {
    this.#reader.stop();
  }

  [Symbol.iterator](): this {
    return this;
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<unknown> {
    return new AsyncItems(this.#reader);
  }
}

function streamOf(reader: StreamReader): ReadableStream<unknown> {
  beginsLater();
  const stream = new ReadableStream<unknown>(
    {
      async pull(controller) {
        const { done, value } = await reader.next();
        if (done === true) controller.close();
        else controller.enqueue(value);
      },
      cancel: (reason) => void reader.stop(reason),
    },
    { highWaterMark: 0 },
  );
  return noteReader(stream, reader);
}
