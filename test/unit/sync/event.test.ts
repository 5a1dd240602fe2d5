import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { CancelledError, DeadlockError, InvalidStateError, TimeoutError } from '../../../src/core/errors.ts';
import { ThreadPoolExecutor } from '../../../src/executor/thread-pool-executor.ts';
import { TaskGroup } from '../../../src/scope/task-group.ts';
import { Event } from '../../../src/sync/event.ts';
import { fromToken, toToken } from '../../../src/thread/tokens.ts';
import { failure, thrown, turn } from '../../fixtures/awaiting.ts';
import { syncJobs } from '../../fixtures/sync-jobs.ts';

const pool = new ThreadPoolExecutor({ threads: 3 });
afterAll(() => pool.shutdown({ cancelPending: true, cancelRunning: true }));

async function untilWaiting(event: Event, waiting: number): Promise<void> {
  while (event.statistics().waiting !== waiting) await turn();
}

describe('set and clear', () => {
  test('set() lets all through who wait; who comes later passes at once, until clear()', async () => {
    const event = new Event({ name: 'ready' });
    let passed = 0;
    const waits = [1, 2].map(() => event.wait().then(() => passed++));
    await turn();
    expect([passed, event.isSet]).toEqual([0, false]);
    expect(event.statistics()).toEqual({ name: 'ready', isSet: false, waiting: 2 });
    event.set();
    await Promise.all(waits);
    expect([passed, event.isSet]).toEqual([2, true]);
    await event.wait({ timeout: 0 });
    event.waitSync();
    event.clear();
    expect(event.isSet).toBe(false);
    expect(await failure(event.wait({ timeout: 0 }))).toBeInstanceOf(TimeoutError);
  });

  test('set() twice and clear() twice are like once', async () => {
    const event = new Event();
    event.set();
    event.set();
    event.clear();
    event.clear();
    expect(event.isSet).toBe(false);
    const wait = event.wait();
    event.set();
    await wait;
  });

  test('set() lets all through who were waiting, in order, even if clear() follows at once', async () => {
    const event = new Event();
    const order: number[] = [];
    const waits = Array.from({ length: 100 }, (_, index) => event.wait().then(() => order.push(index)));
    event.set();
    event.clear();
    const late = event.wait();
    await Promise.all(waits);
    expect(order).toEqual(Array.from({ length: 100 }, (_, index) => index));
    expect(event.statistics()).toEqual({ isSet: false, waiting: 1 });
    event.set();
    await late;
  });

  test('set() and clear() let a thread through that is blocked', async () => {
    const event = new Event();
    const jobs = (['sync', 'async', 'sync'] as const).map((form) => pool.submit(syncJobs.pass, event, form));
    await untilWaiting(event, 3);
    event.set();
    event.clear();
    expect(await Promise.all(jobs)).toEqual(['passed', 'passed', 'passed']);
  });
});

describe('giving up', () => {
  test('a time-out, a signal and a cancellation leave no trace', async () => {
    const event = new Event();
    expect(await failure(event.wait({ timeout: 5 }))).toBeInstanceOf(TimeoutError);
    expect(thrown(() => event.waitSync({ timeout: 5 }))).toBeInstanceOf(TimeoutError);
    const reason = new Error('enough');
    expect(await failure(event.wait({ signal: AbortSignal.abort(reason) }))).toBe(reason);
    const controller = new AbortController();
    const aborted = failure(event.wait({ signal: controller.signal }));
    controller.abort(reason);
    expect(await aborted).toBe(reason);
    await TaskGroup.run(async (group) => {
      const task = group.spawn(() => event.wait().catch((error: unknown) => error));
      await untilWaiting(event, 1);
      task.cancel();
      expect(await task).toBeInstanceOf(CancelledError);
    });
    expect(event.statistics()).toEqual({ isSet: false, waiting: 0 });
  });

  test('in the moment of set(): it has passed', async () => {
    const event = new Event();
    const controller = new AbortController();
    const wait = event.wait({ signal: controller.signal });
    event.set();
    event.clear();
    controller.abort();
    expect(await wait).toBeUndefined();
  });

  test('just before set(): it has given up, and the others pass', async () => {
    const event = new Event();
    const controller = new AbortController();
    const reason = new Error('enough');
    const waits = [failure(event.wait({ signal: controller.signal })), event.wait()];
    controller.abort(reason);
    event.set();
    expect(await Promise.all(waits)).toEqual([reason, undefined]);
  });

  test('blocking for what nobody else could set is a DeadlockError', () => {
    const event = new Event();
    expect(thrown(() => event.waitSync())).toBeInstanceOf(DeadlockError);
    expect(event.statistics().waiting).toBe(0);
  });
});

describe('death', () => {
  test.each(['async', 'sync'] as const)('of who waits (%s) changes nothing for the others', async (form) => {
    const event = new Event();
    const job = pool.with({ onCancel: 'terminate', grace: 0 }).submit(syncJobs.pass, event, form);
    await untilWaiting(event, 1);
    const wait = event.wait();
    job.cancel();
    await untilWaiting(event, 1);
    event.set();
    await wait;
  });
});

test('an event that was disposed cannot be used; waits of it go on', async () => {
  const event = new Event();
  const same = fromToken<Event>(toToken(event));
  const wait = event.wait();
  event[Symbol.dispose]();
  event[Symbol.dispose]();
  const errors = [thrown(() => event.set()), thrown(() => event.isSet), await failure(event.wait())];
  for (const error of errors) expect(error).toBeInstanceOf(InvalidStateError);
  same.set();
  await wait;
});

test('bad options are refused, and nothing waits', async () => {
  const event = new Event();
  expect(await failure(event.wait({ timeout: -1 }))).toBeInstanceOf(RangeError);
  expect(await failure(event.wait({ timeout: '1' as never }))).toBeInstanceOf(TypeError);
  expect(await failure(event.wait({ signal: {} as never }))).toBeInstanceOf(TypeError);
  expect(thrown(() => event.waitSync({ timeout: Number.NaN }))).toBeInstanceOf(RangeError);
  expect(thrown(() => new Event({ name: 7 as never }))).toBeInstanceOf(TypeError);
  expect(event.statistics().waiting).toBe(0);
});

test('any sequence of setting, clearing, waiting and giving up ends as a plain flag says', async () => {
  const steps = fc.array(
    fc.record({ kind: fc.constantFrom('wait', 'wait', 'set', 'clear', 'giveUp'), n: fc.nat({ max: 6 }) }),
    { maxLength: 20 },
  );
  await fc.assert(
    fc.asyncProperty(steps, async (sequence) => {
      const event = new Event();
      const controllers: AbortController[] = [];
      const found: string[] = [];
      const expected: string[] = [];
      let isSet = false;
      for (const { kind, n } of sequence) {
        if (kind === 'wait') {
          const index = controllers.length;
          const controller = new AbortController();
          controllers.push(controller);
          found.push('waits');
          expected.push(isSet ? 'passed' : 'waits');
          event.wait({ signal: controller.signal }).then(
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
          event[kind]();
          isSet = kind === 'set';
          if (isSet)
            for (const [index, one] of expected.entries()) if (one === 'waits') expected[index] = 'passed';
        }
        expect(event.isSet).toBe(isSet);
      }
      await turn();
      await turn();
      expect(found).toEqual(expected);
      for (const controller of controllers) controller.abort();
      event[Symbol.dispose]();
    }),
    { numRuns: 200 },
  );
});
