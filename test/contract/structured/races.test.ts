/** What happens at the same moment: each case is driven to it, and has one outcome. */
import { describe, expect, test } from 'vitest';
import { shield, sleep, type Task, TaskGroup, TaskGroupError } from '../../../src/index.ts';
import { failure } from '../../fixtures/awaiting.ts';
import { blockUntil, ENDED, SEEN } from '../executors/jobs.ts';
import { flag, goOn, raised } from '../executors/stand.ts';
import { begin, deferred, eachPlace, eachThread, groupFailure, settled, taskOf, turns } from './places.ts';
import { CALLED, work } from './work.ts';

const crash = new RangeError('crash');

describe('A cancellation that arrives while a child crashes', () => {
  test.each(['the crash first', 'the cancellation first'])(
    'does not hide the crash of a wait that it does not end (%s)',
    async (order) => {
      const wait = deferred<never>();
      const error = await groupFailure(
        TaskGroup.run(async (group) => {
          group.spawn(() => wait.promise);
          await turns();
          if (order === 'the crash first') wait.reject(crash);
          group.cancel();
          wait.reject(crash);
        }),
      );
      expect(error.errors).toEqual([crash]);
    },
  );

  test('does not hide a crash that has just come out of another task', async () => {
    const wait = deferred<never>();
    let awaiting!: Task<unknown>;
    const error = await groupFailure(
      TaskGroup.run(async (outer) => {
        awaiting = outer.spawn(async () => {
          await TaskGroup.run((inner) => void inner.spawn(() => wait.promise));
        });
        await turns();
        wait.reject(crash);
        // Several microtasks later the inner group is told, and then the outer.
        for (let n = 0; n < 3; n++) await Promise.resolve();
        outer.cancel();
      }),
    );
    expect(awaiting.status).toBe('rejected');
    expect(error.find(RangeError)).toBe(crash);
  });

  test('by an abort listener of the very failure changes nothing', async () => {
    const error = await groupFailure(
      TaskGroup.run(async (group) => {
        group.signal.addEventListener('abort', () => group.cancel('listener'));
        group.spawn(() => Promise.reject(crash));
        await sleep(Infinity);
      }),
    );
    expect(error.errors).toEqual([crash]);
    expect(error.cause).toBe(crash);
  });

  eachThread((place) => {
    test('in a thread, and nobody knows of it yet: cancelled or failed, and the group ends after the job', async () => {
      for (let round = 0; round < 5; round++) {
        const words = flag();
        const [outcome] = await Promise.allSettled([
          TaskGroup.run(async (group) => {
            await begin(group, place(), work.crashWhenToldTo, words, 'crash');
            goOn(words);
            // This loop hears nothing meanwhile.
            blockUntil(words, ENDED);
            group.cancel();
            await sleep(Infinity);
          }),
        ]);
        if (outcome.status === 'fulfilled') expect(outcome.value).toBeUndefined();
        else expect(outcome.reason.errors).toMatchObject([{ name: 'RangeError', message: 'crash' }]);
        expect(Atomics.load(words, ENDED)).toBe(1);
      }
    });
  });
});

describe('A failure while being cancelled', () => {
  test('counts: a crash in `finally` of a cancelled child', async () => {
    const words = flag();
    const error = await groupFailure(
      TaskGroup.run(async (group) => {
        group.spawn(() => work.crashInFinally(words, 'in finally'));
        await raised(words);
        group.cancel();
      }),
    );
    expect(error.errors).toMatchObject([{ message: 'in finally' }]);
  });

  test('counts after the failure that caused it, in order', async () => {
    const [a, b] = [flag(), flag()];
    const error = await groupFailure(
      TaskGroup.run(async (group) => {
        group.spawn(() => work.crashInFinally(a, 'a'));
        group.spawn(() => work.crashInFinally(b, 'b'));
        await Promise.all([raised(a), raised(b)]);
        group.spawn(() => Promise.reject(crash));
        await sleep(Infinity);
      }),
    );
    expect(error.errors.map((one) => (one as Error).message)).toEqual(['crash', 'a', 'b']);
    expect(error.cause).toBe(crash);
  });

  test('counts in the body as in a child', async () => {
    const error = await groupFailure(
      TaskGroup.run(async (group) => {
        group.spawn(() => Promise.reject(crash));
        await work.crashInFinally(flag(), 'body');
      }),
    );
    expect(error.errors.map((one) => (one as Error).message)).toEqual(['crash', 'body']);
  });

  test('from outside is a failure of the group, not lost behind the CancelledError', async () => {
    const words = flag();
    const { task } = await taskOf(async (self) => {
      await TaskGroup.run(async (group) => {
        group.spawn(() => work.crashInFinally(words, 'inner'));
        await raised(words);
        self().cancel();
      });
    });
    expect(task.status).toBe('rejected');
    expect(((await failure(task)) as TaskGroupError).errors).toMatchObject([{ message: 'inner' }]);
  });

  eachThread((place) => {
    test('in a thread: the group awaits the end of the job', async () => {
      const words = flag();
      await TaskGroup.run(async (group) => {
        await begin(group, place(), work.crashInFinally, words, 'in finally');
        group.cancel();
      }).catch((error: unknown) => expect(error).toBeInstanceOf(TaskGroupError));
      expect(Atomics.load(words, ENDED)).toBe(1);
    });
  });
});

describe('Inner failure and outer cancellation together', () => {
  eachPlace((place, inThread) => {
    test.each(['the failure first', 'the cancellation first'])(
      'end both groups; a failure that the inner one knows of is not lost (%s)',
      async (order) => {
        const [failing, sibling] = [flag(), flag()];
        const [outcome] = await Promise.allSettled([
          TaskGroup.run(async (outer) => {
            const inner = outer.spawn(() =>
              TaskGroup.run(async (group) => {
                await begin(group, place(), work.hold, sibling);
                await begin(group, place(), work.crashWhenToldTo, failing, 'inner');
                await sleep(Infinity);
              }),
            );
            await raised(failing);
            if (order === 'the failure first') {
              goOn(failing);
              await raised(sibling, ENDED);
            }
            outer.cancel('outer');
            goOn(failing);
            await settled(inner);
          }),
        ]);
        expect([sibling, failing].map((words) => Atomics.load(words, ENDED))).toEqual([1, 1]);
        // The future of a cancelled job is settled at once: what the job fails with later reaches nobody.
        if (inThread && order === 'the cancellation first') expect(outcome.status).toBe('fulfilled');
        else {
          const error = (outcome as PromiseRejectedResult).reason as TaskGroupError;
          expect(error.errors).toHaveLength(1);
          expect(error.errors[0]).toBeInstanceOf(TaskGroupError);
          expect(error.find(RangeError)?.message).toBe('inner');
        }
      },
    );

    test.each([
      ['inner', 'outer'],
      ['outer', 'inner'],
    ])('nested groups both cancelled (%s, then %s) both end, without an error', async (first) => {
      const words = flag();
      const ended: string[] = [];
      const value = await TaskGroup.run(async (outer) => {
        outer.spawn(async () => {
          await TaskGroup.run(async (inner) => {
            await begin(inner, place(), work.hold, words);
            for (const group of first === 'inner' ? [inner, outer] : [outer, inner]) group.cancel(first);
            await sleep(Infinity);
          }).finally(() => ended.push('inner'));
        });
        await sleep(Infinity);
      });
      expect(value).toBeUndefined();
      expect(ended).toEqual(['inner']);
      expect([Atomics.load(words, SEEN), Atomics.load(words, ENDED)]).toEqual([1, 1]);
    });
  });

  test('two children that crash in one tick are both told of, in order', async () => {
    const [a, b] = [deferred<never>(), deferred<never>()];
    const error = await groupFailure(
      TaskGroup.run(async (group) => {
        group.spawn(() => a.promise);
        group.spawn(() => b.promise);
        await turns();
        b.reject(new Error('b'));
        a.reject(new Error('a'));
      }),
    );
    expect(error.errors.map((one) => (one as Error).message)).toEqual(['b', 'a']);
  });

  test('a child that crashes as its sibling is cancelled by itself fails the group alone', async () => {
    const wait = deferred<never>();
    const error = await groupFailure(
      TaskGroup.run(async (group) => {
        const sibling = group.spawn(() => sleep(Infinity));
        group.spawn(() => wait.promise);
        await turns();
        sibling.cancel();
        wait.reject(crash);
      }),
    );
    expect(error.errors).toEqual([crash]);
  });
});

describe('A child that adds children while the group is being cancelled', () => {
  eachPlace((place) => {
    test('adds tasks that never run; the group ends', async () => {
      const [words, added] = [flag(), flag()];
      const statuses: string[] = [];
      await TaskGroup.run(async (group) => {
        const add = (): void =>
          void statuses.push(group.spawn(() => place().run(work.value, added, 1)).status);
        group.spawn(async () => {
          try {
            await place().run(work.hold, words);
          } finally {
            add();
            await shield(async () => add());
          }
        });
        await raised(words);
        group.cancel();
        await turns();
      });
      expect(statuses).toEqual(['cancelled', 'cancelled']);
      expect(Atomics.load(added, CALLED)).toBe(0);
    });

    test('may open a group of its own within shield, whose tasks run', async () => {
      const [words, inner] = [flag(), flag()];
      await TaskGroup.run(async (group) => {
        group.spawn(async () => {
          try {
            await place().run(work.hold, words);
          } finally {
            await shield(() =>
              TaskGroup.run((own) => void own.spawn(() => place().run(work.value, inner, 1))),
            );
          }
        });
        await raised(words);
        group.cancel();
      });
      expect(Atomics.load(inner, ENDED)).toBe(1);
    });
  });
});
