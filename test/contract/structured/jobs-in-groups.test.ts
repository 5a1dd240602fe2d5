/** Tasks whose work is jobs of other threads: their errors, what belongs to whom, and what lies deeper. */
import { describe, expect, test } from 'vitest';
import {
  CancelledError,
  type Future,
  shield,
  sleep,
  TaskGroup,
  type TaskGroupError,
  ThreadDiedError,
  ThreadPoolExecutor,
} from '../../../src/index.ts';
import { failure } from '../../fixtures/awaiting.ts';
import { COUNT, ENDED, jobs, SEEN } from '../executors/jobs.ts';
import { flag, goOn, pool, raised } from '../executors/stand.ts';
import { begin, eachPlace, eachThread, groupFailure, settled, turns } from './places.ts';
import { threadJobs } from './thread-jobs.ts';
import { CALLED, work } from './work.ts';

describe('A job in a group', () => {
  eachThread((place) => {
    test('that fails cancels the jobs of its siblings, and is told of once', async () => {
      const [sibling, failing] = [flag(), flag()];
      const error = await groupFailure(
        TaskGroup.run(async (group) => {
          await begin(group, place(), work.hold, sibling);
          await begin(group, place(), work.crashWhenToldTo, failing, 'in a thread');
          goOn(failing);
        }),
      );
      expect(error.errors).toMatchObject([{ name: 'RangeError', message: 'in a thread' }]);
      expect([Atomics.load(sibling, SEEN), Atomics.load(sibling, ENDED)]).toEqual([1, 1]);
    });

    test('comes back with an error of its class, and a stack that shows the place in the thread', async () => {
      const error = await groupFailure(
        TaskGroup.run((group) => void group.spawn(() => place().run(jobs.fail))),
      );
      expect(error.errors[0]).toMatchObject({
        name: 'PartError',
        part: 'wheel',
        cause: { name: 'RangeError' },
      });
      expect((error.errors[0] as Error).stack).toMatch(/fail.*jobs\.ts/s);
    });

    test('comes back with an error whose stack shows the place that submitted it as well', async () => {
      const error = await groupFailure(
        TaskGroup.run((group) => void group.spawn(() => place().run(jobs.fail))),
      );
      expect((error.errors[0] as Error).stack).toMatch(/jobs-in-groups\.test\.ts/);
    });

    test('that a task left behind is awaited by its group, its error is a report and no failure', async () => {
      const words = flag();
      let left!: Future<string>;
      const running = TaskGroup.run((group) => {
        group.spawn(() => {
          left = place().executor.submit(work.giveWhenToldTo, words, 'left');
        });
      });
      await raised(words);
      goOn(words);
      await running;
      expect(Atomics.load(words, ENDED)).toBe(1);
      expect(await left).toBe('left');
    });

    test('of a task that fails is cancelled first, then awaited', async () => {
      const words = flag();
      const error = await groupFailure(
        TaskGroup.run((group) => {
          group.spawn(async () => {
            void place()
              .executor.submit(work.hold, words)
              .catch(() => {});
            await raised(words);
            throw new RangeError('the task');
          });
        }),
      );
      expect(error.errors).toMatchObject([{ message: 'the task' }]);
      expect([Atomics.load(words, SEEN), Atomics.load(words, ENDED)]).toEqual([1, 1]);
    });

    test('submitted within shield is not cancelled with the group', async () => {
      const words = flag();
      let value: unknown;
      const running = TaskGroup.run(async (group) => {
        group.spawn(async () => {
          value = await shield(() => place().run(work.hold, words));
        });
        await raised(words);
        group.cancel();
      });
      await turns();
      goOn(words);
      await running;
      expect(value).toBe('done');
      expect(Atomics.load(words, SEEN)).toBe(0);
    });

    test('of somebody else is not cancelled by the task that awaits it', async () => {
      const words = flag();
      const future = place().executor.submit(work.hold, words);
      await TaskGroup.run(async (group) => {
        const task = group.spawn(async () => await future);
        await raised(words);
        task.cancel();
        await settled(task);
        expect(task.status).toBe('cancelled');
      });
      expect(future.status).toBe('running');
      goOn(words);
      expect(await future).toBe('done');
    });

    test('is cancelled by its future: the task that awaits it fails, it was not cancelled itself', async () => {
      const words = flag();
      let future!: Future<string>;
      const [outcome] = await Promise.allSettled([
        TaskGroup.run(async (group) => {
          const task = group.spawn(() => (future = place().executor.submit(work.hold, words)));
          await raised(words);
          future.cancel('by hand');
          await settled(task);
          expect(task.status).not.toBe('fulfilled');
          expect(await failure(future)).toBeInstanceOf(CancelledError);
        }),
      ]);
      expect(outcome.status).toBe('rejected');
      expect([Atomics.load(words, SEEN), Atomics.load(words, ENDED)]).toEqual([1, 1]);
    });

    test('runs groups of its own: their tasks are its tasks, and their errors come back whole', async () => {
      const error = await groupFailure(
        TaskGroup.run((group) => void group.spawn(() => place().run(threadJobs.failingGroup, ['a', 'b']))),
      );
      const inner = error.errors[0] as TaskGroupError;
      expect(inner).toMatchObject({ name: 'TaskGroupError', code: 'ERR_HEDDLE_TASK_GROUP' });
      expect(inner.errors.map((one) => (one as Error).message)).toEqual(['a', 'b']);
      expect(error.find(RangeError)?.message).toBe('a');
    });

    test('that submits jobs itself is cancelled with them, several threads deep', async () => {
      const words = [flag(), flag(), flag()];
      const one = pool({ threads: 3 });
      await TaskGroup.run(async (group) => {
        group.spawn(() => place().run(threadJobs.submitDeep, one, words));
        await Promise.all(words.map((each) => raised(each)));
        group.cancel();
      });
      expect(words.map((each) => Atomics.load(each, SEEN))).toEqual([1, 1, 1]);
      await Promise.all(words.map((each) => raised(each, ENDED)));
    });
  });

  test('whose thread dies is a failure like any other: its siblings are cancelled', async () => {
    const one = pool({ threads: 2 });
    const [sibling, dying] = [flag(), flag()];
    const error = await groupFailure(
      TaskGroup.run(async (group) => {
        group.spawn(() => one.submit(work.hold, sibling));
        await raised(sibling);
        group.spawn(() => one.submit(jobs.dieWhenToldTo, dying, 3));
        await raised(dying);
        goOn(dying);
        await sleep(Infinity);
      }),
    );
    expect(error.find(ThreadDiedError)).toMatchObject({ exitCode: 3, reason: 'exit' });
    expect([Atomics.load(sibling, SEEN), Atomics.load(sibling, ENDED)]).toEqual([1, 1]);
  });

  test('whose pool is shut down under it: the group fails, and waits for its end', async () => {
    const one = pool();
    const words = flag();
    const [outcome] = await Promise.allSettled([
      TaskGroup.run(async (group) => {
        group.spawn(() => one.submit(work.hold, words));
        await raised(words);
        await one.shutdown({ cancelRunning: true });
        await turns();
      }),
    ]);
    expect(outcome.status).toBe('rejected');
    expect(Atomics.load(words, ENDED)).toBe(1);
  });

  test('refused by a full or stopped pool is a failure at once', async () => {
    const one = new ThreadPoolExecutor({ threads: 1 });
    await one.shutdown();
    const error = await groupFailure(
      TaskGroup.run((group) => void group.spawn(() => one.submit(work.value, flag(), 1))),
    );
    expect(error.errors).toMatchObject([{ code: 'ERR_HEDDLE_SHUT_DOWN' }]);
  });
});

describe('A limit over jobs', () => {
  eachPlace((place) => {
    test('never has more than that running at once, wherever they run', async () => {
      const words = flag();
      await TaskGroup.run(
        (group) => {
          for (let n = 0; n < 8; n++) group.spawn(() => place().run(threadJobs.countRunning, words));
        },
        { limit: 2 },
      );
      expect(Atomics.load(words, SEEN)).toBe(2);
      expect(Atomics.load(words, CALLED)).toBe(8);
      expect(Atomics.load(words, COUNT)).toBe(0);
    });
  });
});
