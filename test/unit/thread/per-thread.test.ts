import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, test } from 'vitest';
import {
  currentTask,
  DeadlockError,
  InvalidStateError,
  type PerThread,
  perThread,
  Queue,
  TaskGroup,
  ThreadPoolExecutor,
} from '../../../src/index.ts';
import { hasEndHooks, runEndHooks } from '../../../src/thread/end-hooks.ts';
import { failure, thrown, turn } from '../../fixtures/awaiting.ts';
import { perThreadJobs } from '../../fixtures/per-thread-jobs.ts';
import { runProgram } from '../platform/program.ts';

describe('perThread()', () => {
  test('calls create outside the task and the context of who asks first', async () => {
    const storage = new AsyncLocalStorage<number>();
    const once = perThread(async () => {
      await turn();
      return [storage.getStore(), currentTask()];
    });
    const seen = await storage.run(1, () => TaskGroup.run(() => once()));
    expect(seen).toEqual([undefined, undefined]);
  });

  test('a cancelled task does not wait on, and the others get the value', async () => {
    let finish!: (value: string) => void;
    const once = perThread(() => new Promise<string>((resolve) => (finish = resolve)));
    await TaskGroup.run(async (group) => {
      const first = group.spawn(() => once());
      await turn();
      const other = once();
      first.cancel();
      expect(await failure(Promise.resolve(first))).toMatchObject({ name: 'CancelledError' });
      finish('made');
      expect(await other).toBe('made');
    });
  });

  test('create that waits for its own value: DeadlockError, at once', async () => {
    const own: PerThread<number> = perThread(async () => {
      await turn();
      return own();
    });
    expect(await failure(own())).toBeInstanceOf(DeadlockError);
    const sync: PerThread<number> = perThread(() => sync.sync());
    expect(thrown(() => sync.sync())).toBeInstanceOf(InvalidStateError);
    const mixed: PerThread<number> = perThread(() => mixed());
    expect(await failure(mixed())).toBeInstanceOf(DeadlockError);
  });

  test('a failed async create is told to all who wait, and called again by the next', async () => {
    let times = 0;
    const once = perThread(async () => {
      await turn();
      if (++times === 1) throw new RangeError('first');
      return times;
    });
    const errors = await Promise.all([once(), once()].map(failure));
    expect(errors[0]).toBe(errors[1]);
    expect(thrown(() => once.sync())).toBeInstanceOf(InvalidStateError);
    expect(await once()).toBe(2);
    expect(once.sync()).toBe(2);
  });

  test('disposes by the own method of the value, unless told how', async () => {
    const disposed: string[] = [];
    const own = perThread(() => ({ [Symbol.dispose]: () => void disposed.push('own') }));
    const told = perThread(() => ({ [Symbol.dispose]: () => void disposed.push('own') }), {
      dispose: async () => {
        expect(thrown(() => told.sync())).toBeInstanceOf(InvalidStateError);
        expect(await failure(told())).toBeInstanceOf(InvalidStateError);
        disposed.push('told');
      },
    });
    const async = perThread(() => ({ [Symbol.asyncDispose]: async () => void disposed.push('async') }));
    const first = own.sync();
    void told.sync();
    void async.sync();
    await runEndHooks();
    expect(disposed).toEqual(['async', 'told', 'own']);
    expect(hasEndHooks()).toBe(false);
    expect(own.sync()).not.toBe(first);
    await runEndHooks();
  });
});

/** A pool whose threads have loaded the module of the jobs. */
async function startPool(threads = 1): Promise<ThreadPoolExecutor> {
  const pool = new ThreadPoolExecutor({ threads, initializer: perThreadJobs.nothing });
  await pool.submit(perThreadJobs.nothing);
  return pool;
}

describe('perThread() in the threads of a pool', () => {
  test('shutdown() awaits dispose, the last made first', async () => {
    const pool = await startPool();
    const log = new Queue<string>();
    expect(await pool.submit(perThreadJobs.make, log)).toBe('derived of base');
    expect(log.size).toBe(0);
    await pool.shutdown();
    expect(await log.getMany(9)).toEqual(['derived of base is disposed of', 'base is disposed of']);
  });

  test('also when a surplus thread ends', async () => {
    const pool = await startPool(2);
    const log = new Queue<string>();
    const words = new Int32Array(new SharedArrayBuffer(4));
    await Promise.all([1, 2].map(() => pool.submit(perThreadJobs.makeInEach, log, words, 2)));
    await pool.resize(1);
    expect(log.size).toBe(2);
    await pool.shutdown();
    expect(log.size).toBe(4);
  });

  test('an error of dispose keeps the others from nothing', async () => {
    const pool = await startPool();
    const log = new Queue<string>();
    expect(await pool.submit(perThreadJobs.makeFailing, log)).toBe('basefailing');
    await pool.shutdown();
    expect(log.tryGet()).toEqual({ value: 'base is disposed of' });
  });

  test('what is being made when the thread ends is awaited and disposed of', async () => {
    const pool = await startPool();
    const log = new Queue<string>();
    await pool.submit(perThreadJobs.makeSlow, log);
    await pool.shutdown();
    expect(log.tryGet()).toEqual({ value: 'slow is disposed of' });
  });

  test('a thread that exits by itself calls dispose, as far as it goes at once', async () => {
    const pool = await startPool();
    const log = new Queue<string>();
    expect(await failure(pool.submit(perThreadJobs.makeAndExit, log))).toMatchObject({
      name: 'ThreadDiedError',
    });
    expect(log.tryGet()).toEqual({ value: 'at exit' });
    await pool.shutdown();
  });
});

describe('perThread() in the main thread', () => {
  const make = (rest: string): string => `
    import { perThread } from '../index.ts';
    const made = (name: string) => perThread(() => name, {
      dispose: async () => {
        console.log('begin', name);
        await new Promise((resolve) => setTimeout(resolve, 5));
        console.log('end', name);
      },
    });
    made('a').sync();
    await made('b')();
    console.log('main');
    ${rest}`;

  test('is disposed of when the loop has run out of work, and awaited', async () => {
    const { out, err, code } = await runProgram(make(''));
    expect([out.split('\n'), err, code]).toEqual([
      ['main', 'begin b', 'end b', 'begin a', 'end a', ''],
      '',
      0,
    ]);
  });

  test('by process.exit(): called, not awaited', async () => {
    const { out, err, code } = await runProgram(make('process.exit(3);'));
    expect([out.split('\n'), err, code]).toEqual([['main', 'begin b', 'begin a', ''], '', 3]);
  });
});
