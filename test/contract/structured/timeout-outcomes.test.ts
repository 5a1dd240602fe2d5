/** What a time-out comes to: who wins, and what whoever is inside sees. Time passes when the test says so. */
import { describe, expect, test } from 'vitest';
import {
  CancelledError,
  isCancelled,
  Lock,
  shield,
  sleep,
  TaskGroup,
  TaskGroupError,
  TimeoutError,
  withTimeout,
} from '../../../src/index.ts';
import { failure } from '../../fixtures/awaiting.ts';
import { flag, raised } from '../executors/stand.ts';
import { deferred, pass, taskOf, turns, useVirtualClock } from './places.ts';
import { work } from './work.ts';

useVirtualClock();

/** What is in the chain of causes. */
function chainOf(error: unknown): unknown[] {
  const chain: unknown[] = [];
  for (let one = error; one instanceof Error; one = one.cause) chain.push(one);
  return chain;
}

describe('withTimeout()', () => {
  test('lets an error of the clean-up win, with the TimeoutError in its chain', async () => {
    const words = flag();
    const error = failure(withTimeout(100, () => work.crashInFinally(words, 'clean-up')));
    await raised(words);
    pass(100);
    expect(await error).toMatchObject({ name: 'RangeError', message: 'clean-up' });
    expect(chainOf(await error).some((one) => one instanceof TimeoutError)).toBe(true);
  });

  test('lets an error of a task within win, with the TimeoutError in its chain', async () => {
    const words = flag();
    const error = failure(
      withTimeout(100, () =>
        TaskGroup.run((group) => void group.spawn(() => work.crashInFinally(words, 'task'))),
      ),
    );
    await raised(words);
    pass(100);
    expect(await error).toBeInstanceOf(TaskGroupError);
    expect(((await error) as TaskGroupError).find(RangeError)?.message).toBe('task');
    expect(chainOf(await error).some((one) => one instanceof TimeoutError)).toBe(true);
  });

  test('hidden in another error by a function counts as the time-out, for it is its cancellation', async () => {
    const words = flag();
    const error = failure(withTimeout(100, () => work.wrap(words)));
    await raised(words);
    pass(100);
    expect(await error).toBeInstanceOf(TimeoutError);
  });

  test('gives the value of a function that swallows it', async () => {
    const words = flag();
    const running = withTimeout(100, () => work.swallow(words));
    await raised(words);
    pass(100);
    expect(await running).toBe('swallowed');
  });

  test('is seen as a cancellation within, whose cause is the TimeoutError', async () => {
    let seen: unknown;
    const error = failure(
      withTimeout(100, async (signal) => {
        seen = await failure(sleep(Infinity));
        expect(signal.reason).toBe(seen);
        throw seen;
      }),
    );
    pass(100);
    await error;
    expect(seen).toBeInstanceOf(CancelledError);
    expect(isCancelled(seen)).toBe(true);
    expect((seen as Error).cause).toBeInstanceOf(TimeoutError);
  });

  test('every further wait of the function rejects at once, those of its caller do not', async () => {
    const lock = new Lock();
    const seen: unknown[] = [];
    const running = withTimeout(100, async () => {
      for (const wait of [() => sleep(Infinity), () => sleep(0), () => lock.acquire()])
        seen.push(await failure(wait()));
      return 'value';
    });
    pass(100);
    expect(await running).toBe('value');
    expect(new Set(seen).size).toBe(1);
    expect(lock.locked).toBe(false);
    (await lock.acquire()).release();
  });

  test('with 0 calls the function; a result that it gives without waiting wins, a wait ends it', async () => {
    expect(await withTimeout(0, () => 1)).toBe(1);
    expect(await withTimeout(0, async () => 2)).toBe(2);
    let called = false;
    const error = await failure(
      withTimeout(0, async () => {
        called = true;
        await sleep(0);
      }),
    );
    expect(called).toBe(true);
    expect(error).toBeInstanceOf(TimeoutError);
  });

  test('with Infinity never strikes; a negative time or NaN is a RangeError, and nothing is called', async () => {
    let called = 0;
    const fn = (): number => ++called;
    expect(await failure(withTimeout(-1, fn))).toBeInstanceOf(RangeError);
    expect(await failure(withTimeout(NaN, fn))).toBeInstanceOf(RangeError);
    expect(called).toBe(0);
    expect(await withTimeout(Infinity, fn)).toBe(1);
  });

  test('whose function ends in the tick in which it strikes: one of both, and nothing is left', async () => {
    const wait = deferred<string>();
    const [outcome] = await Promise.allSettled([
      withTimeout(100, async () => {
        queueMicrotask(() => {
          wait.resolve('value');
          pass(100);
        });
        return await wait.promise;
      }),
    ]);
    // The function returned in spite of it.
    expect(outcome).toEqual({ status: 'fulfilled', value: 'value' });
  });

  test('in a task that is cancelled already rejects at once, and the function is not called', async () => {
    let called = false;
    const { task } = await taskOf(async (self) => {
      self().cancel();
      await withTimeout(100, () => (called = true));
    });
    expect(task.status).toBe('cancelled');
    expect(called).toBe(false);
  });

  test('within shield in a cancelled task works, and strikes', async () => {
    let seen: unknown;
    const { task } = await taskOf(async (self) => {
      self().cancel();
      await shield(async () => {
        const running = failure(withTimeout(100, () => sleep(Infinity)));
        pass(100);
        seen = await running;
      });
      await sleep(0);
    });
    expect(seen).toBeInstanceOf(TimeoutError);
    expect(task.status).toBe('cancelled');
  });

  test('does not reach into a shield within; it strikes when that has ended', async () => {
    const wait = deferred();
    const order: string[] = [];
    const error = failure(
      withTimeout(100, async () => {
        await shield(async () => {
          await wait.promise;
          await sleep(0).catch(() => order.push('cut off'));
          order.push('shielded');
        });
        order.push('after');
        await sleep(0);
        order.push('never');
      }),
    );
    pass(100);
    await turns();
    wait.resolve();
    await turns();
    pass(1);
    expect(await error).toBeInstanceOf(TimeoutError);
    expect(order).toEqual(['shielded', 'after']);
  });
});
