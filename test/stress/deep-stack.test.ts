import { describe, expect, test } from 'vitest';
import { RLock } from '../../src/sync/rlock.ts';
import { Semaphore } from '../../src/sync/semaphore.ts';
import { CALLS } from './deep-calls.ts';
import { deepStack } from './deep-stack.ts';

const PADS = [0, 1, 3, 6, 10, 15];

describe('at every depth near the end of the stack a call of a lock leaves each word sound', () => {
  test.each(CALLS.filter((call) => call !== 'timed'))(
    '%s, by one thread',
    async (call) => {
      const { dives } = await deepStack(call, 'alone', PADS);
      expect(dives).toBe(PADS.length);
    },
    60_000,
  );

  test.each(['tryAcquire', 'acquireSync', 'acquire', 'release', 'run'] as const)(
    '%s, while others use the lock',
    async (call) => {
      const { dives } = await deepStack(call, 'contended', PADS);
      expect(dives).toBe(PADS.length);
    },
    60_000,
  );

  test.each(['acquireSync', 'acquire', 'timed'] as const)(
    '%s, while another has the lock for long',
    async (call) => {
      const { dives } = await deepStack(call, 'held', PADS.slice(0, 3), 3);
      expect(dives).toBe(3);
    },
    60_000,
  );
});

describe.each([
  ['a re-entrant lock', () => new RLock()],
  ['a semaphore', () => new Semaphore(1, { max: 1 })],
] as const)(
  'at every depth near the end of the stack a call of %s leaves all it knows sound',
  (_, create) => {
    test.each([
      ['tryAcquire', 'alone'],
      ['acquireSync', 'alone'],
      ['acquire', 'alone'],
      ['release', 'alone'],
      ['runSync', 'alone'],
      ['run', 'alone'],
      ['tryAcquire', 'contended'],
      ['acquireSync', 'contended'],
      ['acquire', 'contended'],
      ['release', 'contended'],
      ['run', 'contended'],
      ['acquireSync', 'held'],
    ] as const)(
      '%s, %s',
      async (call, partners) => {
        const { dives } = await deepStack(
          call,
          partners,
          PADS.slice(0, 3),
          partners === 'held' ? 3 : 60,
          create,
        );
        expect(dives).toBe(3);
      },
      60_000,
    );
  },
);
