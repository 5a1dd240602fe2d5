import { expect, test } from 'vitest';
import { poolChaos } from './pool-chaos.ts';

const SEED = 20261121;

test(`a pool under random deaths, cancellations, resizes and shutdowns settles every future (seed ${SEED})`, async () => {
  const { jobs, outcomes } = await poolChaos(SEED, 3000);
  expect(jobs).toBeGreaterThan(0);
  expect(Object.keys(outcomes).length).toBeGreaterThan(3);
}, 120_000);
