/** What callback() promises. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, test } from 'vitest';
import {
  callback,
  Event,
  EventLoopThread,
  InvalidStateError,
  ThreadPoolExecutor,
} from '../../../src/index.ts';
import { failure } from '../../fixtures/awaiting.ts';
import { jobs } from './jobs.ts';
import { eachPlace } from './stand.ts';

function upTo(to: number): number[] {
  return Array.from({ length: to }, (_, index) => index + 1);
}

/** The next warning of heddle. */
function warning(): Promise<Error & { readonly code: string }> {
  return new Promise((resolve) => process.once('warning', resolve as (warning: Error) => void));
}

describe('callback()', () => {
  eachPlace((the) => {
    test('all calls of a job have run, in order, before its future settles', async () => {
      const seen: number[] = [];
      expect(
        await the().submit(
          jobs.count,
          1000,
          callback((n: number) => seen.push(n)),
        ),
      ).toBe('counted');
      expect(seen).toEqual(upTo(1000));
    });

    test('also if it fails', async () => {
      const seen: number[] = [];
      const error = await failure(
        the().submit(
          jobs.countAndFail,
          100,
          callback((n: number) => seen.push(n)),
        ),
      );
      expect(error).toBeInstanceOf(RangeError);
      expect(seen).toEqual(upTo(100));
    });

    test('calls arrive while the job goes on', async () => {
      let first: (() => void) | undefined;
      const came = new Promise<void>((resolve) => {
        first = resolve;
      });
      const future = the().submit(
        jobs.countSlowly,
        50,
        callback(() => first!()),
      );
      await came;
      expect(future.status).toBe('running');
      await future;
    });

    test('with latest only the newest of those that have not been made counts', async () => {
      const seen: number[] = [];
      const newest = callback((n: number) => seen.push(n), { latest: true });
      await the().submit(jobs.count, 10_000, newest);
      expect(seen.at(-1)).toBe(10_000);
      expect(seen).toEqual([...seen].sort((a, b) => a - b));
    });

    test('what cannot be sent is refused where it is called', async () => {
      expect(
        await the().submit(
          jobs.tellUnsendable,
          callback(() => {}),
        ),
      ).toMatch(/WeakMap cannot be sent/);
    });

    test('one that throws is reported, and the job goes on', async () => {
      const warned = warning();
      const seen: number[] = [];
      const tell = callback(
        (n: number) => {
          seen.push(n);
          if (n === 1) throw new Error('cannot see one');
        },
        { name: 'look' },
      );
      expect(await the().submit(jobs.count, 3, tell)).toBe('counted');
      expect(seen).toEqual([1, 2, 3]);
      expect(await warned).toMatchObject({ code: 'HEDDLE_CALLBACK_ERROR' });
    });

    test('it runs in the context in which it was made', async () => {
      const storage = new AsyncLocalStorage<string>();
      const seen = new Set<string | undefined>();
      const tell = storage.run('made', () => callback(() => seen.add(storage.getStore())));
      await storage.run('submitted', () => the().submit(jobs.count, 3, tell));
      expect([...seen]).toEqual(['made']);
    });

    test('it can be kept for later, and passed on', async () => {
      const go = new Event();
      const told = new Promise<number>((resolve) => {
        void the().submit(
          jobs.keepForLater,
          callback((n: number) => resolve(n)),
          go,
        );
      });
      go.set();
      expect(await told).toBe(42);
      const seen: number[] = [];
      const back = await the().submit(jobs.passOn, { tell: callback((n: number) => seen.push(n)) });
      await the().submit(jobs.count, 2, back);
      await new Promise((resolve) => setImmediate(resolve));
      expect(seen).toEqual([1, 2]);
    });

    test('one that a job makes can be called here', async () => {
      const made = await the().submit(jobs.makeCallback);
      expect(made(1)).toBeUndefined();
    });
  });

  eachPlace(
    (the) => {
      test('calls that come before the job is cancelled are made, and later ones are not', async () => {
        const seen: number[] = [];
        const begun = new Event();
        const future = the().submit(
          jobs.tellUntilCancelled,
          callback((n: number) => seen.push(n)),
          begun,
        );
        await begun.wait();
        future.cancel();
        expect(seen).toEqual([1]);
        await failure(future);
        // A job behind it on the same thread has ended: so has that one.
        await the().submit(
          jobs.count,
          1,
          callback(() => {}),
        );
        expect(seen).toEqual([1]);
      });
    },
    { inline: false },
  );

  test('calls made before the thread died have run', async () => {
    await using pool = new ThreadPoolExecutor({ threads: 1 });
    const seen: number[] = [];
    const error = await failure(
      pool.submit(
        jobs.tellAndExit,
        callback((n: number) => seen.push(n)),
      ),
    );
    expect(error).toMatchObject({ name: 'ThreadDiedError', exitCode: 3 });
    expect(seen).toEqual([1]);
  });

  test('a job that calls all the time leaves this loop to others', async () => {
    await using pool = new ThreadPoolExecutor({ threads: 1 });
    const stop = new Event();
    let calls = 0;
    const future = pool.submit(
      (tell: () => void, ended: Event) => {
        let told = 0;
        for (; !ended.isSet; told++) tell();
        return told;
      },
      callback(() => calls++),
      stop,
    );
    let turns = 0;
    while (calls < 100_000) {
      const before = calls;
      await new Promise((resolve) => setImmediate(resolve));
      if (calls > before) turns++;
    }
    stop.set();
    expect(await future).toBe(calls);
    // A round takes five milliseconds, in which no machine makes as many.
    expect(turns).toBeGreaterThan(3);
  });

  test('who blocks for the job has its calls too', async () => {
    await using pool = new ThreadPoolExecutor({ threads: 1 });
    const seen: number[] = [];
    expect(
      pool.submitSync(
        jobs.count,
        5,
        callback((n: number) => seen.push(n)),
      ),
    ).toBe('counted');
    expect(seen).toEqual(upTo(5));
  });

  test('calls of jobs in threads of threads come before the outermost settles', async () => {
    await using pool = new ThreadPoolExecutor({ threads: 2 });
    const seen: number[] = [];
    await pool.submit(
      async (executor: ThreadPoolExecutor, job: typeof jobs.count, tell: (n: number) => void) =>
        void (await executor.submit(job, 100, tell)),
      pool,
      jobs.count,
      callback((n: number) => seen.push(n)),
    );
    expect(seen).toEqual(upTo(100));
  });

  test('of a loop that has ended refuses calls', async () => {
    const loop = await EventLoopThread.start({ name: 'short' });
    const made = await loop.submit(jobs.makeCallback);
    made(1);
    await loop.stop();
    expect(() => made(2)).toThrow(InvalidStateError);
  });

  test('called in place it runs at once, gives nothing, and an error is reported', async () => {
    const seen: number[] = [];
    const tell = callback((n: number) => seen.push(n));
    expect(tell(1)).toBeUndefined();
    expect(seen).toEqual([1]);
    const warned = warning();
    callback(async () => {
      throw new Error('later');
    })();
    expect(await warned).toMatchObject({ code: 'HEDDLE_CALLBACK_ERROR' });
  });

  test.each([
    ['fn', () => callback(7 as never)],
    ['latest', () => callback(() => {}, { latest: 1 as never })],
    ['name', () => callback(() => {}, { name: 1 as never })],
  ])('refuses a wrong %s', (_, make) => {
    expect(make).toThrow(TypeError);
  });
});
