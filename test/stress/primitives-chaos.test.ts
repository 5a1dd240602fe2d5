import { expect, test } from 'vitest';
import { primitivesChaos } from './primitives-chaos.ts';

const SEED = Date.now() & 0x7fffffff;

test(`primitives under threads that die at any moment keep their promises, and leave nothing behind (seed ${SEED})`, async () => {
  const { terminations, operations } = await primitivesChaos(SEED, 20_000);
  expect(terminations).toBeGreaterThan(10);
  expect(operations).toBeGreaterThan(100);
}, 180_000);
