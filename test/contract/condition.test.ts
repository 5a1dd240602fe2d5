/** The contract of conditions: over the forms, over where the waiters and the notifier are, over both kinds of lock. */
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Condition, Lock, RLock, TaskGroup, ThreadPoolExecutor } from '../../src/index.ts';
import { sharedFlag } from '../fixtures/jobs.ts';
import { syncJobs } from '../fixtures/sync-jobs.ts';
import { type Kind, show, WAITERS, type Where } from './stage.ts';
import { Tally } from './tally.ts';

const tally = new Tally();
const pool = new ThreadPoolExecutor({ threads: 5 });
const killers = pool.with({ onCancel: 'terminate', grace: 0 });
const PAIRS = WAITERS.flatMap((a) => WAITERS.map((b) => [a, b] as const));
const TRIPLES = PAIRS.flatMap(([a, b]) => WAITERS.map((c) => [a, b, c] as const));
const NOTIFIERS: readonly Where[] = ['this loop', 'another thread'];

afterAll(async () => {
  await pool.shutdown({ cancelPending: true, cancelRunning: true });
  console.log(`Contract of conditions\n${tally}`);
});

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

const LOCKS = [
  ['Lock', () => new Lock()],
  ['RLock', () => new RLock()],
] as const;

describe.each(LOCKS)('with a %s', (name, makeLock) => {
  let condition: Condition;
  beforeEach(() => {
    condition = new Condition({ lock: makeLock() as Lock });
  });
  afterEach(() => {
    condition[Symbol.dispose]();
    condition = undefined as never;
  });

  async function untilWaiting(waiting: number): Promise<void> {
    while (condition.statistics().waiting !== waiting) await turn();
  }

  async function notify(n: number, where: Where = 'this loop'): Promise<void> {
    if (where === 'another thread') await pool.submit(syncJobs.notify, condition, n);
    else
      await condition.lock.acquire().then((guard) => {
        condition.notify(guard, n);
        guard.release();
      });
  }

  function enter({ where, form }: Kind, timeout?: number): PromiseLike<string> {
    if (form === 'try') throw new Error('There is no such form');
    return where === 'this loop'
      ? syncJobs.await(condition, form, timeout)
      : pool.submit(syncJobs.await, condition, form, timeout);
  }

  describe('notifications go to who has waited longest, one each', () => {
    for (const where of NOTIFIERS)
      for (const kinds of TRIPLES)
        test(`${kinds.map(show).join(', ')}; notified on ${where}`, async () => {
          const waiters = [];
          const ended: number[] = [];
          for (const [index, kind] of kinds.entries()) {
            const waiter = enter(kind);
            void waiter.then(() => ended.push(index));
            waiters.push(waiter);
            await untilWaiting(index + 1);
          }
          await notify(1, where);
          expect(await waiters[0]).toBe('notified');
          await untilWaiting(2);
          expect(ended).toEqual([0]);
          await notify(5, where);
          expect(await Promise.all(waiters)).toEqual(['notified', 'notified', 'notified']);
          expect(condition.statistics().waiting).toBe(0);
          expect(condition.lock.locked).toBe(false);
          tally.add('first come, first notified', name);
        });
  });

  describe('a wait that times out has the lock again, and leaves no trace', () => {
    for (const [first, second] of PAIRS)
      test(`${show(first)}, ${show(second)}`, async () => {
        const brief = enter(first, 50);
        await untilWaiting(1);
        const patient = enter(second);
        expect(await brief).toBe('ERR_HEDDLE_TIMEOUT');
        await untilWaiting(1);
        await notify(1);
        expect(await patient).toBe('notified');
        tally.add('a wait that times out', name);
      });
  });

  describe('a wait that was cancelled has the lock again, and leaves no trace', () => {
    for (const [first, second] of PAIRS)
      test(`${show(first)}, ${show(second)}`, async () => {
        let cancel: (() => void) | undefined;
        const ended = TaskGroup.run((group) => {
          cancel = () => group.cancel();
          group.spawn(() => enter(first));
        });
        await untilWaiting(1);
        const patient = enter(second);
        await untilWaiting(2);
        cancel!();
        await ended;
        await untilWaiting(1);
        await notify(1);
        expect(await patient).toBe('notified');
        expect(condition.lock.locked).toBe(false);
        tally.add('a wait that was cancelled', name);
      });
  });

  describe('a notification of a thread that dies before it has the lock is passed on', () => {
    for (const form of ['async', 'sync'] as const)
      for (const kind of WAITERS)
        test(`${form}, terminated, ${show(kind)}`, async () => {
          const dying = killers.submit(syncJobs.awaitDeath, condition, form);
          await untilWaiting(1);
          const waiter = enter(kind);
          await untilWaiting(2);
          const guard = await condition.lock.acquire();
          condition.notify(guard);
          dying.cancel();
          await untilWaiting(0);
          guard.release();
          expect(await waiter).toBe('notified');
          tally.add('passed on by a death', name);
        });
  });

  describe('the death of the notifier with the lock is told to who waited, by its own guard', () => {
    for (const how of ['exit', 'throw'] as const)
      for (const kind of WAITERS)
        test(`${how}, ${show(kind)}`, async () => {
          const waiter = enter(kind);
          await untilWaiting(1);
          const dying = pool.submit(syncJobs.notifyAndEnd, condition, how);
          await dying.then(undefined, () => {});
          expect(await waiter).toBe('ERR_HEDDLE_OWNER_DIED');
          await condition.lock.run(() => {});
          tally.add('death of the owner', name);
        });
  });

  describe('what is produced is consumed, none of it twice', () => {
    const mixtures = [
      ['async', 'async', 'async', 'async'],
      ['sync', 'sync', 'sync', 'sync'],
      ['async', 'sync', 'sync', 'async'],
      ['sync', 'async', 'sync', 'async'],
    ] as const;
    for (const mixture of mixtures)
      test(`${mixture.join(', ')}, and this loop`, async () => {
        const words = sharedFlag();
        const [a, b, c, d] = mixture;
        const times = 150;
        const jobs = [
          pool.submit(syncJobs.consume, condition, a, words, times),
          pool.submit(syncJobs.consume, condition, b, words, times),
          pool.submit(syncJobs.produce, condition, c, words, times),
          pool.submit(syncJobs.produce, condition, d, words, times),
        ];
        await Promise.all([
          ...jobs,
          syncJobs.consume(condition, 'async', words, times),
          syncJobs.produce(condition, 'async', words, times),
        ]);
        expect(words[0]).toBe(0);
        expect(condition.statistics().waiting).toBe(0);
        tally.add('produced and consumed', name);
      });
  });
});
