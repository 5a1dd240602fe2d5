import { describe, expect, expectTypeOf, test, vi } from 'vitest';
import { CancelledError, TaskGroupError, TimeoutError } from '../../../src/core/errors.ts';
import { all } from '../../../src/scope/all.ts';
import { any } from '../../../src/scope/any.ts';
import { asCompleted } from '../../../src/scope/as-completed.ts';
import { currentTask } from '../../../src/scope/current-task.ts';
import { race } from '../../../src/scope/race.ts';
import { shield } from '../../../src/scope/shield.ts';
import { sleep } from '../../../src/scope/sleep.ts';
import { startTask } from '../../../src/scope/task.ts';
import { wait } from '../../../src/scope/wait.ts';

const macrotask = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const forever = (): Promise<void> => sleep(Infinity);
const never = new Promise<never>(() => {});

async function failure(promise: PromiseLike<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('It should have rejected');
}

/** A function that ends only when cancelled, then notes that it did. */
function loser(log: string[], name: string, thrown?: Error): () => Promise<never> {
  return async () => {
    try {
      await forever();
    } catch (error) {
      await shield(macrotask);
      log.push(name);
      throw thrown ?? error;
    }
    throw new Error('unreachable');
  };
}

describe('all()', () => {
  test('gives the results in the shape of the functions', async () => {
    const tuple = await all([async () => 1, () => 'a', (signal) => signal.aborted]);
    expect(tuple).toEqual([1, 'a', false]);
    expectTypeOf(tuple).toEqualTypeOf<[number, string, boolean]>();
    const record = await all({ user: async () => 'Ada', age: () => 36 });
    expect(record).toEqual({ user: 'Ada', age: 36 });
    expectTypeOf(record).toEqualTypeOf<{ user: string; age: number }>();
    const list = await all(new Set([async () => 1, async () => 2]));
    expect(list).toEqual([1, 2]);
    expectTypeOf(list).toEqualTypeOf<number[]>();
    const array = await all([1, 2].map((n) => async () => n * 2));
    expect(array).toEqual([2, 4]);
    expectTypeOf(array).toEqualTypeOf<number[]>();
    expect(await all([])).toEqual([]);
  });

  test('rejects with the first error itself once the rest is cancelled and awaited', async () => {
    const log: string[] = [];
    const error = new Error('first');
    expect(await failure(all([loser(log, 'loser'), () => Promise.reject(error)]))).toBe(error);
    expect(log).toEqual(['loser']);
  });

  test('rejects with a TaskGroupError if a clean-up fails too', async () => {
    const [first, second] = [new Error('first'), new Error('second')];
    const error = await failure(all([loser([], 'loser', second), () => Promise.reject(first)]));
    expect(error).toBeInstanceOf(TaskGroupError);
    expect((error as TaskGroupError).errors).toEqual([first, second]);
  });

  test('is cancelled with the task around, and awaits its functions', async () => {
    const log: string[] = [];
    const task = startTask(() => all([loser(log, 'a'), loser(log, 'b')]));
    await macrotask();
    task.cancel('why');
    expect(await failure(task)).toMatchObject({ cause: 'why' });
    expect(log).toEqual(['a', 'b']);
  });

  test('rejects with the cancellation of a function that cancelled itself', async () => {
    const self = (): Promise<void> => {
      currentTask()?.cancel('self');
      return forever();
    };
    expect(await failure(all([self, async () => 1]))).toBeInstanceOf(CancelledError);
  });

  test('refuses what is no function before calling any', async () => {
    const called = vi.fn();
    expect(await failure(all([called, 5 as never]))).toBeInstanceOf(TypeError);
    expect(await failure(all(5 as never))).toBeInstanceOf(TypeError);
    expect(await failure(all([called], { limit: 0 }))).toBeInstanceOf(RangeError);
    expect(called).not.toHaveBeenCalled();
  });

  test('that nobody awaits leaves no unhandled rejection when the task is cancelled', async () => {
    const unhandled = vi.fn();
    process.on('unhandledRejection', unhandled);
    try {
      const task = startTask(async () => {
        const both = all([forever]);
        const first = race([forever]);
        await sleep(Infinity);
        await both;
        await first;
      });
      await macrotask();
      task.cancel();
      await failure(task);
      await macrotask();
      expect(unhandled).not.toHaveBeenCalled();
    } finally {
      process.off('unhandledRejection', unhandled);
    }
  });
});

describe('race()', () => {
  test('gives the first value once the losers are cancelled and awaited', async () => {
    const log: string[] = [];
    const result = await race([loser(log, 'loser'), async () => 'fast', () => 5]);
    expect(result).toBe('fast');
    expectTypeOf(result).toEqualTypeOf<string | number>();
    expect(log).toEqual(['loser']);
  });

  test('rejects with the first error itself', async () => {
    const error = new Error('first');
    expect(await failure(race([forever, () => Promise.reject(error)]))).toBe(error);
  });

  test('rejects with a TaskGroupError if the clean-up of a loser fails', async () => {
    const broken = new Error('clean-up');
    const error = await failure(race([loser([], 'x', broken), async () => macrotask()]));
    expect(error).toBeInstanceOf(TaskGroupError);
    expect((error as TaskGroupError).errors).toEqual([broken]);
  });

  test('of nothing is a RangeError', async () => {
    expect(await failure(race([]))).toBeInstanceOf(RangeError);
  });
});

describe('any()', () => {
  test('gives the first success, past failures, once the losers are cancelled and awaited', async () => {
    const log: string[] = [];
    const result = await any([
      () => Promise.reject(new Error('x')),
      loser(log, 'loser'),
      async () => {
        await macrotask();
        return 1;
      },
    ]);
    expect(result).toBe(1);
    expect(log).toEqual(['loser']);
  });

  test('rejects with a TaskGroupError of all errors if none succeeds', async () => {
    const error = await failure(any([() => Promise.reject('a'), () => Promise.reject('b')]));
    expect(error).toBeInstanceOf(TaskGroupError);
    expect((error as TaskGroupError).errors).toEqual(['a', 'b']);
  });

  test('is cancelled with the task around', async () => {
    const task = startTask(() => any([forever, () => Promise.reject(new Error('x'))]));
    await macrotask();
    task.cancel('why');
    expect(await failure(task)).toMatchObject({ cause: 'why' });
  });
});

describe('wait()', () => {
  test('waits for all, counts duplicates once, and takes no error', async () => {
    const good = Promise.resolve(1);
    const bad = startTask(() => Promise.reject(new Error('x')));
    const { done, pending } = await wait([good, bad, good]);
    expect([...done]).toEqual([good, bad]);
    expect(pending.size).toBe(0);
    expectTypeOf(done).toEqualTypeOf<Set<Promise<number>>>();
  });

  test("until 'first' and 'first-error' leave the rest pending", async () => {
    const late = startTask(forever);
    const good = startTask(async () => 1);
    const bad = startTask(async () => {
      await macrotask();
      throw new Error('x');
    });
    expect((await wait([late, good, bad], { until: 'first' })).done).toEqual(new Set([good]));
    const { done, pending } = await wait([late, good, bad], { until: 'first-error' });
    expect(done).toEqual(new Set([good, bad]));
    expect(pending).toEqual(new Set([late]));
    late.cancel();
  });

  test('of nothing gives two empty sets', async () => {
    const { done, pending } = await wait([]);
    expect(done.size + pending.size).toBe(0);
  });

  test('says in a TimeoutError how many are unfinished', async () => {
    const error = await failure(wait([never, Promise.resolve(), never.then(), sleep(0)], { timeout: 20 }));
    expect(error).toBeInstanceOf(TimeoutError);
    expect((error as Error).message).toContain('2 of 4 unfinished');
  });

  test('ends with the cancellation of the task and cancels nothing', async () => {
    const awaited = startTask(forever);
    const task = startTask(() => wait([awaited]));
    task.cancel('why');
    expect(await failure(task)).toMatchObject({ cause: 'why' });
    expect(awaited.status).toBe('pending');
    awaited.cancel();
  });
});

describe('asCompleted()', () => {
  test('yields the very objects given, in the order of settling, duplicates once', async () => {
    const slow = startTask(async () => {
      await sleep(5);
      return 'slow';
    });
    const bad = startTask(() => Promise.reject(new Error('x')));
    const fast = Promise.resolve('fast');
    const seen: unknown[] = [];
    for await (const one of asCompleted([slow, bad, slow, fast]))
      seen.push(one === slow ? 's' : one === bad ? 'b' : one === fast ? 'f' : one);
    expect(seen.sort()).toEqual(['b', 'f', 's']);
    expect(await slow).toBe('slow');
    for await (const one of asCompleted([slow])) expectTypeOf(one).toEqualTypeOf(slow);
  });

  test('serves several calls of next() at once, each with another', async () => {
    const first = sleep(1);
    const second = sleep(3);
    const iterator = asCompleted([second, first]);
    const results = [iterator.next(), iterator.next(), iterator.next()];
    expect((await results[0]!).value === first).toBe(true);
    expect((await results[1]!).value === second).toBe(true);
    expect((await results[2]!).done).toBe(true);
  });

  test('says in a TimeoutError how many are unfinished, and is over then', async () => {
    const iterator = asCompleted([never, Promise.resolve(1)], { timeout: 5 });
    await iterator.next();
    const error = await failure(iterator.next());
    expect(error).toBeInstanceOf(TimeoutError);
    expect((error as Error).message).toContain('1 of 2 unfinished');
    expect((await iterator.next()).done).toBe(true);
  });
});
