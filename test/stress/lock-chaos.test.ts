import { expect, test } from 'vitest';
import { lockChaos, MIXED, RELAY } from './lock-chaos.ts';

const SEED = Date.now() & 0x7fffffff;

test(`locks under threads that die at any moment have one owner, are lost to nobody, and leave nothing behind (seed ${SEED})`, async () => {
  const { terminations, operations } = await lockChaos(SEED, 20_000, MIXED);
  expect(terminations).toBeGreaterThan(10);
  expect(operations).toBeGreaterThan(100);
}, 180_000);

test(`thousands of tasks that wait in dying threads are all served (seed ${SEED})`, async () => {
  const { terminations, operations } = await lockChaos(SEED, 15_000, RELAY);
  expect(terminations).toBeGreaterThan(3);
  expect(operations).toBeGreaterThan(1000);
}, 180_000);
