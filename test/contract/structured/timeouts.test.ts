/** Time-outs, alone and together with cancellations from around. Time passes when the test says so. */
import { describe, expect, test } from 'vitest';
import {
  CancelledError,
  shield,
  sleep,
  TaskGroup,
  type TaskGroupError,
  TimeoutError,
  withTimeout,
} from '../../../src/index.ts';
import { failure } from '../../fixtures/awaiting.ts';
import { COUNT, ENDED, SEEN } from '../executors/jobs.ts';
import { flag, goOn, raised } from '../executors/stand.ts';
import {
  aborted,
  deferred,
  eachPlace,
  eachThread,
  pass,
  settled,
  taskOf,
  turns,
  useVirtualClock,
} from './places.ts';
import { CLEANING, work } from './work.ts';

useVirtualClock();

describe('withTimeout()', () => {
  eachPlace((place, inThread) => {
    test('gives the value of a function that is in time, and the time-out never strikes', async () => {
      const words = flag();
      const running = withTimeout(100, () => place().run(work.giveWhenToldTo, words, 'value'));
      await raised(words);
      pass(90);
      goOn(words);
      expect(await running).toBe('value');
      pass(1_000);
    });

    test('passes on the error of the function, untouched', async () => {
      const error = await failure(withTimeout(100, () => place().run(work.crash, flag(), 'own')));
      expect(error).toMatchObject({ name: 'RangeError', message: 'own' });
      expect((error as Error).cause).toBeUndefined();
    });

    test('cancels and awaits the function, then rejects with TimeoutError', async () => {
      const words = flag();
      let over = false;
      const running = withTimeout(100, () => place().run(work.cleanUp, words)).finally(() => (over = true));
      const error = failure(running);
      await raised(words);
      pass(100);
      await raised(words, CLEANING);
      await turns();
      expect(over).toBe(false);
      goOn(words);
      expect(await error).toBeInstanceOf(TimeoutError);
      expect([Atomics.load(words, SEEN), Atomics.load(words, ENDED)]).toEqual([1, 1]);
    });

    test('awaits a function that is deaf', async () => {
      const words = flag();
      let over = false;
      const running = withTimeout(100, () => place().run(work.giveWhenToldTo, words, 'value'));
      const outcome = running.then(
        (value) => value,
        (error: unknown) => error,
      );
      void outcome.then(() => (over = true));
      await raised(words);
      pass(100);
      await turns();
      expect(over).toBe(false);
      goOn(words);
      // What a job gives after the cancellation of its future is dropped; a function here that returns gives its value.
      if (inThread) expect(await outcome).toBeInstanceOf(TimeoutError);
      else expect(await outcome).toBe('value');
      expect(Atomics.load(words, ENDED)).toBe(1);
    });

    test('reaches every task of a group within', async () => {
      const words = flag();
      const error = failure(withTimeout(100, () => place().run(work.group, words, 3)));
      await raised(words);
      pass(100);
      expect(await error).toBeInstanceOf(TimeoutError);
      expect([Atomics.load(words, COUNT), Atomics.load(words, ENDED)]).toEqual([3, 1]);
    });

    test('of an outer scope never shows as an inner TimeoutError', async () => {
      const words = flag();
      const seen: unknown[] = [];
      const look = (error: unknown): never => {
        seen.push(error);
        throw error;
      };
      const error = failure(
        withTimeout(100, () =>
          withTimeout(1_000, () =>
            TaskGroup.run(
              (group) => {
                group.spawn(() => place().run(work.hold, words));
              },
              { timeout: 1_000 },
            ).catch(look),
          ).catch(look),
        ),
      );
      await raised(words);
      pass(100);
      expect(await error).toBeInstanceOf(TimeoutError);
      expect(seen).toHaveLength(2);
      for (const one of seen) expect(one).toBeInstanceOf(CancelledError);
      expect(Atomics.load(words, ENDED)).toBe(1);
    });

    test('of an inner scope leaves the outer one alone', async () => {
      const words = flag();
      const value = withTimeout(1_000, async () => {
        const inner = failure(withTimeout(100, () => place().run(work.hold, words)));
        await raised(words);
        pass(100);
        expect(await inner).toBeInstanceOf(TimeoutError);
        await turns();
        return await place().run(work.value, flag(), 'outer');
      });
      expect(await value).toBe('outer');
    });

    test.each(['the time-out first', 'the cancellation first'])(
      'together with a cancellation from outside: that goes on up (%s)',
      async (order) => {
        const words = flag();
        let seen: unknown;
        const { task } = await taskOf(async (self) => {
          const running = withTimeout(100, () => place().run(work.cleanUp, words));
          const error = shield(() => failure(running));
          await raised(words);
          const strikes = [() => pass(100), () => self().cancel('outside')];
          if (order === 'the cancellation first') strikes.reverse();
          strikes[0]!();
          await raised(words, CLEANING);
          strikes[1]!();
          goOn(words);
          seen = await error;
          throw seen;
        });
        expect(seen).toMatchObject({ name: 'CancelledError', cause: 'outside' });
        expect(task.status).toBe('cancelled');
        expect([Atomics.load(words, SEEN), Atomics.load(words, ENDED)]).toEqual([1, 1]);
      },
    );

    test.each(['the time-out first', 'the cancellation first'])(
      'and a cancellation from outside in one tick: the cancellation goes on up (%s)',
      async (order) => {
        const words = flag();
        const { task } = await taskOf(async (self) => {
          const running = withTimeout(100, () => place().run(work.hold, words));
          await raised(words);
          if (order === 'the time-out first') pass(100);
          self().cancel('outside');
          pass(100);
          await running;
        });
        expect(task.status).toBe('cancelled');
        expect(Atomics.load(words, ENDED)).toBe(1);
      },
    );

    test('two time-outs that strike together: the outer TimeoutError, the inner block sees its cancellation', async () => {
      const words = flag();
      let inner: unknown;
      const outer = failure(
        withTimeout(100, async () => {
          inner = await failure(withTimeout(100, () => place().run(work.hold, words)));
          throw inner;
        }),
      );
      await raised(words);
      pass(100);
      expect(await outer).toBeInstanceOf(TimeoutError);
      expect(inner).toBeInstanceOf(CancelledError);
      expect(Atomics.load(words, ENDED)).toBe(1);
    });
  });

  eachThread((place) => {
    test('reaches a job that computes: it sees cancelled() without its loop', async () => {
      const words = flag();
      const error = failure(withTimeout(100, () => place().run(work.compute, words)));
      await raised(words);
      pass(100);
      expect(await error).toBeInstanceOf(TimeoutError);
      expect(Atomics.load(words, ENDED)).toBe(1);
    });
  });
});

describe('TaskGroup.run() with a timeout', () => {
  eachPlace((place) => {
    test('cancels and awaits its tasks, then rejects with a TimeoutError that tells how many were unfinished', async () => {
      const words = flag();
      const error = failure(
        TaskGroup.run(
          async (group) => {
            group.spawn(() => place().run(work.hold, words));
            await group.spawn(() => place().run(work.value, flag(), 1));
          },
          { timeout: 100, name: 'downloads' },
        ),
      );
      await raised(words);
      await turns();
      pass(100);
      expect(await error).toBeInstanceOf(TimeoutError);
      expect([Atomics.load(words, SEEN), Atomics.load(words, ENDED)]).toEqual([1, 1]);
    });

    test('that has passed during a failure: the failure wins', async () => {
      const words = flag();
      const error = failure(
        TaskGroup.run(
          (group) => {
            group.spawn(() => place().run(work.cleanUp, words));
            group.spawn(async () => {
              await raised(words);
              throw new RangeError('failed');
            });
          },
          { timeout: 100 },
        ),
      );
      await raised(words, CLEANING);
      pass(100);
      goOn(words);
      expect(((await error) as TaskGroupError).errors).toMatchObject([{ message: 'failed' }]);
      expect(Atomics.load(words, ENDED)).toBe(1);
    });
  });

  test('and a signal: the first of them decides', async () => {
    for (const order of ['time-out', 'signal']) {
      const controller = new AbortController();
      const error = failure(
        TaskGroup.run((group) => void group.spawn(() => sleep(Infinity)), {
          timeout: 100,
          signal: controller.signal,
        }),
      );
      await turns();
      if (order === 'time-out') pass(100);
      controller.abort('signal');
      pass(100);
      if (order === 'signal') expect(await error).toBe('signal');
      else expect(await error).toBeInstanceOf(TimeoutError);
    }
  });

  test('does not strike while the group is being cancelled by itself: that ends without an error', async () => {
    const wait = deferred();
    const value = TaskGroup.run(
      async (group) => {
        const task = group.spawn((signal) => aborted(signal).then(() => wait.promise));
        await turns();
        group.cancel();
        pass(100);
        wait.resolve();
        await settled(task);
        return 'value';
      },
      { timeout: 100 },
    );
    expect(await value).toBe('value');
  });
});
