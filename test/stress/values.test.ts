import { expect, test } from 'vitest';
import { randomValues } from './values.ts';

const SEED = Date.now() & 0x7fffffff;

test(`random values are equal after the trip, with shared references and cycles (seed ${SEED})`, async () => {
  const report = await randomValues(SEED, 5_000);
  expect(report.values).toBe(5_000);
  expect(report.shared).toBeGreaterThan(1_000);
  expect(report.cyclic).toBeGreaterThan(500);
  expect(report.throughThread).toBe(50);
}, 60_000);
