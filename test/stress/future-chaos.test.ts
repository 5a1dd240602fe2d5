import { afterAll, expect, test } from 'vitest';
import { endCustodian } from '../../src/memory/custody.ts';
import { futureChaos } from './future-chaos.ts';

afterAll(endCustodian);

const SEED = 20261128;

test(`futures of threads that die end all waits, alike, and leave nothing behind (seed ${SEED})`, async () => {
  const { futures, outcomes } = await futureChaos(SEED, 5000, 40);
  expect(futures).toBeGreaterThanOrEqual(40);
  for (const kind of ['value', 'planned', 'OwnerDiedError', 'CancelledError'])
    expect(outcomes[kind], kind).toBeGreaterThan(0);
}, 240_000);
