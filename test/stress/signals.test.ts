import { describe, expect, test } from 'vitest';
import { signals } from './signals.ts';

const SEED = Date.now() & 0x7fffffff;

describe.skipIf(process.platform === 'win32')('SIGINT and SIGTERM at any moment', () => {
  test(`end a program with all its clean-up done, and every file whole (seed ${SEED})`, async () => {
    const { runs, cleanedUp } = await signals(SEED, Infinity, 6);
    expect(runs).toEqual({ SIGINT: 6, SIGTERM: 6 });
    expect(cleanedUp).toBeGreaterThan(0);
  }, 240_000);
});
