import { afterAll, expect, test } from 'vitest';
import { endCustodian } from '../../src/memory/custody.ts';
import { crossingChaos } from './crossing-chaos.ts';

afterAll(endCustodian);

const SEED = 20261129;

test(`callbacks, signals and iterables of threads that die end, and leave nothing behind (seed ${SEED})`, async () => {
  const { done, outcomes } = await crossingChaos(SEED, 5000);
  expect(Object.keys(done).length).toBe(7);
  for (const kind of ['value', 'read', 'Planned', 'ThreadDiedError'])
    expect(outcomes[kind], kind).toBeGreaterThan(0);
}, 240_000);
