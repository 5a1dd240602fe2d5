import { afterAll, expect, test } from 'vitest';
import { endCustodian } from '../../src/memory/custody.ts';
import { jobChaos } from './job-chaos.ts';

// It keeps the words in which jobs are counted.
afterAll(endCustodian);

const SEED = Date.now() & 0x7fffffff;

test(`jobs of many threads that die settle, run once, and leave nothing behind (seed ${SEED})`, async () => {
  const { jobs, deadOwners, outcomes } = await jobChaos(
    SEED,
    6000,
    (seen) => seen.jobs > 100 && seen.deadOwners > 1 && (seen.outcomes['quick: value'] ?? 0) > 10,
  );
  expect(jobs).toBeGreaterThan(100);
  expect(deadOwners).toBeGreaterThan(1);
  expect(outcomes['quick: value']).toBeGreaterThan(10);
}, 240_000);
