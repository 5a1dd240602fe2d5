import { expect, test } from 'vitest';
import { IMPLEMENTATIONS } from '../contract/lock-like.ts';
import { cleanCounters } from './counters.ts';

const SEED = Date.now() & 0x7fffffff;

test(`a counter under each primitive, raised by eight threads, is exact (seed ${SEED})`, async () => {
  const { increments } = await cleanCounters(SEED, 0, 1);
  expect(Object.keys(increments)).toEqual(IMPLEMENTATIONS.map(({ name }) => name));
}, 180_000);
