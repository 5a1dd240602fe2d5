/** What becomes of a job that is cancelled, aborted or out of time, on every executor. */
import { getEventListeners } from 'node:events';
import { describe, expect, test } from 'vitest';
import {
  CancelledError,
  Event,
  type Executor,
  type Future,
  TaskGroup,
  TimeoutError,
} from '../../../src/index.ts';
import { failure } from '../../fixtures/awaiting.ts';
import { BEGUN, COUNT, ENDED, jobs, SEEN, until } from './jobs.ts';
import { EXECUTORS, eachExecutor, flag, goOn, occupy, raised, THREADED } from './stand.ts';

describe('A queued job that is cancelled', () => {
  eachExecutor(THREADED, ({ threads }, the) => {
    test('never runs, and its future rejects at once, though every thread is busy', async () => {
      const words = flag();
      const { release, done } = await occupy(the(), threads);
      const queued = the().submit(jobs.count, words);
      expect(queued.cancel('changed my mind')).toBe(true);
      expect(queued.status).toBe('cancelled');
      const error = await failure(queued);
      expect(error).toBeInstanceOf(CancelledError);
      expect((error as CancelledError).cause).toBe('changed my mind');
      release();
      await done;
      await the().submit(jobs.nothing);
      expect(Atomics.load(words, COUNT)).toBe(0);
    });

    test('can be cancelled once: the second cancel() is false and changes nothing', async () => {
      const { release, done } = await occupy(the(), threads);
      const queued = the().submit(jobs.add, 1, 1);
      expect([queued.cancel('first'), queued.cancel('second')]).toEqual([true, false]);
      expect(await failure(queued)).toMatchObject({ cause: 'first' });
      release();
      await done;
    });

    test('leaves its neighbours in the queue alone', async () => {
      const { release, done } = await occupy(the(), threads);
      const queued = Array.from({ length: 6 }, (_, n) => the().submit(jobs.add, n, 0));
      for (const n of [0, 3, 5]) queued[n]!.cancel();
      release();
      await done;
      const settled = await Promise.allSettled(queued);
      expect(settled.map((one) => (one.status === 'fulfilled' ? one.value : 'cancelled'))).toEqual([
        'cancelled',
        1,
        2,
        'cancelled',
        4,
        'cancelled',
      ]);
    });
  });
});

/** Ways to end a job from outside, with what its future then rejects with. */
const ENDS: readonly {
  way: string;
  begin(executor: Executor, words: Int32Array): { future: Future<unknown>; end(): void };
  check(error: unknown): void;
}[] = [
  {
    way: 'cancel()',
    begin: (executor, words) => {
      const future = executor.submit(jobs.hold, words);
      return { future, end: () => void future.cancel('why') };
    },
    check: (error) => expect(error).toMatchObject({ name: 'CancelledError', cause: 'why' }),
  },
  {
    way: 'the signal',
    begin: (executor, words) => {
      const controller = new AbortController();
      const future = executor.with({ signal: controller.signal }).submit(jobs.hold, words);
      return { future, end: () => controller.abort(new RangeError('enough')) };
    },
    check: (error) => expect(error).toMatchObject({ name: 'RangeError', message: 'enough' }),
  },
  {
    way: 'the time-out',
    begin: (executor, words) => ({
      future: executor.with({ timeout: 300 }).submit(jobs.hold, words),
      end: () => {},
    }),
    check: (error) => expect(error).toBeInstanceOf(TimeoutError),
  },
  {
    way: 'the time-out of running',
    begin: (executor, words) => ({
      future: executor.with({ runTimeout: 100 }).submit(jobs.hold, words),
      end: () => {},
    }),
    check: (error) => expect(error).toBeInstanceOf(TimeoutError),
  },
];

describe('A running job', () => {
  eachExecutor(EXECUTORS, (_, the) => {
    test.each(ENDS)(
      'ended by $way: its future rejects, it is woken from its wait',
      async ({ begin, check }) => {
        const words = flag();
        const { future, end } = begin(the(), words);
        await raised(words, BEGUN);
        end();
        check(await failure(future));
        await raised(words, ENDED);
        expect(Atomics.load(words, SEEN)).toBe(1);
        expect(await the().submit(jobs.add, 1, 1)).toBe(2);
      },
    );

    test('is running to those who ask, then cancelled', async () => {
      const words = flag();
      const future = the().submit(jobs.hold, words);
      await raised(words, BEGUN);
      await until(() => future.status === 'running');
      expect(future.tryResult()).toBe(undefined);
      expect(future.cancel()).toBe(true);
      expect(future.status).toBe('cancelled');
      expect(future.cancel()).toBe(false);
      await failure(future);
      await raised(words, ENDED);
      expect(future.status).toBe('cancelled');
    });

    test('sees the abort of its signal, whose reason is its CancelledError', async () => {
      const words = flag();
      const future = the().submit(jobs.watchSignal, words);
      await raised(words, BEGUN);
      future.cancel();
      await expect(future).rejects.toBeInstanceOf(CancelledError);
      await raised(words, ENDED);
      expect(Atomics.load(words, SEEN)).toBe(1);
    });

    test('that is deaf: the future rejects at once, whatever it gives later is dropped', async () => {
      const words = flag();
      const future = the().submit(jobs.holdDeaf, words);
      await raised(words, BEGUN);
      future.cancel();
      await expect(future).rejects.toBeInstanceOf(CancelledError);
      expect(Atomics.load(words, ENDED)).toBe(0);
      goOn(words);
      await raised(words, ENDED);
      expect(future.status).toBe('cancelled');
      expect(await the().submit(jobs.add, 1, 1)).toBe(2);
    });

    test('two cancellations in a row: the first counts, the next job is none the worse', async () => {
      for (let time = 0; time < 3; time++) {
        const words = flag();
        const controller = new AbortController();
        const future = the().with({ signal: controller.signal }).submit(jobs.hold, words);
        await raised(words, BEGUN);
        controller.abort('by signal');
        future.cancel('by hand');
        expect(await failure(future)).toBe('by signal');
        await raised(words, ENDED);
      }
      expect(await the().submit(jobs.add, 1, 1)).toBe(2);
    });

    test('that has ended cannot be cancelled', async () => {
      const future = the().submit(jobs.add, 1, 1);
      await future;
      expect(future.cancel()).toBe(false);
      expect(future.status).toBe('fulfilled');
    });

    test('its result beats an abort that comes later; one abort listener per signal, none after', async () => {
      const controller = new AbortController();
      const words = flag();
      const view = the().with({ signal: controller.signal });
      const futures = Array.from({ length: 5 }, () => view.submit(jobs.add, 1, 1));
      const held = view.submit(jobs.hold, words);
      expect(getEventListeners(controller.signal, 'abort').length).toBeLessThanOrEqual(1);
      goOn(words);
      expect(await Promise.all(futures)).toEqual([2, 2, 2, 2, 2]);
      expect(await held).toBe('done');
      await until(() => getEventListeners(controller.signal, 'abort').length === 0, 'no listener is left');
      controller.abort();
      expect(await Promise.all(futures)).toEqual([2, 2, 2, 2, 2]);
    });

    test('aborted before its submit: the reason, and it never runs', async () => {
      const words = flag();
      const view = the().with({ signal: AbortSignal.abort('before') });
      expect(await failure(view.submit(jobs.count, words))).toBe('before');
      expect(await failure(view.trySubmit(jobs.count, words)!)).toBe('before');
      await the().submit(jobs.nothing);
      expect(Atomics.load(words, COUNT)).toBe(0);
    });
  });

  eachExecutor(THREADED, ({ threads }, the) => {
    test('that computes sees cancelled() without returning to its loop', async () => {
      const words = flag();
      const future = the().submit(jobs.compute, words);
      await raised(words, BEGUN);
      future.cancel();
      await expect(future).rejects.toBeInstanceOf(CancelledError);
      await raised(words, ENDED);
    });

    test('that blocks in a Sync wait is woken from it', async () => {
      const words = flag();
      const event = new Event();
      const future = the().submit(jobs.waitSync, words, event);
      await until(() => event.statistics().waiting === 1);
      future.cancel();
      await expect(future).rejects.toBeInstanceOf(CancelledError);
      await raised(words, ENDED);
      expect(Atomics.load(words, SEEN)).toBe(1);
      expect(event.statistics().waiting).toBe(0);
      expect(await the().submit(jobs.add, 1, 1)).toBe(2);
    });

    test('timeout counts from the submit, the time in the queue included', async () => {
      const words = flag();
      const { release, done } = await occupy(the(), threads);
      const queued = the().with({ timeout: 30 }).submit(jobs.count, words);
      await expect(queued).rejects.toBeInstanceOf(TimeoutError);
      expect(Atomics.load(words, COUNT)).toBe(0);
      release();
      await done;
      await the().submit(jobs.nothing);
      expect(Atomics.load(words, COUNT)).toBe(0);
    });

    test('runTimeout does not count the time in the queue', async () => {
      const { release, done } = await occupy(the(), threads);
      const queued = the().with({ runTimeout: 5_000 }).submit(jobs.add, 1, 1);
      const other = the().with({ timeout: 50 }).submit(jobs.nothing);
      // By then the queued one has waited for 50 ms.
      await expect(other).rejects.toBeInstanceOf(TimeoutError);
      expect(queued.status).not.toBe('rejected');
      release();
      expect(await queued).toBe(2);
      await done;
    });
  });
});

describe('A job that a task submitted', () => {
  eachExecutor(EXECUTORS, (_, the) => {
    test('is cancelled with the task, whose end awaits its end', async () => {
      const words = flag();
      await TaskGroup.run(async (group) => {
        const task = group.spawn(async () => the().submit(jobs.hold, words));
        await raised(words, BEGUN);
        task.cancel();
        await expect(Promise.resolve(task)).rejects.toBeInstanceOf(CancelledError);
        expect(Atomics.load(words, ENDED)).toBe(1);
      });
    });

    test('is awaited by the end of the task, though nobody asked for its result', async () => {
      const words = flag();
      await TaskGroup.run((group) => {
        group.spawn(() => void the().submit(jobs.hold, words));
        group.spawn(async () => {
          await raised(words, BEGUN);
          goOn(words);
        });
      });
      expect(Atomics.load(words, ENDED)).toBe(1);
    });

    test('fails the group by its error, and the jobs of the siblings are cancelled', async () => {
      const words = flag();
      const error = await failure(
        TaskGroup.run(async (group) => {
          group.spawn(async () => the().submit(jobs.hold, words));
          await raised(words, BEGUN);
          group.spawn(async () => the().with({ onCancel: 'wait' }).submit(jobs.nothing));
          throw new RangeError('the body');
        }),
      );
      expect(error).toMatchObject({ name: 'TaskGroupError', errors: [{ message: 'the body' }] });
      expect(Atomics.load(words, SEEN)).toBe(1);
    });

    test('belongs to the task that submitted it: awaiting it elsewhere does not cancel it', async () => {
      const words = flag();
      const future = the().submit(jobs.hold, words);
      await TaskGroup.run(async (group) => {
        const waiter = group.spawn(async () => future);
        await raised(words, BEGUN);
        waiter.cancel();
        await failure(Promise.resolve(waiter));
      });
      expect(future.status).toBe('running');
      goOn(words);
      expect(await future).toBe('done');
    });
  });
});
