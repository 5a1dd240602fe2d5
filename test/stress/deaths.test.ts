import { expect, test } from 'vitest';
import { deaths } from './deaths.ts';

const SEED = Date.now() & 0x7fffffff;

test(`threads of a pool die under load, every future settles, nothing is left over (seed ${SEED})`, async () => {
  const report = await deaths(
    SEED,
    5000,
    Infinity,
    (seen) => seen.deaths > 5 && (seen.outcomes['value: value'] ?? 0) > 5,
  );
  expect(report.deaths).toBeGreaterThan(5);
  expect(report.outcomes['value: value']).toBeGreaterThan(5);
}, 240_000);
