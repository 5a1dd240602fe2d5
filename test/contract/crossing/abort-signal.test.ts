/** What is promised of an AbortSignal that is sent: it aborts on the other side. */
import { describe, expect, test } from 'vitest';
import { Event, Queue, ThreadPoolExecutor } from '../../../src/index.ts';
import { failure } from '../../fixtures/awaiting.ts';
import { jobs } from './jobs.ts';
import { eachPlace } from './stand.ts';

describe('an AbortSignal', () => {
  eachPlace((the) => {
    test('that is aborted arrives as one, with its reason', async () => {
      const reason = new RangeError('enough');
      expect(await the().submit(jobs.untilAborted, AbortSignal.abort(reason))).toEqual(reason);
    });

    test('aborts there when it is aborted here', async () => {
      const controller = new AbortController();
      const listening = new Event();
      const future = the().submit(jobs.untilAborted, controller.signal, listening);
      await listening.wait();
      controller.abort({ code: 7 });
      expect(await future).toEqual({ code: 7 });
    });

    test('in a result aborts here when it is aborted there', async () => {
      const signal = await the().submit(jobs.signalWithin, 1);
      if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
      expect(signal.reason).toMatchObject({ name: 'TimeoutError' });
    });

    test('sent twice is one signal there', async () => {
      const { signal } = new AbortController();
      expect(await the().submit(jobs.areSame, signal, signal)).toBe(true);
    });

    test('that comes back is the very signal', async () => {
      const { signal } = new AbortController();
      expect(await the().submit(jobs.sameSignal, signal)).toBe(signal);
    });
  });

  eachPlace(
    (the) => {
      test('is seen by code that does not return to its loop', async () => {
        for (const job of [jobs.spinUntilAborted, jobs.spinUntilThrown]) {
          const controller = new AbortController();
          const began = new Event();
          const future = the().submit<[AbortSignal, Event], unknown>(job, controller.signal, began);
          await began.wait();
          controller.abort(new RangeError('stop it'));
          expect(job === jobs.spinUntilAborted ? await future : await failure(future)).toSatisfy(
            (value) => value === 'stop it' || (value as Error).message === 'stop it',
          );
        }
      });
    },
    { inline: false },
  );

  test('a reason that cannot be sent does not keep the abort from arriving', async () => {
    await using pool = new ThreadPoolExecutor({ threads: 1 });
    const controller = new AbortController();
    const listening = new Event();
    const future = pool.submit(jobs.untilAborted, controller.signal, listening);
    await listening.wait();
    controller.abort(new WeakMap());
    expect(await future).toMatchObject({ name: 'SendError' });
  });

  test('crosses in an item of a queue, and from thread to thread', async () => {
    await using pool = new ThreadPoolExecutor({ threads: 2 });
    const controller = new AbortController();
    const queue = new Queue<{ readonly signal: AbortSignal }>();
    const listening = new Event();
    queue.tryPut({ signal: controller.signal });
    const future = pool.submit(
      async (from, isListening, executor) => {
        const { signal } = await from.get();
        const { Event: NewEvent } = await import('../../../src/index.ts');
        const there = new NewEvent();
        const inner = executor.submit(
          async (passed: AbortSignal, ready: Event) => {
            const aborted = new Promise((resolve) => passed.addEventListener('abort', resolve));
            ready.set();
            await aborted;
            return passed.reason as unknown;
          },
          signal,
          there,
        );
        await there.wait();
        isListening.set();
        return inner;
      },
      queue,
      listening,
      pool,
    );
    await listening.wait();
    controller.abort('through both');
    expect(await future).toBe('through both');
  });

  test('a thousand jobs with one signal add one listener, and leave none when it has gone', async () => {
    await using pool = new ThreadPoolExecutor({ threads: 1 });
    const { signal } = new AbortController();
    let listeners = 0;
    const add = signal.addEventListener;
    signal.addEventListener = function (this: AbortSignal, ...args: Parameters<typeof add>): void {
      listeners++;
      add.apply(this, args);
    } as typeof add;
    const all = await Promise.all(
      Array.from({ length: 1000 }, () => pool.submit((one: AbortSignal) => one.aborted, signal)),
    );
    expect(all.every((aborted) => !aborted)).toBe(true);
    expect(listeners).toBe(1);
  });
});
