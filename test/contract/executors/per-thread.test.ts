/** What perThread() promises: one value for each thread, made when first asked for, disposed when its thread ends. */
import { describe, expect, test } from 'vitest';
import { perThread } from '../../../src/index.ts';
import { failure, thrown } from '../../fixtures/awaiting.ts';
import { ENDED, jobs } from './jobs.ts';
import { perThreadJobs } from './per-thread-jobs.ts';
import { eachOwnExecutor, flag, LOOP, loopThread, POOL, pool, raised } from './stand.ts';

describe('perThread()', () => {
  test('here: made once, when first asked for', async () => {
    let made = 0;
    const once = perThread(() => ({ nth: ++made }));
    expect(made).toBe(0);
    const first = await once();
    expect([await once(), once.sync()]).toEqual([first, first]);
    expect(once.sync()).toBe(first);
    expect(made).toBe(1);
  });

  test('sync() first, then the other', async () => {
    const once = perThread(() => ({}));
    const first = once.sync();
    expect(await once()).toBe(first);
  });

  test('an async create: those who ask at the same time share it', async () => {
    let made = 0;
    const once = perThread(async () => {
      await Promise.resolve();
      return { nth: ++made };
    });
    const [a, b] = await Promise.all([once(), once()]);
    expect(a).toBe(b);
    expect(made).toBe(1);
    expect(once.sync()).toBe(a);
  });

  test('sync() while an async create is under way, or would have to be awaited, is an error', async () => {
    const once = perThread(() => Promise.resolve(1));
    expect(thrown(() => once.sync())).toBeInstanceOf(Error);
    expect(await once()).toBe(1);
    expect(once.sync()).toBe(1);
  });

  test('a create that fails is told, and tried again by the next', async () => {
    let times = 0;
    const once = perThread(() => {
      if (++times === 1) throw new RangeError('first');
      return times;
    });
    expect(await failure(once())).toMatchObject({ message: 'first' });
    expect(await once()).toBe(2);
  });

  test.each([[undefined], [5]])('refuses what is no function: %s', (create) => {
    expect(() => perThread(create as never)).toThrow(TypeError);
    expect(() => perThread(() => 1, { dispose: 5 as never })).toThrow(TypeError);
  });

  test('one value for each thread, the same for all its jobs', async () => {
    const one = pool({ threads: 2 });
    const words = flag();
    await Promise.all([one.submit(jobs.meet, words, 2), one.submit(jobs.meet, words, 2)]);
    const values = await Promise.all(Array.from({ length: 20 }, () => one.submit(perThreadJobs.once)));
    const here = await perThreadJobs.once();
    for (const { nth } of [...values, here]) expect(nth).toBe(1);
    expect(new Set(values.map(({ thread }) => thread)).has(here.thread)).toBe(false);
    expect(await one.submit(perThreadJobs.twiceAtOnce)).toBe(true);
    expect(await one.submit(perThreadJobs.failOnce)).toEqual(['the first time', '2']);
  });

  test('sync() in a thread', async () => {
    const [a, b] = await pool().submit(perThreadJobs.syncCreation);
    expect(a).toBe(b);
  });

  eachOwnExecutor([POOL, LOOP], (_, start) => {
    test('is disposed when its thread ends', async () => {
      const { executor, end } = await start();
      const words = flag();
      await executor.submit(perThreadJobs.once, words);
      expect(Atomics.load(words, ENDED)).toBe(0);
      await end();
      expect(Atomics.load(words, ENDED)).toBe(1);
    });
  });

  test('is disposed when an idle thread ends, and made anew in the next', async () => {
    const one = pool({ threads: { min: 0, max: 1 }, idleTimeout: 5 });
    const words = flag();
    const { thread } = await one.submit(perThreadJobs.once, words);
    await raised(words, ENDED);
    const again = await one.submit(perThreadJobs.once);
    expect(again.thread).not.toBe(thread);
    expect(again.nth).toBe(1);
  });

  test('a thread that dies takes it along, its successor makes its own', async () => {
    const one = pool();
    const { thread } = await one.submit(perThreadJobs.once);
    await failure(one.submit(jobs.exit, 1));
    const again = await one.submit(perThreadJobs.once);
    expect(again.thread).not.toBe(thread);
    expect(again.nth).toBe(1);
  });

  test('belongs to the thread, not to the loop handle: two handles, one value', async () => {
    const loop = await loopThread();
    const given = await loop.submit(perThreadJobs.once);
    expect(await loop.with({ name: 'view' }).submit(perThreadJobs.once)).toEqual(given);
  });
});
