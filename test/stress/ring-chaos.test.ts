import { expect, test } from 'vitest';
import { ringChaos } from './ring-chaos.ts';

const SEED = Date.now() & 0x7fffffff;

test(`a ring whose ends are terminated gives whole records in order, and all its blocks are freed (seed ${SEED})`, async () => {
  const { terminations, records } = await ringChaos(SEED, 10_000);
  expect(terminations).toBeGreaterThan(3);
  expect(records).toBeGreaterThan(100);
}, 120_000);
