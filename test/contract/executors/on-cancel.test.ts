import { describe, expect, test } from 'vitest';
import { CancelledError } from '../../../src/index.ts';
import { failure } from '../../fixtures/awaiting.ts';
import { BEGUN, jobs, until } from './jobs.ts';
import { eachExecutor, flag, goOn, POOLS, pool, raised } from './stand.ts';

describe('onCancel', () => {
  for (const scheduling of ['shared', 'stealing'] as const)
    describe(scheduling, () => {
      test('wait: the slot stays busy until the job has really ended, and abandoned counts it', async () => {
        const one = pool({ scheduling });
        const words = flag();
        const future = one.submit(jobs.block, words);
        await raised(words, BEGUN);
        future.cancel();
        await failure(future);
        const next = one.submit(jobs.add, 1, 1);
        expect(one.statistics()).toMatchObject({ abandoned: 1, queued: 1, cancelled: 1 });
        goOn(words);
        expect(await next).toBe(2);
        await until(() => one.statistics().abandoned === 0);
      });

      test('terminate: a job that does not listen loses its thread after grace, another takes over', async () => {
        const one = pool({ scheduling, onCancel: 'terminate', grace: 1 });
        const words = flag();
        const before = await one.submit(jobs.where);
        const spinning = one.submit(jobs.spin, words);
        await raised(words, BEGUN);
        spinning.cancel();
        await expect(spinning).rejects.toBeInstanceOf(CancelledError);
        expect((await one.submit(jobs.where)).id).not.toBe(before.id);
        await until(() => one.statistics().abandoned === 0);
      });

      test('terminate: one that listens within grace keeps its thread', async () => {
        const one = pool({ scheduling, onCancel: 'terminate', grace: 10_000 });
        const before = await one.submit(jobs.where);
        const words = flag();
        const listening = one.submit(jobs.hold, words);
        await raised(words, BEGUN);
        listening.cancel();
        await failure(listening);
        expect((await one.submit(jobs.where)).id).toBe(before.id);
      });

      test('abandon: shutdown does not wait for its end', async () => {
        const one = pool({ scheduling, onCancel: 'abandon' });
        const words = flag();
        const spinning = one.submit(jobs.spin, words);
        await raised(words, BEGUN);
        spinning.cancel();
        await expect(spinning).rejects.toBeInstanceOf(CancelledError);
        await one.shutdown();
        expect(one.size).toBe(0);
      });
    });

  test('terminate: others on the thread reject with ThreadDiedError, or run again if idempotent', async () => {
    const one = pool({ concurrency: 3 });
    const [words, other, again] = [flag(), flag(), flag()];
    const bystander = one.submit(jobs.holdDeaf, other);
    const runAgain = one.with({ idempotent: true }).submit(jobs.holdDeaf, again);
    await Promise.all([raised(other, BEGUN), raised(again, BEGUN)]);
    const spinning = one.with({ onCancel: 'terminate', grace: 1 }).submit(jobs.spin, words);
    await raised(words, BEGUN);
    spinning.cancel();
    await expect(spinning).rejects.toBeInstanceOf(CancelledError);
    expect(await failure(bystander)).toMatchObject({ name: 'ThreadDiedError', reason: 'terminated' });
    goOn(again);
    expect(await runAgain).toBe('done');
  });

  eachExecutor(POOLS, (_, the) => {
    test('aborting one job never harms another on the same pool', async () => {
      const [slow, quick] = [flag(), flag()];
      const view = the().with({ onCancel: 'terminate', grace: 1 });
      const spinning = view.submit(jobs.spin, slow);
      await raised(slow, BEGUN);
      const queued = Array.from({ length: 5 }, () => the().submit(jobs.count, quick));
      spinning.cancel();
      await failure(spinning);
      expect((await Promise.all(queued)).toSorted()).toEqual([1, 2, 3, 4, 5]);
    });
  });
});
