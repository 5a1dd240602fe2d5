/** wait() and asCompleted() over tasks, futures of jobs, and promises: they look on, and change nothing. */
import { describe, expect, test } from 'vitest';
import {
  asCompleted,
  CancelledError,
  sleep,
  type Task,
  TaskGroup,
  TimeoutError,
  wait,
} from '../../../src/index.ts';
import { failure, thrown } from '../../fixtures/awaiting.ts';
import { ENDED } from '../executors/jobs.ts';
import { flag, goOn } from '../executors/stand.ts';
import { begin, deferred, eachPlace, pass, settled, taskOf, turns, useVirtualClock } from './places.ts';
import { work } from './work.ts';

useVirtualClock();

describe('wait()', () => {
  eachPlace((place) => {
    test('waits for all, and throws no error of theirs', async () => {
      const [good, bad] = [flag(), flag()];
      await TaskGroup.run(
        async (group) => {
          const a = await begin(group, place(), work.giveWhenToldTo, good, 1);
          const b = await begin(group, place(), work.crashWhenToldTo, bad, 'own');
          const waiting = wait<Task<unknown>>([a.task, b.task, a.task]);
          goOn(bad);
          goOn(good);
          const { done, pending } = await waiting;
          expect([done.size, pending.size]).toEqual([2, 0]);
          expect([done.has(a.task), done.has(b.task)]).toEqual([true, true]);
        },
        { onFailure: 'collect' },
      ).catch(() => {});
    });

    test.each(['first', 'first-error'] as const)(
      'until %s leaves the rest pending, and going on',
      async (until) => {
        const [good, bad, rest] = [flag(), flag(), flag()];
        await TaskGroup.run(
          async (group) => {
            const a = await begin(group, place(), work.giveWhenToldTo, good, 1);
            const b = await begin(group, place(), work.crashWhenToldTo, bad, 'own');
            const c = await begin(group, place(), work.giveWhenToldTo, rest, 3);
            const waiting = wait<Task<unknown>>([a.task, b.task, c.task], { until });
            goOn(good);
            await settled(a.task);
            await turns();
            goOn(bad);
            const { done, pending } = await waiting;
            expect(done.has(a.task)).toBe(true);
            expect(pending.has(c.task)).toBe(true);
            if (until === 'first-error') expect([...done]).toEqual([a.task, b.task]);
            expect(c.task.status).toBe('pending');
            goOn(rest);
            expect(await c.task).toBe(3);
          },
          { onFailure: 'collect' },
        ).catch(() => {});
      },
    );

    test('ends with the cancellation of who waits: what it waits for goes on', async () => {
      const words = flag();
      await TaskGroup.run(async (group) => {
        const { task } = await begin(group, place(), work.giveWhenToldTo, words, 'value');
        const waiting = group.spawn(() => wait([task]));
        await turns();
        waiting.cancel();
        await settled(waiting);
        expect([waiting.status, task.status]).toEqual(['cancelled', 'pending']);
        goOn(words);
        expect(await task).toBe('value');
      });
      expect(Atomics.load(words, ENDED)).toBe(1);
    });

    test('counts a cancelled task as done, and as an error', async () => {
      const words = flag();
      await TaskGroup.run(async (group) => {
        const { task } = await begin(group, place(), work.hold, words);
        const other = group.spawn(() => sleep(Infinity));
        const waiting = wait<Task<unknown>>([task, other], { until: 'first-error' });
        task.cancel();
        expect([...(await waiting).done]).toEqual([task]);
        other.cancel();
      });
    });
  });

  test('of nothing gives two empty sets', async () => {
    for (const until of ['all', 'first', 'first-error'] as const)
      expect(await wait([], { until })).toEqual({ done: new Set(), pending: new Set() });
  });

  test('of nothing refuses wrong arguments and an aborted signal all the same', async () => {
    expect(await failure(wait([], { timeout: -1 }))).toBeInstanceOf(RangeError);
    expect(await failure(wait([], { timeout: NaN }))).toBeInstanceOf(RangeError);
    expect(await failure(wait([], { signal: {} as never }))).toBeInstanceOf(TypeError);
    expect(await failure(wait([], { signal: AbortSignal.abort('aborted') }))).toBe('aborted');
  });

  test('says in its TimeoutError how many are unfinished; nothing is cancelled', async () => {
    const promises = [Promise.resolve(1), deferred().promise, deferred().promise, Promise.resolve(2)];
    const error = failure(wait(promises, { timeout: 100 }));
    await turns();
    pass(100);
    expect(await error).toBeInstanceOf(TimeoutError);
    expect(((await error) as Error).message).toContain('2 of 4 unfinished');
  });

  test('with a signal rejects with its reason', async () => {
    const controller = new AbortController();
    const error = failure(wait([deferred().promise], { signal: controller.signal }));
    controller.abort('reason');
    expect(await error).toBe('reason');
  });

  test('has what was settled at the call among the done ones, together with what settles in the same tick', async () => {
    const late = deferred();
    const [a, b] = [Promise.resolve(1), Promise.reject(new Error('own'))];
    const { done } = await wait<Promise<unknown>>([a, b, late.promise], { until: 'first-error' });
    expect([...done]).toEqual([a, b]);
  });

  test('counts as awaiting: an error of what it waited for is not unhandled', async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown): void => void unhandled.push(reason);
    process.on('unhandledRejection', note);
    try {
      const late = deferred();
      await wait([Promise.resolve(), late.promise], { until: 'first' });
      late.reject(new Error('late'));
      await turns(10);
    } finally {
      process.off('unhandledRejection', note);
    }
    expect(unhandled).toEqual([]);
  });

  test('refuses what is no promise by rejecting', async () => {
    expect(await failure(wait([1 as never]))).toBeInstanceOf(TypeError);
    expect(await failure(wait(5 as never))).toBeInstanceOf(TypeError);
    expect(await failure(wait([], { until: 'some' as never }))).toBeInstanceOf(TypeError);
    expect(await failure(wait([deferred().promise], { timeout: -1 }))).toBeInstanceOf(RangeError);
  });
});

describe('asCompleted()', () => {
  eachPlace((place) => {
    test('yields the very objects given, in the order of settling, failed ones too, duplicates once', async () => {
      const words = [flag(), flag(), flag()];
      await TaskGroup.run(
        async (group) => {
          const a = await begin(group, place(), work.giveWhenToldTo, words[0]!, 'a');
          const b = await begin(group, place(), work.crashWhenToldTo, words[1]!, 'b');
          const c = await begin(group, place(), work.giveWhenToldTo, words[2]!, 'c');
          const tasks: readonly Task<unknown>[] = [a.task, b.task, c.task];
          const order: Task<unknown>[] = [];
          const next = [2, 1, 0];
          goOn(words[next.shift()!]!);
          for await (const task of asCompleted([...tasks, a.task])) {
            order.push(task);
            expect(task.status).not.toBe('pending');
            const following = next.shift();
            if (following !== undefined) goOn(words[following]!);
          }
          expect(order.map((task) => tasks.indexOf(task))).toEqual([2, 1, 0]);
          expect(await failure(order[1]!)).toMatchObject({ message: 'b' });
        },
        { onFailure: 'collect' },
      ).catch(() => {});
    });

    test('left early cancels nothing: the others go on and are awaited by their group', async () => {
      const [quick, slow] = [flag(), flag()];
      const seen: unknown[] = [];
      await TaskGroup.run(async (group) => {
        const a = await begin(group, place(), work.giveWhenToldTo, quick, 'quick');
        const b = await begin(group, place(), work.giveWhenToldTo, slow, 'slow');
        goOn(quick);
        for await (const task of asCompleted([a.task, b.task])) {
          seen.push(await task);
          break;
        }
        expect(b.task.status).toBe('pending');
        goOn(slow);
        seen.push(await b.task);
      });
      expect(seen).toEqual(['quick', 'slow']);
    });

    test('in a cancelled task rejects with its CancelledError, and the loop is left', async () => {
      const words = flag();
      let seen: unknown;
      await TaskGroup.run(async (group) => {
        const { task } = await begin(group, place(), work.giveWhenToldTo, words, 1);
        const looking = group.spawn(async () => {
          try {
            for await (const _ of asCompleted([task]));
          } catch (error) {
            seen = error;
            throw error;
          }
        });
        await turns();
        looking.cancel('why');
        await settled(looking);
        expect([looking.status, task.status]).toEqual(['cancelled', 'pending']);
        goOn(words);
      });
      expect(seen).toBeInstanceOf(CancelledError);
    });
  });

  test('its time-out counts from the call over the whole, and says how many are unfinished', async () => {
    const first = deferred();
    const completed = asCompleted([first.promise, deferred().promise, deferred().promise], { timeout: 100 });
    pass(60);
    first.resolve();
    expect((await completed.next()).done).toBe(false);
    const error = failure(completed.next());
    pass(100);
    expect(await error).toBeInstanceOf(TimeoutError);
    expect(((await error) as Error).message).toContain('2 of 3 unfinished');
    expect(await completed.next()).toEqual({ value: undefined, done: true });
  });

  test('of nothing is over at once; next() of several at once gives each another', async () => {
    expect(await asCompleted([]).next()).toEqual({ value: undefined, done: true });
    const promises = [Promise.resolve(1), Promise.resolve(2)];
    const completed = asCompleted(promises);
    const results = await Promise.all([completed.next(), completed.next(), completed.next()]);
    expect(results.map(({ value }) => value)).toEqual([promises[0], promises[1], undefined]);
  });

  test('refuses what is no promise by throwing, before anything', () => {
    expect(thrown(() => asCompleted([1 as never]))).toBeInstanceOf(TypeError);
    expect(thrown(() => asCompleted([], { timeout: NaN }))).toBeInstanceOf(RangeError);
  });

  test('is closed by `await using` and by return(): it gives nothing more', async () => {
    const completed = asCompleted([Promise.resolve(1)]);
    await completed[Symbol.asyncDispose]();
    expect((await completed.next()).done).toBe(true);
  });

  test('within a task that ends by itself: what it began is no leak of the task', async () => {
    const late = deferred();
    const { task } = await taskOf(() => void asCompleted([late.promise]).next());
    expect(task.status).toBe('fulfilled');
    late.resolve();
  });
});
