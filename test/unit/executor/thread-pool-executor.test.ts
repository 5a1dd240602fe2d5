import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, describe, expect, test } from 'vitest';
import {
  BrokenPoolError,
  CancelledError,
  PoolFullError,
  SendError,
  ShutDownError,
  ThreadDiedError,
  ThreadPoolExecutor,
  type ThreadPoolOptions,
  TimeoutError,
} from '../../../src/index.ts';
import { turn } from '../../fixtures/awaiting.ts';
import { jobs, raised, release, StorageError, sharedFlag } from '../../fixtures/jobs.ts';

const pools: ThreadPoolExecutor[] = [];

function pool(options: ThreadPoolOptions = {}): ThreadPoolExecutor {
  const made = new ThreadPoolExecutor({ threads: 1, ...options });
  pools.push(made);
  return made;
}

afterEach(async () => {
  await Promise.all(pools.splice(0).map((one) => one.shutdown({ cancelPending: true })));
});

describe('ThreadPoolExecutor.submit()', () => {
  test('runs a portable function in another thread', async () => {
    const one = pool({ name: 'workers' });
    const where = await one.submit(jobs.where);
    expect(where).toMatchObject({ main: false, name: 'workers-1' });
    expect(where.id).toBeGreaterThan(0);
  });

  test('runs an inline function, and awaits an async one', async () => {
    expect(await pool().submit((a: number, b: number) => a * b, 6, 7)).toBe(42);
    expect(await pool().submit(jobs.addLater, 1, 2)).toBe(3);
  });

  test('runs every job as a task of its thread, with its name', async () => {
    expect(await pool().submit(jobs.taskName)).toBe('taskName');
    expect(await pool().with({ name: 'thumbnails' }).submit(jobs.taskName)).toBe('thumbnails');
  });

  test('starts jobs in the order of their submit, by priority first', async () => {
    const one = pool();
    const flag = sharedFlag();
    const blocker = one.submit(jobs.block, flag);
    await raised(flag);
    const counter = sharedFlag();
    const last = one.with({ priority: 5 }).submit(jobs.count, counter);
    const second = one.submit(jobs.count, counter);
    const third = one.submit(jobs.count, counter);
    const first = one.with({ priority: -1 }).submit(jobs.count, counter);
    release(flag);
    await blocker;
    expect(await Promise.all([first, second, third, last])).toEqual([1, 2, 3, 4]);
  });

  test('takes the arguments as they are at the call, though the job must wait', async () => {
    const one = pool();
    const flag = sharedFlag();
    const blocker = one.submit(jobs.block, flag);
    const list = [1];
    const sum = one.submit((numbers: number[]) => numbers.length, list);
    list.push(2);
    release(flag);
    expect(await sum).toBe(1);
    await blocker;
  });

  test('rejects with the error of the job: class, stack, cause and own fields', async () => {
    const error = await pool()
      .submit(jobs.fail)
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ name: 'StorageError', message: 'no such object', bucket: 'photos' });
    expect((error as Error).constructor.name).toBe(StorageError.name);
    expect((error as Error).cause).toBeInstanceOf(RangeError);
    expect((error as Error).stack).toContain('jobs.ts');
  });

  test('rejects with what was thrown, though it is no error', async () => {
    await expect(
      pool().submit(() => {
        throw { code: 7 };
      }),
    ).rejects.toEqual({ code: 7 });
    await expect(
      pool().submit(() => {
        throw undefined;
      }),
    ).rejects.toBe(undefined);
  });

  test('refuses an argument that cannot be sent, with the path to it, and runs nothing', async () => {
    const one = pool();
    await expect(one.submit((x: unknown) => x, { list: [1, new WeakMap()] })).rejects.toThrow(
      'args[0].list[1]: WeakMap cannot be sent to a thread',
    );
    await expect(one.submit((x: unknown) => x, Symbol('s'))).rejects.toBeInstanceOf(SendError);
    expect(await one.submit(() => 'still works')).toBe('still works');
    expect(one.statistics().completed).toBe(1);
  });

  test('refuses an argument that cannot be sent at the call, though every thread is busy', async () => {
    const one = pool();
    const flag = sharedFlag();
    const blocker = one.submit(jobs.block, flag);
    await raised(flag);
    await expect(one.submit((x: unknown) => x, new WeakSet())).rejects.toBeInstanceOf(SendError);
    expect(one.statistics()).toMatchObject({ queued: 0, running: 1 });
    release(flag);
    await blocker;
  });

  test('rejects a job whose result cannot be sent, with the path to it', async () => {
    const one = pool();
    await expect(one.submit(() => ({ open: [Promise.resolve()] }))).rejects.toThrow(
      'result.open[0]: Promise cannot be sent',
    );
    await expect(one.submit(() => () => process.pid)).resolves.toBeTypeOf('function');
    expect(await one.submit(() => 1)).toBe(1);
  });

  test('rejects a job whose result names a function that this thread cannot find', async () => {
    const one = pool();
    const orphan = async (): Promise<unknown> => {
      const { jobs: there, portable } = await import('../../fixtures/jobs.ts').then(async (module) => ({
        ...module,
        ...(await import('../../../src/index.ts')),
      }));
      return portable('file:///nowhere/orphan.js', function orphan() {
        return there;
      });
    };
    await expect(one.submit(orphan)).rejects.toThrow('nowhere/orphan.js');
    expect(await one.submit(jobs.add, 1, 1)).toBe(2);
  });

  test('rejects wrong functions without throwing', async () => {
    const one = pool();
    await expect(one.submit('add' as never)).rejects.toBeInstanceOf(TypeError);
    await expect(one.submit(undefined as never)).rejects.toBeInstanceOf(TypeError);
    expect(one.size).toBe(0);
  });

  test('never switches the context of the caller for its done callbacks', async () => {
    const storage = new AsyncLocalStorage<string>();
    const seen = await storage.run('caller', async () => {
      await pool().submit(jobs.add, 1, 1);
      return storage.getStore();
    });
    expect(seen).toBe('caller');
  });
});

describe('ThreadPoolExecutor', () => {
  test('starts threads lazily, one for each job that finds none idle, up to its size', async () => {
    const one = pool({ threads: 2 });
    expect(one.size).toBe(0);
    await one.submit(jobs.add, 1, 1);
    await one.submit(jobs.add, 1, 1);
    expect(one.size).toBe(1);
    const flags = [sharedFlag(), sharedFlag(), sharedFlag()];
    const running = flags.map((flag) => one.submit(jobs.block, flag));
    await Promise.all(flags.slice(0, 2).map((flag) => raised(flag)));
    expect(one.statistics()).toMatchObject({ threads: 2, idle: 0, running: 2, queued: 1 });
    flags.forEach(release);
    expect(await Promise.all(running)).toEqual(['done', 'done', 'done']);
    expect(one.size).toBe(2);
  });

  test.each([[0], [-1], [1.5], [Number.NaN], ['x'], [null], [Infinity]])('refuses threads: %s', (threads) => {
    expect(() => new ThreadPoolExecutor({ threads: threads as number })).toThrow(
      /threads must be a whole number of at least 1/,
    );
  });

  test.each([
    [{ concurrency: 0 }, RangeError],
    [{ maxPending: -1 }, RangeError],
    [{ onCancel: 'kill' }, TypeError],
    [{ grace: -1 }, RangeError],
    [{ onDispose: 'leave' }, TypeError],
    [{ initializer: 3 }, TypeError],
    ['options', TypeError],
  ])('refuses options %j', (options, type) => {
    expect(() => new ThreadPoolExecutor(options as never)).toThrow(type);
  });

  test('runs as many async jobs at once in a thread as concurrency says', async () => {
    const one = pool({ concurrency: 2 });
    const flags = [sharedFlag(), sharedFlag(), sharedFlag()];
    const meet = async (flag: Int32Array): Promise<void> => {
      Atomics.store(flag, 0, 1);
      Atomics.notify(flag, 0);
      while (Atomics.load(flag, 1) === 0) await new Promise(setImmediate);
    };
    const running = flags.map((flag) => one.submit(meet, flag));
    await Promise.all(flags.slice(0, 2).map((flag) => raised(flag)));
    expect(one.statistics()).toMatchObject({ threads: 1, running: 2, queued: 1 });
    flags.forEach(release);
    await Promise.all(running);
  });

  test('rejects beyond maxPending with PoolFullError; trySubmit returns undefined', async () => {
    const one = pool({ maxPending: 1 });
    const flag = sharedFlag();
    const blocker = one.submit(jobs.block, flag);
    await raised(flag);
    const waiting = one.submit(jobs.add, 1, 1);
    await expect(one.submit(jobs.add, 2, 2)).rejects.toBeInstanceOf(PoolFullError);
    expect(one.trySubmit(jobs.add, 2, 2)).toBe(undefined);
    release(flag);
    expect(await Promise.all([blocker, waiting])).toEqual(['done', 2]);
    expect(await one.trySubmit(jobs.add, 2, 2)).toBe(4);
  });

  test('runs the initializer once in each thread, before its first job', async () => {
    const one = pool({
      initializer: () => {
        Object.assign(globalThis, { prepared: ((globalThis as { prepared?: number }).prepared ?? 0) + 1 });
      },
    });
    const read = (): unknown => (globalThis as { prepared?: number }).prepared;
    expect(await one.submit(read)).toBe(1);
    expect(await one.submit(read)).toBe(1);
  });

  test('is broken by an initializer that throws: every pending and later job rejects with it as the cause', async () => {
    const one = pool({
      initializer: () => {
        throw new RangeError('no licence');
      },
    });
    const jobsBefore = await Promise.allSettled([one.submit(jobs.add, 1, 1), one.submit(jobs.add, 2, 2)]);
    const later = await Promise.allSettled([one.submit(jobs.add, 3, 3)]);
    for (const result of [...jobsBefore, ...later]) {
      expect(result.status).toBe('rejected');
      const { reason } = result as PromiseRejectedResult;
      expect(reason).toBeInstanceOf(BrokenPoolError);
      expect(reason.cause).toBeInstanceOf(RangeError);
    }
  });

  test('gives the time that its threads were busy, and counts what became of its jobs', async () => {
    const one = pool();
    await one.submit(jobs.add, 1, 1);
    await one.submit(jobs.fail).catch(() => {});
    const { completed, failed, cancelled, busyMs, idle, threads, oldestQueuedMs } = one.statistics();
    expect({ completed, failed, cancelled, idle, threads, oldestQueuedMs }).toEqual({
      completed: 1,
      failed: 1,
      cancelled: 0,
      idle: 1,
      threads: 1,
      oldestQueuedMs: 0,
    });
    expect(busyMs).toHaveLength(1);
    expect(busyMs[0]).toBeGreaterThan(0);
  });
});

describe('Death of a thread', () => {
  test('process.exit rejects its job alone with ThreadDiedError, and the thread is replaced', async () => {
    const one = pool({ threads: 2 });
    const flag = sharedFlag();
    const neighbour = one.submit(jobs.block, flag);
    await raised(flag);
    const error = await one.submit(jobs.exit, 3).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ThreadDiedError);
    expect(error).toMatchObject({ reason: 'exit', exitCode: 3, code: 'ERR_HEDDLE_THREAD_DIED' });
    release(flag);
    expect(await neighbour).toBe('done');
    expect(await one.submit(jobs.add, 20, 22)).toBe(42);
  });

  test('running out of memory is told as such', async () => {
    const one = pool({ resourceLimits: { maxOldGenerationSizeMb: 16 } });
    const error = await one.submit(jobs.exhaustMemory).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: 'ThreadDiedError', reason: 'memory' });
    expect(await one.submit(jobs.add, 1, 1)).toBe(2);
  });

  test('an error outside any job is told, with the error as the cause', async () => {
    const one = pool();
    const error = await one
      .submit(
        () =>
          new Promise(() => {
            setTimeout(() => {
              throw new RangeError('late');
            });
          }),
      )
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ reason: 'error' });
    expect((error as Error).cause).toMatchObject({ message: 'late' });
  });

  test('an idempotent job is run again, once', async () => {
    const one = pool();
    expect(await one.with({ idempotent: true }).submit(jobs.dieOnce, sharedFlag())).toBe('second time');
    await expect(one.with({ idempotent: true }).submit(jobs.exit, 1)).rejects.toBeInstanceOf(ThreadDiedError);
    await expect(one.submit(jobs.dieOnce, sharedFlag())).rejects.toBeInstanceOf(ThreadDiedError);
  });

  test('five deaths within a second and no job finished break the pool', async () => {
    const one = pool({ threads: 5 });
    const flag = sharedFlag();
    const dying = Promise.allSettled(
      Array.from({ length: 5 }, () => one.submit(jobs.exitWhenReleased, flag)),
    );
    while (Atomics.load(flag, 0) < 5) await new Promise(setImmediate);
    release(flag);
    for (const { reason } of (await dying) as PromiseRejectedResult[])
      expect(reason.code).toMatch(/DIED|BROKEN/);
    await expect(one.submit(jobs.add, 1, 1)).rejects.toBeInstanceOf(BrokenPoolError);
  });
});

describe('Cancelling a job', () => {
  test('that waits: it never runs, and its future rejects at once', async () => {
    const one = pool();
    const flag = sharedFlag();
    const counter = sharedFlag();
    const blocker = one.submit(jobs.block, flag);
    await raised(flag);
    const waiting = one.submit(jobs.count, counter);
    expect(waiting.cancel('changed my mind')).toBe(true);
    expect(waiting.cancel()).toBe(false);
    const error = await waiting.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(CancelledError);
    expect((error as Error).cause).toBe('changed my mind');
    expect(waiting.status).toBe('cancelled');
    expect(one.statistics()).toMatchObject({ queued: 0, cancelled: 1 });
    release(flag);
    await blocker;
    expect(await one.submit(jobs.count, counter)).toBe(1);
  });

  test('that runs: it sees cancelled() without returning to its loop, and keeps its slot until it ends', async () => {
    const one = pool();
    const flag = sharedFlag();
    const running = one.submit(jobs.spinUntilCancelled, flag);
    await raised(flag);
    expect(running.status).toBe('running');
    running.cancel();
    await expect(running).rejects.toBeInstanceOf(CancelledError);
    await raised(flag, 1);
    expect(await one.submit(jobs.add, 1, 1)).toBe(2);
    expect(one.statistics()).toMatchObject({ abandoned: 0, cancelled: 1 });
  });

  test('that its busy thread would have taken next: it never runs', async () => {
    const one = pool({ concurrency: 2 });
    const flag = sharedFlag();
    const counter = sharedFlag();
    const first = one.submit(jobs.spinUntilCancelled, flag);
    await raised(flag);
    const second = one.submit(jobs.count, counter);
    expect(second.status).toBe('pending');
    second.cancel();
    first.cancel();
    await Promise.allSettled([first, second]);
    expect(await one.submit(jobs.add, 1, 1)).toBe(2);
    expect(Atomics.load(counter, 0)).toBe(0);
  });

  test('by its signal: it rejects with the reason of the signal', async () => {
    const one = pool();
    const controller = new AbortController();
    const flag = sharedFlag();
    const running = one.with({ signal: controller.signal }).submit(jobs.spinUntilCancelled, flag);
    await raised(flag);
    controller.abort(new RangeError('enough'));
    await expect(running).rejects.toThrow('enough');
    await expect(one.with({ signal: AbortSignal.abort('before') }).submit(jobs.add, 1, 1)).rejects.toBe(
      'before',
    );
  });

  test('with terminate: a job that does not listen ends with its thread, and another thread takes over', async () => {
    const one = pool({ onCancel: 'terminate', grace: 1 });
    const spinning = one.with({ timeout: 50 }).submit(jobs.spin);
    await expect(spinning).rejects.toBeInstanceOf(TimeoutError);
    expect(await one.submit(jobs.add, 1, 1)).toBe(2);
  });

  test('with abandon: shutdown does not wait for its end', async () => {
    const one = pool({ onCancel: 'abandon' });
    await one.submit(jobs.add, 1, 1);
    const spinning = one.submit(jobs.spin);
    while (spinning.status !== 'running') await turn();
    spinning.cancel();
    await expect(spinning).rejects.toBeInstanceOf(CancelledError);
    expect(one.statistics()).toMatchObject({ abandoned: 1 });
    await one.shutdown();
    expect(one.size).toBe(0);
  });

  test('runTimeout counts only the time of running', async () => {
    const one = pool({ onCancel: 'terminate', grace: 1 });
    const flag = sharedFlag();
    const blocker = one.submit(jobs.block, flag);
    await raised(flag);
    const patient = one.with({ runTimeout: 5000 }).submit(jobs.add, 1, 1);
    const impatient = one.with({ timeout: 1 }).submit(jobs.add, 1, 1);
    await expect(impatient).rejects.toBeInstanceOf(TimeoutError);
    release(flag);
    expect(await patient).toBe(2);
    await blocker;
    await expect(one.with({ runTimeout: 20 }).submit(jobs.spin)).rejects.toBeInstanceOf(TimeoutError);
  });
});

describe('ThreadPoolExecutor.shutdown()', () => {
  test('runs what waits, refuses what comes, and leaves no thread', async () => {
    const one = pool();
    const results = Promise.all([1, 2, 3].map((n) => one.submit(jobs.add, n, n)));
    const closing = one.shutdown();
    await expect(one.submit(jobs.add, 1, 1)).rejects.toBeInstanceOf(ShutDownError);
    expect(await results).toEqual([2, 4, 6]);
    await closing;
    expect(one.size).toBe(0);
    await one.shutdown();
  });

  test('cancelPending cancels what waits and lets the rest end', async () => {
    const one = pool();
    const flag = sharedFlag();
    const running = one.submit(jobs.block, flag);
    await raised(flag);
    const waiting = one.submit(jobs.add, 1, 1);
    const closing = one.shutdown({ cancelPending: true });
    await expect(waiting).rejects.toBeInstanceOf(CancelledError);
    release(flag);
    expect(await running).toBe('done');
    await closing;
  });

  test('cancelRunning cancels also what runs, and awaits its end', async () => {
    const one = pool();
    const flag = sharedFlag();
    const running = one.submit(jobs.spinUntilCancelled, flag);
    await raised(flag);
    const closing = one.shutdown({ cancelRunning: true });
    await expect(running).rejects.toBeInstanceOf(CancelledError);
    await closing;
    expect(Atomics.load(flag, 1)).toBe(1);
    expect(one.size).toBe(0);
  });

  test('during the start of a thread ends it as well', async () => {
    const one = pool();
    const result = one.submit(jobs.add, 1, 1);
    await one.shutdown();
    expect(await result).toBe(2);
    expect(one.size).toBe(0);
  });

  test('of a pool that never ran anything resolves', async () => {
    await pool().shutdown();
  });

  test('disposing drains, or cancels with onDispose', async () => {
    const draining = pool();
    const result = draining.submit(jobs.add, 1, 1);
    await draining[Symbol.asyncDispose]();
    expect(await result).toBe(2);
    const cancelling = pool({ onDispose: 'cancel' });
    const flag = sharedFlag();
    const spinning = cancelling.submit(jobs.spinUntilCancelled, flag);
    await raised(flag);
    await Promise.all([
      expect(spinning).rejects.toBeInstanceOf(CancelledError),
      cancelling[Symbol.asyncDispose](),
    ]);
  });
});

describe('ThreadPoolExecutor.resize()', () => {
  test('to more threads starts what waits at once', async () => {
    const one = pool();
    const flags = [sharedFlag(), sharedFlag()];
    const running = flags.map((flag) => one.submit(jobs.block, flag));
    await raised(flags[0]!);
    expect(one.statistics().queued).toBe(1);
    await one.resize(2);
    await raised(flags[1]!);
    expect(one.size).toBe(2);
    flags.forEach(release);
    await Promise.all(running);
  });

  test('to fewer threads resolves once the surplus has ended', async () => {
    const one = pool({ threads: 2 });
    const flags = [sharedFlag(), sharedFlag()];
    const running = flags.map((flag) => one.submit(jobs.block, flag));
    await Promise.all(flags.map((flag) => raised(flag)));
    const resized = one.resize(1);
    expect(one.size).toBe(2);
    flags.forEach(release);
    await resized;
    expect(one.size).toBe(1);
    await Promise.all(running);
    expect(await one.submit(jobs.add, 1, 1)).toBe(2);
  });

  test('to fewer threads does not wait for the queue to drain', async () => {
    const one = pool({ threads: 2 });
    const flags = [sharedFlag(), sharedFlag(), sharedFlag()] as const;
    const running = flags.map((flag) => one.submit(jobs.block, flag));
    await Promise.all([raised(flags[0]), raised(flags[1])]);
    const resized = one.resize(1);
    release(flags[0]);
    await resized;
    expect(one.statistics()).toMatchObject({ threads: 1, queued: 1 });
    release(flags[1]);
    release(flags[2]);
    await Promise.all(running);
  });

  test('rejects anything but a whole number of at least 1', async () => {
    await expect(pool().resize(0)).rejects.toBeInstanceOf(RangeError);
    await expect(pool().resize('x' as never)).rejects.toBeInstanceOf(TypeError);
  });
});
