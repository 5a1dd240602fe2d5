import { afterAll, describe, expect, test } from 'vitest';
import { describeReport, explore } from '../model/explorer.ts';
import { clearing, LONG, type Model, model, pair, survivors } from './byte-ring-model.ts';

const DEATHS: Partial<Model> = { deaths: 2 };

// All schedules within the bound, if one is named, or all there are.
const EXHAUSTED: readonly [name: string, threads: Model['threads'], more: Partial<Model>][] = [
  ['six short records', pair([24, 13, 0, 24, 16, 24], 1), {}],
  ['five short records, deaths', pair([24, 24, 13, 24, 24], 1), DEATHS],
  ['six short records in batches, deaths', pair([24, 13, 0, 24, 16, 24], 2), DEATHS],
  ['a long and a short record, deaths', pair([LONG, 5], 1), DEATHS],
  ['long records in one batch, deaths', pair([LONG, 5, LONG], 3), DEATHS],
  [
    'long records in one batch, deaths, reaped first',
    pair([LONG, 5, LONG], 3),
    { ...DEATHS, ...clearing(true) },
  ],
  [
    'long records in batches, deaths',
    pair([LONG, 13, LONG, 24, 24, LONG], 2),
    { ...DEATHS, preemptionBound: 2 },
  ],
  [
    'survivors that clear up at once, deaths',
    survivors([LONG, LONG], 2),
    { ...DEATHS, mortal: ['writer', 'c'], preemptionBound: 2 },
  ],
];

describe('ByteRing keeps its promises in every schedule', () => {
  let schedules = 0;
  afterAll(() => console.log(`ByteRing: ${schedules.toLocaleString('en')} schedules in all`));

  test.each(EXHAUSTED)('%s', { timeout: 120_000 }, async (name, threads, more) => {
    const report = await explore(model(name, threads, { ...clearing(false), ...more }));
    console.log(describeReport(report));
    schedules += report.schedules;
    expect(report.exhausted).toBe(true);
  });
});
