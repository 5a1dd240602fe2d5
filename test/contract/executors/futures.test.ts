/** What a Future promises: one state, seen by all threads, settled once. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { DeadlockError, Future, TimeoutError } from '../../../src/index.ts';
import { failure, thrown, turn } from '../../fixtures/awaiting.ts';
import { READINGS, read } from './future-jobs.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

/** Ways in which a future comes to its end, and what then is read of it. */
const ENDS: readonly {
  end: string;
  settle(r: ReturnType<typeof Future.withResolvers>): unknown;
  read: string;
}[] = [
  { end: 'resolved', settle: ({ resolve }) => resolve(7), read: 'value 7' },
  { end: 'resolved with undefined', settle: ({ resolve }) => resolve(undefined), read: 'value undefined' },
  {
    end: 'rejected',
    settle: ({ reject }) => reject(new RangeError('bad')),
    read: 'error RangeError: bad',
  },
  { end: 'rejected with no error', settle: ({ reject }) => reject('text'), read: 'error text' },
];
/** Those that can wait on the loop which settles. */
const AWAITING = READINGS.filter((reading) => !reading.endsWith('Sync'));

describe('A future', () => {
  describe.each(ENDS)('that is $end', ({ settle, read: expected }) => {
    test.each(AWAITING)('tells those who wait before, here: %s', async (reading) => {
      const resolvers = Future.withResolvers();
      const reader = read(resolvers.future, reading);
      await turn();
      settle(resolvers);
      expect(await reader).toBe(expected);
    });

    test.each(READINGS)('tells those who ask after, here: %s', async (reading) => {
      const resolvers = Future.withResolvers();
      resolvers.future.addDoneCallback(() => {});
      settle(resolvers);
      expect(await read(resolvers.future, reading)).toBe(expected);
    });
  });
});

describe('Time limits of a wait', () => {
  test('result, resultSync, error, errorSync: TimeoutError, and the future goes on', async () => {
    const { future, resolve } = Future.withResolvers<number>();
    for (const timeout of [0, 5]) {
      await expect(future.result({ timeout })).rejects.toBeInstanceOf(TimeoutError);
      await expect(future.error({ timeout })).rejects.toBeInstanceOf(TimeoutError);
    }
    resolve(1);
    expect(await future.result({ timeout: 0 })).toBe(1);
    expect(future.resultSync({ timeout: 0 })).toBe(1);
    expect(future.errorSync({ timeout: 0 })).toBe(undefined);
  });

  test('wrong ones are refused', async () => {
    const { future } = Future.withResolvers<number>();
    for (const timeout of [-1, Number.NaN]) {
      await expect(future.result({ timeout })).rejects.toBeInstanceOf(RangeError);
      expect(() => future.resultSync({ timeout })).toThrow(RangeError);
      expect(() => future.errorSync({ timeout })).toThrow(RangeError);
    }
    await expect(future.result({ timeout: 'x' as never })).rejects.toBeInstanceOf(TypeError);
    future.cancel();
  });

  test('an aborted signal ends the wait alone', async () => {
    const { future, resolve } = Future.withResolvers<number>();
    const controller = new AbortController();
    const waits = [future.result({ signal: controller.signal }), future.error({ signal: controller.signal })];
    controller.abort('stop');
    expect(await Promise.all(waits.map(failure))).toEqual(['stop', 'stop']);
    resolve(2);
    expect(await future).toBe(2);
  });

  test('resultSync() on the loop that must settle it: DeadlockError, and no wait', () => {
    const { future } = Future.withResolvers<number>();
    expect(thrown(() => future.resultSync())).toBeInstanceOf(DeadlockError);
    expect(thrown(() => future.errorSync())).toBeInstanceOf(DeadlockError);
    future.cancel();
  });
});

describe('Future.withResolvers()', () => {
  test('resolve() of a thenable is a TypeError, and settles nothing', async () => {
    const resolvers = Future.withResolvers<unknown>();
    expect(() => resolvers.resolve(Promise.resolve(1))).toThrow(TypeError);
    expect(() => resolvers.resolve({ then() {} })).toThrow(TypeError);
    expect(() => resolvers.resolve(resolvers.future)).toThrow(TypeError);
    expect(resolvers.future.status).toBe('pending');
    expect(resolvers.resolve(1)).toBe(true);
  });
});
