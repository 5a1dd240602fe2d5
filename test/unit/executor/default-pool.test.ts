import { availableParallelism } from 'node:os';
import { afterAll, describe, expect, test, vi } from 'vitest';
import {
  CancelledError,
  CaptureError,
  Condition,
  capture,
  defaultPool,
  InlineExecutor,
  run,
  setDefaultPool,
  sleep,
  TaskGroup,
  TaskGroupError,
  ThreadPoolExecutor,
  toThread,
} from '../../../src/index.ts';
import { currentScope } from '../../../src/scope/scope.ts';
import { turn } from '../../fixtures/awaiting.ts';
import { jobs, raised, sharedFlag } from '../../fixtures/jobs.ts';
import { syncJobs } from '../../fixtures/sync-jobs.ts';

afterAll(() => defaultPool().shutdown({ cancelRunning: true }));

describe('toThread()', () => {
  test('runs on the default pool, made when first needed, with as many threads as the machine has', async () => {
    expect(await toThread(jobs.add, 1, 2)).toBe(3);
    expect(defaultPool().statistics().busyMs).toHaveLength(availableParallelism());
    expect(defaultPool()).toBe(defaultPool());
  });

  test('refuses an inline function that uses its surroundings, naming the variables', async () => {
    const factor = 3;
    const error = await toThread((n: number) => n * factor, 1).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(CaptureError);
    expect((error as CaptureError).variables).toEqual(['factor']);
    expect((error as Error).message).toContain('default-pool.test.ts');
  });

  test('runs an inline function with the values that capture names, as they are at the call', async () => {
    const values = { factor: 3 };
    const scale = capture(values, ({ factor }, n: number) => n * factor);
    expect(await toThread(scale, 2)).toBe(6);
    values.factor = 5;
    expect(await toThread(scale, 2)).toBe(10);
  });

  test('resolves import() inside an inline function from the file in which it stands', async () => {
    const sum = await toThread(
      async (a: number, b: number) => {
        const { jobs: there } = await import('../../fixtures/jobs.ts');
        return there.add(a, b);
      },
      20,
      22,
    );
    expect(sum).toBe(42);
  });

  test('sends functions along as arguments', async () => {
    const apply = (fn: (a: number, b: number) => number, a: number, b: number): number => fn(a, b);
    expect(await toThread(apply, (a: number, b: number) => a - b, 5, 3)).toBe(2);
    expect(await toThread(apply, jobs.add, 5, 3)).toBe(8);
  });
});

describe('import()', () => {
  test('gives the functions of a module, loaded only in the thread', async () => {
    const remote = defaultPool().import<typeof import('../../fixtures/maths.ts')>(
      new URL('../../fixtures/maths.ts', import.meta.url),
    );
    expect(await remote.square(7)).toBe(49);
    expect(await remote.squareLater(7)).toBe(49);
    expect('maths' in globalThis).toBe(false);
  });

  test('takes the loader of the module as well', async () => {
    const remote = defaultPool().import(() => import('../../fixtures/maths.ts'));
    expect(await remote.square(8)).toBe(64);
    const squares: number[] = [];
    for await (const one of defaultPool().map(remote.square, [1, 2, 3])) squares.push(one);
    expect(squares).toEqual([1, 4, 9]);
  });

  test('a missing name rejects and is named; what is no function too', async () => {
    const remote = defaultPool().import(() => import('../../fixtures/maths.ts')) as unknown as Record<
      string,
      () => Promise<unknown>
    >;
    await expect(remote['cube']?.()).rejects.toThrow(/"cube".*square/);
    await expect(remote['tau']?.()).rejects.toThrow(/"tau".*not a function/);
    expect(remote['then']).toBe(undefined);
  });

  test('a module that is not there rejects and is named', async () => {
    const remote = defaultPool().import<{ f(): void }>(new URL('./nowhere.ts', import.meta.url));
    await expect(remote.f()).rejects.toThrow('nowhere.ts');
  });

  test('what is not one import() of a literal is refused at the call', () => {
    expect(() => defaultPool().import((async () => ({})) as never)).toThrow(TypeError);
    expect(() => defaultPool().import('./maths.ts')).toThrow(/new URL/);
  });
});

describe('A job that a task submitted', () => {
  test('is awaited by the end of the task', async () => {
    const flag = sharedFlag();
    await TaskGroup.run((group) => {
      group.spawn(() => {
        toThread(jobs.spinOnce, flag);
      });
    });
    expect(Atomics.load(flag, 1)).toBe(1);
  });

  test('leaves the task when it has ended: a long task does not gather its jobs', async () => {
    await TaskGroup.run(async () => {
      await toThread(jobs.add, 1, 1);
      expect(currentScope()?.busy).toBe(false);
    });
  });

  test('is cancelled with the task, and the end of the task awaits its end', async () => {
    const flag = sharedFlag();
    await TaskGroup.run(async (group) => {
      const task = group.spawn(async () => toThread(jobs.spinUntilCancelled, flag));
      await raised(flag);
      task.cancel();
      await expect(Promise.resolve(task)).rejects.toBeInstanceOf(CancelledError);
      expect(Atomics.load(flag, 1)).toBe(1);
    });
  });

  test('fails its group like any other work, and its siblings are cancelled', async () => {
    const flag = sharedFlag();
    const failing = TaskGroup.run(async (group) => {
      group.spawn(async () => toThread(jobs.spinUntilCancelled, flag));
      await raised(flag);
      group.spawn(async () => toThread(jobs.fail));
      await sleep(Infinity);
    });
    const error = await failing.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TaskGroupError);
    expect((error as TaskGroupError).errors).toHaveLength(1);
    expect((error as TaskGroupError).errors[0]).toMatchObject({ name: 'StorageError' });
    expect(Atomics.load(flag, 1)).toBe(1);
  });
});

describe('run()', () => {
  test('joins the pools made inside it', async () => {
    let inside: ThreadPoolExecutor | undefined;
    const flag = sharedFlag();
    await run(async () => {
      inside = new ThreadPoolExecutor({ threads: 1 });
      expect(await inside.submit(jobs.add, 1, 1)).toBe(2);
      inside.submit(jobs.spinUntilCancelled, flag).catch(() => {});
      await raised(flag);
    });
    expect(inside?.size).toBe(0);
    expect(Atomics.load(flag, 1)).toBe(1);
  });

  test('terminates the thread of a cancelled job that runs on past shutdownTimeout, and says so', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const before = new ThreadPoolExecutor({ threads: 1, name: 'outside' });
    // The thread has the module: a job that is cancelled while that loads never begins.
    await before.submit(jobs.add, 1, 1);
    const deaf = run(
      async () => {
        const spinning = before.submit(jobs.spin);
        spinning.catch(() => {});
        while (spinning.status !== 'running') await turn();
      },
      { shutdownTimeout: 1 },
    );
    await deaf;
    expect(warned.mock.calls[0]?.[0]).toMatchObject({ code: 'HEDDLE_SHUTDOWN_TIMEOUT' });
    expect(String(warned.mock.calls[0]?.[0])).toMatch(
      /job "spin" \(running for \d+ ms in thread "outside-1"\)/,
    );
    warned.mockRestore();
    expect(await before.submit(jobs.add, 1, 1)).toBe(2);
    await before.shutdown();
  });

  test('past shutdownTimeout says at what the thread of such a job is blocked', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const condition = new Condition({ name: 'supply' });
    const pool = new ThreadPoolExecutor({ threads: 1, name: 'outside' });
    await pool.submit(jobs.add, 1, 1);
    await run(
      async () => {
        pool.submit(syncJobs.awaitDeath, condition, 'sync').catch(() => {});
        while (condition.statistics().waiting === 0) await turn();
      },
      { shutdownTimeout: 1 },
    );
    expect(String(warned.mock.calls[0]?.[0])).toContain(
      'in thread "outside-1", blocked at Condition "supply")',
    );
    warned.mockRestore();
    await pool.shutdown();
  });

  test('ends the default pool it used; a later call gets a new one', async () => {
    const before = defaultPool();
    await before.shutdown();
    const used = await run(async () => {
      expect(await toThread(jobs.add, 1, 1)).toBe(2);
      return defaultPool();
    });
    expect(used.isShutDown).toBe(true);
    expect(await toThread(jobs.add, 1, 1)).toBe(2);
  });
});

describe('setDefaultPool()', () => {
  test('decides where toThread runs', async () => {
    const before = defaultPool();
    const mine = new ThreadPoolExecutor({ threads: 1, name: 'mine' });
    setDefaultPool(mine);
    expect(await toThread(jobs.where)).toMatchObject({ name: 'mine-1' });
    await mine.shutdown();
    setDefaultPool(before);
    expect(() => setDefaultPool({} as never)).toThrow(TypeError);
  });
});

describe('run({ pool })', () => {
  test('has toThread() use that executor, which goes on afterwards', async () => {
    const pool = new ThreadPoolExecutor({ threads: 1, name: 'given' });
    const before = defaultPool();
    const inside = await run(
      async () => {
        expect(defaultPool()).toBe(pool);
        return await toThread(() => 6 * 7);
      },
      { pool },
    );
    expect(inside).toBe(42);
    expect(pool.statistics().completed).toBe(1);
    expect(defaultPool()).toBe(before);
    expect(await pool.submit(() => 1)).toBe(1);
    await pool.shutdown();
  });

  test('may be an executor of any kind, and a view', async () => {
    const executor = new InlineExecutor();
    expect(await run(() => toThread(() => 1), { pool: executor })).toBe(1);
    expect(await run(() => toThread(() => 2), { pool: executor.with({ priority: 1 }) })).toBe(2);
    await executor.shutdown();
  });

  test('anything else is a TypeError', async () => {
    for (const pool of [1, {}, null])
      await expect(run(() => 1, { pool: pool as never })).rejects.toBeInstanceOf(TypeError);
  });
});
