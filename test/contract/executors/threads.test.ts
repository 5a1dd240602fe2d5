/** How many threads a pool has, and what it starts them with. */
import { describe, expect, test } from 'vitest';
import { ThreadPoolExecutor, type ThreadPoolOptions } from '../../../src/index.ts';
import { turn } from '../../fixtures/awaiting.ts';
import { jobs, until } from './jobs.ts';
import { flag, occupy, pool } from './stand.ts';

for (const scheduling of ['shared', 'stealing'] as const) {
  const open = (options: ThreadPoolOptions = {}): ThreadPoolExecutor => pool({ scheduling, ...options });

  describe(`threads: { min, max }, scheduling ${scheduling}`, () => {
    test('min start at once, though nothing was submitted', async () => {
      const one = open({ threads: { min: 2, max: 3 } });
      await until(() => one.size === 2);
      expect(one.statistics()).toMatchObject({ running: 0, queued: 0 });
    });

    test('up to max run at the same time, one more waits', async () => {
      const one = open({ threads: { min: 1, max: 3 } });
      const { release, done } = await occupy(one, 3);
      const queued = one.submit(jobs.add, 1, 1);
      expect(one.size).toBe(3);
      expect(one.statistics().queued).toBe(1);
      release();
      expect(await queued).toBe(2);
      await done;
    });

    test('above min an idle one ends after idleTimeout; those at min stay', async () => {
      const one = open({ threads: { min: 1, max: 3 }, idleTimeout: 20 });
      const { release, done } = await occupy(one, 3);
      release();
      await done;
      await until(() => one.size === 1, 'the surplus ends');
      expect(await one.submit(jobs.add, 1, 1)).toBe(2);
      expect(one.size).toBe(1);
    });

    test('min 0: all end, and a later job starts a thread again', async () => {
      const one = open({ threads: { min: 0, max: 2 }, idleTimeout: 10 });
      for (let time = 0; time < 3; time++) {
        expect(await one.submit(jobs.add, time, 0)).toBe(time);
        await until(() => one.size === 0, 'no thread is left');
      }
    });

    test('jobs that come as threads end are neither lost nor run twice', async () => {
      const one = open({ threads: { min: 0, max: 2 }, idleTimeout: 1 });
      const words = flag();
      for (let n = 1; n <= 20; n++) {
        expect(await one.submit(jobs.count, words)).toBe(n);
        for (let turns = 0; turns < n; turns++) await turn();
      }
    });

    test('idleTimeout Infinity keeps them', async () => {
      const one = open({ threads: { min: 0, max: 1 }, idleTimeout: Infinity });
      const { id } = await one.submit(jobs.where);
      for (let turns = 0; turns < 50; turns++) await turn();
      expect((await one.submit(jobs.where)).id).toBe(id);
    });

    test('a fixed number starts lazily, one per job while none is idle, and stays', async () => {
      const one = open({ threads: 2, idleTimeout: 1 });
      expect(one.size).toBe(0);
      await one.submit(jobs.add, 1, 1);
      await one.submit(jobs.add, 1, 1);
      expect(one.size).toBe(1);
      const { release, done } = await occupy(one, 2);
      release();
      await done;
      for (let turns = 0; turns < 50; turns++) await turn();
      expect(one.size).toBe(2);
    });
  });
}

describe('Options of ThreadPoolExecutor', () => {
  test.each([
    [{ threads: 0 }, RangeError],
    [{ threads: 1.5 }, RangeError],
    [{ threads: 'two' }, TypeError],
    [{ threads: { min: 2, max: 1 } }, RangeError],
    [{ threads: { min: -1, max: 1 } }, RangeError],
    [{ threads: { min: 0, max: 0 } }, RangeError],
    [{ threads: { min: 1 } }, TypeError],
    [{ concurrency: 0 }, RangeError],
    [{ maxPending: -1 }, RangeError],
    [{ idleTimeout: -1 }, RangeError],
    [{ idleTimeout: Number.NaN }, RangeError],
    [{ spin: -1 }, RangeError],
    [{ maxSpares: -1 }, RangeError],
    [{ scheduling: 'fair' }, TypeError],
    [{ initializer: 3 }, TypeError],
    [{ onDispose: 'leave' }, TypeError],
    [5, TypeError],
  ])('%j throw at the call', (options, type) => {
    expect(() => new ThreadPoolExecutor(options as never)).toThrow(type);
  });

  test('spin: works as without', async () => {
    const one = pool({ spin: 50 });
    const results = Array.from({ length: 50 }, (_, n) => one.submit(jobs.add, n, n));
    expect(await Promise.all(results)).toEqual(results.map((_, n) => 2 * n));
  });

  test('env and execArgv reach the threads', async () => {
    const one = pool({
      env: { HEDDLE_TEST: 'yes' },
      execArgv: ['--conditions=heddle-source', '--no-warnings'],
    });
    expect(await one.submit(() => [process.env['HEDDLE_TEST'], process.env['HOME']])).toEqual([
      'yes',
      undefined,
    ]);
    expect(await one.submit(() => process.execArgv)).toContain('--no-warnings');
  });

  test('the initializer runs once in each thread, before its first job; a job may await it', async () => {
    const one = pool({ threads: 2, initializer: jobs.initialize });
    const words = flag();
    await Promise.all([one.submit(jobs.meet, words, 2), one.submit(jobs.meet, words, 2)]);
    const times = await Promise.all(Array.from({ length: 6 }, () => one.submit(jobs.timesInitialized)));
    expect(new Set(times)).toEqual(new Set([1]));
    const later = pool({
      initializer: async () => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        Object.assign(globalThis, { prepared: 'in time' });
      },
    });
    expect(await later.submit(() => (globalThis as { prepared?: string }).prepared)).toBe('in time');
  });
});
