/** Deaths that reach a thread by what it has started. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { OwnerDiedError } from '../../../src/core/errors.ts';
import { Lock } from '../../../src/sync/lock.ts';
import { type Token, toToken } from '../../../src/thread/tokens.ts';
import { failure } from '../../fixtures/awaiting.ts';
import { raised, sharedFlag } from '../../fixtures/jobs.ts';

const HEDDLE = JSON.stringify(new URL('../../../src/index.ts', import.meta.url).href);

/** Takes the lock and keeps it. */
const HOLD = `
  import { workerData } from 'node:worker_threads';
  import { fromToken } from ${HEDDLE};
  const lock = fromToken(workerData.token);
  lock.acquireSync();
  Atomics.store(workerData.flag, 0, 1);
  Atomics.notify(workerData.flag, 0);
  Atomics.wait(workerData.flag, 1, 0);
`;

/** Starts a thread that does, and blocks. */
const START = `
  import { Worker, workerData } from 'node:worker_threads';
  import { isMainThread } from ${HEDDLE};
  new Worker(new URL(workerData.hold), { workerData });
  if (isMainThread) setInterval(() => {}, 1_000);
`;

function moduleOf(code: string): URL {
  return new URL(`data:text/javascript,${encodeURIComponent(code)}`);
}

function start(code: string, token: Token, flag: Int32Array): Worker {
  return new Worker(moduleOf(code), { workerData: { token, flag, hold: moduleOf(HOLD).href } });
}

test('what a thread held that ended with the thread which had started it goes to the next', async () => {
  const lock = new Lock();
  const flag = sharedFlag();
  const parent = start(START, toToken(lock), flag);
  await raised(flag, 0);
  const next = failure(lock.acquire());
  await parent.terminate();
  const error = (await next) as OwnerDiedError;
  expect(error).toBeInstanceOf(OwnerDiedError);
  error.guard?.release();
  lock.acquireSync().release();
});

test('a blocked thread is told of the end of one that it had started, which was terminated', async () => {
  const lock = new Lock();
  const flag = sharedFlag();
  const holder = start(HOLD, toToken(lock), flag);
  await raised(flag, 0);
  const ended = once(holder, 'exit');
  void holder.terminate();
  expect(() => lock.acquireSync()).toThrow(OwnerDiedError);
  await ended;
});
