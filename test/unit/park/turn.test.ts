import { afterAll, expect, test } from 'vitest';
import { ThreadPoolExecutor } from '../../../src/executor/thread-pool-executor.ts';
import { granted } from '../../../src/park/turn.ts';
import { Lock } from '../../../src/sync/lock.ts';
import { turn, untilWaiting } from '../../fixtures/awaiting.ts';
import { sharedFlag } from '../../fixtures/jobs.ts';
import { lockJobs } from '../../fixtures/lock-jobs.ts';

const pool = new ThreadPoolExecutor({ threads: 1 });
afterAll(() => pool.shutdown({ cancelPending: true, cancelRunning: true }));

const MANY = 20_000;

test('granted() gives what it was given, in order, however many there are', async () => {
  const order: number[] = [];
  await Promise.all(
    Array.from({ length: MANY }, (_, index) => granted(index).then((value) => order.push(value))),
  );
  expect(order).toEqual(Array.from({ length: MANY }, (_, index) => index));
});

test('a task that takes a free lock again and again lets timers and sockets run', async () => {
  const lock = new Lock();
  let rounds = 0;
  let before = 0;
  setImmediate(() => {
    before = rounds;
  });
  for (; rounds < MANY; rounds++) (await lock.acquire()).release();
  expect(before).toBeGreaterThan(0);
  expect(before).toBeLessThan(MANY / 2);
});

test('tasks that hand a lock to each other let timers and sockets run', async () => {
  const lock = new Lock();
  let handed = 0;
  let before = 0;
  setImmediate(() => {
    before = handed;
  });
  await Promise.all(Array.from({ length: MANY }, () => lock.run(() => handed++)));
  expect(handed).toBe(MANY);
  expect(before).toBeLessThan(MANY / 2);
});

test('what another thread hands over arrives while this loop is busy with its own waits', async () => {
  const contended = new Lock();
  const guard = contended.acquireSync();
  const flag = sharedFlag(3);
  const other = pool.submit(lockJobs.waitSync, contended, flag);
  await untilWaiting(contended, 1);
  let served = false;
  const mine = contended.run(() => {
    served = true;
  });
  guard.release();
  Atomics.store(flag, 0, 1);
  Atomics.notify(flag, 0);
  // Without a pause for anybody else; far longer than the other thread needs.
  const lock = new Lock();
  let rounds = 0;
  while (!served && rounds < 1000 * MANY) {
    (await lock.acquire()).release();
    rounds++;
  }
  expect(served).toBe(true);
  await Promise.all([mine, other, turn()]);
});
