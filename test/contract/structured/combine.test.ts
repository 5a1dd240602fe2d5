/** all(), race() and any(), wherever the work is done: losers are cancelled and awaited. */
import { describe, expect, test } from 'vitest';
import {
  all,
  any,
  CancelledError,
  currentTask,
  race,
  sleep,
  TaskGroup,
  TaskGroupError,
  withTimeout,
} from '../../../src/index.ts';
import { failure } from '../../fixtures/awaiting.ts';
import { ENDED, SEEN } from '../executors/jobs.ts';
import { flag, goOn, raised } from '../executors/stand.ts';
import { eachPlace, type Place, settled, taskOf, turns } from './places.ts';
import { CALLED, CLEANING, work } from './work.ts';

const forever = (place: Place, words: Int32Array) => () => place.run(work.hold, words);

function ended(...flags: readonly Int32Array[]): number[] {
  return flags.map((words) => Atomics.load(words, ENDED));
}

describe('all()', () => {
  eachPlace((place, inThread) => {
    test('gives the results in the shape of the functions, not in the order of their end', async () => {
      const [first, second] = [flag(), flag()];
      const list = all([
        () => place().run(work.giveWhenToldTo, first, 'a'),
        () => place().run(work.giveWhenToldTo, second, 'b'),
      ]);
      await Promise.all([raised(first), raised(second)]);
      goOn(second);
      await raised(second, ENDED);
      goOn(first);
      expect(await list).toEqual(['a', 'b']);
      expect(
        await all({
          user: () => place().run(work.value, flag(), 'Ada'),
          count: () => place().run(work.value, flag(), 3),
        }),
      ).toEqual({ user: 'Ada', count: 3 });
      expect(await all(new Set([() => place().run(work.value, flag(), 1)]))).toEqual([1]);
    });

    test('rejects with the first error itself; the rest is cancelled and awaited', async () => {
      const [rest, failing] = [flag(), flag()];
      const error = failure(
        all([forever(place(), rest), () => place().run(work.crashWhenToldTo, failing, 'first')]),
      );
      await Promise.all([raised(rest), raised(failing)]);
      goOn(failing);
      expect(await error).toMatchObject({ name: 'RangeError', message: 'first' });
      expect(Atomics.load(rest, SEEN)).toBe(1);
      expect(ended(rest, failing)).toEqual([1, 1]);
    });

    test('awaits the clean-up of the rest; if that fails here, a TaskGroupError has both errors', async () => {
      const [rest, failing] = [flag(), flag()];
      const error = failure(
        all([
          () => place().run(work.crashInFinally, rest, 'clean-up'),
          () => place().run(work.crashWhenToldTo, failing, 'first'),
        ]),
      );
      await Promise.all([raised(rest), raised(failing)]);
      goOn(failing);
      if (inThread) expect(await error).toMatchObject({ message: 'first' });
      else {
        expect(await error).toBeInstanceOf(TaskGroupError);
        const { errors } = (await error) as TaskGroupError;
        expect(errors.map((one) => (one as Error).message)).toEqual(['first', 'clean-up']);
      }
      expect(ended(rest)).toEqual([1]);
    });

    test('is cancelled with the task around, and awaits its functions', async () => {
      const [a, b] = [flag(), flag()];
      const { task } = await taskOf(async (self) => {
        const running = all([forever(place(), a), forever(place(), b)]);
        await Promise.all([raised(a), raised(b)]);
        self().cancel();
        return await running;
      });
      expect(task.status).toBe('cancelled');
      expect(ended(a, b)).toEqual([1, 1]);
    });

    test('with a limit begins them in order; after a failure the others never begin', async () => {
      const [first, never] = [flag(), flag()];
      const error = failure(
        all(
          [() => place().run(work.crashWhenToldTo, first, 'first'), () => place().run(work.value, never, 1)],
          { limit: 1 },
        ),
      );
      await raised(first);
      goOn(first);
      expect(await error).toMatchObject({ message: 'first' });
      expect(Atomics.load(never, CALLED)).toBe(0);
    });
  });

  test('of nothing gives nothing, in the same shape', async () => {
    expect(await all([])).toEqual([]);
    expect(await all({})).toEqual({});
  });

  test('refuses what is no function before it calls any', async () => {
    let called = false;
    expect(await failure(all([() => (called = true), 5 as never]))).toBeInstanceOf(TypeError);
    expect(await failure(all(5 as never))).toBeInstanceOf(TypeError);
    await turns();
    expect(called).toBe(false);
  });

  test('takes functions from a generator, which is closed when one of them is refused', async () => {
    let closed = false;
    function* functions(): Generator<() => number> {
      try {
        yield () => 1;
        yield () => 2;
      } finally {
        closed = true;
      }
    }
    expect(await all(functions())).toEqual([1, 2]);
    expect(closed).toBe(true);
  });

  test('runs each as a task of its own, with the signal of that task', async () => {
    const tasks = await all([
      (signal) => ({ same: signal === currentTask()?.signal, name: currentTask()?.name }),
      () => ({ same: true, name: currentTask()?.name }),
    ]);
    expect(tasks.map(({ same }) => same)).toEqual([true, true]);
    expect(tasks[0]?.name).toBeDefined();
  });
});

describe('race()', () => {
  eachPlace((place) => {
    test('settles by the first to settle; losers are cancelled and awaited before', async () => {
      const [slow, quick] = [flag(), flag()];
      let over = false;
      const winner = race([
        () => place().run(work.cleanUp, slow),
        () => place().run(work.giveWhenToldTo, quick, 'quick'),
      ]).finally(() => (over = true));
      await Promise.all([raised(slow), raised(quick)]);
      goOn(quick);
      await raised(slow, CLEANING);
      await turns();
      expect(over).toBe(false);
      goOn(slow);
      expect(await winner).toBe('quick');
      expect(ended(slow)).toEqual([1]);
    });

    test('rejects if the first to settle fails, with that error itself', async () => {
      const [slow, failing] = [flag(), flag()];
      const error = failure(
        race([forever(place(), slow), () => place().run(work.crashWhenToldTo, failing, 'first')]),
      );
      await Promise.all([raised(slow), raised(failing)]);
      goOn(failing);
      expect(await error).toMatchObject({ name: 'RangeError', message: 'first' });
      expect([Atomics.load(slow, SEEN), ...ended(slow)]).toEqual([1, 1]);
    });

    test('is cancelled with the task around, and awaits its functions', async () => {
      const [a, b] = [flag(), flag()];
      const { task } = await taskOf(async (self) => {
        const running = race([forever(place(), a), forever(place(), b)]);
        await Promise.all([raised(a), raised(b)]);
        self().cancel();
        return await running;
      });
      expect(task.status).toBe('cancelled');
      expect(ended(a, b)).toEqual([1, 1]);
    });

    test('of which one ends at once never begins the others past its limit', async () => {
      const never = flag();
      const value = await race(
        [() => place().run(work.value, flag(), 'only'), () => place().run(work.value, never, 'never')],
        { limit: 1 },
      );
      expect(value).toBe('only');
      expect(Atomics.load(never, CALLED)).toBe(0);
    });
  });

  test('of nothing is a RangeError, not a wait for ever', async () => {
    expect(await failure(race([]))).toBeInstanceOf(RangeError);
  });

  test('whose loser fails in its clean-up is a TaskGroupError: that failure is not lost', async () => {
    const words = flag();
    const error = await failure(
      race([
        () => work.crashInFinally(words, 'clean-up'),
        async () => {
          await raised(words);
          return 'winner';
        },
      ]),
    );
    expect(error).toBeInstanceOf(TaskGroupError);
    expect((error as TaskGroupError).errors).toMatchObject([{ message: 'clean-up' }]);
  });

  test('within a time-out: the TimeoutError, once all have ended', async () => {
    let running = 0;
    const one = async (): Promise<void> => {
      running++;
      await sleep(Infinity).finally(() => running--);
    };
    await expect(withTimeout(5, () => race([one, one]))).rejects.toMatchObject({ name: 'TimeoutError' });
    expect(running).toBe(0);
  });
});

describe('any()', () => {
  eachPlace((place) => {
    test('gives the first success, past failures; the others are cancelled and awaited', async () => {
      const [failing, winning, slow] = [flag(), flag(), flag()];
      const winner = any([
        () => place().run(work.crashWhenToldTo, failing, 'first'),
        () => place().run(work.giveWhenToldTo, winning, 'winner'),
        () => place().run(work.hold, slow),
      ]);
      await Promise.all([raised(failing), raised(winning), raised(slow)]);
      goOn(failing);
      await raised(failing, ENDED);
      await turns();
      goOn(winning);
      expect(await winner).toBe('winner');
      expect([Atomics.load(slow, SEEN), ...ended(slow)]).toEqual([1, 1]);
    });

    test('rejects with a TaskGroupError of all errors in order of failure, if none succeeds', async () => {
      const [a, b] = [flag(), flag()];
      const error = failure(
        any([
          () => place().run(work.crashWhenToldTo, a, 'a'),
          () => place().run(work.crashWhenToldTo, b, 'b'),
        ]),
      );
      await Promise.all([raised(a), raised(b)]);
      goOn(b);
      await raised(b, ENDED);
      await turns(50);
      goOn(a);
      expect(await error).toBeInstanceOf(TaskGroupError);
      const messages = ((await error) as TaskGroupError).errors.map((one) => (one as Error).message);
      expect(messages.toSorted()).toEqual(['a', 'b']);
    });

    test('is cancelled with the task around, and awaits its functions', async () => {
      const [a, b] = [flag(), flag()];
      const { task } = await taskOf(async (self) => {
        const running = any([forever(place(), a), forever(place(), b)]);
        await Promise.all([raised(a), raised(b)]);
        self().cancel();
        return await running;
      });
      expect(task.status).toBe('cancelled');
      expect(ended(a, b)).toEqual([1, 1]);
    });
  });

  test('of failures and a cancellation from outside: that goes on up, not the failures', async () => {
    let seen: unknown;
    const { task } = await taskOf(async (self) => {
      try {
        await any([
          () => Promise.reject(new Error('mirror down')),
          async () => {
            await turns();
            self().cancel('outside');
            await sleep(Infinity);
          },
        ]);
      } catch (error) {
        seen = error;
        throw error;
      }
    });
    expect(seen).toBeInstanceOf(CancelledError);
    expect(task.status).toBe('cancelled');
  });

  test('within a group fails as a child does', async () => {
    const error = await failure(
      TaskGroup.run(async (group) => {
        const task = group.spawn(() => any([() => Promise.reject(new Error('a'))]));
        await settled(task);
        expect(task.status).toBe('rejected');
      }),
    );
    expect((error as TaskGroupError).errors[0]).toBeInstanceOf(TaskGroupError);
  });
});
