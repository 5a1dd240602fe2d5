/** What a Future promises: one state, seen by all threads, settled once. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  CancelledError,
  DeadlockError,
  Future,
  fromToken,
  InvalidStateError,
  OwnerDiedError,
  Queue,
  TimeoutError,
  toToken,
} from '../../../src/index.ts';
import { failure, thrown, turn } from '../../fixtures/awaiting.ts';
import { futureJobs, READINGS, read } from './future-jobs.ts';
import { BEGUN, jobs } from './jobs.ts';
import { elsewhere, flag, goOn, loopThread, pool, raised } from './stand.ts';

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

    test.each(READINGS)('tells those who wait before, in another thread: %s', async (reading) => {
      const resolvers = Future.withResolvers();
      const words = flag();
      const reader = elsewhere().submit(futureJobs.readThere, resolvers.future, reading, words);
      await raised(words, BEGUN);
      settle(resolvers);
      expect(await reader).toBe(expected);
    });

    test.each(READINGS)('tells those who ask after, in another thread: %s', async (reading) => {
      const resolvers = Future.withResolvers();
      resolvers.future.addDoneCallback(() => {});
      settle(resolvers);
      expect(await elsewhere().submit(futureJobs.readThere, resolvers.future, reading, flag())).toBe(
        expected,
      );
    });
  });

  test('of a job is read everywhere, too', async () => {
    const words = flag();
    const future = pool().submit(jobs.block, words);
    const readers = READINGS.slice(0, 3).map((reading) =>
      elsewhere().submit(futureJobs.readThere, future, reading, words),
    );
    goOn(words);
    expect(await Promise.all(readers)).toEqual(Array(3).fill('value done'));
    expect(await future).toBe('done');
  });

  test('of a job is settled for others though the loop that submitted it is blocked', async () => {
    const words = flag();
    const held = pool().submit(jobs.block, words);
    await raised(words, BEGUN);
    const reader = elsewhere().submit(async (given: Future<string>) => await given, held);
    goOn(words);
    expect(reader.resultSync({ timeout: 10_000 })).toBe('done');
    expect(await held).toBe('done');
  });

  test('serves many who wait, blocking and not, in several threads', async () => {
    const { future, resolve } = Future.withResolvers<string>();
    const words = [flag(), flag(), flag()];
    const there = (['resultSync', 'await', 'errorSync'] as const).map((reading, n) =>
      elsewhere().submit(futureJobs.readThere, future, reading, words[n]!),
    );
    const here = [future, future.result(), future.then((value) => value)];
    await Promise.all(words.map((one) => raised(one, BEGUN)));
    resolve('all');
    expect(await Promise.all(here)).toEqual(['all', 'all', 'all']);
    expect(await Promise.all(there)).toEqual(Array(3).fill('value all'));
  });

  test('has a status that every thread sees', async () => {
    const { future, resolve } = Future.withResolvers<number>();
    expect(await elsewhere().submit(futureJobs.statusOf, future)).toBe('pending');
    resolve(1);
    expect(await elsewhere().submit(futureJobs.statusOf, future)).toBe('fulfilled');
    const cancelled = Future.withResolvers<number>().future;
    cancelled.cancel();
    expect(await elsewhere().submit(futureJobs.statusOf, cancelled)).toBe('cancelled');
  });

  test('is cancelled by any thread: those who wait anywhere are told', async () => {
    const { future, resolve } = Future.withResolvers<number>();
    const words = flag();
    const reader = elsewhere().submit(futureJobs.readThere, future, 'resultSync', words);
    await raised(words, BEGUN);
    expect(await elsewhere().submit(futureJobs.cancel, future, 'why')).toBe(true);
    expect(await failure(future)).toMatchObject({ name: 'CancelledError', cause: 'why' });
    expect(await reader).toMatch(/^error CancelledError/);
    expect(resolve(1)).toBe(false);
    expect(await elsewhere().submit(futureJobs.cancel, future, 'again')).toBe(false);
  });

  test('cancelled in another thread, cancels the job whose it is', async () => {
    const words = flag();
    const future = pool().submit(jobs.hold, words);
    await raised(words, BEGUN);
    await elsewhere().submit(futureJobs.cancel, future, 'why');
    await expect(future).rejects.toBeInstanceOf(CancelledError);
    await raised(words, 2);
  });

  test('is one object in a message, however often it stands there; goes by token as well', async () => {
    const { future, resolve } = Future.withResolvers<number>();
    expect(await elsewhere().submit(futureJobs.sameObject, [future, future])).toBe(true);
    const again = fromToken<Future<number>>(toToken(future));
    resolve(1);
    expect(await again).toBe(1);
  });

  test('travels in queues, inside an object; a bare one is refused there', async () => {
    const queue = new Queue<unknown>();
    const { future, resolve } = Future.withResolvers<number>();
    expect(() => queue.tryPut(future)).toThrow(TypeError);
    queue.tryPut({ future });
    const there = elsewhere().submit(
      async (given: Queue<{ future: Future<number> }>) => {
        const item = await given.get();
        return await item.future;
      },
      queue as Queue<{ future: Future<number> }>,
    );
    resolve(5);
    expect(await there).toBe(5);
  });

  test('made in another thread settles here', async () => {
    const words = flag();
    const { future } = await elsewhere().submit(futureJobs.makeFuture, words);
    expect(future.status).toBe('pending');
    goOn(words);
    expect(await future).toBe('from there');
  });

  test('its value is a copy for every thread, the errors have their class', async () => {
    const { future, resolve } = Future.withResolvers<{ list: number[] }>();
    const value = { list: [1] };
    // Known to others: what it comes to is sent at that moment.
    toToken(future);
    resolve(value);
    value.list.push(2);
    const there = await elsewhere().submit(async (given: Future<{ list: number[] }>) => {
      const got = await given;
      got.list.push(9);
      return got.list.length;
    }, future);
    expect(there).toBe(2);
  });
});

describe('Time limits of a wait', () => {
  test('result, resultSync, error, errorSync: TimeoutError, and the future goes on', async () => {
    const { future, resolve } = Future.withResolvers<number>();
    for (const timeout of [0, 5]) {
      await expect(future.result({ timeout })).rejects.toBeInstanceOf(TimeoutError);
      await expect(future.error({ timeout })).rejects.toBeInstanceOf(TimeoutError);
    }
    const there = await elsewhere().submit(
      (given: Future<number>) =>
        [() => given.resultSync({ timeout: 5 }), () => given.errorSync({ timeout: 0 })].map((fn) => {
          try {
            return String(fn());
          } catch (error) {
            return (error as Error).name;
          }
        }),
      future,
    );
    expect(there).toEqual(['TimeoutError', 'TimeoutError']);
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
  test('settles once: the second is false, whoever makes it', async () => {
    const resolvers = Future.withResolvers<unknown>();
    expect(await elsewhere().submit(futureJobs.resolve, resolvers, 1)).toBe(true);
    expect(resolvers.resolve(2)).toBe(false);
    expect(resolvers.reject(new Error('late'))).toBe(false);
    expect(await elsewhere().submit(futureJobs.reject, resolvers, new Error('late'))).toBe(false);
    expect(await resolvers.future).toBe(1);
  });

  test('rejected in another thread: the error is whole', async () => {
    const resolvers = Future.withResolvers<unknown>();
    const error = failure(resolvers.future);
    await elsewhere().submit(futureJobs.reject, resolvers, new RangeError('bad', { cause: 'there' }));
    expect(await error).toMatchObject({ name: 'RangeError', message: 'bad', cause: 'there' });
  });

  test('of several threads at once, one is the first, and its value is what all see', async () => {
    for (let time = 0; time < 10; time++) {
      const resolvers = Future.withResolvers<unknown>();
      const words = [flag(), flag(), flag()];
      const racing = words.map((one, n) => elsewhere().submit(futureJobs.race, resolvers, one, n));
      await Promise.all(words.map((one) => raised(one, BEGUN)));
      words.forEach(goOn);
      const firsts = await Promise.all(racing);
      expect(firsts.filter(Boolean)).toHaveLength(1);
      expect(await resolvers.future).toBe(firsts.indexOf(true));
    }
  });

  test('resolve() of a thenable is a TypeError, everywhere, and settles nothing', async () => {
    const resolvers = Future.withResolvers<unknown>();
    expect(() => resolvers.resolve(Promise.resolve(1))).toThrow(TypeError);
    expect(() => resolvers.resolve({ then() {} })).toThrow(TypeError);
    expect(() => resolvers.resolve(resolvers.future)).toThrow(TypeError);
    expect(await elsewhere().submit(futureJobs.resolveThenable, resolvers)).toBe('TypeError');
    expect(resolvers.future.status).toBe('pending');
    expect(resolvers.resolve(1)).toBe(true);
  });

  test('when the thread that was to settle it dies: OwnerDiedError', async () => {
    const loop = await loopThread();
    const { future } = await loop.submit(futureJobs.makeFuture, flag());
    const words = flag();
    const reader = elsewhere().submit(futureJobs.readThere, future, 'resultSync', words);
    await raised(words, BEGUN);
    await failure(loop.submit(jobs.exit, 1));
    await expect(future).rejects.toBeInstanceOf(OwnerDiedError);
    expect(await reader).toMatch(/^error OwnerDiedError/);
  });

  test('resultSync() while the last other dies that could settle it: DeadlockError, not a wait for ever', async () => {
    const loop = await loopThread();
    const resolvers = Future.withResolvers<unknown>();
    await loop.submit(futureJobs.keep, resolvers);
    const dying = failure(loop.submit(jobs.exit, 1));
    expect(thrown(() => resolvers.future.resultSync())).toBeInstanceOf(DeadlockError);
    expect(resolvers.resolve('here')).toBe(true);
    await dying;
  });

  test('when every thread has given up its resolvers: OwnerDiedError', async () => {
    const here = Future.withResolvers<unknown>();
    here[Symbol.dispose]();
    await expect(here.future).rejects.toBeInstanceOf(OwnerDiedError);
    expect(() => here.resolve(1)).toThrow(InvalidStateError);

    const shared = Future.withResolvers<unknown>();
    await elsewhere().submit(futureJobs.giveUp, shared);
    expect(shared.future.status).toBe('pending');
    shared[Symbol.dispose]();
    await expect(shared.future).rejects.toBeInstanceOf(OwnerDiedError);
  });

  test('when a thread dies that could settle it while another still can: it stays open', async () => {
    const loop = await loopThread();
    const resolvers = Future.withResolvers<unknown>();
    await loop.submit(futureJobs.keep, resolvers);
    await failure(loop.submit(jobs.exit, 1));
    for (let turns = 0; turns < 20; turns++) await turn();
    expect(resolvers.future.status).toBe('pending');
    expect(resolvers.resolve('here')).toBe(true);
    expect(await resolvers.future).toBe('here');
  });
});
