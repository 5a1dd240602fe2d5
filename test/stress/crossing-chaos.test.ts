import { afterAll, expect, test } from 'vitest';
import { endCustodian } from '../../src/memory/custody.ts';
import { crossingChaos } from './crossing-chaos.ts';

afterAll(endCustodian);

const SEED = 20261129;
const KINDS = 7;
const OUTCOMES = ['value', 'read', 'Planned', 'ThreadDiedError'];

// Of each kind, and of each outcome, one at least: else it goes on.
test(`callbacks, signals and iterables of threads that die end, and leave nothing behind (seed ${SEED})`, async () => {
  const { done, outcomes } = await crossingChaos(
    SEED,
    5000,
    (seen) => Object.keys(seen.done).length === KINDS && OUTCOMES.every((kind) => kind in seen.outcomes),
  );
  expect(Object.keys(done).length).toBe(KINDS);
  expect(outcomes).toMatchObject(Object.fromEntries(OUTCOMES.map((kind) => [kind, expect.any(Number)])));
}, 240_000);
