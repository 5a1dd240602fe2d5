import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  CapacityLimiter,
  capture,
  currentTask,
  DeadlockError,
  Event,
  type Future,
  InlineExecutor,
  type InlineExecutorOptions,
  run,
  SendError,
  ShutDownError,
  TaskGroup,
  ThreadPoolExecutor,
  TimeoutError,
} from '../../../src/index.ts';
import { failure, thrown, turn } from '../../fixtures/awaiting.ts';

const made: InlineExecutor[] = [];

function inline(options?: InlineExecutorOptions): InlineExecutor {
  const one = new InlineExecutor(options);
  made.push(one);
  return one;
}

afterEach(async () => {
  vi.useRealTimers();
  await Promise.all(made.splice(0).map((one) => one.shutdown({ cancelPending: true, cancelRunning: true })));
});

describe('InlineExecutor.submit()', () => {
  test('never runs the function within the call, and runs in order', async () => {
    const order: string[] = [];
    const one = inline();
    const futures = [1, 2, 3].map((n) => one.submit(() => void order.push(`job ${n}`)));
    order.push('submitted');
    await Promise.all(futures);
    expect(order).toEqual(['submitted', 'job 1', 'job 2', 'job 3']);
  });

  test('lets the loop go round between many jobs', async () => {
    const one = inline();
    let ran = 0;
    let atTurn = 0;
    setImmediate(() => {
      atTurn = ran;
    });
    for (let n = 0; n < 3000; n++) await one.submit(() => ran++);
    expect(atTurn).toBeGreaterThan(0);
    expect(atTurn).toBeLessThan(3000);
  });

  test('runs the job in the context of the submit, also in place', async () => {
    const storage = new AsyncLocalStorage<string>();
    const one = inline();
    const read = async (): Promise<unknown[]> => {
      const before = storage.getStore();
      await turn();
      return [before, storage.getStore()];
    };
    expect(await storage.run('a', () => one.submit(read))).toEqual(['a', 'a']);
    const queued = storage.run('b', () => one.submit(() => storage.getStore()));
    expect(storage.run('c', () => queued.resultSync())).toBe('b');
  });

  test('keeps no argument for who keeps the future', async () => {
    // In a function of its own: that of the test may keep what it has computed with.
    const begin = (): { ref: WeakRef<object>; future: Future<number> } => {
      const big = { big: true };
      return { ref: new WeakRef(big), future: inline().submit((given) => Object.keys(given).length, big) };
    };
    const { ref, future } = begin();
    expect(await future).toBe(1);
    for (let n = 0; n < 20 && ref.deref() !== undefined; n++) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      (globalThis as { gc?: () => void }).gc?.();
    }
    expect(ref.deref()).toBe(undefined);
    expect(future.status).toBe('fulfilled');
  });

  test('a job settles when what it started has ended', async () => {
    const one = inline();
    const event = new Event();
    const future = one.submit(() => {
      void one.submit(() => event.wait());
      return 'value';
    });
    await turn();
    expect(future.status).toBe('running');
    event.set();
    expect(await future).toBe('value');
  });

  test('a job that is cancelled in its first stretch sees it', async () => {
    const one = inline();
    const future = one.submit(async () => {
      future.cancel('by itself');
      return currentTask()?.signal.aborted;
    });
    expect(await failure(future)).toMatchObject({ name: 'CancelledError', cause: 'by itself' });
  });

  test('time-outs go by the clock that tests put in place', async () => {
    vi.useFakeTimers();
    const one = inline();
    const late = one.with({ timeout: 1000 }).submit(() => new Promise<void>(() => {}));
    const error = failure(late);
    await vi.advanceTimersByTimeAsync(1000);
    expect(await error).toBeInstanceOf(TimeoutError);
    late.cancel();
    made.length = 0;
  });
});

describe('InlineExecutor, blocking forms', () => {
  test('submitSync() of what waits: DeadlockError, and the job is cancelled', async () => {
    const one = inline();
    let reason: unknown;
    const wait = async (): Promise<void> => {
      const { signal } = currentTask()!;
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      reason = signal.reason.cause;
    };
    const error = thrown(() => one.submitSync(wait));
    expect(error).toBeInstanceOf(DeadlockError);
    await one.shutdown();
    expect(reason).toBe(error);
  });

  test('resultSync() runs what has not begun, and once', async () => {
    let times = 0;
    const future = inline().submit(() => ++times);
    expect(future.resultSync()).toBe(1);
    expect(await future).toBe(1);
    await turn();
    expect(times).toBe(1);
  });

  test('mapSync() runs synchronous functions, chunks of them too; async ones: DeadlockError', () => {
    const one = inline();
    for (const chunkSize of [1, 3])
      expect([...one.mapSync((n: number) => n * 2, [1, 2, 3, 4], { chunkSize })]).toEqual([2, 4, 6, 8]);
    expect(() => [...one.mapSync(async (n: number) => n, [1])]).toThrow(DeadlockError);
  });

  test('with a limiter: runs if it is free, DeadlockError if not', async () => {
    const limiter = new CapacityLimiter(1);
    const one = inline();
    const view = one.with({ limiter });
    expect(view.submitSync(() => limiter.borrowed)).toBe(1);
    expect(limiter.borrowed).toBe(0);
    const guard = await limiter.acquire();
    expect(() => view.submitSync(() => 1)).toThrow(DeadlockError);
    guard.release();
    expect(await view.submit(() => 1)).toBe(1);
    expect(limiter.borrowed).toBe(0);
  });
});

describe('InlineExecutor.map()', () => {
  test('a chunk of async and other items, one after the other, each with its outcome', async () => {
    const fn = (n: number): number | Promise<number> => {
      if (n === 2) throw new RangeError('two');
      return n % 2 === 0 ? Promise.resolve(n) : n;
    };
    for (const strict of [false, true]) {
      const results: unknown[] = [];
      for await (const one of inline({ strict }).map(fn, [0, 1, 2, 3, 4], { chunkSize: 5, onError: 'skip' }))
        results.push(one);
      expect(results).toEqual([0, 1, 3, 4]);
    }
  });

  test('strict: only the item fails whose result could not be sent', async () => {
    const fn = (n: number): unknown => (n === 1 ? new WeakMap() : { n });
    const results: string[] = [];
    for await (const one of inline({ strict: true }).map(fn, [0, 1, 2], { chunkSize: 3, onError: 'settle' }))
      results.push(one.status === 'rejected' ? one.reason.name : one.status);
    expect(results).toEqual(['fulfilled', 'SendError', 'fulfilled']);
  });
});

describe('InlineExecutor.import()', () => {
  test.each([[false], [true]])('loads the module here (strict: %s)', async (strict) => {
    const one = inline({ strict });
    const maths = one.import(() => import('../../fixtures/maths.ts'));
    const here = await import('../../fixtures/maths.ts');
    const [name] = Object.keys(here).filter((key) => typeof here[key as never] === 'function');
    expect(name).toBeDefined();
    const path = one.import<typeof import('node:path')>('node:path');
    expect(await path.basename('/a/b')).toBe('b');
    expect(one.submitSync(path.basename as never, '/a/c' as never)).toBe('c');
    await expect((maths as unknown as Record<string, () => Promise<void>>)['missing']!()).rejects.toThrow(
      'missing',
    );
  });
});

describe('InlineExecutor, strict', () => {
  test('the values of capture() are those of the submit', async () => {
    const values = { list: [1] };
    const one = inline({ strict: true });
    const future = one.submit(capture(values, ({ list }) => list));
    values.list.push(2);
    expect(await future).toEqual([1]);
  });

  test('shared objects arrive as handles of the same object', async () => {
    const event = new Event();
    const one = inline({ strict: true });
    const given = await one.submit((e: Event) => {
      e.set();
      return e;
    }, event);
    expect(event.isSet).toBe(true);
    expect(given).toBeInstanceOf(Event);
    expect(given).not.toBe(event);
    event.clear();
    expect(given.isSet).toBe(false);
    // One that never runs gives its handles up.
    one.submit((e: Event) => e.set(), event).cancel();
    await turn();
    expect(event.isSet).toBe(false);
  });

  test('functions among the arguments are those that another thread would find', async () => {
    const one = inline({ strict: true });
    expect(
      await one.submit(
        (fn: (n: number) => number) => fn(2),
        (n: number) => n + 1,
      ),
    ).toBe(3);
    const local = 1;
    const closure = (): number => local;
    expect(await failure(one.submit((fn: () => number) => fn(), closure))).toMatchObject({
      name: 'CaptureError',
    });
    expect(await failure(one.submit((x: unknown) => x, new WeakMap()))).toBeInstanceOf(SendError);
  });

  test('errors are copied, with their class and cause', async () => {
    const error = new RangeError('mine', { cause: new TypeError('why') });
    const one = inline({ strict: true });
    const fail = capture({ error }, ({ error: given }) => {
      throw given;
    });
    const got = (await failure(one.submit(fail))) as Error;
    expect(got).toBeInstanceOf(RangeError);
    expect(got.cause).toBeInstanceOf(TypeError);
    expect(got).not.toBe(error);
  });
});

describe('InlineExecutor.shutdown()', () => {
  test('in a job of its own, awaited there: does not wait for that job', async () => {
    const one = inline();
    const event = new Event();
    const other = one.submit(() => event.wait());
    const ended = one.submit(async () => {
      await one.shutdown();
      return other.status;
    });
    await turn();
    event.set();
    expect(await ended).toBe('fulfilled');
    await expect(one.submit(() => 1)).rejects.toBeInstanceOf(ShutDownError);
  });

  test.each([['abandon' as const], ['terminate' as const]])(
    'does not wait for a deaf job that was cancelled with %s',
    async (onCancel) => {
      const one = inline();
      let end!: () => void;
      const deaf = new Promise<void>((resolve) => {
        end = resolve;
      });
      const future = one.with({ onCancel, grace: 1 }).submit(() => deaf);
      await turn();
      future.cancel();
      await one.shutdown();
      end();
      await turn();
      expect(future.status).toBe('cancelled');
    },
  );

  test('onDispose: cancel', async () => {
    let future: PromiseLike<void>;
    {
      await using one = new InlineExecutor({ onDispose: 'cancel' });
      future = one.submit(() => new Event().wait());
      await turn();
    }
    expect(await failure(future)).toMatchObject({ name: 'CancelledError' });
  });

  test('at the end of run(), if it was made inside', async () => {
    let one!: InlineExecutor;
    let seen: unknown;
    await run(() => {
      one = new InlineExecutor({ name: 'inside' });
      seen = TaskGroup;
    });
    expect(seen).toBe(TaskGroup);
    expect(one.isShutDown).toBe(true);
    await expect(one.submit(() => 1)).rejects.toThrow('executor "inside"');
  });
});

test('InlineExecutor belongs to its loop: it cannot be sent', async () => {
  await using pool = new ThreadPoolExecutor({ threads: 1 });
  expect(await failure(pool.submit((x: unknown) => x, inline()))).toBeInstanceOf(SendError);
});
