import fc from 'fast-check';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import {
  BrokenBarrierError,
  CancelledError,
  CaptureError,
  DeadlockError,
  InvalidStateError,
  SendError,
  TimeoutError,
} from '../../../src/core/errors.ts';
import { ThreadPoolExecutor } from '../../../src/executor/thread-pool-executor.ts';
import { ownHeap } from '../../../src/memory/heap.ts';
import { BARRIER } from '../../../src/memory/kinds.ts';
import { KIND } from '../../../src/memory/layout.ts';
import { TaskGroup } from '../../../src/scope/task-group.ts';
import { Barrier } from '../../../src/sync/barrier.ts';
import { BarrierWord } from '../../../src/sync/barrier-word.ts';
import { fromToken, toToken } from '../../../src/thread/tokens.ts';
import { failure, thrown, turn } from '../../fixtures/awaiting.ts';
import { sharedFlag } from '../../fixtures/jobs.ts';
import { endHold, syncJobs } from '../../fixtures/sync-jobs.ts';

const pool = new ThreadPoolExecutor({ threads: 3 });
afterAll(() => pool.shutdown({ cancelPending: true, cancelRunning: true }));
afterEach(() => {
  vi.restoreAllMocks();
});

async function untilWaiting(barrier: Barrier, waiting: number): Promise<void> {
  while (barrier.waiting !== waiting) await turn();
}

/** The number, or the class of the error. */
function outcome(wait: Promise<number>): Promise<unknown> {
  return wait.catch((error: Error) => error.constructor);
}

/** An action that ends when it is told to, before or while it runs. */
function gated(): { action: () => Promise<void>; end: (error?: Error) => void } {
  const ends: ((error?: Error) => void)[] = [];
  const told: (Error | undefined)[] = [];
  const next = (): void => {
    if (ends.length > 0 && told.length > 0) ends.shift()!(told.shift());
  };
  return {
    action: () =>
      new Promise((resolve, reject) => {
        ends.push((error) => (error === undefined ? resolve() : reject(error)));
        next();
      }),
    end: (error) => {
      told.push(error);
      next();
    },
  };
}

describe('a pass', () => {
  test('wait() gives each its number, in order of arrival, once all have arrived; then it begins anew', async () => {
    const barrier = new Barrier(3, { name: 'step' });
    for (let pass = 0; pass < 3; pass++) {
      const waits = [barrier.wait(), barrier.wait()];
      await turn();
      expect(barrier.statistics()).toEqual({ name: 'step', parties: 3, waiting: 2, broken: false });
      waits.push(barrier.wait());
      expect(await Promise.all(waits)).toEqual([0, 1, 2]);
    }
  });

  test('the next can begin before those of the last have gone on', async () => {
    const barrier = new Barrier(2);
    const waits = [1, 2, 3, 4, 5, 6].map(() => barrier.wait());
    expect(barrier.waiting).toBe(0);
    expect(await Promise.all(waits)).toEqual([0, 1, 0, 1, 0, 1]);
  });

  test('of one party is complete at once', async () => {
    const action = vi.fn();
    const barrier = new Barrier(1, { action });
    expect(barrier.waitSync()).toBe(0);
    expect(barrier.waitSync({ timeout: 0 })).toBe(0);
    expect(await barrier.wait()).toBe(0);
    expect(action).toHaveBeenCalledTimes(3);
  });

  test('of more than are told at a time lets all pass', async () => {
    const barrier = new Barrier(300);
    const waits = Array.from({ length: 300 }, () => barrier.wait());
    expect(await Promise.all(waits)).toEqual(Array.from({ length: 300 }, (_, index) => index));
  });

  test('a thread passes with a task', async () => {
    const barrier = new Barrier(2);
    const job = pool.submit(syncJobs.arrive, barrier, 'sync');
    await untilWaiting(barrier, 1);
    expect(barrier.waitSync()).toBe(1);
    expect(await job).toBe(0);
  });
});

describe('the action', () => {
  test.each(['sync', 'async'])('(%s) is run by the last to arrive, before anybody goes on', async (form) => {
    const order: string[] = [];
    const action = (): unknown => {
      order.push('begins');
      return form === 'sync' ? order.push('ends') : turn().then(() => order.push('ends'));
    };
    const barrier = new Barrier(2, { action });
    const waits = [0, 1].map(() => barrier.wait().then((number) => order.push(`${number}`)));
    await Promise.all(waits);
    expect(order.slice(0, 2)).toEqual(['begins', 'ends']);
    expect(order.slice(2).sort()).toEqual(['0', '1']);
  });

  test('who comes while it runs waits for the next pass', async () => {
    const { action, end } = gated();
    const barrier = new Barrier(2, { action });
    const first = [barrier.wait(), barrier.wait()];
    const late = [barrier.wait(), barrier.wait(), barrier.wait()].map(outcome);
    await turn();
    expect(barrier.waiting).toBe(4);
    end();
    expect(await Promise.all(first)).toEqual([0, 1]);
    // Two of the late are the next pass, whose action runs; the third is late again.
    await turn();
    expect(barrier.waiting).toBe(2);
    end();
    const last = barrier.wait();
    await turn();
    end();
    expect(await Promise.all(late)).toEqual([0, 1, 0]);
    expect(await last).toBe(1);
  });

  test.each(['throws', 'rejects', 'blocking'])(
    'that fails (%s): that party gets the error, the others a BrokenBarrierError',
    async (how) => {
      const error = new Error('no action');
      const action = (): unknown => {
        if (how === 'rejects') return turn().then(() => Promise.reject(error));
        throw error;
      };
      const barrier = new Barrier(3, { action });
      const others = [barrier.wait(), barrier.wait()].map(outcome);
      const last = how === 'blocking' ? thrown(() => barrier.waitSync()) : await failure(barrier.wait());
      expect(last).toBe(error);
      expect(await Promise.all(others)).toEqual([BrokenBarrierError, BrokenBarrierError]);
      expect(barrier.broken).toBe(true);
    },
  );

  test('that fails refuses who came meanwhile', async () => {
    const { action, end } = gated();
    const barrier = new Barrier(2, { action });
    const waits = [barrier.wait(), barrier.wait(), barrier.wait()].map(outcome);
    end(new RangeError('no action'));
    expect(await Promise.all(waits)).toEqual([BrokenBarrierError, RangeError, BrokenBarrierError]);
  });

  test('that returns a promise to a blocking wait is a TypeError, and breaks the barrier', async () => {
    const barrier = new Barrier(2, { action: async () => {} });
    const other = outcome(barrier.wait());
    expect(thrown(() => barrier.waitSync())).toBeInstanceOf(TypeError);
    expect(await other).toBe(BrokenBarrierError);
    expect(barrier.broken).toBe(true);
  });

  test.each(['abort', 'reset'] as const)(
    'during which %s() is called: the pass fails for all, and it runs alone to its end',
    async (end) => {
      const held = gated();
      const barrier = new Barrier(2, { action: held.action });
      const waits = [barrier.wait(), barrier.wait()].map(outcome);
      barrier[end]();
      expect(await waits[0]).toBe(BrokenBarrierError);
      if (end === 'abort') {
        expect(await outcome(barrier.wait())).toBe(BrokenBarrierError);
        barrier.reset();
      }
      const next = [barrier.wait(), barrier.wait()];
      await turn();
      expect(barrier.waiting).toBe(2);
      held.end();
      expect(await waits[1]).toBe(BrokenBarrierError);
      await turn();
      held.end();
      expect(await Promise.all(next)).toEqual([0, 1]);
    },
  );

  test('that breaks its own barrier fails its pass', async () => {
    const barrier: Barrier = new Barrier(2, { action: () => barrier.abort() });
    const waits = [barrier.wait(), barrier.wait()].map(outcome);
    expect(await Promise.all(waits)).toEqual([BrokenBarrierError, BrokenBarrierError]);
  });

  test('is not cut short by a time-out', async () => {
    const held = gated();
    const barrier = new Barrier(2, { action: held.action });
    const first = barrier.wait();
    const last = barrier.wait({ timeout: 5 });
    await new Promise((resolve) => setTimeout(resolve, 15));
    held.end();
    expect(await Promise.all([first, last])).toEqual([0, 1]);
  });
});

describe('one who gives up breaks it for all', () => {
  test('a time-out: TimeoutError, and BrokenBarrierError for the others', async () => {
    const barrier = new Barrier(4, { name: 'step' });
    const others = [barrier.wait(), barrier.wait()].map(outcome);
    const error = await failure(barrier.wait({ timeout: 5 }));
    expect(error).toBeInstanceOf(TimeoutError);
    expect((error as Error).message).toMatch(/^Cannot wait at barrier "step": 5 ms/);
    expect(await Promise.all(others)).toEqual([BrokenBarrierError, BrokenBarrierError]);
    expect(barrier.statistics()).toEqual({ name: 'step', parties: 4, waiting: 0, broken: true });
    const late = await failure(barrier.wait());
    expect((late as BrokenBarrierError).code).toBe('ERR_HEDDLE_BROKEN_BARRIER');
    expect((late as Error).name).toBe('BrokenBarrierError');
    expect(thrown(() => barrier.waitSync())).toBeInstanceOf(BrokenBarrierError);
  });

  test('a time-out of 0, unless it is the last', async () => {
    const barrier = new Barrier(2);
    const first = outcome(barrier.wait());
    expect(await barrier.wait({ timeout: 0 })).toBe(1);
    expect(await first).toBe(0);
    expect(await outcome(barrier.wait({ timeout: 0 }))).toBe(TimeoutError);
    expect(barrier.broken).toBe(true);
    barrier.reset();
    expect(thrown(() => barrier.waitSync({ timeout: 0 }))).toBeInstanceOf(TimeoutError);
    expect(barrier.broken).toBe(true);
  });

  test('a signal, and the cancellation of a task', async () => {
    const barrier = new Barrier(3);
    const controller = new AbortController();
    const reason = new Error('enough');
    const first = outcome(barrier.wait());
    const aborted = failure(barrier.wait({ signal: controller.signal }));
    controller.abort(reason);
    expect(await aborted).toBe(reason);
    expect(await first).toBe(BrokenBarrierError);
    barrier.reset();
    const second = outcome(barrier.wait());
    await TaskGroup.run(async (group) => {
      const task = group.spawn(() => barrier.wait().catch((error: unknown) => error));
      await untilWaiting(barrier, 2);
      task.cancel();
      expect(await task).toBeInstanceOf(CancelledError);
    });
    expect(await second).toBe(BrokenBarrierError);
  });

  test('but not one who gives up after the pass was complete: it succeeds, and nothing breaks', async () => {
    const barrier = new Barrier(2);
    const controller = new AbortController();
    const first = barrier.wait({ signal: controller.signal });
    const last = barrier.wait();
    controller.abort();
    expect(await Promise.all([first, last])).toEqual([0, 1]);
    expect(barrier.broken).toBe(false);
  });

  test('nor what was refused before it began', async () => {
    const barrier = new Barrier(2);
    const first = barrier.wait();
    expect(await failure(barrier.wait({ signal: AbortSignal.abort() }))).toBeDefined();
    expect(await failure(barrier.wait({ timeout: -1 }))).toBeInstanceOf(RangeError);
    expect(barrier.broken).toBe(false);
    expect(await barrier.wait()).toBe(1);
    expect(await first).toBe(0);
  });

  test('while the action runs: the pass is broken, also for who runs it', async () => {
    const held = gated();
    const controller = new AbortController();
    const barrier = new Barrier(3, { action: held.action });
    const first = outcome(barrier.wait({ signal: controller.signal }));
    const others = [barrier.wait(), barrier.wait()].map(outcome);
    controller.abort();
    expect(await first).toBe(DOMException);
    expect(await others[0]).toBe(BrokenBarrierError);
    held.end();
    expect(await others[1]).toBe(BrokenBarrierError);
  });

  test('a newcomer breaks the next pass, not the one whose action runs', async () => {
    for (const timeout of [0, 5]) {
      const held = gated();
      const barrier = new Barrier(2, { action: held.action });
      const waits = [barrier.wait(), barrier.wait()].map(outcome);
      const patient = outcome(barrier.wait());
      expect(await outcome(barrier.wait({ timeout }))).toBe(TimeoutError);
      expect(await patient).toBe(BrokenBarrierError);
      expect(await outcome(barrier.wait())).toBe(BrokenBarrierError);
      held.end();
      expect(await Promise.all(waits)).toEqual([0, 1]);
      expect(barrier.broken).toBe(true);
    }
  });

  test('a newcomer that is told to try again has what is left of its time', async () => {
    const held = gated();
    const barrier = new Barrier(2, { action: held.action });
    const waits = [barrier.wait(), barrier.wait()];
    const late = outcome(barrier.wait({ timeout: 40 }));
    await new Promise((resolve) => setTimeout(resolve, 5));
    held.end();
    expect(await Promise.all(waits)).toEqual([0, 1]);
    expect(await late).toBe(TimeoutError);
    expect(barrier.broken).toBe(true);
  });

  test('a newcomer that is cancelled when it was told to try again, and has not yet', async () => {
    const held = gated();
    const controller = new AbortController();
    const barrier = new Barrier(3, { action: held.action });
    const waits = [barrier.wait(), barrier.wait(), barrier.wait()];
    const late = outcome(barrier.wait({ signal: controller.signal }));
    const other = outcome(barrier.wait());
    const { finish } = BarrierWord.prototype;
    vi.spyOn(BarrierWord.prototype, 'finish').mockImplementation(function (this: BarrierWord, failed) {
      const passed = finish.call(this, failed);
      controller.abort(new RangeError('enough'));
      return passed;
    });
    held.end();
    expect(await Promise.all(waits)).toEqual([0, 1, 2]);
    expect(await late).toBe(RangeError);
    expect(await other).toBe(BrokenBarrierError);
  });
});

describe('abort and reset', () => {
  test('abort() breaks it: who waits and who comes fails', async () => {
    const barrier = new Barrier(3);
    const waits = [barrier.wait(), barrier.wait()].map(outcome);
    barrier.abort();
    barrier.abort();
    expect(await Promise.all(waits)).toEqual([BrokenBarrierError, BrokenBarrierError]);
    expect(await outcome(barrier.wait())).toBe(BrokenBarrierError);
  });

  test('reset() makes it whole: who waits fails, who comes waits anew', async () => {
    const barrier = new Barrier(2);
    const before = outcome(barrier.wait());
    barrier.reset();
    const after = [barrier.wait(), barrier.wait()];
    expect(await before).toBe(BrokenBarrierError);
    expect(await Promise.all(after)).toEqual([0, 1]);
    barrier.abort();
    barrier.reset();
    expect(barrier.broken).toBe(false);
    expect(await Promise.all([barrier.wait(), barrier.wait()])).toEqual([0, 1]);
  });

  test('abort() and reset() at once: who waited fails all the same', async () => {
    const barrier = new Barrier(2);
    const before = outcome(barrier.wait());
    barrier.abort();
    barrier.reset();
    const after = [barrier.wait(), barrier.wait()];
    expect(await before).toBe(BrokenBarrierError);
    expect(await Promise.all(after)).toEqual([0, 1]);
  });
});

describe('bad arguments', () => {
  test.each([0, -1, 1.5, Number.NaN, Infinity])('%s parties are a RangeError', (parties) => {
    expect(thrown(() => new Barrier(parties))).toBeInstanceOf(RangeError);
  });

  test('what is no number or no function is a TypeError', () => {
    expect(thrown(() => new Barrier('2' as unknown as number))).toBeInstanceOf(TypeError);
    expect(thrown(() => new Barrier(2, { action: 7 as never }))).toBeInstanceOf(TypeError);
    expect(thrown(() => new Barrier(2, { name: 7 as never }))).toBeInstanceOf(TypeError);
  });
});

describe('blocking', () => {
  test('for others that do not exist is a DeadlockError, and changes nothing', async () => {
    const barrier = new Barrier(2);
    expect(thrown(() => barrier.waitSync())).toBeInstanceOf(DeadlockError);
    expect(barrier.statistics()).toEqual({ parties: 2, waiting: 0, broken: false });
    const first = barrier.wait();
    expect(barrier.waitSync()).toBe(1);
    expect(await first).toBe(0);
  });

  test('while a task of this thread runs the action is a DeadlockError', async () => {
    const held = gated();
    const barrier = new Barrier(2, { action: held.action });
    const waits = [barrier.wait(), barrier.wait()];
    expect(thrown(() => barrier.waitSync({ timeout: 1000 }))).toBeInstanceOf(DeadlockError);
    held.end();
    expect(await Promise.all(waits)).toEqual([0, 1]);
  });
});

describe('death', () => {
  test.each(['exit', 'throw'] as const)('of one that waits (%s) breaks it', async (how) => {
    const barrier = new Barrier(3);
    const first = outcome(barrier.wait());
    expect(await failure(pool.submit(syncJobs.arriveAndEnd, barrier, how))).toBeDefined();
    expect(await first).toBe(BrokenBarrierError);
    expect(barrier.broken).toBe(true);
  });

  test.each(['async', 'sync'] as const)('by termination of one that waits (%s) breaks it', async (form) => {
    const barrier = new Barrier(3);
    const first = outcome(barrier.wait());
    const job = pool.with({ onCancel: 'terminate', grace: 0 }).submit(syncJobs.arrive, barrier, form);
    await untilWaiting(barrier, 2);
    job.cancel();
    expect(await first).toBe(BrokenBarrierError);
  });

  test('of who runs the action breaks it, for those who wait and for newcomers', async () => {
    const barrier = new Barrier(2, { action: syncJobs.exitNow });
    const first = outcome(barrier.wait());
    expect(await failure(pool.submit(syncJobs.arrive, barrier, 'async'))).toBeDefined();
    expect(await first).toBe(BrokenBarrierError);
    expect(await outcome(barrier.wait())).toBe(BrokenBarrierError);
    barrier.reset();
    expect(barrier.statistics()).toEqual({ parties: 2, waiting: 0, broken: false });
  });

  test.each(['async', 'sync'] as const)(
    'of a newcomer (%s) breaks the next pass, not the one whose action runs',
    async (form) => {
      const barrier = new Barrier(2, { action: syncJobs.hold });
      const waits = [barrier.wait(), barrier.wait()];
      const job = pool.with({ onCancel: 'terminate', grace: 0 }).submit(syncJobs.arrive, barrier, form);
      await untilWaiting(barrier, 2);
      const late = outcome(barrier.wait());
      job.cancel();
      expect(await late).toBe(BrokenBarrierError);
      endHold();
      expect(await Promise.all(waits)).toEqual([0, 1]);
      expect(barrier.statistics()).toEqual({ parties: 2, waiting: 0, broken: true });
    },
  );

  test('of one that has passed breaks nothing', async () => {
    const barrier = new Barrier(2);
    const first = barrier.wait();
    expect(await pool.submit(syncJobs.arrive, barrier, 'sync')).toBe(1);
    expect(await first).toBe(0);
    await failure(pool.submit(syncJobs.arriveAndEnd, new Barrier(2), 'exit'));
    expect(barrier.broken).toBe(false);
  });
});

describe('a barrier that is sent', () => {
  test('takes its action along', async () => {
    const words = sharedFlag();
    const barrier = new Barrier(2, { action: syncJobs.actInWords });
    const first = barrier.wait();
    expect(await pool.submit(syncJobs.arriveToAct, barrier, words)).toBe(1);
    expect(await first).toBe(0);
    expect(words[0]).toBe(1);
  });

  test('takes an action along that needs nothing of its surroundings', async () => {
    const barrier = new Barrier(2, { action: () => {} });
    const first = barrier.wait();
    expect(await pool.submit(syncJobs.arrive, barrier, 'sync')).toBe(1);
    expect(await first).toBe(0);
  });

  test('with an action that cannot be sent is refused, with the name of it', async () => {
    let calls = 0;
    const barrier = new Barrier(2, { action: () => calls++ });
    const error = await failure(pool.submit(syncJobs.arrive, barrier, 'sync'));
    expect(error).toBeInstanceOf(CaptureError);
    expect((error as Error).message).toMatch(
      /^args\[0\]\.action: Cannot send function "action" .* it uses "calls"/,
    );
    const natively = new Barrier(2, { action: (() => 1).bind(null) });
    const refused = await failure(pool.submit(syncJobs.arrive, natively, 'sync'));
    expect(refused).toBeInstanceOf(SendError);
    expect((refused as SendError).path).toMatch(/\.action$/);
    expect(calls).toBe(0);
  });

  test('as a token leaves its action behind: whoever would have to run it is told', async () => {
    const barrier = new Barrier(1, { action: () => {} });
    const same = fromToken<Barrier>(toToken(barrier));
    expect(same.parties).toBe(1);
    expect(thrown(() => same.waitSync())).toBeInstanceOf(InvalidStateError);
    expect(await outcome(same.wait())).toBe(InvalidStateError);
    const without = new Barrier(1);
    expect(fromToken<Barrier>(toToken(without)).waitSync()).toBe(0);
  });
});

describe('disposal', () => {
  function count(): number {
    const { words, blocks } = ownHeap();
    let found = 0;
    for (let block = blocks.nextUsed(0); block !== 0; block = blocks.nextUsed(block))
      if (words[block + KIND] === BARRIER) found++;
    return found;
  }

  test('frees the memory; waits go on, and use is an InvalidStateError', async () => {
    const before = count();
    const held = gated();
    const barrier = new Barrier(2, { name: 'step', action: held.action });
    const waits = [barrier.wait(), barrier.wait()];
    barrier[Symbol.dispose]();
    barrier[Symbol.dispose]();
    expect(count()).toBe(before + 1);
    held.end();
    expect(await Promise.all(waits)).toEqual([0, 1]);
    await turn();
    expect(count()).toBe(before);
    expect(await outcome(barrier.wait())).toBe(InvalidStateError);
    expect(thrown(() => barrier.reset())).toBeInstanceOf(InvalidStateError);
  });
});

describe('any sequence of arriving, giving up, aborting and resetting', () => {
  const steps = fc.array(
    fc.record({
      kind: fc.constantFrom('wait', 'wait', 'wait', 'giveUp', 'abort', 'reset', 'now'),
      n: fc.nat({ max: 8 }),
    }),
    { maxLength: 25 },
  );

  test('ends as a plain count says', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 4 }), steps, async (parties, sequence) => {
        const barrier = new Barrier(parties);
        const controllers: AbortController[] = [];
        const found: unknown[] = [];
        const expected: unknown[] = [];
        let arrived: number[] = [];
        let broken = false;
        const fail = (): void => {
          for (const one of arrived) expected[one] = BrokenBarrierError;
          arrived = [];
        };
        for (const { kind, n } of sequence) {
          if (kind === 'wait' || kind === 'now') {
            const index = controllers.length;
            const controller = new AbortController();
            controllers.push(controller);
            found.push('waits');
            const options = { signal: controller.signal, ...(kind === 'now' && { timeout: 0 }) };
            void outcome(barrier.wait(options)).then((one) => {
              found[index] = one;
            });
            if (broken) expected.push(BrokenBarrierError);
            else if (arrived.length + 1 === parties) {
              for (const [number, one] of arrived.entries()) expected[one] = number;
              expected.push(parties - 1);
              arrived = [];
            } else if (kind === 'now') {
              expected.push(TimeoutError);
              fail();
              broken = true;
            } else {
              expected.push('waits');
              arrived.push(index);
            }
          } else if (kind === 'giveUp') {
            controllers[n]?.abort(new RangeError('enough'));
            if (!arrived.includes(n)) continue;
            expected[n] = RangeError;
            arrived = arrived.filter((one) => one !== n);
            fail();
            broken = true;
          } else {
            barrier[kind]();
            fail();
            broken = kind === 'abort';
          }
        }
        await turn();
        await turn();
        expect(found).toEqual(expected);
        expect([barrier.waiting, barrier.broken]).toEqual([arrived.length, broken]);
        barrier.reset();
        barrier[Symbol.dispose]();
      }),
      { numRuns: 200 },
    );
  });
});
