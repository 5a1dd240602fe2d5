import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { CancelledError, DeadlockError, InvalidStateError, TimeoutError } from '../../../src/core/errors.ts';
import { ThreadPoolExecutor } from '../../../src/executor/thread-pool-executor.ts';
import { TaskGroup } from '../../../src/scope/task-group.ts';
import { Latch } from '../../../src/sync/latch.ts';
import { fromToken, toToken } from '../../../src/thread/tokens.ts';
import { failure, thrown, turn } from '../../fixtures/awaiting.ts';
import { syncJobs } from '../../fixtures/sync-jobs.ts';

const pool = new ThreadPoolExecutor({ threads: 3 });
afterAll(() => pool.shutdown({ cancelPending: true, cancelRunning: true }));

async function untilWaiting(latch: Latch, waiting: number): Promise<void> {
  while (latch.statistics().waiting !== waiting) await turn();
}

describe('counting down', () => {
  test('lets through who waits when it reaches 0, and not before; who comes later passes at once', async () => {
    const latch = new Latch(2, { name: 'ready' });
    let passed = 0;
    const waits = [1, 2].map(() => latch.wait().then(() => passed++));
    latch.countDown();
    await turn();
    expect(latch.statistics()).toEqual({ name: 'ready', count: 1, waiting: 2 });
    expect([latch.count, latch.isOpen, passed]).toEqual([1, false, 0]);
    latch.countDown();
    await Promise.all(waits);
    expect([latch.count, latch.isOpen, passed]).toEqual([0, true, 2]);
    await latch.wait({ timeout: 0 });
    latch.waitSync();
    latch.waitSync({ timeout: 0 });
  });

  test('by several at once counts that many, and never below 0', () => {
    const latch = new Latch(5);
    latch.countDown(3);
    expect(latch.count).toBe(2);
    latch.countDown(Number.MAX_SAFE_INTEGER);
    expect([latch.count, latch.isOpen]).toEqual([0, true]);
    latch.countDown();
    expect(latch.count).toBe(0);
  });

  test('lets them through in order of arrival', async () => {
    const latch = new Latch(1);
    const order: number[] = [];
    const waits = [0, 1, 2, 3].map((index) => latch.wait().then(() => order.push(index)));
    latch.countDown();
    await Promise.all(waits);
    expect(order).toEqual([0, 1, 2, 3]);
  });

  test('a latch of 0 is open', () => {
    expect(new Latch(0).isOpen).toBe(true);
  });

  test('by threads at the same time loses none', async () => {
    const latch = new Latch(3000);
    const jobs = [1, 2, 3].map(() => pool.submit(syncJobs.countDown, latch, 1, 1000));
    await latch.wait();
    await Promise.all(jobs);
    expect(latch.count).toBe(0);
  });
});

describe('bad arguments', () => {
  test.each([0, -1, 0.5, Number.NaN, Infinity])(
    'countDown(%s) is a RangeError, and nothing has changed',
    (n) => {
      const latch = new Latch(2);
      expect(thrown(() => latch.countDown(n))).toBeInstanceOf(RangeError);
      expect(latch.count).toBe(2);
    },
  );

  test.each([-1, 0.5, Number.NaN, Infinity, 2 ** 30])('a count of %s is a RangeError', (count) => {
    expect(thrown(() => new Latch(count))).toBeInstanceOf(RangeError);
  });

  test('what is no number is a TypeError', () => {
    expect(thrown(() => new Latch('2' as never))).toBeInstanceOf(TypeError);
    expect(thrown(() => new Latch(2).countDown('2' as never))).toBeInstanceOf(TypeError);
  });
});

describe('giving up', () => {
  test('a time-out, a signal and a cancellation leave no trace', async () => {
    const latch = new Latch(1);
    expect(await failure(latch.wait({ timeout: 0 }))).toBeInstanceOf(TimeoutError);
    expect(await failure(latch.wait({ timeout: 5 }))).toBeInstanceOf(TimeoutError);
    const reason = new Error('enough');
    const controller = new AbortController();
    const aborted = failure(latch.wait({ signal: controller.signal }));
    controller.abort(reason);
    expect(await aborted).toBe(reason);
    await TaskGroup.run(async (group) => {
      const task = group.spawn(() => latch.wait().catch((error: unknown) => error));
      await untilWaiting(latch, 1);
      task.cancel();
      expect(await task).toBeInstanceOf(CancelledError);
    });
    expect(latch.statistics()).toEqual({ count: 1, waiting: 0 });
  });

  test('in the moment of opening: it has passed', async () => {
    const latch = new Latch(1);
    const controller = new AbortController();
    const wait = latch.wait({ signal: controller.signal });
    latch.countDown();
    controller.abort();
    expect(await wait).toBeUndefined();
  });

  test('blocking for what nobody else could open is a DeadlockError', () => {
    const latch = new Latch(1);
    expect(thrown(() => latch.waitSync())).toBeInstanceOf(DeadlockError);
    expect(thrown(() => latch.waitSync({ timeout: 1 }))).toBeInstanceOf(TimeoutError);
  });
});

test('a latch that is sent is the same latch there', async () => {
  const latch = new Latch(2);
  const same = fromToken<Latch>(toToken(latch));
  same.countDown();
  expect(latch.count).toBe(1);
  const job = pool.submit(syncJobs.pass, latch, 'sync');
  await untilWaiting(latch, 1);
  same.countDown();
  expect(await job).toBe('passed');
});

test('a latch that was disposed cannot be used; waits of it go on', async () => {
  const latch = new Latch(1, { name: 'ready' });
  const same = fromToken<Latch>(toToken(latch));
  const wait = latch.wait();
  latch[Symbol.dispose]();
  latch[Symbol.dispose]();
  const errors = [thrown(() => latch.countDown()), thrown(() => latch.count), await failure(latch.wait())];
  for (const error of errors) expect(error).toBeInstanceOf(InvalidStateError);
  same.countDown();
  await wait;
});

test('any sequence of counting, waiting and giving up ends as a plain count says', async () => {
  const steps = fc.array(
    fc.record({ kind: fc.constantFrom('wait', 'count', 'giveUp'), n: fc.integer({ min: 1, max: 4 }) }),
    { maxLength: 20 },
  );
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: 10 }), steps, async (start, sequence) => {
      const latch = new Latch(start);
      const controllers: AbortController[] = [];
      const found: string[] = [];
      const expected: string[] = [];
      let count = start;
      for (const { kind, n } of sequence) {
        if (kind === 'wait') {
          const index = controllers.length;
          const controller = new AbortController();
          controllers.push(controller);
          found.push('waits');
          expected.push(count === 0 ? 'passed' : 'waits');
          latch.wait({ signal: controller.signal }).then(
            () => {
              found[index] = 'passed';
            },
            () => {
              found[index] = 'gave up';
            },
          );
        } else if (kind === 'giveUp') {
          controllers[n]?.abort();
          if (expected[n] === 'waits') expected[n] = 'gave up';
        } else {
          latch.countDown(n);
          count = Math.max(0, count - n);
          if (count === 0)
            for (const [index, one] of expected.entries()) if (one === 'waits') expected[index] = 'passed';
        }
        expect(latch.count).toBe(count);
      }
      await turn();
      await turn();
      expect(found).toEqual(expected);
      expect(latch.statistics().waiting).toBe(expected.filter((one) => one === 'waits').length);
      for (const controller of controllers) controller.abort();
      latch[Symbol.dispose]();
    }),
    { numRuns: 200 },
  );
});
