import { describe, expect, test } from 'vitest';
import { BrokenBarrierError, TimeoutError } from '../../../src/core/errors.ts';
import { Barrier } from '../../../src/sync/barrier.ts';
import { failure, thrown, turn } from '../../fixtures/awaiting.ts';

describe('a pass', () => {
  test('wait() gives each its number, in order of arrival, once all have arrived; then it begins anew', async () => {
    const barrier = new Barrier(3);
    for (let pass = 0; pass < 3; pass++) {
      const waits = [barrier.wait(), barrier.wait()];
      await turn();
      expect(barrier.statistics()).toEqual({ parties: 3, waiting: 2, broken: false });
      waits.push(barrier.wait());
      expect(await Promise.all(waits)).toEqual([0, 1, 2]);
    }
  });

  test('the last to arrive runs the action before the others go on', async () => {
    const order: string[] = [];
    const barrier = new Barrier(2, {
      action: async () => {
        await turn();
        order.push('action');
      },
    });
    const waits = [0, 1].map(() => barrier.wait().then((number) => order.push(`${number}`)));
    const early = barrier.wait().then(() => order.push('next'));
    await Promise.all(waits);
    expect(order).toEqual(['action', '0', '1']);
    await barrier.wait();
    await early;
    expect(order.slice(3)).toEqual(['action', 'next']);
  });

  test('a time-out breaks it for all', async () => {
    const barrier = new Barrier(3);
    const first = failure(barrier.wait());
    expect(await failure(barrier.wait({ timeout: 5 }))).toBeInstanceOf(TimeoutError);
    expect(await first).toBeInstanceOf(BrokenBarrierError);
    expect(barrier.broken).toBe(true);
    expect(await failure(barrier.wait())).toBeInstanceOf(BrokenBarrierError);
    barrier.reset();
    expect(barrier.broken).toBe(false);
    expect(thrown(() => barrier.waitSync({ timeout: 0 }))).toBeInstanceOf(TimeoutError);
    expect(barrier.broken).toBe(true);
  });
});
