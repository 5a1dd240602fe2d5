/** A group that is cancelled, by itself or from outside: what never ran never runs, what runs is awaited. */
import { getEventListeners } from 'node:events';
import { describe, expect, test } from 'vitest';
import { CancelledError, sleep, TaskGroup } from '../../../src/index.ts';
import { failure, turn } from '../../fixtures/awaiting.ts';
import { COUNT, ENDED, SEEN } from '../executors/jobs.ts';
import { flag, goOn, raised } from '../executors/stand.ts';
import { aborted, begin, eachPlace, groupFailure, settled, taskOf, turns } from './places.ts';
import { CALLED, CLEANING, work } from './work.ts';

describe('TaskGroup.cancel()', () => {
  eachPlace((place, inThread) => {
    test('ends the group without an error once all its tasks have ended', async () => {
      const [one, other] = [flag(), flag()];
      let over = false;
      const running = TaskGroup.run(async (group) => {
        await begin(group, place(), work.hold, one);
        await begin(group, place(), work.cleanUp, other);
        group.cancel('over');
        await sleep(Infinity);
      }).finally(() => (over = true));
      await raised(other, CLEANING);
      await raised(one, ENDED);
      await turns();
      expect(over).toBe(false);
      goOn(other);
      expect(await running).toBeUndefined();
      expect([one, other].map((words) => Atomics.load(words, SEEN))).toEqual([1, 1]);
      expect([one, other].map((words) => Atomics.load(words, ENDED))).toEqual([1, 1]);
    });

    test('is idempotent: the first reason counts, also after a failure and after the end', async () => {
      const words = flag();
      let group!: TaskGroup;
      await TaskGroup.run(async (one) => {
        group = one;
        const { task } = await begin(one, place(), work.hold, words);
        one.cancel('first');
        one.cancel('second');
        one.cancel();
        await settled(task);
        expect(task.status).toBe('cancelled');
        expect(one.signal.reason).toMatchObject({ name: 'CancelledError', cause: 'first' });
      });
      group.cancel('late');
      expect(group.signal.reason).toMatchObject({ cause: 'first' });
    });

    test('after a failure changes nothing: the failure is the reason', async () => {
      const words = flag();
      const error = await groupFailure(
        TaskGroup.run(async (group) => {
          await begin(group, place(), work.hold, words);
          group.spawn(() => place().run(work.crash, flag(), 'failed'));
          await aborted(group.signal);
          group.cancel('too late');
          expect(group.signal.reason.cause).toMatchObject({ message: 'failed' });
        }),
      );
      expect(error.errors).toMatchObject([{ message: 'failed' }]);
    });

    test('keeps the value of a body that was not cut off', async () => {
      const words = flag();
      const value = await TaskGroup.run(async (group) => {
        await begin(group, place(), work.hold, words);
        group.cancel();
        return 'value';
      });
      expect(value).toBe('value');
    });

    test('before the first step: what was spawned never runs', async () => {
      const words = flag();
      const seen: string[] = [];
      await TaskGroup.run(async (group) => {
        const tasks = [1, 2, 3].map((n) => group.spawn(() => place().run(work.value, words, n)));
        group.cancel();
        seen.push(...tasks.map(({ status }) => status));
        await turns();
      });
      expect(seen).toEqual(['cancelled', 'cancelled', 'cancelled']);
      expect(Atomics.load(words, CALLED)).toBe(0);
    });

    test('gives tasks that are spawned later as cancelled already; they never run', async () => {
      const words = flag();
      await TaskGroup.run(async (group) => {
        group.cancel('over');
        const task = group.spawn(() => place().run(work.value, words, 1));
        expect(task.status).toBe('cancelled');
        expect(group.tasks.size).toBe(0);
        await turns();
      });
      expect(Atomics.load(words, CALLED)).toBe(0);
    });

    test('reaches groups below, wherever they are, and awaits their tasks', async () => {
      const words = flag();
      await TaskGroup.run(async (group) => {
        await begin(group, place(), work.group, words, 3);
        group.cancel();
      });
      expect([Atomics.load(words, COUNT), Atomics.load(words, SEEN)]).toEqual([3, 1]);
      expect(Atomics.load(words, ENDED)).toBe(1);
    });

    test('that a child swallows leaves the child its value, where its end is that of its work', async () => {
      const words = flag();
      await TaskGroup.run(async (group) => {
        const { task } = await begin(group, place(), work.swallow, words);
        group.cancel();
        await settled(task);
        // The future of a job is settled at once by its cancellation, whatever the job makes of it.
        expect(task.status).toBe(inThread ? 'cancelled' : 'fulfilled');
      });
      expect([Atomics.load(words, SEEN), Atomics.load(words, ENDED)]).toEqual([1, 1]);
    });

    test('leaves no abort listener on the signals of group and tasks', async () => {
      const signals: AbortSignal[] = [];
      await TaskGroup.run(async (group) => {
        for (let n = 0; n < 3; n++) {
          const { task } = await begin(group, place(), work.hold, flag());
          signals.push(task.signal);
        }
        signals.push(group.signal);
        group.cancel();
      });
      expect(signals.map((signal) => getEventListeners(signal, 'abort').length)).toEqual([0, 0, 0, 0]);
    });
  });
});

describe('A group that is cancelled from outside', () => {
  eachPlace((place) => {
    test('cancels and awaits its tasks; the CancelledError goes on up', async () => {
      const words = flag();
      let seen: unknown;
      const { task } = await taskOf(async (self) => {
        try {
          await TaskGroup.run(async (group) => {
            await begin(group, place(), work.hold, words);
            self().cancel('outside');
          });
        } catch (error) {
          seen = error;
          expect(Atomics.load(words, ENDED)).toBe(1);
          throw error;
        }
      });
      expect(task.status).toBe('cancelled');
      expect(seen).toBeInstanceOf(CancelledError);
      expect(seen).toMatchObject({ cause: 'outside' });
      expect(await failure(task)).toBe(seen);
      expect(Atomics.load(words, SEEN)).toBe(1);
    });

    test('rejects though its body returned a value: the cancellation is not lost', async () => {
      const words = flag();
      let seen: unknown;
      await taskOf(async (self) => {
        const running = TaskGroup.run(async (group) => {
          await begin(group, place(), work.hold, words);
          return 'value';
        });
        await raised(words);
        self().cancel();
        seen = await failure(running);
        throw seen;
      });
      expect(seen).toBeInstanceOf(CancelledError);
    });

    test('reaches every level, and each level awaits its own', async () => {
      const words = [flag(), flag(), flag()];
      const ended: number[] = [];
      const level = (n: number): Promise<void> =>
        TaskGroup.run(async (group) => {
          await begin(group, place(), work.hold, words[n]!);
          if (n < 2) await level(n + 1);
          await sleep(Infinity);
        }).finally(() => ended.push(n));
      const { task } = await taskOf(async (self) => {
        const running = level(0);
        await raised(words[2]!);
        self().cancel();
        await running;
      });
      expect(task.status).toBe('cancelled');
      expect(ended).toEqual([2, 1, 0]);
      expect(words.map((one) => Atomics.load(one, ENDED))).toEqual([1, 1, 1]);
    });
  });
});

describe('A task that is cancelled', () => {
  eachPlace((place) => {
    test('before its first step never runs, and is cancelled at once', async () => {
      const words = flag();
      await TaskGroup.run(async (group) => {
        const task = group.spawn(() => place().run(work.value, words, 1));
        expect(task.cancel('at once')).toBe(true);
        expect(task.status).toBe('cancelled');
        expect(task.cancel('again')).toBe(false);
        expect(await failure(task)).toMatchObject({ cause: 'at once' });
      });
      expect(Atomics.load(words, CALLED)).toBe(0);
    });

    test('while it waits ends with one CancelledError, the reason of its signal', async () => {
      const words = flag();
      await TaskGroup.run(async (group) => {
        const { task } = await begin(group, place(), work.hold, words);
        expect(task.cancel('first')).toBe(true);
        task.cancel('second');
        const error = await failure(task);
        expect(error).toBe(task.signal.reason);
        expect(error).toMatchObject({ name: 'CancelledError', cause: 'first' });
        expect(task.status).toBe('cancelled');
      });
    });

    test('after its end is what it was', async () => {
      await TaskGroup.run(async (group) => {
        const task = group.spawn(() => place().run(work.value, flag(), 1));
        expect(await task).toBe(1);
        expect(task.cancel()).toBe(false);
        expect(task.status).toBe('fulfilled');
        expect(task.signal.aborted).toBe(false);
      });
    });
  });

  test('by itself sees that at its next wait; if it makes none, it is fulfilled', async () => {
    const { task } = await taskOf((self) => {
      self().cancel('self');
      return 'value';
    });
    expect(task.status).toBe('fulfilled');
    expect(await task).toBe('value');
    const { task: waiting } = await taskOf(async (self) => {
      self().cancel('self');
      await sleep(0);
    });
    expect(waiting.status).toBe('cancelled');
  });

  test('after its function has returned, while what it started goes on: that is cancelled, the value stays', async () => {
    const seen: unknown[] = [];
    await TaskGroup.run(async (group) => {
      const task = group.spawn(() => {
        void TaskGroup.run(() => sleep(Infinity).catch((error: unknown) => void seen.push(error)));
        return 'value';
      });
      await turns();
      expect(task.status).toBe('pending');
      expect(task.cancel('late')).toBe(true);
      await settled(task);
      expect(task.status).toBe('fulfilled');
      expect(await task).toBe('value');
    });
    expect(seen).toMatchObject([{ name: 'CancelledError', cause: 'late' }]);
  });
});

describe('A limit', () => {
  eachPlace((place) => {
    test('bounds how many run at once; the others begin in the order of spawn', async () => {
      const words = [flag(), flag(), flag(), flag()];
      const begun = (): number[] => words.map((one) => Atomics.load(one, CALLED));
      await TaskGroup.run(
        async (group) => {
          const tasks = words.map((one) => group.spawn(() => place().run(work.giveWhenToldTo, one, 1)));
          await Promise.all([raised(words[0]!), raised(words[1]!)]);
          await turns();
          expect(begun()).toEqual([1, 1, 0, 0]);
          expect(group.tasks.size).toBe(4);
          goOn(words[1]!);
          await raised(words[2]!);
          expect(begun()).toEqual([1, 1, 1, 0]);
          for (const one of words) goOn(one);
          await Promise.all(tasks);
        },
        { limit: 2 },
      );
      expect(begun()).toEqual([1, 1, 1, 1]);
    });

    test('skips queued tasks that were cancelled, which never run and leave `tasks` at once', async () => {
      const [first, skipped, next] = [flag(), flag(), flag()];
      await TaskGroup.run(
        async (group) => {
          await begin(group, place(), work.giveWhenToldTo, first, 1);
          const queued = group.spawn(() => place().run(work.value, skipped, 2));
          const last = group.spawn(() => place().run(work.value, next, 3));
          expect(queued.cancel()).toBe(true);
          expect(queued.status).toBe('cancelled');
          expect(group.tasks.has(queued)).toBe(false);
          goOn(first);
          expect(await last).toBe(3);
        },
        { limit: 1 },
      );
      expect([skipped, next].map((one) => Atomics.load(one, CALLED))).toEqual([0, 1]);
    });

    test('keeps the place of a cancelled task until its work has ended', async () => {
      const [first, next] = [flag(), flag()];
      await TaskGroup.run(
        async (group) => {
          const { task } = await begin(group, place(), work.giveWhenToldTo, first, 1);
          group.spawn(() => place().run(work.value, next, 2));
          task.cancel();
          await turns();
          expect(Atomics.load(next, CALLED)).toBe(0);
          goOn(first);
          await raised(next);
        },
        { limit: 1 },
      );
    });

    test('group.cancel(): what is queued never runs, what runs is awaited', async () => {
      const running = flag();
      const queued = flag();
      await TaskGroup.run(
        async (group) => {
          await begin(group, place(), work.hold, running);
          const tasks = [1, 2].map(() => group.spawn(() => place().run(work.value, queued, 1)));
          group.cancel();
          expect(tasks.map(({ status }) => status)).toEqual(['cancelled', 'cancelled']);
        },
        { limit: 1 },
      );
      expect(Atomics.load(running, ENDED)).toBe(1);
      expect(Atomics.load(queued, CALLED)).toBe(0);
    });

    test('a failure cancels what is queued: it never runs', async () => {
      const queued = flag();
      const error = await groupFailure(
        TaskGroup.run(
          (group) => {
            group.spawn(() => place().run(work.crash, flag(), 'failed'));
            group.spawn(() => place().run(work.value, queued, 1));
          },
          { limit: 1 },
        ),
      );
      expect(error.errors).toHaveLength(1);
      expect(Atomics.load(queued, CALLED)).toBe(0);
    });

    test("with onFailure: 'collect' a failure makes room for the next", async () => {
      const next = flag();
      const error = await groupFailure(
        TaskGroup.run(
          (group) => {
            group.spawn(() => place().run(work.crash, flag(), 'failed'));
            group.spawn(() => place().run(work.value, next, 1));
          },
          { limit: 1, onFailure: 'collect' },
        ),
      );
      expect(error.errors).toHaveLength(1);
      expect(Atomics.load(next, CALLED)).toBe(1);
    });
  });

  test('counts tasks that tasks add; one that awaits a queued one of its own group must not be in its way', async () => {
    const order: string[] = [];
    await TaskGroup.run(
      async (group) => {
        group.spawn(async () => {
          order.push('outer');
          group.spawn(() => void order.push('inner'));
          await turn();
        });
        group.spawn(() => void order.push('second'));
      },
      { limit: 1 },
    );
    expect(order).toEqual(['outer', 'second', 'inner']);
  });
});
