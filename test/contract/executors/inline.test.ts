/** What InlineExecutor promises besides the role: the same loop, any function and argument, uncopied; or strict. */
import { afterEach, describe, expect, test } from 'vitest';
import {
  CancelledError,
  CaptureError,
  currentTask,
  currentThread,
  InlineExecutor,
  SendError,
  ShutDownError,
} from '../../../src/index.ts';
import { failure, thrown, turn } from '../../fixtures/awaiting.ts';
import { BEGUN, jobs } from './jobs.ts';
import { flag, goOn, raised } from './stand.ts';

const made: InlineExecutor[] = [];

function inline(options?: ConstructorParameters<typeof InlineExecutor>[0]): InlineExecutor {
  const one = new InlineExecutor(options);
  made.push(one);
  return one;
}

afterEach(() =>
  Promise.all(made.splice(0).map((one) => one.shutdown({ cancelPending: true, cancelRunning: true }))),
);

describe('InlineExecutor', () => {
  test('runs on the same loop', async () => {
    expect((await inline().submit(jobs.where)).id).toBe(currentThread().id);
  });

  test('takes any function: closures, methods, bound ones', async () => {
    let seen = 0;
    await inline().submit(() => {
      seen = 7;
    });
    expect(seen).toBe(7);
    const counter = {
      n: 1,
      next(by: number): number {
        this.n += by;
        return this.n;
      },
    };
    expect(await inline().submit(counter.next.bind(counter), 2)).toBe(3);
  });

  test('passes arguments, results and errors uncopied', async () => {
    const key = { any: new WeakMap(), fn: () => 1 };
    expect(await inline().submit((x: unknown) => x, key)).toBe(key);
    const error = new RangeError('mine');
    expect(
      await failure(
        inline().submit(() => {
          throw error;
        }),
      ),
    ).toBe(error);
  });

  test('runs each as a task, which is not that of the caller', async () => {
    const mine = currentTask();
    const its = await inline().submit(() => ({ task: currentTask() }));
    expect(its.task).toBeDefined();
    expect(its.task).not.toBe(mine);
  });

  test('submitSync() runs a synchronous function in place', () => {
    const key = {};
    expect(inline().submitSync((x: unknown) => x, key)).toBe(key);
    const error = new RangeError('mine');
    expect(
      thrown(() =>
        inline().submitSync(() => {
          throw error;
        }),
      ),
    ).toBe(error);
  });

  test('its jobs overlap, and it is ended as any other', async () => {
    const one = inline();
    const words = [flag(), flag()];
    const held = words.map((each) => one.submit(jobs.hold, each));
    await Promise.all(words.map((each) => raised(each, BEGUN)));
    const ending = one.shutdown();
    await expect(one.submit(jobs.nothing)).rejects.toBeInstanceOf(ShutDownError);
    words.forEach(goOn);
    expect(await Promise.all(held)).toEqual(['done', 'done']);
    await ending;
  });

  test('a job cancelled before its first turn never runs', async () => {
    let ran = false;
    const future = inline().submit(async () => {
      ran = true;
    });
    if (future.cancel('why') && future.status === 'cancelled' && !ran) {
      await expect(future).rejects.toBeInstanceOf(CancelledError);
      await turn();
      expect(ran).toBe(false);
    }
  });

  test('await using', async () => {
    let result: PromiseLike<number>;
    {
      await using one = new InlineExecutor();
      result = one.submit(jobs.addLater, 1, 1);
    }
    expect(await result).toBe(2);
  });
});

describe('InlineExecutor, strict', () => {
  test('refuses what threads would refuse', async () => {
    const one = inline({ strict: true });
    const local = 3;
    expect(await failure(one.submit((n: number) => n * local, 1))).toBeInstanceOf(CaptureError);
    const error = await failure(one.submit((x: unknown) => x, { list: [new WeakMap()] }));
    expect(error).toBeInstanceOf(SendError);
    expect((error as Error).message).toContain('args[0].list[0]');
    await expect(one.submit(() => new WeakMap())).rejects.toBeInstanceOf(SendError);
  });

  test('copies arguments and results, as at the call', async () => {
    const one = inline({ strict: true });
    const list = [1];
    const result = one.submit((given: number[]) => given, list);
    list.push(2);
    expect(await result).toEqual([1]);
    expect(await result).not.toBe(list);
  });

  test('runs on the same loop all the same', async () => {
    expect((await inline({ strict: true }).submit(jobs.where)).id).toBe(currentThread().id);
    expect(await inline({ strict: true }).submit(jobs.fail).error()).toMatchObject({ name: 'PartError' });
  });

  test.each([[{ strict: 1 }], [5]])('wrong options are refused: %j', (options) => {
    expect(() => inline(options as never)).toThrow(TypeError);
  });
});
