import { expect, test } from 'vitest';
import { parcelChaos } from './parcel-chaos.ts';

const SEED = Date.now() & 0x7fffffff;

test(`locks that travel to threads which die are never freed in use, and always in the end (seed ${SEED})`, async () => {
  const { jobs, outcomes } = await parcelChaos(SEED, 15_000);
  expect(jobs).toBeGreaterThan(0);
  expect(Object.keys(outcomes).length).toBeGreaterThan(5);
}, 180_000);
