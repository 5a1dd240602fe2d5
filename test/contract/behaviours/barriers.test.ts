/** What is asked of barriers by the tests of those that came before: `threading`, `asyncio`, Rust's. */
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { Barrier, BrokenBarrierError, sleep, TaskGroup } from '../../../src/index.ts';
import { failure, thrown, turn } from '../../fixtures/awaiting.ts';
import { jobs } from './jobs.ts';
import {
  type Actor,
  BLOCKED,
  BROKEN,
  CANCELLED,
  each,
  eachPair,
  HERE,
  MODES,
  type Mode,
  outcome,
  outcomes,
  Stand,
  THERE,
  TIMEOUT,
  until,
  untilWaiting,
  WAYS_OUT,
} from './stand.ts';

const stand = new Stand(6);
afterEach(() => stand.clear());
afterAll(() => stand.end());

/** So many have arrived, one after the other. */
async function arrive(
  barrier: Barrier,
  modes: readonly Mode[],
  options: Record<string, unknown> = {},
): Promise<Actor[]> {
  const actors: Actor[] = [];
  for (const mode of modes) {
    const before = barrier.waiting;
    actors.push(await stand.start(mode, jobs.wait, barrier, 'wait', [options]));
    await until(() => barrier.waiting !== before);
  }
  return actors;
}

function times<T>(n: number, value: T): T[] {
  return Array<T>(n).fill(value);
}

function isWhole(barrier: Barrier): void {
  expect(barrier.statistics()).toMatchObject({ waiting: 0, broken: false });
}

describe('passing', () => {
  each(
    'five in lockstep, ten times: nobody is a step ahead, and each pass numbers them from 0',
    MODES,
    async (mode) => {
      const barrier = new Barrier(5);
      const steps = new Int32Array(new SharedArrayBuffer(20));
      const actors: Actor[] = [];
      for (let me = 0; me < 5; me++) actors.push(await stand.start(mode, jobs.march, barrier, steps, me, 10));
      const numbers = (await outcomes(actors)) as number[][];
      for (let pass = 0; pass < 10; pass++)
        expect(numbers.map((own) => own[pass]).sort()).toEqual([0, 1, 2, 3, 4]);
      isWhole(barrier);
    },
  );

  test('the same with parties of all kinds', async () => {
    const barrier = new Barrier(6);
    const steps = new Int32Array(new SharedArrayBuffer(24));
    const actors: Actor[] = [];
    for (const [me, mode] of ([HERE, THERE, BLOCKED, BLOCKED, THERE, HERE] as const).entries())
      actors.push(await stand.start(mode, jobs.march, barrier, steps, me, 20));
    const numbers = (await outcomes(actors)) as number[][];
    for (let pass = 0; pass < 20; pass++)
      expect(numbers.map((own) => own[pass]).sort()).toEqual([0, 1, 2, 3, 4, 5]);
    isWhole(barrier);
  });

  eachPair(
    'gives the numbers in order of arrival; parties, waiting and broken tell what is',
    async (a, b) => {
      const barrier = new Barrier(4, { name: 'step' });
      const actors = await arrive(barrier, [a, b, a]);
      expect(barrier).toMatchObject({ parties: 4, waiting: 3, broken: false });
      expect(barrier.statistics()).toEqual({ name: 'step', parties: 4, waiting: 3, broken: false });
      const last = await stand.start(b, jobs.wait, barrier, 'wait', [{}]);
      expect(await outcomes([...actors, last])).toEqual([0, 1, 2, 3]);
      isWhole(barrier);
    },
  );

  test('of one party it never waits', async () => {
    const barrier = new Barrier(1);
    expect([await barrier.wait(), barrier.waitSync(), await barrier.wait({ timeout: 0 })]).toEqual([0, 0, 0]);
    expect(barrier.waitSync({ timeout: 0 })).toBe(0);
    isWhole(barrier);
  });

  each('the last passes with a time-out of 0', MODES, async (mode) => {
    const barrier = new Barrier(2);
    const first = await arrive(barrier, [BLOCKED]);
    const last = await stand.start(mode, jobs.wait, barrier, 'wait', [{ timeout: 0 }]);
    expect(await outcomes([...first, last])).toEqual([0, 1]);
    isWhole(barrier);
  });

  test('more than there are parties pass in groups', async () => {
    const barrier = new Barrier(2);
    const waits = Array.from({ length: 6 }, () => barrier.wait());
    expect(await Promise.all(waits)).toEqual([0, 1, 0, 1, 0, 1]);
    isWhole(barrier);
  });

  test('wrong arguments are refused, and nobody has arrived', async () => {
    for (const parties of [0, -1, 1.5, NaN, Infinity])
      expect(thrown(() => new Barrier(parties))).toBeInstanceOf(RangeError);
    expect(thrown(() => new Barrier('2' as unknown as number))).toBeInstanceOf(TypeError);
    expect(thrown(() => new Barrier(2, { action: 5 as unknown as () => void }))).toBeInstanceOf(TypeError);
    const barrier = new Barrier(2);
    expect(await failure(barrier.wait({ timeout: -1 }))).toBeInstanceOf(RangeError);
    expect(await failure(barrier.wait({ timeout: '1' as unknown as number }))).toBeInstanceOf(TypeError);
    expect(thrown(() => barrier.waitSync({ timeout: NaN }))).toBeInstanceOf(RangeError);
    expect(await failure(barrier.wait({ signal: AbortSignal.abort('no') }))).toBe('no');
    isWhole(barrier);
  });
});

describe('breaking', () => {
  for (const { way, modes, options, aborts, leave, code } of WAYS_OUT) {
    each(`one that is ${way} breaks it for all who wait, and for who comes`, modes, async (mode) => {
      const barrier = new Barrier(4);
      const others = await arrive(barrier, [mode, mode]);
      const leaving = await stand[aborts ? 'startAborting' : 'start'](mode, jobs.wait, barrier, 'wait', [
        options,
      ]);
      if (options['timeout'] === undefined) await untilWaiting(barrier, 3);
      leave(leaving);
      expect(await outcomes([...others, leaving])).toEqual([BROKEN, BROKEN, code]);
      expect(barrier.statistics()).toMatchObject({ waiting: 0, broken: true });
      const late = await stand.start(mode, jobs.wait, barrier, 'wait', [{}]);
      expect(await outcome(late)).toBe(BROKEN);
      barrier.reset();
      isWhole(barrier);
    });
  }

  each('abort() breaks it for all who wait and who comes, until reset()', MODES, async (mode) => {
    const barrier = new Barrier(3);
    const actors = await arrive(barrier, [mode, mode]);
    barrier.abort();
    expect(await outcomes(actors)).toEqual([BROKEN, BROKEN]);
    expect(barrier).toMatchObject({ waiting: 0, broken: true });
    expect(await outcome(await stand.start(mode, jobs.wait, barrier, 'wait', [{ timeout: 0 }]))).toBe(BROKEN);
    barrier.abort();
    barrier.reset();
    isWhole(barrier);
    const again = await stand.all(mode, 3, jobs.wait, barrier, 'wait', [{}]);
    expect((await outcomes(again)).sort()).toEqual([0, 1, 2]);
    isWhole(barrier);
  });

  each(
    'reset() while some wait: they get a BrokenBarrierError, the barrier is whole and empty',
    MODES,
    async (mode) => {
      const barrier = new Barrier(3);
      const actors = await arrive(barrier, [mode, mode]);
      barrier.reset();
      expect(await outcomes(actors)).toEqual([BROKEN, BROKEN]);
      isWhole(barrier);
      const again = await stand.all(mode, 3, jobs.wait, barrier, 'wait', [{}]);
      expect((await outcomes(again)).sort()).toEqual([0, 1, 2]);
    },
  );

  each('reset() while nobody waits changes nothing; nor does a second one', MODES, async (mode) => {
    const barrier = new Barrier(2);
    barrier.reset();
    barrier.reset();
    const actors = await arrive(barrier, [mode]);
    barrier.reset();
    barrier.reset();
    expect(await outcomes(actors)).toEqual([BROKEN]);
    isWhole(barrier);
  });

  each('abort and reset in one tick: who waited gets an error, who comes does not', MODES, async (mode) => {
    const barrier = new Barrier(3);
    const actors = await arrive(barrier, [mode, mode]);
    barrier.abort();
    barrier.reset();
    const next = await arrive(barrier, [mode, mode]);
    expect(await outcomes(actors)).toEqual([BROKEN, BROKEN]);
    const last = await stand.start(mode, jobs.wait, barrier, 'wait', [{}]);
    expect(await outcomes([...next, last])).toEqual([0, 1, 2]);
    isWhole(barrier);
  });

  each(
    'the pass is complete: abort, reset and cancellation change nothing for who has passed',
    MODES,
    async (mode) => {
      for (const undo of ['abort', 'reset', 'cancel'] as const) {
        const barrier = new Barrier(3);
        const actors = await arrive(barrier, [mode, mode]);
        // Without an await between: who was let through does not know it yet.
        const last = barrier.wait();
        if (undo === 'cancel') actors[0]!.cancel();
        else barrier[undo]();
        expect(await last).toBe(2);
        for (const actor of actors) expect(await actor.served()).toBe(true);
        expect(await outcome(actors[1]!)).toBe(1);
        expect(barrier.broken).toBe(undo === 'abort');
      }
    },
  );

  each('cancelled just before the last arrives: broken for all, also for the last', MODES, async (mode) => {
    const barrier = new Barrier(3);
    const actors = await arrive(barrier, [mode, mode]);
    actors[0]!.cancel();
    await until(() => barrier.broken);
    expect(await failure(barrier.wait())).toBeInstanceOf(BrokenBarrierError);
    expect(await outcomes(actors)).toEqual([CANCELLED, BROKEN]);
  });

  each('a time-out of 0, if others are missing, breaks it', MODES, async (mode) => {
    const barrier = new Barrier(3);
    const actors = await arrive(barrier, [mode]);
    const hasty = await stand.start(mode, jobs.wait, barrier, 'wait', [{ timeout: 0 }]);
    expect(await outcomes([...actors, hasty])).toEqual([BROKEN, TIMEOUT]);
    expect(barrier.broken).toBe(true);
  });

  each('a tiny time-out against the last to arrive: all pass, or all fail', MODES, async (mode) => {
    for (let round = 0; round < 8; round++) {
      const barrier = new Barrier(2);
      const actor = await stand.start(mode, jobs.wait, barrier, 'wait', [{ timeout: 0.5 }]);
      const mine = await barrier.wait({ timeout: 500 }).catch((error: { code: string }) => error.code);
      const theirs = await outcome(actor);
      if (typeof mine === 'number') expect([mine, theirs].sort()).toEqual([0, 1]);
      else expect([mine, theirs]).toEqual([BROKEN, TIMEOUT]);
    }
  });

  test('a cancelled task does not arrive: a signal that is aborted breaks nothing', async () => {
    const barrier = new Barrier(2);
    await TaskGroup.run(async (group) => {
      const task = group.spawn(async () => {
        await sleep(1e6).catch(() => {});
        return await failure(barrier.wait());
      });
      await turn();
      task.cancel();
      expect(await task).toHaveProperty('code', CANCELLED);
    });
    isWhole(barrier);
  });

  test('who comes to a broken one gets that error before a time-out; an aborted signal comes before', async () => {
    const barrier = new Barrier(2);
    barrier.abort();
    expect(await failure(barrier.wait({ timeout: 0 }))).toBeInstanceOf(BrokenBarrierError);
    expect(thrown(() => barrier.waitSync({ timeout: 0 }))).toBeInstanceOf(BrokenBarrierError);
    expect(thrown(() => barrier.waitSync())).toBeInstanceOf(BrokenBarrierError);
    expect(await failure(barrier.wait({ signal: AbortSignal.abort('no') }))).toBe('no');
  });

  each(
    'one fails between two passes and breaks it; they meet at a second barrier and reset the first',
    MODES,
    async (mode) => {
      const barrier = new Barrier(3);
      const meeting = new Barrier(3);
      expect((await outcomes(await stand.all(mode, 3, jobs.wait, barrier, 'wait', [{}]))).sort()).toEqual([
        0, 1, 2,
      ]);
      const rest = await arrive(barrier, [mode, mode]);
      barrier.abort();
      expect(await outcomes(rest)).toEqual([BROKEN, BROKEN]);
      const met = await arrive(meeting, [mode, mode]);
      barrier.reset();
      expect(await meeting.wait()).toBe(2);
      await outcomes(met);
      expect((await outcomes(await stand.all(mode, 3, jobs.wait, barrier, 'wait', [{}]))).sort()).toEqual([
        0, 1, 2,
      ]);
      isWhole(barrier);
    },
  );
});

describe('the action', () => {
  test('is run once in each pass, by the last, before anybody goes on', async () => {
    const log: string[] = [];
    const barrier = new Barrier(3, { action: () => log.push('action') });
    const pass = async (): Promise<void> => {
      await barrier.wait();
      log.push('on');
    };
    for (let time = 0; time < 2; time++) await Promise.all([pass(), pass(), pass()]);
    expect(log).toEqual(['action', 'on', 'on', 'on', 'action', 'on', 'on', 'on']);
  });

  test('an async one is awaited', async () => {
    const log: string[] = [];
    const barrier = new Barrier(2, {
      action: async () => {
        await turn();
        log.push('action');
      },
    });
    const pass = async (): Promise<void> => {
      await barrier.wait();
      log.push('on');
    };
    await Promise.all([pass(), pass()]);
    expect(log).toEqual(['action', 'on', 'on']);
  });

  each('its error is that of the last alone, the others get a BrokenBarrierError', MODES, async (mode) => {
    const barrier = new Barrier(3, { action: jobs.failToAct });
    const actors = await arrive(barrier, [mode, mode]);
    const last = await stand.start(mode, jobs.wait, barrier, 'wait', [{}]);
    expect(await outcomes([...actors, last])).toEqual([BROKEN, BROKEN, 'RangeError']);
    expect(barrier.broken).toBe(true);
    barrier.reset();
    isWhole(barrier);
  });

  each('it travels with the barrier, to whichever party is the last', MODES, async (mode) => {
    const barrier = new Barrier(3, { action: jobs.act });
    const actors = await stand.all(mode, 3, jobs.wait, barrier, 'wait', [{}]);
    expect((await outcomes(actors)).sort()).toEqual([0, 1, 2]);
    isWhole(barrier);
  });

  test('abort() and reset() while it runs: the pass fails for all', async () => {
    for (const undo of ['abort', 'reset'] as const) {
      const barrier: Barrier = new Barrier(2, { action: () => barrier[undo]() });
      const outcomes = await Promise.allSettled([barrier.wait(), barrier.wait()]);
      expect(outcomes.map((one) => (one as PromiseRejectedResult).reason)).toEqual([
        expect.any(BrokenBarrierError),
        expect.any(BrokenBarrierError),
      ]);
      expect(barrier.broken).toBe(undo === 'abort');
    }
  });

  test('a blocking party cannot await an action: TypeError for it, and broken for the others', async () => {
    const barrier = new Barrier(2, { action: async () => {} });
    const first = barrier.wait();
    expect(thrown(() => barrier.waitSync())).toBeInstanceOf(TypeError);
    expect(await failure(first)).toBeInstanceOf(BrokenBarrierError);
  });
});

test('all of one pass cancelled in one tick: each fails, one breaks it, nothing is left', async () => {
  for (const mode of MODES) {
    const barrier = new Barrier(4);
    const actors = await arrive(barrier, times(3, mode));
    for (const actor of actors) actor.cancel();
    for (const actor of actors) expect(await actor.served()).toBe(false);
    expect(barrier.statistics()).toMatchObject({ waiting: 0, broken: true });
  }
});
