/** Being told of futures: done callbacks, wait() and asCompleted(), with futures that other threads settle. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { asCompleted, Future, wait } from '../../../src/index.ts';
import { turn } from '../../fixtures/awaiting.ts';
import { futureJobs } from './future-jobs.ts';
import { BEGUN, jobs, until } from './jobs.ts';
import { elsewhere, flag, goOn, pool, raised } from './stand.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

describe('Done callbacks', () => {
  test('are called on the loop that added them, with the future, once, in order, never at once', async () => {
    const { future, resolve } = Future.withResolvers<number>();
    const calls: unknown[] = [];
    future.addDoneCallback((self) => calls.push(self === future));
    future.addDoneCallback((self) => calls.push(self.tryResult()));
    const take = future.addDoneCallback(() => calls.push('taken back'));
    take();
    resolve(1);
    expect(calls).toEqual([]);
    await until(() => calls.length >= 2);
    await turn();
    expect(calls).toEqual([true, { value: 1 }]);
  });

  test('also when another thread settles it, in the thread where they were added', async () => {
    const resolvers = Future.withResolvers<unknown>();
    const called = new Promise<unknown>((resolve) =>
      resolvers.future.addDoneCallback((self) => resolve(self.tryResult())),
    );
    await elsewhere().submit(futureJobs.resolve, resolvers, 'there');
    expect(await called).toEqual({ value: 'there' });
  });

  test('added to a settled future are called, not at once', async () => {
    const { future, resolve } = Future.withResolvers<number>();
    resolve(1);
    let called = false;
    future.addDoneCallback(() => {
      called = true;
    });
    expect(called).toBe(false);
    await until(() => called);
  });

  test('one that throws is reported, and the others run', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const { future, resolve } = Future.withResolvers<number>();
    let last = false;
    future.addDoneCallback(() => {
      throw new Error('callback');
    });
    future.addDoneCallback(() => {
      last = true;
    });
    resolve(1);
    await until(() => last);
    expect(warned.mock.calls.map(([warning]) => (warning as { code?: string }).code)).toEqual([
      'HEDDLE_CALLBACK_ERROR',
    ]);
  });

  test('are called after a cancellation and after an error as well', async () => {
    for (const settle of ['cancel', 'reject'] as const) {
      const { future, reject } = Future.withResolvers<number>();
      const called = new Promise<string>((resolve) => future.addDoneCallback((self) => resolve(self.status)));
      if (settle === 'cancel') future.cancel();
      else reject(new Error('no'));
      expect(await called).toBe(settle === 'cancel' ? 'cancelled' : 'rejected');
    }
  });

  test.each([[undefined], [5], ['fn']])('refuse what is no function: %s', (fn) => {
    const { future } = Future.withResolvers<number>();
    expect(() => future.addDoneCallback(fn as never)).toThrow(TypeError);
    future.cancel();
  });
});

describe('wait() and asCompleted() of futures of several threads', () => {
  test('first: returns when one is done; then all', async () => {
    const [slow, one] = [flag(), pool({ threads: 2 })];
    const futures = [one.submit(jobs.block, slow), one.submit(jobs.add, 1, 1)];
    const { done, pending } = await wait<PromiseLike<unknown>>(futures, { until: 'first' });
    expect([done.has(futures[1]!), pending.has(futures[0]!)]).toEqual([true, true]);
    goOn(slow);
    expect((await wait<PromiseLike<unknown>>(futures)).done.size).toBe(2);
  });

  test('first-error: returns at the first error', async () => {
    const [slow, one] = [flag(), pool({ threads: 2 })];
    const held = one.submit(jobs.block, slow);
    const bad = one.submit(jobs.fail);
    const { done, pending } = await wait<PromiseLike<unknown>>([held, bad], { until: 'first-error' });
    expect([done.has(bad), pending.has(held)]).toEqual([true, true]);
    goOn(slow);
    await held;
  });

  test('asCompleted() yields the very futures, in the order of their ends', async () => {
    const words = [flag(), flag(), flag()];
    const one = pool({ threads: 3 });
    const futures = words.map((each) => one.submit(jobs.block, each));
    await Promise.all(words.map((each) => raised(each, BEGUN)));
    const order = [2, 0, 1];
    const seen: number[] = [];
    goOn(words[order[0]!]!);
    for await (const future of asCompleted(futures)) {
      seen.push(futures.indexOf(future));
      if (seen.length < 3) goOn(words[order[seen.length]!]!);
    }
    expect(seen).toEqual(order);
  });
});
