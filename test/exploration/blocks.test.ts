import { afterAll, describe, expect, test } from 'vitest';
import { describeReport, explore } from '../model/explorer.ts';
import {
  checkWhole,
  dying,
  type Model,
  model,
  overlappingRuns,
  PAGE,
  publishing,
  reaping,
  runsAndBlocks,
  SMALL,
  takeInTurn,
  threeRuns,
  threeThreads,
} from './blocks-model.ts';

// All schedules within the bound, if one is named, or all there are.
const EXHAUSTED: readonly [name: string, pages: number, threads: Model['threads'], more: Partial<Model>][] = [
  [
    'two overlapping runs, death',
    2,
    (world) => ({ a: takeInTurn(world, 0, 2 * PAGE), b: takeInTurn(world, 1, 2 * PAGE) }),
    dying(1, 2 * PAGE),
  ],
  [
    'a run and a small block, death',
    1,
    (world) => ({ a: takeInTurn(world, 0, SMALL), b: takeInTurn(world, 1, PAGE) }),
    dying(2),
  ],
  ['runs of several lengths, death', 3, overlappingRuns, { ...dying(1, 3 * PAGE), preemptionBound: 3 }],
  ['three runs', 5, threeRuns, { preemptionBound: 2, check: (world) => checkWhole(world, 1, 5 * PAGE) }],
  ['runs and small blocks', 2, runsAndBlocks, { preemptionBound: 4 }],
  [
    'two reapers of a run, two deaths',
    3,
    reaping(2 * PAGE),
    { ...dying(1, 3 * PAGE), deaths: 2, mortal: ['a', 'b'], preemptionBound: 2 },
  ],
  ['small blocks of a holder', 2, publishing(SMALL), { preemptionBound: 3 }],
  ['runs of a holder', 2, publishing(PAGE), { preemptionBound: 3 }],
];

/** What cannot be exhausted: so many schedules. */
const LARGE: readonly [name: string, schedules: number, threads: Model['threads'], more: Partial<Model>][] = [
  [
    'two threads, small blocks',
    500_000,
    (world) => ({ a: takeInTurn(world, 0, SMALL), b: takeInTurn(world, 1, SMALL) }),
    {},
  ],
  ['three threads, small blocks', 40_000, threeThreads, { preemptionBound: 3 }],
  [
    'two threads, small blocks, death',
    150_000,
    (world) => ({ a: takeInTurn(world, 0, SMALL), b: takeInTurn(world, 1, SMALL) }),
    dying(2),
  ],
];

describe('BlockAllocator keeps its promises in every schedule', () => {
  let schedules = 0;
  afterAll(() => console.log(`BlockAllocator: ${schedules.toLocaleString('en')} schedules in all`));

  test.each(EXHAUSTED)('%s', { timeout: 120_000 }, async (name, pages, threads, more) => {
    const report = await explore(model(name, pages, threads, more));
    console.log(describeReport(report));
    schedules += report.schedules;
    expect(report.exhausted).toBe(true);
  });

  test.each(LARGE)('%s: %s schedules', { timeout: 120_000 }, async (name, maxSchedules, threads, more) => {
    const report = await explore(
      model(name, 1, threads, { check: (world) => checkWhole(world, 2), ...more, maxSchedules }),
    );
    console.log(describeReport(report));
    schedules += report.schedules;
    expect(report.exhausted || report.schedules >= maxSchedules).toBe(true);
  });
});
