/** A handle that was given up is dropped when nobody waits by it any more, or has the lock. */
import { afterAll, expect, test } from 'vitest';
import { ThreadPoolExecutor } from '../../../src/executor/thread-pool-executor.ts';
import { Lock } from '../../../src/sync/lock.ts';
import { fromToken, toToken } from '../../../src/thread/tokens.ts';
import { failure } from '../../fixtures/awaiting.ts';
import { census } from '../../fixtures/census.ts';
import { lockJobs } from '../../fixtures/lock-jobs.ts';

const pool = new ThreadPoolExecutor({ threads: 1 });
afterAll(() => pool.shutdown({ cancelPending: true, cancelRunning: true }));

test('the memory is freed at once when the last handle is disposed after its wait was given up', async () => {
  const before = census();
  const lock = new Lock();
  const same = fromToken<Lock>(toToken(lock));
  const guard = lock.acquireSync();
  const controller = new AbortController();
  const wait = failure(same.acquire({ signal: controller.signal }));
  same[Symbol.dispose]();
  controller.abort();
  await wait;
  guard.release();
  lock[Symbol.dispose]();
  expect(census()).toEqual(before);
});

test('a handle that is disposed is given up, though a task of the thread waits by another', async () => {
  const before = census();
  const lock = new Lock();
  const same = fromToken<Lock>(toToken(lock));
  const guard = lock.acquireSync();
  const wait = lock.acquire();
  same[Symbol.dispose]();
  guard.release();
  (await wait).release();
  lock[Symbol.dispose]();
  expect(census()).toEqual(before);
});

test('a lock that is sent while a task here waits for it is freed with its handles', async () => {
  const before = census();
  const lock = new Lock();
  const guard = lock.acquireSync();
  const wait = lock.acquire();
  await pool.submit(lockJobs.dispose, lock);
  guard.release();
  (await wait).release();
  lock[Symbol.dispose]();
  expect(census()).toEqual(before);
});
