import { afterAll, expect, test } from 'vitest';
import { endCustodian } from '../../src/memory/custody.ts';
import { futureChaos } from './future-chaos.ts';

afterAll(endCustodian);

const SEED = 20261128;
const OUTCOMES = ['value', 'planned', 'OwnerDiedError', 'CancelledError'];

// Of each outcome one at least: else it goes on.
test(`futures of threads that die end all waits, alike, and leave nothing behind (seed ${SEED})`, async () => {
  const { futures, outcomes } = await futureChaos(
    SEED,
    5000,
    (seen) => seen.futures > 20 && OUTCOMES.every((kind) => kind in seen.outcomes),
  );
  expect(futures).toBeGreaterThan(20);
  expect(outcomes).toMatchObject(Object.fromEntries(OUTCOMES.map((kind) => [kind, expect.any(Number)])));
}, 240_000);
