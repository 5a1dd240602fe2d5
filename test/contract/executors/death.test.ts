/** What the death of a thread costs: its own jobs, and nobody else. */
import { describe, expect, test } from 'vitest';
import { BrokenPoolError, ThreadDiedError } from '../../../src/index.ts';
import { failure } from '../../fixtures/awaiting.ts';
import { BEGUN, COUNT, jobs, until } from './jobs.ts';
import {
  eachExecutor,
  elsewhere,
  flag,
  goOn,
  loopThread,
  occupy,
  POOLS,
  pool,
  raised,
  VIEW,
} from './stand.ts';

const DEATHS = [
  { way: 'process.exit', die: jobs.exit, args: [3], told: { reason: 'exit', exitCode: 3 } },
  { way: 'process.exit(0)', die: jobs.exit, args: [0], told: { reason: 'exit', exitCode: 0 } },
  { way: 'an error outside of any job', die: jobs.crash, args: [], told: { reason: 'error' } },
] as const;

describe('The death of a pool thread', () => {
  eachExecutor([...POOLS, VIEW], (_, the) => {
    test.each(DEATHS)(
      'by $way is told to its job, and the thread is replaced',
      async ({ die, args, told }) => {
        const error = await failure(the().submit(die as (...a: number[]) => unknown, ...args));
        expect(error).toBeInstanceOf(ThreadDiedError);
        expect(error).toMatchObject({ ...told, code: 'ERR_HEDDLE_THREAD_DIED' });
        expect(await the().submit(jobs.add, 20, 22)).toBe(42);
      },
    );

    test('by an error outside of any job: the error is the cause', async () => {
      const error = await failure(the().submit(jobs.crash));
      expect((error as Error).cause).toMatchObject({ name: 'RangeError', message: 'outside of any job' });
    });

    test('is told to who waits in another thread as well', async () => {
      const future = the().submit(jobs.exit, 5);
      const error = await failure(elsewhere().submit((given: PromiseLike<unknown>) => given, future));
      expect(error).toMatchObject({ name: 'ThreadDiedError', exitCode: 5 });
    });

    test('is thrown by submitSync()', async () => {
      expect(() => the().submitSync(jobs.exit, 6)).toThrow(ThreadDiedError);
      expect(the().submitSync(jobs.add, 1, 1)).toBe(2);
    });

    test('leaves the queue alone: what waits runs', async () => {
      const words = flag();
      const dying = the().submit(jobs.dieWhenToldTo, words, 1);
      await raised(words, BEGUN);
      const queued = Array.from({ length: 10 }, () => the().submit(jobs.count, words));
      goOn(words);
      await expect(dying).rejects.toBeInstanceOf(ThreadDiedError);
      expect((await Promise.all(queued)).toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    });

    test('idempotent: the job is run again, once', async () => {
      const view = the().with({ idempotent: true });
      const words = flag();
      expect(await view.submit(jobs.dieOnce, words)).toBe('second time');
      expect(Atomics.load(words, COUNT)).toBe(2);
      await expect(view.submit(jobs.exit, 1)).rejects.toBeInstanceOf(ThreadDiedError);
      await expect(the().submit(jobs.dieOnce, flag())).rejects.toBeInstanceOf(ThreadDiedError);
    });
  });

  for (const scheduling of ['shared', 'stealing'] as const)
    test(`after it answered: the answer counts, and no later job is lost (${scheduling})`, async () => {
      const one = pool({ scheduling });
      const { id } = await one.submit(jobs.where);
      expect(await one.submit(jobs.answerAndDie)).toBe('answered');
      // The thread may have taken one more: that is told.
      let last: number | undefined;
      while (last === undefined || last === id) {
        const [next] = await Promise.allSettled([one.submit(jobs.where)]);
        if (next.status === 'fulfilled') last = next.value.id;
        else expect(next.reason).toMatchObject({ name: 'ThreadDiedError', exitCode: 4 });
      }
      expect(await one.submit(jobs.add, 1, 1)).toBe(2);
    });

  test('by memory is told as such', async () => {
    const one = pool({ resourceLimits: { maxOldGenerationSizeMb: 16 } });
    expect(await failure(one.submit(jobs.exhaustMemory))).toMatchObject({
      name: 'ThreadDiedError',
      reason: 'memory',
    });
    expect(await one.submit(jobs.add, 1, 1)).toBe(2);
  });

  test('rejects its own jobs alone: those of other threads go on', async () => {
    const one = pool({ threads: 2 });
    const { release, done } = await occupy(one, 1);
    expect(await failure(one.submit(jobs.exit, 3))).toMatchObject({ exitCode: 3 });
    release();
    expect(await done).toEqual(['done']);
  });

  test('rejects all its jobs, if it ran several', async () => {
    const one = pool({ concurrency: 3 });
    const words = [flag(), flag()];
    const bystanders = words.map((each) => one.submit(jobs.holdDeaf, each));
    await Promise.all(words.map((each) => raised(each, BEGUN)));
    const errors = await Promise.all([...bystanders, one.submit(jobs.exit, 9)].map(failure));
    for (const error of errors) expect(error).toMatchObject({ name: 'ThreadDiedError', exitCode: 9 });
    expect(await one.submit(jobs.add, 1, 1)).toBe(2);
  });

  test('starts a new thread, with the initializer', async () => {
    const one = pool({ initializer: jobs.initialize });
    const before = await one.submit(jobs.where);
    await failure(one.submit(jobs.exit, 1));
    const after = await one.submit(jobs.where);
    expect(after.id).not.toBe(before.id);
    expect(await one.submit(jobs.timesInitialized)).toBe(1);
    expect(one.size).toBe(1);
  });
});

describe('A pool that is broken', () => {
  test('by five deaths within a second and no job finished: BrokenPoolError', async () => {
    const one = pool({ threads: 5 });
    const words = Array.from({ length: 5 }, flag);
    const dying = words.map((each) => one.submit(jobs.dieWhenToldTo, each, 1));
    await Promise.all(words.map((each) => raised(each, BEGUN)));
    const queued = one.submit(jobs.add, 1, 1);
    words.forEach(goOn);
    for (const error of await Promise.all(dying.map(failure)))
      expect((error as { code: string }).code).toMatch(/THREAD_DIED|BROKEN_POOL/);
    await Promise.allSettled([queued]);
    await until(() => one.statistics().queued === 0);
    const refused = await Promise.allSettled([one.submit(jobs.add, 1, 1), one.trySubmit(jobs.add, 1, 1)]);
    // The queued one may have ended before the fifth death: then the pool is whole.
    for (const each of refused)
      if (each.status === 'rejected') expect(each.reason).toBeInstanceOf(BrokenPoolError);
  });

  test('not by deaths among which jobs finish', async () => {
    const one = pool();
    for (let time = 0; time < 6; time++) {
      await failure(one.submit(jobs.exit, 1));
      expect(await one.submit(jobs.add, time, 0)).toBe(time);
    }
  });

  for (const scheduling of ['shared', 'stealing'] as const)
    test(`by an initializer that throws: pending and later jobs reject, its error is the cause (${scheduling})`, async () => {
      const one = pool({ threads: 2, scheduling, initializer: jobs.failToInitialize });
      const pending = [one.submit(jobs.add, 1, 1), one.submit(jobs.add, 2, 2), one.submit(jobs.add, 3, 3)];
      const errors = await Promise.all(pending.map(failure));
      errors.push(await failure(one.submit(jobs.add, 4, 4)));
      errors.push(await failure(one.trySubmit(jobs.add, 4, 4)!));
      for (const error of errors) {
        expect(error).toBeInstanceOf(BrokenPoolError);
        expect((error as Error).cause).toMatchObject({ name: 'RangeError', message: 'no licence' });
      }
      await one.shutdown();
      expect(one.size).toBe(0);
    });

  test('rejects those who wait for room, and submitSync(), as well', async () => {
    const one = pool({ initializer: jobs.failToInitialize, maxPending: 1 });
    const pending = [one.submit(jobs.add, 1, 1), one.submit(jobs.add, 2, 2)];
    const [room] = await Promise.allSettled([one.waitForRoom()]);
    if (room.status === 'rejected') expect(room.reason).toBeInstanceOf(BrokenPoolError);
    await Promise.all(pending.map(failure));
    expect(() => one.submitSync(jobs.add, 1, 1)).toThrow(BrokenPoolError);
    await expect(one.waitForRoom()).rejects.toBeInstanceOf(BrokenPoolError);
  });
});

describe('The death of a loop thread', () => {
  test.each(DEATHS)('by $way rejects its jobs, and stopped', async ({ die, args, told }) => {
    const loop = await loopThread({ name: 'mortal' });
    const words = flag();
    const other = loop.submit(jobs.holdDeaf, words);
    await raised(words, BEGUN);
    const dying = loop.submit(die as (...a: number[]) => unknown, ...args);
    for (const error of await Promise.all([other, dying, loop.stopped].map((one) => failure(one)))) {
      expect(error).toBeInstanceOf(ThreadDiedError);
      expect(error).toMatchObject(told);
    }
    expect(loop.closed).toBe(true);
  });

  test.each(DEATHS)('by $way: what comes later is told of it', async ({ die, args, told }) => {
    const loop = await loopThread();
    await failure(loop.submit(die as (...a: number[]) => unknown, ...args));
    await failure(loop.stopped);
    const error = (await failure(loop.submit(jobs.nothing))) as Error;
    expect(error).toMatchObject({
      name: 'ShutDownError',
      message: expect.stringContaining('its thread died by'),
    });
    if (told.reason === 'error') expect(error.cause).toMatchObject({ message: 'outside of any job' });
    else expect(error.message).toContain(`process.exit(${told.exitCode})`);
  });

  test('refuses what comes later, by name', async () => {
    const loop = await loopThread({ name: 'mortal' });
    await failure(loop.submit(jobs.exit, 1));
    await failure(loop.stopped);
    const error = await failure(loop.submit(jobs.add, 1, 1));
    expect((error as { code: string }).code).toMatch(/THREAD_DIED|SHUT_DOWN/);
    expect((error as Error).message).toContain('mortal');
    expect(() => loop.submitSync(jobs.add, 1, 1)).toThrow();
  });

  test('calls those who wait for its end, exactly once', async () => {
    const loop = await loopThread();
    let calls = 0;
    loop.stopped.addDoneCallback(() => calls++);
    await failure(loop.submit(jobs.exit, 1));
    await failure(loop.stopped);
    await until(() => calls > 0);
    expect(calls).toBe(1);
  });
});
