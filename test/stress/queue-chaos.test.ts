import { expect, test } from 'vitest';
import { QUEUE_KINDS, queueChaos } from './queue-chaos.ts';

const SEED = Date.now() & 0x7fffffff;

test.each(QUEUE_KINDS)(
  'no item is lost, doubled or late between four producers and four consumers: %s',
  async (kind) => {
    const report = await queueChaos(SEED, { kind, items: 200_000, milliseconds: 20_000 });
    expect(report.got).toBe(report.put);
    expect(report.put).toBeGreaterThan(1000);
    expect([report.lost, report.inDoubt]).toEqual([0, 0]);
    if (kind === 'bounded' || kind === 'unbounded') expect(report.disorder).toBe(0);
  },
  120_000,
);

test.each(QUEUE_KINDS)(
  `whoever is terminated takes at most the item in its hands along: %s (seed ${SEED})`,
  async (kind) => {
    const report = await queueChaos(SEED, { kind, milliseconds: 6000, deaths: true });
    expect(report.deadProducers + report.deadConsumers).toBeGreaterThan(5);
    expect(report.got).toBe(report.put - report.lost + report.inDoubt);
    expect(report.lost).toBeLessThanOrEqual(report.deadConsumers);
    expect(report.inDoubt).toBeLessThanOrEqual(report.deadProducers);
  },
  120_000,
);
