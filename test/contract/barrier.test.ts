/** The contract of barriers: over the forms, and over where the parties are. */
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Barrier, ThreadPoolExecutor } from '../../src/index.ts';
import { sharedFlag } from '../fixtures/jobs.ts';
import { syncJobs } from '../fixtures/sync-jobs.ts';
import { type Kind, show, WAITERS } from './stage.ts';
import { Tally } from './tally.ts';

const tally = new Tally();
const pool = new ThreadPoolExecutor({ threads: 4 });
const killers = pool.with({ onCancel: 'terminate', grace: 0 });
const PAIRS = WAITERS.flatMap((a) => WAITERS.map((b) => [a, b] as const));
const TRIPLES = PAIRS.flatMap(([a, b]) => WAITERS.map((c) => [a, b, c] as const));
const BROKEN = 'ERR_HEDDLE_BROKEN_BARRIER';

afterAll(async () => {
  await pool.shutdown({ cancelPending: true, cancelRunning: true });
  console.log(`Contract of barriers\n${tally}`);
});

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

let barrier: Barrier;
beforeEach(() => {
  barrier = new Barrier(3, { action: syncJobs.nothing });
});
afterEach(() => barrier[Symbol.dispose]());

async function untilWaiting(waiting: number): Promise<void> {
  while (barrier.waiting !== waiting) await turn();
}

/** Somebody who arrives now: gives the number, or the code of the error. */
function enter({ where, form }: Kind, timeout?: number): PromiseLike<number | string> {
  if (form === 'try') throw new Error('There is no such form');
  return where === 'this loop'
    ? syncJobs.arrive(barrier, form, timeout)
    : pool.submit(syncJobs.arrive, barrier, form, timeout);
}

describe('all pass when the last has arrived, with their numbers in order of arrival, pass after pass', () => {
  for (const kinds of TRIPLES)
    test(kinds.map(show).join(', '), async () => {
      for (let pass = 0; pass < 2; pass++) {
        const parties = [];
        for (const [index, kind] of kinds.entries()) {
          parties.push(enter(kind));
          if (index < 2) await untilWaiting(index + 1);
        }
        expect(await Promise.all(parties)).toEqual([0, 1, 2]);
      }
      expect(barrier.statistics()).toEqual({ parties: 3, waiting: 0, broken: false });
      tally.add('all pass', 'Barrier');
    });
});

describe('one who times out breaks it for the others, wherever they are', () => {
  for (const [first, second] of PAIRS)
    test(`${show(first)}, ${show(second)}`, async () => {
      const patient = enter(second);
      await untilWaiting(1);
      expect(await enter(first, 20)).toBe('ERR_HEDDLE_TIMEOUT');
      expect(await patient).toBe(BROKEN);
      expect(await enter(first)).toBe(BROKEN);
      tally.add('a time-out breaks it', 'Barrier');
    });
});

describe('abort() and reset() reach those who wait, wherever they are; after a reset all is well', () => {
  for (const end of ['abort', 'reset'] as const)
    for (const [first, second] of PAIRS)
      test(`${end}: ${show(first)}, ${show(second)}`, async () => {
        const waiters = [enter(first), enter(second)];
        await untilWaiting(2);
        barrier[end]();
        expect(await Promise.all(waiters)).toEqual([BROKEN, BROKEN]);
        expect(barrier.broken).toBe(end === 'abort');
        barrier.reset();
        const parties = [enter(first), enter(second), enter(first)];
        expect((await Promise.all(parties)).sort()).toEqual([0, 1, 2]);
        tally.add(`${end}()`, 'Barrier');
      });
});

describe('a thread that dies while it waits breaks it', () => {
  for (const form of ['async', 'sync'] as const)
    for (const kind of WAITERS)
      test(`${form}, terminated, ${show(kind)}`, async () => {
        const waiter = enter(kind);
        await untilWaiting(1);
        const dying = killers.submit(syncJobs.arrive, barrier, form);
        await untilWaiting(2);
        dying.cancel();
        expect(await waiter).toBe(BROKEN);
        tally.add('death of a waiter', 'Barrier');
      });
});

describe('nobody is a step ahead of the others', () => {
  const mixtures = [
    ['async', 'async', 'async'],
    ['sync', 'sync', 'sync'],
    ['async', 'sync', 'async'],
    ['sync', 'async', 'sync'],
  ] as const;
  for (const mixture of mixtures)
    for (const action of [undefined, syncJobs.nothing])
      test(`${mixture.join(', ')}, and this loop; ${action === undefined ? 'no action' : 'an action'}`, async () => {
        const steps = 60;
        const words = sharedFlag(4);
        using step = new Barrier(4, { action });
        const others = mixture.map((form, index) =>
          pool.submit(syncJobs.walk, step, form, words, index, steps),
        );
        const all = [await syncJobs.walk(step, 'async', words, 3, steps), ...(await Promise.all(others))];
        for (let index = 0; index < steps; index++)
          expect(all.map((numbers) => numbers[index]).sort()).toEqual([0, 1, 2, 3]);
        tally.add('nobody is a step ahead', 'Barrier');
      });
});
