/** A group of tasks, wherever their work is done: it ends when all have, and tells of each failure once. */
import { describe, expect, test } from 'vitest';
import {
  CancelledError,
  HeddleError,
  InvalidStateError,
  sleep,
  type Task,
  TaskGroup,
  TaskGroupError,
} from '../../../src/index.ts';
import { failure, thrown, turn } from '../../fixtures/awaiting.ts';
import { ENDED, SEEN } from '../executors/jobs.ts';
import { flag, goOn, raised } from '../executors/stand.ts';
import { begin, deferred, eachPlace, groupFailure, settled, turns } from './places.ts';
import { CALLED, work } from './work.ts';

describe('A task group', () => {
  eachPlace((place) => {
    test('ends when all its tasks have, with the value of its body', async () => {
      const words = flag();
      let ended = false;
      const running = TaskGroup.run((group) => {
        group.spawn(() => place().run(work.giveWhenToldTo, words, 1));
        return 'body';
      }).finally(() => (ended = true));
      await raised(words);
      await turns();
      expect(ended).toBe(false);
      goOn(words);
      expect(await running).toBe('body');
      expect(Atomics.load(words, ENDED)).toBe(1);
    });

    test('gives the value of a task to each who awaits it, also after the end', async () => {
      const kept = await TaskGroup.run(async (group) => {
        const task = group.spawn(() => place().run(work.value, flag(), { n: 1 }));
        expect(await task).toEqual({ n: 1 });
        expect(await Promise.all([task, task])).toEqual([{ n: 1 }, { n: 1 }]);
        return { task };
      });
      expect(await kept.task).toEqual({ n: 1 });
      expect(kept.task.status).toBe('fulfilled');
    });

    test('cancels siblings and body at the first failure, awaits them, and has it as its cause', async () => {
      const [sibling, failing] = [flag(), flag()];
      let cutOff: unknown;
      const error = await groupFailure(
        TaskGroup.run(async (group) => {
          await begin(group, place(), work.hold, sibling);
          await begin(group, place(), work.crashWhenToldTo, failing, 'first');
          goOn(failing);
          await sleep(Infinity).catch((reason: unknown) => {
            cutOff = reason;
            throw reason;
          });
        }),
      );
      expect(error.errors).toHaveLength(1);
      expect(error.errors[0]).toMatchObject({ name: 'RangeError', message: 'first' });
      expect(error.cause).toBe(error.errors[0]);
      expect(cutOff).toBeInstanceOf(CancelledError);
      expect((cutOff as CancelledError).cause).toBe(error.cause);
      expect([Atomics.load(sibling, SEEN), Atomics.load(sibling, ENDED)]).toEqual([1, 1]);
    });

    test('its error is an AggregateError and a HeddleError, and finds the first failure of a class', async () => {
      const error = await groupFailure(
        TaskGroup.run((outer) => {
          outer.spawn(() =>
            TaskGroup.run((group) => void group.spawn(() => place().run(work.crash, flag(), 'deep'))),
          );
        }),
      );
      expect(error).toBeInstanceOf(AggregateError);
      expect(error).toBeInstanceOf(HeddleError);
      expect(error.code).toBe('ERR_HEDDLE_TASK_GROUP');
      expect(error.find(RangeError)?.message).toBe('deep');
      expect(error.find(SyntaxError)).toBeUndefined();
      expect(error.errors[0]).toBeInstanceOf(TaskGroupError);
    });

    test('cancels and awaits its tasks when the body throws', async () => {
      const words = flag();
      const error = await groupFailure(
        TaskGroup.run(async (group) => {
          await begin(group, place(), work.hold, words);
          throw new TypeError('the body');
        }),
      );
      expect(error.errors).toMatchObject([{ name: 'TypeError', message: 'the body' }]);
      expect([Atomics.load(words, SEEN), Atomics.load(words, ENDED)]).toEqual([1, 1]);
    });

    test('fails though the body has caught the error of the task', async () => {
      const error = await groupFailure(
        TaskGroup.run(async (group) => {
          const task = group.spawn(() => place().run(work.crash, flag(), 'caught'));
          expect(await failure(task)).toBeInstanceOf(Error);
          return 'value';
        }),
      );
      expect(error.errors).toMatchObject([{ message: 'caught' }]);
    });

    test('counts an error once, though another task fails by awaiting the task that failed', async () => {
      const words = flag();
      const error = await groupFailure(
        TaskGroup.run(
          async (group) => {
            const { task } = await begin(group, place(), work.crashWhenToldTo, words, 'once');
            group.spawn(async () => await task);
            group.spawn(async () => await task);
            await turns();
            goOn(words);
          },
          { onFailure: 'collect' },
        ),
      );
      expect(error.errors).toMatchObject([{ message: 'once' }]);
    });

    test("with onFailure: 'collect' all finish, and the errors come in order of failure", async () => {
      const [first, second, third] = [flag(), flag(), flag()];
      const tasks: Task<unknown>[] = [];
      const error = await groupFailure(
        TaskGroup.run(
          async (group) => {
            const a = await begin(group, place(), work.crashWhenToldTo, first, 'spawned first');
            const b = await begin(group, place(), work.crashWhenToldTo, second, 'spawned second');
            const c = await begin(group, place(), work.giveWhenToldTo, third, 3);
            tasks.push(a.task, b.task, c.task);
            goOn(second);
            await settled(b.task);
            goOn(first);
            await settled(a.task);
            goOn(third);
            expect(await c.task).toBe(3);
            throw new TypeError('the body');
          },
          { onFailure: 'collect' },
        ),
      );
      expect(error.errors.map((one) => (one as Error).message)).toEqual([
        'spawned second',
        'spawned first',
        'the body',
      ]);
      expect(error.cause).toBe(error.errors[0]);
      expect(tasks.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
    });

    test('shows what has not ended in `tasks`, in the order of spawn', async () => {
      const [first, second] = [flag(), flag()];
      await TaskGroup.run(async (group) => {
        expect(group.tasks.size).toBe(0);
        const a = group.spawn(() => place().run(work.giveWhenToldTo, first, 1));
        const b = group.spawn(() => place().run(work.giveWhenToldTo, second, 2));
        expect([...group.tasks]).toEqual([a, b]);
        goOn(first);
        await a;
        expect([...group.tasks]).toEqual([b]);
        goOn(second);
        await b;
        expect(group.tasks.size).toBe(0);
      });
    });

    test('keeps a cancelled task in `tasks` until its work has really ended', async () => {
      const words = flag();
      await TaskGroup.run(async (group) => {
        const { task } = await begin(group, place(), work.giveWhenToldTo, words, 1);
        task.cancel();
        await turns();
        expect(group.tasks.has(task)).toBe(true);
        expect(task.status).toBe('pending');
        goOn(words);
        await settled(task);
        expect(group.tasks.has(task)).toBe(false);
      });
      expect(Atomics.load(words, ENDED)).toBe(1);
    });

    test('does not count a child that was cancelled by itself as a failure: its siblings go on', async () => {
      const [one, other] = [flag(), flag()];
      const value = await TaskGroup.run(async (group) => {
        const a = await begin(group, place(), work.hold, one);
        const b = await begin(group, place(), work.hold, other);
        expect(a.task.cancel('enough')).toBe(true);
        expect(await failure(a.task)).toMatchObject({ name: 'CancelledError', cause: 'enough' });
        expect(a.task.status).toBe('cancelled');
        expect(a.task.cancel()).toBe(false);
        goOn(other);
        return await b.task;
      });
      expect(value).toBe('done');
      expect([Atomics.load(one, SEEN), Atomics.load(one, ENDED)]).toEqual([1, 1]);
    });

    test('counts a cancellation that a child has dressed up as its cancellation', async () => {
      const words = flag();
      await TaskGroup.run(async (group) => {
        const { task } = await begin(group, place(), work.wrap, words);
        task.cancel();
        expect(await failure(task)).toBeInstanceOf(CancelledError);
        expect(task.status).toBe('cancelled');
      });
      expect(Atomics.load(words, SEEN)).toBe(1);
    });

    test('waits for children that children add, however deep', async () => {
      const words = flag();
      await TaskGroup.run((group) => {
        const add = async (depth: number): Promise<void> => {
          await place().run(work.value, words, depth);
          if (depth > 0) group.spawn(() => add(depth - 1));
        };
        group.spawn(() => add(4));
      });
      expect(Atomics.load(words, CALLED)).toBe(5);
    });

    test('takes what is spawned while only its last task still runs', async () => {
      const [last, added] = [flag(), flag()];
      let group!: TaskGroup;
      const running = TaskGroup.run((one) => {
        group = one;
        one.spawn(() => place().run(work.giveWhenToldTo, last, 1));
      });
      await raised(last);
      const late = group.spawn(() => place().run(work.giveWhenToldTo, added, 2));
      goOn(last);
      await raised(added);
      expect(late.status).toBe('pending');
      goOn(added);
      await running;
      expect(late.status).toBe('fulfilled');
      expect(thrown(() => group.spawn(() => {}))).toBeInstanceOf(InvalidStateError);
    });
  });

  test('that is empty ends at once', async () => {
    expect(await TaskGroup.run(() => {})).toBeUndefined();
    expect(await TaskGroup.run(async () => 1)).toBe(1);
  });

  test('lists thrown values that are no errors as they are', async () => {
    const error = await groupFailure(
      TaskGroup.run(
        (group) => {
          for (const value of [undefined, null, 'text', 0])
            group.spawn(() => {
              throw value;
            });
        },
        { onFailure: 'collect' },
      ),
    );
    expect(error.errors).toEqual([undefined, null, 'text', 0]);
  });

  test('counts the same error object once, thrown by children and by the body', async () => {
    const same = new Error('same');
    const error = await groupFailure(
      TaskGroup.run(
        async (group) => {
          group.spawn(() => Promise.reject(same));
          group.spawn(() => {
            throw same;
          });
          await turn();
          throw same;
        },
        { onFailure: 'collect' },
      ),
    );
    expect(error.errors).toEqual([same]);
  });

  test('fails by what a child awaited that was cancelled by somebody else: that is not its cancellation', async () => {
    const error = await groupFailure(
      TaskGroup.run(async (group) => {
        const cancelled = group.spawn(() => sleep(Infinity));
        const awaiting = group.spawn(async () => await cancelled, { name: 'awaiting' });
        await turns();
        cancelled.cancel('not mine');
        await settled(awaiting);
        expect(awaiting.status).toBe('rejected');
      }),
    );
    expect(error).toBeInstanceOf(TaskGroupError);
  });

  test('takes thenables of any make from a child', async () => {
    const value = await TaskGroup.run(async (group) => {
      const thenable: PromiseLike<number> = {
        then: (resolve) => Promise.resolve(resolve?.(7) as never),
      };
      return await group.spawn(() => thenable);
    });
    expect(value).toBe(7);
  });

  test('gives each child the signal of its task', async () => {
    await TaskGroup.run(async (group) => {
      const given = deferred<AbortSignal>();
      const task = group.spawn((signal) => {
        given.resolve(signal);
        return sleep(Infinity);
      });
      expect(await given.promise).toBe(task.signal);
      expect(task.signal).not.toBe(group.signal);
      task.cancel('why');
      expect(task.signal.reason).toMatchObject({ name: 'CancelledError', cause: 'why' });
      expect(group.signal.aborted).toBe(false);
    });
  });

  test('names tasks as told, after their function, or after the group; names need not differ', async () => {
    await TaskGroup.run(
      (group) => {
        expect(group.spawn(() => {}, { name: 'told' }).name).toBe('told');
        expect(group.spawn(() => {}, { name: 'told' }).name).toBe('told');
        expect(group.spawn(async function fetchPage() {}).name).toBe('fetchPage');
        expect(group.spawn(() => {}).name).toContain('downloads');
      },
      { name: 'downloads' },
    );
  });
});

describe('TaskGroup.spawn()', () => {
  test('never calls the function itself, but before the next macrotask, in the order of spawn', async () => {
    const calls: number[] = [];
    await TaskGroup.run(async (group) => {
      for (let n = 0; n < 3; n++) group.spawn(() => void calls.push(n));
      expect(calls).toEqual([]);
      await new Promise<void>((resolve) => queueMicrotask(() => queueMicrotask(resolve)));
      await turn();
      expect(calls).toEqual([0, 1, 2]);
    });
  });

  test('does not let a function that throws at once throw at its caller', async () => {
    const error = await groupFailure(
      TaskGroup.run((group) => {
        group.spawn(() => {
          throw new RangeError('at once');
        });
      }),
    );
    expect(error.find(RangeError)?.message).toBe('at once');
  });

  test('refuses what is no function by throwing, and the group goes on', async () => {
    const value = await TaskGroup.run((group) => {
      expect(thrown(() => group.spawn(5 as never))).toBeInstanceOf(TypeError);
      return group.tasks.size;
    });
    expect(value).toBe(0);
  });
});
