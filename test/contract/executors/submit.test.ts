/** What submit(), trySubmit() and submitSync() promise, of every executor, from every place. */
import { basename } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import {
  CaptureError,
  currentThread,
  Future,
  isMainThread,
  Lock,
  Queue,
  SendError,
  wait,
} from '../../../src/index.ts';
import { failure } from '../../fixtures/awaiting.ts';
import { BEGUN, blockUntil, COUNT, jobs, PartError, until } from './jobs.ts';
import {
  call,
  EXECUTORS,
  eachExecutor,
  elsewhere,
  flag,
  goOn,
  occupy,
  SHARED,
  THREADED,
  waysOf,
} from './stand.ts';

describe('Executor: what a call gives', () => {
  eachExecutor(EXECUTORS, (implementation, the) => {
    for (const way of waysOf(implementation)) {
      describe(way.name, () => {
        test('gives the value of the function', async () => {
          expect(await call(way, the(), jobs.add, 20, 22)).toBe(42);
          expect(await call(way, the(), jobs.nothing)).toBe(undefined);
        });

        test('passes all arguments, in order, undefined and null among them, and nothing else', async () => {
          expect(await call(way, the(), jobs.gather)).toEqual([]);
          expect(await call(way, the(), jobs.gather, undefined, null, 0, '', [1n])).toEqual([
            undefined,
            null,
            0,
            '',
            [1n],
          ]);
        });

        // On the loop that waits, nothing async could go on.
        test.skipIf(implementation.threads === 0 && way.form === 'sync')(
          'awaits an async function',
          async () => {
            expect(await call(way, the(), jobs.addLater, 1, 2)).toBe(3);
          },
        );

        test('gives the error of the function: class, message, cause, own fields and stack', async () => {
          const error = await failure(call(way, the(), jobs.fail));
          expect(error).toBeInstanceOf(Error);
          expect(error).toMatchObject({ name: 'PartError', message: 'no such part', part: 'wheel' });
          expect((error as Error).constructor.name).toBe(PartError.name);
          expect((error as Error).cause).toBeInstanceOf(RangeError);
          expect((error as Error).stack).toContain('jobs.ts');
        });

        test.skipIf(implementation.threads === 0 && way.form === 'sync')(
          'gives the error of an async function',
          async () => {
            expect(await failure(call(way, the(), jobs.failLater))).toMatchObject({ name: 'PartError' });
          },
        );

        test.each([[7], ['text'], [null], [undefined], [{ code: 7 }]])(
          'gives what was thrown, though it is no error: %s',
          async (thrown) => {
            const settled = await Promise.allSettled([call(way, the(), jobs.failWith, thrown)]);
            expect(settled).toEqual([{ status: 'rejected', reason: thrown }]);
          },
        );

        test('runs the function exactly once', async () => {
          const words = flag();
          for (let time = 1; time <= 5; time++) expect(await call(way, the(), jobs.count, words)).toBe(time);
          expect(Atomics.load(words, COUNT)).toBe(5);
        });

        test('runs it in a thread of the executor', async () => {
          const { main, id } = await call(way, the(), jobs.where);
          expect(main).toBe(implementation.threads === 0);
          if (implementation.threads === 0) expect(id).toBe(currentThread().id);
          else expect(id).not.toBe(currentThread().id);
        });

        test('works after one that failed', async () => {
          await failure(call(way, the(), jobs.fail));
          expect(await call(way, the(), jobs.add, 1, 1)).toBe(2);
        });
      });
    }

    test('runs every job as a task of its loop, which has the name of the function, or that given', async () => {
      expect(await the().submit(jobs.taskName)).toBe('taskName');
      expect(await the().with({ name: 'thumbnails' }).submit(jobs.taskName)).toBe('thumbnails');
    });

    test('runs inline functions', async () => {
      expect(await the().submit((a: number, b: number) => a * b, 6, 7)).toBe(42);
      expect(await the().submit(async (list: number[]) => list.length, [1, 2])).toBe(2);
    });

    test('runs functions of the runtime and of the language, wherever these are in a value', async () => {
      expect(await the().submit(basename, '/a/b.txt', '.txt')).toBe('b');
      expect(String(gunzipSync(await the().submit(gzipSync, 'text')))).toBe('text');
      expect(await the().submit(Math.pow, 2, 5)).toBe(32);
      expect(await the().submit(({ name }, path: string) => name(path), { name: basename }, '/a/b.txt')).toBe(
        'b.txt',
      );
      const seen: number[] = [];
      for await (const one of the().map(Math.sqrt, [4, 9])) seen.push(one);
      expect(seen).toEqual([2, 3]);
    });

    test('runs inline functions with `using` and `await using`, for which compilers need helpers', async () => {
      const [lock, items] = [new Lock(), new Queue<string>()];
      const value = await the().submit(
        async (held, seen) => {
          {
            using _ = await held.acquire();
            await using later = {
              [Symbol.asyncDispose]: async () => void seen.tryPut(`disposed, locked: ${held.locked}`),
            };
            seen.tryPut(`in use: ${later !== undefined}`);
          }
          return held.locked;
        },
        lock,
        items,
      );
      expect([value, items.tryGet()?.value, items.tryGet()?.value]).toEqual([
        false,
        'in use: true',
        'disposed, locked: true',
      ]);
    });

    test('submit() gives a Future, which tells its status and its value', async () => {
      const future = the().submit(jobs.add, 1, 1);
      expect(future).toBeInstanceOf(Future);
      expect(['pending', 'running', 'fulfilled']).toContain(future.status);
      expect(await future.result({ timeout: 10_000 })).toBe(2);
      expect(future.status).toBe('fulfilled');
      expect(future.tryResult()).toEqual({ value: 2 });
      expect(await future.error()).toBe(undefined);
    });

    test('a failed job: status, error(), and tryResult() that throws', async () => {
      const future = the().submit(jobs.fail);
      expect(await future.error()).toMatchObject({ name: 'PartError' });
      expect(future.status).toBe('rejected');
      expect(() => future.tryResult()).toThrow('no such part');
    });

    test('many at once: every result belongs to its future', async () => {
      const futures = Array.from({ length: 500 }, (_, n) => the().submit(jobs.add, n, n));
      expect(await Promise.all(futures)).toEqual(futures.map((_, n) => 2 * n));
    });

    test('one after the other, many times', async () => {
      let n = 0;
      while (n < 200) n = await the().submit(jobs.add, n, 1);
      expect(n).toBe(200);
    });

    test('a job may be submitted in a done callback of another', async () => {
      const { future, resolve, reject } = Future.withResolvers<number>();
      the()
        .submit(jobs.add, 1, 1)
        .addDoneCallback((done) => {
          the().submit(jobs.add, done.tryResult()!.value, 1).then(resolve, reject);
        });
      expect(await future).toBe(3);
    });

    test('a job that returns a promise, or a thenable, gives its value', async () => {
      expect(await the().submit(() => Promise.resolve(Promise.resolve(5)))).toBe(5);
      const thenable = (): PromiseLike<number> =>
        ({ then: (resolve: (n: number) => void) => resolve(6) }) as PromiseLike<number>;
      expect(await the().submit(thenable)).toBe(6);
    });

    test('wait() tells which futures are done', async () => {
      const words = flag();
      const slow = the().submit(jobs.hold, words);
      const quick = the().submit(jobs.add, 1, 1);
      // A pool of one thread has no slot for the quick one before the slow one has ended.
      if (implementation.threads === 1 && !implementation.overlaps) goOn(words);
      const first = await wait([quick, slow, quick], { until: 'all', timeout: 0 }).catch((e: Error) => e);
      if (first instanceof Error) expect(first.message).toMatch(/[12] of 2 unfinished/);
      goOn(words);
      const { done, pending } = await wait([slow, quick]);
      expect([done.has(slow), done.has(quick), done.size, pending.size]).toEqual([true, true, 2, 0]);
    });
  });
});

describe('Executor: refusals', () => {
  eachExecutor(EXECUTORS, (implementation, the) => {
    test.each([[undefined], ['add'], [{}], [null]])(
      'what is no function: a rejection, never an exception: %s',
      async (fn) => {
        await expect(the().submit(fn as never)).rejects.toBeInstanceOf(TypeError);
        await expect(the().trySubmit(fn as never)).rejects.toBeInstanceOf(TypeError);
        expect(await the().submit(jobs.add, 1, 1)).toBe(2);
      },
    );

    test.each([
      [{ priority: 0.5 }, RangeError],
      [{ priority: 'high' }, TypeError],
      [{ timeout: -1 }, RangeError],
      [{ timeout: Number.NaN }, RangeError],
      [{ runTimeout: -1 }, RangeError],
      [{ signal: {} }, TypeError],
      [{ onCancel: 'kill' }, TypeError],
      [{ grace: -1 }, RangeError],
      [{ idempotent: 1 }, TypeError],
      [{ limiter: {} }, TypeError],
      [{ context: {} }, TypeError],
      [{ context: [{}] }, TypeError],
      [undefined, TypeError],
      [5, TypeError],
    ])('with(%j) throws at the call', (options, type) => {
      expect(() => the().with(options as never)).toThrow(type);
    });

    if (implementation.threads === 0) return;

    test('an argument that cannot be sent is refused with the path to it, and nothing runs', async () => {
      const words = flag();
      const run = (_: unknown, w: Int32Array): number => Atomics.add(w, 3, 1);
      const bad = { list: [1, new WeakMap()] };
      const error = await failure(the().submit(run, bad, words));
      expect(error).toBeInstanceOf(SendError);
      expect((error as Error).message).toContain('args[0].list[1]: WeakMap cannot be sent to a thread');
      await expect(the().trySubmit(run, bad, words)).rejects.toBeInstanceOf(SendError);
      expect(await the().submit(jobs.add, 1, 1)).toBe(2);
      expect(Atomics.load(words, COUNT)).toBe(0);
    });

    test('a result that cannot be sent is the error of its job, with the path to it', async () => {
      const open = (): unknown => ({ open: [new WeakSet()] });
      await expect(the().submit(open)).rejects.toThrow('result.open[0]: WeakSet cannot be sent');
      expect(await the().submit(jobs.add, 1, 1)).toBe(2);
    });

    test('submitSync() throws what submit() rejects with', async () => {
      const factor = 3;
      expect(() => the().submitSync('add' as never)).toThrow(TypeError);
      expect(() => the().submitSync((n: number) => n * factor, 1)).toThrow(CaptureError);
      expect(() => the().submitSync((x: unknown) => x, new WeakMap())).toThrow('args[0]: WeakMap');
      expect(() => the().submitSync(() => ({ open: new WeakSet() }))).toThrow('result.open: WeakSet');
      expect(the().submitSync(jobs.add, 1, 1)).toBe(2);
    });

    test('an error with parts that cannot be sent arrives all the same', async () => {
      const fail = (): never => {
        throw Object.assign(new RangeError('bad'), { part: new WeakMap() });
      };
      expect(await failure(the().submit(fail))).toMatchObject({ message: 'bad' });
      expect(await the().submit(jobs.add, 1, 1)).toBe(2);
    });

    test('an inline function that uses its surroundings is refused and names them', async () => {
      const factor = 3;
      const error = await failure(the().submit((n: number) => n * factor, 1));
      expect(error).toBeInstanceOf(CaptureError);
      expect((error as CaptureError).variables).toEqual(['factor']);
    });
  });
});

describe('Executor in threads', () => {
  eachExecutor(THREADED, (implementation, the) => {
    const { threads, overlaps } = implementation;

    test('takes the arguments as they are at the call', async () => {
      const { release, done } = await occupy(the(), threads);
      const list = [1];
      const length = the().submit((numbers: number[]) => numbers.length, list);
      list.push(2);
      release();
      expect(await length).toBe(1);
      await done;
    });

    test('starts jobs in the order of their submit', async () => {
      const { release, done } = await occupy(the(), threads);
      const words = flag();
      const order = Array.from({ length: 20 }, () => the().submit(jobs.count, words));
      release();
      await done;
      const ranks = await Promise.all(order);
      if (threads === 1) expect(ranks).toEqual(ranks.toSorted((a, b) => a - b));
      expect(new Set(ranks).size).toBe(20);
    });

    test('runs as many at once as it has threads', async () => {
      const words = flag();
      const met = Array.from({ length: threads }, () => the().submit(jobs.meet, words, threads));
      expect(new Set(await Promise.all(met)).size).toBe(threads);
    });

    test.runIf(overlaps)('runs any number of async jobs at once', async () => {
      const words = flag();
      const met = Array.from({ length: 20 }, () => the().submit(jobs.meetLater, words, 20));
      expect((await Promise.all(met)).toSorted((a, b) => a - b)).toEqual(met.map((_, n) => n + 1));
    });

    test('goes on while the submitting thread is blocked', () => {
      const words = flag();
      const jobsBefore = Array.from({ length: 10 }, () => the().submit(jobs.count, words));
      // Nothing of this loop runs until all of them have.
      blockUntil(words, COUNT, 10);
      return Promise.all(jobsBefore);
    });

    test.skipIf(threads === 1)('a job that blocks costs its neighbours nothing', async () => {
      const words = flag();
      const blocked = the().submit(jobs.block, words);
      await until(() => Atomics.load(words, BEGUN) !== 0);
      expect(await the().with({ timeout: 10_000 }).submit(jobs.add, 1, 1)).toBe(2);
      goOn(words);
      expect(await blocked).toBe('done');
    });
  });
});

describe('Executor handed to other threads', () => {
  eachExecutor(SHARED, (_, the) => {
    test('is a live handle on the same executor', async () => {
      const direct = await the().submit(jobs.where);
      const there = (await elsewhere().submit(jobs.submitFrom, the(), 'async', jobs.where as never, [])) as {
        name: string;
      };
      expect(there.name.replace(/\d+$/, '')).toBe(direct.name.replace(/\d+$/, ''));
      expect(isMainThread).toBe(true);
    });

    test('serves all who submit at the same time, blocking or not: nothing lost, nothing twice', async () => {
      const words = flag();
      const sums = await Promise.all([
        elsewhere().submit(jobs.countFrom, the(), 'async', words, 50),
        elsewhere().submit(jobs.countFrom, the(), 'sync', words, 50),
        elsewhere().submit(jobs.countFrom, the(), 'try', words, 50),
        jobs.countFrom(the(), 'async', words, 50),
      ]);
      expect(sums.reduce((a, b) => a + b)).toBe((200 * 201) / 2);
      expect(Atomics.load(words, COUNT)).toBe(200);
    });
  });
});
