/** How iterables that are sent end: while the next item is pending, with the scope, and by an error of any kind. */
import { EventEmitter, on } from 'node:events';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  CancelledError,
  Queue,
  QueueShutDownError,
  TaskGroup,
  ThreadPoolExecutor,
  TimeoutError,
  withTimeout,
} from '../../../src/index.ts';
import { failure } from '../../fixtures/awaiting.ts';
import { jobs } from './jobs.ts';

let pool: ThreadPoolExecutor;
let other: ThreadPoolExecutor;
beforeAll(() => {
  pool = new ThreadPoolExecutor({ threads: 1 });
  other = new ThreadPoolExecutor({ threads: 1 });
});
afterAll(async () => {
  await pool.shutdown();
  await other.shutdown();
});

const never = (): Promise<never> => new Promise(() => {});

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const got: T[] = [];
  for await (const item of items) got.push(item);
  return got;
}

async function* three(): AsyncGenerator<number> {
  yield* [1, 2, 3];
}

describe('who leaves while the next item is pending', () => {
  test('ends what a generator waits for: it is closed before its scope ends', async () => {
    const queue = new Queue<number>();
    await queue.put(1);
    let isClosed = false;
    async function* numbers(): AsyncGenerator<number> {
      try {
        for (;;) yield await queue.get();
      } finally {
        isClosed = true;
      }
    }
    expect(await TaskGroup.run(() => pool.submit(jobs.firstOf, numbers(), 1))).toEqual([1]);
    expect(isClosed).toBe(true);
    expect(queue.statistics().getters).toBe(0);
  });

  test('closes an iterator that need not come to the next item', async () => {
    const emitter = new EventEmitter();
    const lines = on(emitter, 'line') as AsyncIterable<number>;
    emitter.emit('line', 1);
    await TaskGroup.run(() => pool.submit(jobs.firstOf, lines, 1));
    expect(emitter.listenerCount('line')).toBe(0);
  });

  test('destroys a Readable', async () => {
    const source = new Readable({ objectMode: true, read() {} });
    source.push(1);
    await TaskGroup.run(() => pool.submit(jobs.firstOf, source as AsyncIterable<number>, 1));
    expect(source.destroyed).toBe(true);
  });

  test('cancels a stream, with the reason that it was cancelled with there', async () => {
    let reason: unknown;
    let n = 0;
    const stream = new ReadableStream<number>({
      pull(controller) {
        if (n++ > 0) return never();
        controller.enqueue(1);
        return undefined;
      },
      cancel(why) {
        reason = why;
      },
    });
    await TaskGroup.run(() =>
      pool.submit(async (there: ReadableStream<number>) => {
        const reader = there.getReader();
        await reader.read();
        await reader.cancel(new RangeError('enough'));
      }, stream),
    );
    expect(reason).toBeInstanceOf(RangeError);
    expect(reason).toMatchObject({ message: 'enough' });
  });

  test('stops the iterable that a generator in a thread reads in its turn', async () => {
    const queue = new Queue<number>();
    await queue.put(1);
    let close!: () => void;
    const closed = new Promise<void>((resolve) => {
      close = resolve;
    });
    async function* numbers(): AsyncGenerator<number> {
      try {
        for (;;) yield await queue.get();
      } finally {
        close();
      }
    }
    for await (const n of await pool.submit(jobs.doubled, numbers())) {
      expect(n).toBe(2);
      break;
    }
    await closed;
  });

  test('leaves behind what never ends: neither a time-out nor shutdown waits for it', async () => {
    async function* stalled(): AsyncGenerator<number> {
      await never();
      yield 1;
    }
    expect(await failure(withTimeout(50, () => pool.submit(jobs.sum, stalled())))).toBeInstanceOf(
      TimeoutError,
    );
    const own = new ThreadPoolExecutor({ threads: 1 });
    const items = await own.submit(async function* () {
      yield 1;
      await new Promise(() => {});
    });
    for await (const _ of items) break;
    await own.shutdown();
  });

  test('waits for what does end: the generator is closed before its scope ends', async () => {
    let isClosed = false;
    async function* slow(): AsyncGenerator<number> {
      try {
        for (;;) {
          yield 1;
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      } finally {
        isClosed = true;
      }
    }
    await TaskGroup.run(() => pool.submit(jobs.firstOf, slow(), 1));
    expect(isClosed).toBe(true);
  });
});

test('a job that reads a stream ends when it is out of time, whenever it began to read', async () => {
  const own = new ThreadPoolExecutor({ threads: 1 });
  const read = async (stream: ReadableStream<number>): Promise<void> => {
    await stream.getReader().read();
  };
  // The second knows its function already, and so reads at once.
  for (let turn = 0; turn < 2; turn++)
    expect(
      await failure(own.with({ runTimeout: 50 }).submit(read, new ReadableStream({ pull: never }))),
    ).toBeInstanceOf(TimeoutError);
  expect(await own.submit(() => 'runs')).toBe('runs');
  await own.shutdown();
});

describe('an iterable that was received', () => {
  test('is given on by a job, as it is and inside', async () => {
    const through = async (to: ThreadPoolExecutor): Promise<AsyncIterable<number>> =>
      await to.submit(async function* () {
        yield* [1, 2, 3];
      });
    expect(await all(await pool.submit(through, other))).toEqual([1, 2, 3]);
    const inside = await pool.submit(
      async (to: ThreadPoolExecutor) => ({
        stream: await to.submit(
          () =>
            new ReadableStream<number>({
              start(controller) {
                controller.enqueue(4);
                controller.close();
              },
            }),
        ),
      }),
      other,
    );
    expect(await all(inside.stream)).toEqual([4]);
  });

  test('belongs to the scope around, if the block gave it', async () => {
    const numbers = (): Promise<AsyncIterable<number>> => pool.submit(jobs.numbers, 3);
    expect(await all(await TaskGroup.run(numbers))).toEqual([1, 2, 3]);
    expect(await all(await withTimeout(60_000, numbers))).toEqual([1, 2, 3]);
    let kept!: AsyncIterable<number>;
    await TaskGroup.run(async () => {
      kept = await TaskGroup.run(numbers);
      expect((await kept[Symbol.asyncIterator]().next()).value).toBe(1);
    });
    expect(await failure(all(kept))).toBeInstanceOf(CancelledError);
  });

  test('is an error when its scope has ended, not an end; and has ended when it was left', async () => {
    const kept: AsyncIterableIterator<number>[] = [];
    await TaskGroup.run(async () => {
      for (let n = 0; n < 2; n++) kept.push(await pool.submit(jobs.numbers, 3));
      await kept[0]!.return!();
    });
    expect(await kept[0]!.next()).toEqual({ value: undefined, done: true });
    for (let turn = 0; turn < 2; turn++)
      expect(await failure(kept[1]!.next())).toMatchObject({
        name: 'CancelledError',
        message: 'Cannot read iterable: what it belongs to has ended',
      });
    expect(() => [...(kept[1] as unknown as Iterable<number>)]).toThrow(CancelledError);
  });
});

describe('an iterable that fails', () => {
  const tell = async (items: AsyncIterable<unknown>): Promise<unknown[]> => {
    const told: unknown[] = [];
    try {
      for await (const item of items) told.push(item);
      told.push('ended');
    } catch (error) {
      told.push(String(error));
    }
    return told;
  };

  test('fails there, whatever it throws', async () => {
    for (const error of [undefined, new QueueShutDownError('its own'), new CancelledError('its own')]) {
      async function* failing(): AsyncGenerator<number> {
        yield 1;
        throw error;
      }
      expect(await pool.submit(tell, failing())).toEqual([1, String(error)]);
    }
    const stream = new ReadableStream<number>({ pull: (controller) => controller.error() });
    expect(await pool.submit(tell, stream)).toEqual(['undefined']);
  });

  test('and so it does here', async () => {
    const failing = async function* (error: unknown): AsyncGenerator<number> {
      yield 1;
      throw error;
    };
    for (const error of [undefined, new QueueShutDownError('its own')])
      expect(await tell(await pool.submit(failing, error))).toEqual([1, String(error)]);
  });

  test('a complete one is not taken for that', async () => {
    expect(await pool.submit(tell, three())).toEqual([1, 2, 3, 'ended']);
  });
});
