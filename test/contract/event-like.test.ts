/** The contract of what opens for all who wait: over the forms, over where the waiters and the opener are. */
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Event, Latch, ThreadPoolExecutor } from '../../src/index.ts';
import { syncJobs } from '../fixtures/sync-jobs.ts';
import { type Kind, show, WAITERS, type Where } from './stage.ts';
import { Tally } from './tally.ts';

const tally = new Tally();
const pool = new ThreadPoolExecutor({ threads: 4 });
const killers = pool.with({ onCancel: 'terminate', grace: 0 });
const PAIRS = WAITERS.flatMap((a) => WAITERS.map((b) => [a, b] as const));
const TRIPLES = PAIRS.flatMap(([a, b]) => WAITERS.map((c) => [a, b, c] as const));
const OPENERS: readonly Where[] = ['this loop', 'another thread'];

afterAll(async () => {
  await pool.shutdown({ cancelPending: true, cancelRunning: true });
  console.log(`Contract of events and latches\n${tally}`);
});

interface Implementation {
  readonly name: string;
  create(): Event | Latch;
  open(object: Event | Latch, where: Where): PromiseLike<void> | void;
}

const IMPLEMENTATIONS: readonly Implementation[] = [
  {
    name: 'Event',
    create: () => new Event(),
    open: (event, where) =>
      where === 'this loop' ? (event as Event).set() : pool.submit(syncJobs.set, event as Event),
  },
  {
    name: 'Latch',
    create: () => new Latch(3),
    open: (latch, where) =>
      where === 'this loop'
        ? (latch as Latch).countDown(3)
        : pool.submit(syncJobs.countDown, latch as Latch, 1, 3),
  },
];

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe.each(IMPLEMENTATIONS.map((one) => [one.name, one] as const))('%s', (name, { create, open }) => {
  let object: Event | Latch;
  beforeEach(() => {
    object = create();
  });
  afterEach(() => object[Symbol.dispose]());

  async function untilWaiting(waiting: number): Promise<void> {
    while (object.statistics().waiting !== waiting) await turn();
  }

  /** Somebody who waits now: gives how that ends. */
  function enter({ where, form }: Kind, timeout?: number): PromiseLike<string> {
    if (form === 'try') throw new Error('There is no such form');
    return where === 'this loop'
      ? syncJobs.pass(object, form, timeout)
      : pool.submit(syncJobs.pass, object, form, timeout);
  }

  /** Those kinds in the line, in this order. */
  async function line(kinds: readonly Kind[]): Promise<PromiseLike<string>[]> {
    const waiters = [];
    for (const [index, kind] of kinds.entries()) {
      waiters.push(enter(kind));
      await untilWaiting(index + 1);
    }
    return waiters;
  }

  describe('who waits passes when it opens, and not before; who comes later passes at once', () => {
    for (const where of OPENERS)
      for (const kinds of TRIPLES)
        test(`${kinds.map(show).join(', ')}; opened on ${where}`, async () => {
          const waiters = await line(kinds);
          let passed = 0;
          for (const waiter of waiters) void waiter.then(() => passed++);
          await turn();
          expect(passed).toBe(0);
          await open(object, where);
          expect(await Promise.all(waiters)).toEqual(['passed', 'passed', 'passed']);
          expect(object.statistics().waiting).toBe(0);
          expect(await Promise.all(kinds.map((kind) => enter(kind, 0)))).toEqual([
            'passed',
            'passed',
            'passed',
          ]);
          tally.add('who waits passes when it opens', name);
        });
  });

  describe('a wait that times out leaves no trace', () => {
    for (const [first, second] of PAIRS)
      test(`${show(first)}, ${show(second)}`, async () => {
        const brief = enter(first, 60);
        await untilWaiting(1);
        const patient = enter(second);
        expect(await brief).toBe('ERR_HEDDLE_TIMEOUT');
        await untilWaiting(1);
        await open(object, 'this loop');
        expect(await patient).toBe('passed');
        tally.add('a wait that times out leaves no trace', name);
      });
  });

  describe('a time-out of 0 fails unless it is open', () => {
    for (const kind of WAITERS)
      test(show(kind), async () => {
        expect(await enter(kind, 0)).toBe('ERR_HEDDLE_TIMEOUT');
        expect(object.statistics().waiting).toBe(0);
        tally.add('a time-out of 0', name);
      });
  });

  describe('a thread that dies while it waits changes nothing for the others', () => {
    for (const form of ['async', 'sync'] as const)
      for (const kind of WAITERS)
        test(`${form}, terminated, ${show(kind)}`, async () => {
          const dying = killers.submit(syncJobs.pass, object, form);
          await untilWaiting(1);
          const waiter = enter(kind);
          await untilWaiting(2);
          dying.cancel();
          await untilWaiting(1);
          await open(object, 'this loop');
          expect(await waiter).toBe('passed');
          tally.add('death of a waiter', name);
        });
  });

  test('this thread may block for what another does', async () => {
    const waiter = enter({ where: 'another thread', form: 'sync' });
    await untilWaiting(1);
    const opened = open(object, 'another thread');
    object.waitSync();
    await opened;
    expect(await waiter).toBe('passed');
    tally.add('this thread may block', name);
  });
});
