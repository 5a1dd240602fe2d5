import { describe, expect, test } from 'vitest';
import { tear } from './tear.ts';

const SEED = Date.now() & 0x7fffffff;

describe(`a thread that is terminated at random moments (seed ${SEED})`, () => {
  test('leaves no transaction half done: a compare-and-swap and the plain stores after it', async () => {
    const { terminations, torn } = await tear(SEED, 1000, 8000);
    expect(torn).toEqual([]);
    expect(terminations).toBeGreaterThan(10);
  }, 60_000);

  test('leaves one half done that has a loop between the stores: the test would notice', async () => {
    const { torn } = await tear(SEED, 4, 20_000, ['withLoop']);
    expect(torn).not.toEqual([]);
  }, 60_000);
});
