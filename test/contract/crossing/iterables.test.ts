/** What is promised of iterables, iterators and streams that are sent: they are read from where they are. */
import { Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import {
  CancelledError,
  DeadlockError,
  Event,
  OwnerDiedError,
  PoolFullError,
  run,
  TaskGroup,
  ThreadPoolExecutor,
} from '../../../src/index.ts';
import { failure } from '../../fixtures/awaiting.ts';
import { jobs } from './jobs.ts';
import { eachPlace } from './stand.ts';

/** Numbers from 1, and what became of the iteration. */
function counting(to = Infinity): {
  items: AsyncGenerator<number>;
  pulled: () => number;
  closed: Promise<void>;
} {
  let pulled = 0;
  let close!: () => void;
  const closed = new Promise<void>((resolve) => {
    close = resolve;
  });
  async function* numbers(): AsyncGenerator<number> {
    try {
      while (pulled < to) yield ++pulled;
    } finally {
      close();
    }
  }
  return { items: numbers(), pulled: () => pulled, closed };
}

function streamOf(to: number): ReadableStream<number> {
  let n = 0;
  return new ReadableStream({
    pull(controller) {
      if (n === to) controller.close();
      else controller.enqueue(++n);
    },
  });
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const got: T[] = [];
  for await (const item of items) got.push(item);
  return got;
}

describe('an iterable', () => {
  eachPlace((the) => {
    test('an async generator is read there to its end', async () => {
      expect(await the().submit(jobs.sum, counting(1000).items)).toBe(500_500);
    });

    test('an object with an async iterator, too', async () => {
      const items = { [Symbol.asyncIterator]: () => counting(10).items };
      expect(await the().submit(jobs.sum, items)).toBe(55);
    });

    test('so is a sync generator by for await, inside a value', async () => {
      function* numbers(): Generator<number> {
        yield* [1, 2, 3];
      }
      expect(await the().submit(jobs.sum, numbers() as unknown as AsyncIterable<number>)).toBe(6);
    });

    test('a reader that stops early closes it, soon and only once', async () => {
      const { items, pulled, closed } = counting();
      expect(await the().submit(jobs.firstOf, items, 3)).toEqual([1, 2, 3]);
      await closed;
      expect(pulled()).toBeLessThan(400);
      expect(await items.next()).toEqual({ value: undefined, done: true });
    });

    test('one that nobody reads is closed when its job has ended, and was never run', async () => {
      const { items, pulled } = counting();
      expect(await the().submit(jobs.readNothing, items)).toBe('nothing');
      await new Promise((resolve) => setImmediate(resolve));
      expect(pulled()).toBe(0);
      expect(await items.next()).toEqual({ value: undefined, done: true });
    });

    test('its error is thrown there, after the items before it', async () => {
      async function* failing(): AsyncGenerator<number> {
        yield 1;
        throw new RangeError('dry');
      }
      expect(await failure(the().submit(jobs.sum, failing()))).toMatchObject({
        name: 'RangeError',
        message: 'dry',
      });
    });

    test('an item that cannot be sent is an error there, and closes it', async () => {
      let isClosed = false;
      async function* unsendable(): AsyncGenerator<unknown> {
        try {
          yield new WeakMap();
        } finally {
          isClosed = true;
        }
      }
      const error = await failure(the().submit(jobs.sum, unsendable() as AsyncGenerator<number>));
      expect(error).toMatchObject({ name: 'SendError' });
      await new Promise((resolve) => setImmediate(resolve));
      expect(isClosed).toBe(true);
    });

    test('a result that is an async generator is read here', async () => {
      const items = await the().submit(jobs.numbers, 1000);
      expect(await all(items)).toEqual(Array.from({ length: 1000 }, (_, index) => index + 1));
    });

    test('what a generator returns comes with its end, there and here', async () => {
      async function* counted(): AsyncGenerator<number, string> {
        yield 1;
        return 'one in all';
      }
      expect(await the().submit(jobs.lastOf, counted())).toBe('one in all');
      const items = await the().submit(jobs.counted, 2);
      await items.next();
      await items.next();
      expect(await items.next()).toEqual({ value: '2 in all', done: true });
      expect(await items.next()).toEqual({ value: undefined, done: true });
    });

    test('its error is thrown here, after the items before it', async () => {
      const items = await the().submit(jobs.failingNumbers, 3);
      expect([(await items.next()).value, (await items.next()).value, (await items.next()).value]).toEqual([
        1, 2, 3,
      ]);
      expect(await failure(items.next())).toBeInstanceOf(RangeError);
      expect((await items.next()).done).toBe(true);
    });

    test('leaving the loop early closes it there', async () => {
      const closed = new Event();
      for await (const n of await the().submit(jobs.numbers, Infinity, closed)) if (n === 3) break;
      await closed.wait();
    });

    test('one that nobody reads on is closed at the end of its scope', async () => {
      const closed = new Event();
      await TaskGroup.run(async () => {
        const items = await the().submit(jobs.numbers, Infinity, closed);
        expect((await items.next()).value).toBe(1);
      });
      await closed.wait();
    });

    test('through a thread and back', async () => {
      const { items, closed } = counting(500);
      const doubled = await the().submit(jobs.doubled, items);
      expect((await all(doubled)).at(-1)).toBe(1000);
      await closed;
    });

    test('stopping at the far end stops the near one', async () => {
      const { items, closed, pulled } = counting();
      for await (const n of await the().submit(jobs.doubled, items)) if (n === 10) break;
      await closed;
      expect(pulled()).toBeLessThan(1000);
    });

    test('a ReadableStream arrives as one, both ways', async () => {
      const doubled = await the().submit(jobs.doubledStream, streamOf(100));
      expect(doubled).toBeInstanceOf(ReadableStream);
      expect((await all(doubled)).at(-1)).toBe(200);
    });

    test('a stream that is read already is refused', async () => {
      const stream = streamOf(1);
      stream.getReader();
      const error = await failure(the().submit(jobs.doubledStream, stream));
      expect(error).toMatchObject({ name: 'SendError', message: expect.stringContaining('args[0]') });
    });

    test('what can be written to as well is refused, and says what to do', async () => {
      for (const stream of [new PassThrough(), new Socket()])
        expect(
          await failure(the().submit(jobs.sum, { inside: stream } as unknown as AsyncIterable<number>)),
        ).toMatchObject({
          name: 'SendError',
          message: expect.stringMatching(
            /^args\[0\]\.inside: (PassThrough|Socket) cannot be sent to a thread: it can be written to as well; send what comes out of it/,
          ),
        });
    });

    test('cancelling the task that submitted closes it, before the task ends', async () => {
      const { items, closed, pulled } = counting();
      let isClosed = false;
      void closed.then(() => {
        isClosed = true;
      });
      await TaskGroup.run(async (group) => {
        const task = group.spawn(() => the().submit(jobs.sum, items));
        while (pulled() === 0) await new Promise((resolve) => setImmediate(resolve));
        task.cancel();
        expect(await failure(task)).toBeInstanceOf(CancelledError);
        expect(isClosed).toBe(true);
      });
    });
  });

  eachPlace(
    (the) => {
      test('in a result that nobody gets, for the job was cancelled, it is closed at once', async () => {
        const [began, go, closed] = [new Event(), new Event(), new Event()];
        const future = the().submit(jobs.untouchable, began, go, closed);
        await began.wait();
        future.cancel();
        expect(await failure(future)).toBeInstanceOf(CancelledError);
        go.set();
        await closed.wait();
      });

      test('a sync iteration blocks the thread, item by item', async () => {
        function* numbers(): Generator<number> {
          for (let n = 1; n <= 500; n++) yield n;
        }
        expect(await the().submit(jobs.sumSync, numbers())).toBe(125_250);
      });

      test('a result that is a sync generator is read here, blocking and awaited', async () => {
        expect([...(await the().submit(jobs.numbersSync, 100))].at(-1)).toBe(100);
        const items = (await the().submit(jobs.numbersSync, 100)) as unknown as AsyncIterable<number>;
        expect((await all(items)).at(-1)).toBe(100);
      });

      test('leaving a sync loop early closes it there', async () => {
        const closed = new Event();
        for (const n of await the().submit(jobs.numbersSync, Infinity, closed)) if (n === 3) break;
        await closed.wait();
      });

      test('to block for a job that reads an iterable of this loop is a DeadlockError', async () => {
        const { items } = counting();
        expect(() => the().submitSync(jobs.sum, items)).toThrow(DeadlockError);
      });
    },
    { inline: false },
  );

  test('it is pulled no further ahead than some items, while nobody reads on', async () => {
    await using pool = new ThreadPoolExecutor({ threads: 1 });
    const { items, pulled } = counting();
    const go = new Event();
    const future = pool.submit(
      async (numbers, goOn) => {
        const iterator = numbers[Symbol.asyncIterator]();
        await iterator.next();
        await goOn.wait();
        await iterator.return!();
      },
      items as AsyncIterable<number>,
      go,
    );
    while (pulled() < 16) await new Promise((resolve) => setImmediate(resolve));
    const before = pulled();
    await new Promise((resolve) => setImmediate(resolve));
    expect(pulled() - before).toBeLessThan(300);
    go.set();
    await future;
  });

  test('large items are pulled no further ahead than some megabytes, also if the first is small', async () => {
    await using pool = new ThreadPoolExecutor({ threads: 1 });
    let pulled = 0;
    async function* pieces(): AsyncGenerator<Uint8Array> {
      for (;;) {
        pulled++;
        yield new Uint8Array(pulled === 1 ? 1 : 2 ** 20);
      }
    }
    const [began, go] = [new Event(), new Event()];
    const future = pool.submit(
      async (items, hasBegun, goOn) => {
        const iterator = items[Symbol.asyncIterator]();
        await iterator.next();
        hasBegun.set();
        await goOn.wait();
        await iterator.return!();
      },
      pieces() as AsyncIterable<Uint8Array>,
      began,
      go,
    );
    await began.wait();
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    const ahead = pulled;
    go.set();
    await future;
    expect(ahead).toBeLessThanOrEqual(5);
  });

  test('the death of the reader closes it', async () => {
    await using pool = new ThreadPoolExecutor({ threads: 1 });
    const { items, closed } = counting();
    expect(await failure(pool.submit(jobs.readOneAndExit, items))).toMatchObject({ exitCode: 4 });
    await closed;
  });

  test('the death of the thread that it comes from is an error, for who awaits and for who blocks', async () => {
    await using pool = new ThreadPoolExecutor({ threads: 1 });
    const items = await pool.submit(jobs.exitAfter, 2);
    const error = await failure(all(items));
    expect(error).toBeInstanceOf(OwnerDiedError);
    const blocking = (await pool.submit(jobs.exitAfter, 2)) as unknown as Iterable<number>;
    expect(() => [...blocking]).toThrow(OwnerDiedError);
  });

  test('a job that is refused leaves its iterable as it was', async () => {
    await using pool = new ThreadPoolExecutor({ threads: 1, maxPending: 1 });
    const release = new Event();
    const blocked = [1, 2].map(() => pool.submit((event: Event) => event.waitSync(), release));
    const { items } = counting(3);
    const bad = await failure(pool.submit((..._: unknown[]) => {}, items, new WeakMap()));
    expect(bad).toMatchObject({ name: 'SendError' });
    let full: unknown;
    while (!(full instanceof PoolFullError)) full = await failure(pool.submit(jobs.sum, items));
    release.set();
    await Promise.all(blocked);
    expect(await all(items)).toEqual([1, 2, 3]);
  });

  test('all is closed when run() ends', async () => {
    const closed = new Event();
    await run(async () => {
      const pool = new ThreadPoolExecutor({ threads: 1 });
      const items = await pool.submit(jobs.numbers, Infinity, closed);
      await items.next();
    });
    expect(closed.isSet).toBe(true);
  });

  test('each result of a map may have one, and shared objects, though outcomes of a chunk are sent ahead', async () => {
    await using pool = new ThreadPoolExecutor({ threads: 1 });
    const open = new Event();
    open.set();
    const seen: unknown[] = [];
    const results = pool.map(
      async (n: number, event: Event) => {
        const { sleep } = await import('../../../src/index.ts');
        await sleep(12);
        return {
          event,
          items: (async function* () {
            yield n;
          })(),
        };
      },
      [1, 2, 3],
      { chunkSize: 3, args: [open] },
    );
    for await (const { event, items } of results) seen.push(event.isSet, ...(await all(items)));
    expect(seen).toEqual([true, 1, true, 2, true, 3]);
  });
});
