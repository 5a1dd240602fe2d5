/** What is asked of semaphores and limiters by the tests of those that came before: `threading`, `asyncio`, `anyio`, `async-mutex`. */
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import {
  CapacityLimiter,
  type Guard,
  NotOwnerError,
  Semaphore,
  sleep,
  TaskGroup,
} from '../../../src/index.ts';
import { failure, thrown, turn } from '../../fixtures/awaiting.ts';
import { jobs } from './jobs.ts';
import {
  type Actor,
  BLOCKED,
  each,
  eachPair,
  LOOPS,
  MODES,
  type Mode,
  outcome,
  outcomes,
  Stand,
  TIMEOUT,
  untilWaiting,
  WAYS_OUT,
} from './stand.ts';

const stand = new Stand(6);
afterEach(() => stand.clear());
afterAll(() => stand.end());

async function queueUp(
  object: Semaphore | CapacityLimiter,
  mode: Mode,
  job: typeof jobs.hold = jobs.hold,
  options: Record<string, unknown> = {},
  method = 'acquire',
): Promise<Actor> {
  const before = object.statistics().waiting;
  const actor = await stand.start(mode, job, object, method, options);
  await untilWaiting(object, before + 1);
  return actor;
}

describe('Semaphore', () => {
  test('has one permit by default, and as many as it was given', () => {
    expect(new Semaphore().value).toBe(1);
    expect(new Semaphore(3).value).toBe(3);
    expect(new Semaphore(0).value).toBe(0);
    expect(new Semaphore(2, { name: 'slots' }).statistics()).toEqual({ name: 'slots', value: 2, waiting: 0 });
  });

  test('wrong arguments are refused, and nothing has changed', async () => {
    for (const value of [-1, 1.5, NaN, Infinity])
      expect(thrown(() => new Semaphore(value))).toBeInstanceOf(RangeError);
    for (const value of ['1', null, 1n, {}])
      expect(thrown(() => new Semaphore(value as unknown as number))).toBeInstanceOf(TypeError);
    expect(thrown(() => new Semaphore(3, { max: 2 }))).toBeInstanceOf(RangeError);
    expect(thrown(() => new Semaphore(0, { max: 0 }))).toBeInstanceOf(RangeError);
    const semaphore = new Semaphore(2, { max: 2 });
    for (const permits of [0, -1, 1.5, 3]) {
      expect(await failure(semaphore.acquire({ permits }))).toBeInstanceOf(RangeError);
      expect(await failure(semaphore.take({ permits }))).toBeInstanceOf(RangeError);
      expect(thrown(() => semaphore.acquireSync({ permits }))).toBeInstanceOf(RangeError);
      expect(thrown(() => semaphore.takeSync({ permits }))).toBeInstanceOf(RangeError);
      expect(thrown(() => semaphore.tryAcquire({ permits }))).toBeInstanceOf(RangeError);
      expect(await failure(semaphore.run(() => {}, { permits }))).toBeInstanceOf(RangeError);
    }
    for (const n of [0, -1, 1.5, NaN]) expect(thrown(() => semaphore.release(n))).toBeInstanceOf(RangeError);
    expect(thrown(() => semaphore.release('1' as unknown as number))).toBeInstanceOf(TypeError);
    expect(await failure(semaphore.acquire({ timeout: -1 }))).toBeInstanceOf(RangeError);
    expect(await failure(semaphore.acquire({ timeout: '1' as unknown as number }))).toBeInstanceOf(TypeError);
    expect(semaphore.statistics()).toEqual({ value: 2, waiting: 0 });
  });

  test('release() without an acquire raises it; never above max, and then nothing has changed', () => {
    const open = new Semaphore(1);
    open.release();
    expect(open.value).toBe(2);
    expect([open.tryTake(), open.tryTake(), open.tryTake()]).toEqual([true, true, false]);
    const bounded = new Semaphore(1, { max: 1 });
    expect(thrown(() => bounded.release())).toBeInstanceOf(RangeError);
    bounded.takeSync();
    expect(thrown(() => bounded.release(2))).toBeInstanceOf(RangeError);
    expect(bounded.value).toBe(0);
    bounded.release();
    expect(thrown(() => bounded.release())).toBeInstanceOf(RangeError);
    expect(bounded.value).toBe(1);
  });

  test('permits that guards have count against max too', () => {
    const semaphore = new Semaphore(2, { max: 2 });
    const guard = semaphore.acquireSync();
    expect(thrown(() => semaphore.release())).toBeInstanceOf(RangeError);
    guard.release();
    expect(semaphore.value).toBe(2);
  });

  each(
    'seven permits, twenty acquisitions of ten actors: as many go on as were released',
    MODES,
    async (mode) => {
      const semaphore = new Semaphore(7);
      semaphore.takeSync();
      const before = stand.count;
      const n = mode === BLOCKED ? 6 : 10;
      const actors = await stand.all(mode, n, jobs.wait, semaphore, 'take', [{}]);
      await outcomes(actors.slice(0, 6));
      expect(stand.count - before).toBe(6);
      expect(semaphore.tryTake()).toBe(false);
      await untilWaiting(semaphore, n - 6);
      semaphore.release(7);
      await outcomes(actors);
      expect(stand.count - before).toBe(n);
      expect(semaphore.value).toBe(13 - n);
    },
  );

  each('a release before anybody waits is kept for who comes', MODES, async (mode) => {
    const semaphore = new Semaphore(0);
    semaphore.release();
    semaphore.release();
    const actors = await stand.all(mode, 2, jobs.wait, semaphore, 'take', [{}]);
    expect(await outcomes(actors)).toEqual([undefined, undefined]);
    expect(semaphore.value).toBe(0);
  });

  each('the same permit goes from one to the other, many times', MODES, async (mode) => {
    const semaphore = new Semaphore(1);
    const word = new Int32Array(new SharedArrayBuffer(4));
    await outcomes(await stand.all(mode, 4, jobs.count, semaphore, 'acquire', word, 50));
    expect(word[0]).toBe(200);
    expect(semaphore.value).toBe(1);
  });

  eachPair('one release of many lets as many go on, in order, and the rest waits', async (a, b) => {
    const semaphore = new Semaphore(0);
    const actors: Actor[] = [];
    for (const mode of [a, b, a, b]) actors.push(await queueUp(semaphore, mode));
    semaphore.release(3);
    for (const actor of actors.slice(0, 3)) await actor.got();
    expect(actors[3]!.rank).toBe(0);
    expect(semaphore.statistics()).toEqual({ value: 0, waiting: 1 });
    actors[1]!.goOn();
    await actors[3]!.got();
    for (const actor of actors) actor.goOn();
    await outcomes(actors);
    expect(semaphore.value).toBe(3);
  });

  eachPair(
    'who wants many is not overtaken by who wants few, and a newcomer does not pass the line',
    async (a, b) => {
      const semaphore = new Semaphore(0);
      const many = await queueUp(semaphore, a, jobs.hold, { permits: 3 });
      const few = await queueUp(semaphore, b, jobs.hold, { permits: 1 });
      semaphore.release(2);
      expect(semaphore.tryAcquire()).toBeUndefined();
      expect(semaphore.tryTake()).toBe(false);
      expect(semaphore.value).toBe(0);
      expect(await stand.aside.submit(jobs.has, semaphore, 'tryAcquire')).toBe(false);
      expect([many.rank, few.rank]).toEqual([0, 0]);
      semaphore.release(1);
      await many.got();
      expect(few.rank).toBe(0);
      many.goOn();
      await few.got();
      few.goOn();
      await outcomes([many, few]);
      expect(semaphore.value).toBe(3);
    },
  );

  for (const { way, modes, options, aborts, leave, code } of WAYS_OUT) {
    const start = aborts ? 'startAborting' : 'start';
    each(`the first waiter is ${way}: what it blocked goes to those behind it`, modes, async (mode) => {
      const semaphore = new Semaphore(2);
      const leaving = await stand[start](mode, jobs.hold, semaphore, 'acquire', { permits: 3, ...options });
      if (options['timeout'] === undefined) await untilWaiting(semaphore, 1);
      const next = [
        await stand.start(mode, jobs.hold, semaphore, 'acquire', {}),
        await stand.start(mode, jobs.hold, semaphore, 'acquire', {}),
      ];
      leave(leaving);
      expect(await outcome(leaving)).toBe(code);
      expect(await leaving.served()).toBe(false);
      for (const actor of next) {
        await actor.got();
        actor.goOn();
      }
      await outcomes(next);
      expect(semaphore.statistics()).toEqual({ value: 2, waiting: 0 });
    });

    each(`one in the middle is ${way}: the order of the others stays`, modes, async (mode) => {
      const semaphore = new Semaphore(0);
      const first = await queueUp(semaphore, mode);
      const leaving = await stand[start](mode, jobs.hold, semaphore, 'acquire', options);
      if (options['timeout'] === undefined) await untilWaiting(semaphore, 2);
      leave(leaving);
      expect(await outcome(leaving)).toBe(code);
      await untilWaiting(semaphore, 1);
      const last = await queueUp(semaphore, mode);
      semaphore.release();
      await first.got();
      expect(last.rank).toBe(0);
      semaphore.release();
      await last.got();
      for (const actor of [first, last]) actor.goOn();
      await outcomes([first, last]);
      expect(semaphore.value).toBe(2);
    });

    each(`all are ${way}: later permits are for newcomers`, modes, async (mode) => {
      const semaphore = new Semaphore(0);
      const actors: Actor[] = [];
      for (let i = 0; i < 3; i++)
        actors.push(await stand[start](mode, jobs.hold, semaphore, 'acquire', options));
      if (options['timeout'] === undefined) await untilWaiting(semaphore, 3);
      for (const actor of actors) leave(actor);
      expect(await outcomes(actors)).toEqual([code, code, code]);
      await untilWaiting(semaphore, 0);
      semaphore.release();
      expect(semaphore.tryTake()).toBe(true);
    });
  }

  each(
    'release and cancellation in one tick, either first: the permit is with the next or with nobody',
    MODES,
    async (mode) => {
      for (const releaseFirst of [true, false]) {
        const semaphore = new Semaphore(0);
        const first = await queueUp(semaphore, mode);
        const second = await queueUp(semaphore, mode);
        if (releaseFirst) semaphore.release();
        first.cancel();
        if (!releaseFirst) semaphore.release();
        first.goOn();
        await first.served();
        await second.got();
        second.goOn();
        await outcomes([second]);
        expect(semaphore.statistics()).toEqual({ value: 1, waiting: 0 });
      }
    },
  );

  each(
    'two are served in one tick and both are cancelled in it: nothing hangs, and both permits are there',
    MODES,
    async (mode) => {
      const semaphore = new Semaphore(0);
      const actors = [
        await queueUp(semaphore, mode),
        await queueUp(semaphore, mode),
        await queueUp(semaphore, mode),
      ];
      semaphore.release(2);
      actors[0]!.cancel();
      actors[1]!.cancel();
      for (const actor of actors) actor.goOn();
      for (const actor of actors) await actor.served();
      expect(await outcome(actors[2]!)).toBe(undefined);
      await untilWaiting(semaphore, 0);
      expect(semaphore.value).toBe(2);
    },
  );

  each('tiny time-outs that race with releases lose no permit', MODES, async (mode) => {
    const semaphore = new Semaphore(0);
    let served = 0;
    for (let round = 0; round < 10; round++) {
      const actor = await stand.start(mode, jobs.wait, semaphore, 'take', [{ timeout: 0.3 }]);
      semaphore.release();
      await actor.outcome;
      if (await actor.served()) served++;
    }
    expect(semaphore.statistics()).toEqual({ value: 10 - served, waiting: 0 });
  });

  each('a time-out of 0 takes what is there and fails at once otherwise', MODES, async (mode) => {
    const semaphore = new Semaphore(2);
    const actors = await stand.all(mode, 2, jobs.wait, semaphore, 'take', [{ timeout: 0 }]);
    expect(await outcomes(actors)).toEqual([undefined, undefined]);
    expect(await outcome(await stand.start(mode, jobs.wait, semaphore, 'take', [{ timeout: 0 }]))).toBe(
      TIMEOUT,
    );
    expect(semaphore.statistics()).toEqual({ value: 0, waiting: 0 });
  });

  test('four in a row: a fifth comes in behind them though permits are released between', async () => {
    const semaphore = new Semaphore(1);
    const log: string[] = [];
    const enter = async (name: string): Promise<void> => {
      using _guard = await semaphore.acquire();
      log.push(name);
    };
    const guard = semaphore.tryAcquire()!;
    const waiting = ['a', 'b', 'c'].map(enter);
    guard.release();
    waiting.push(enter('d'));
    await Promise.all(waiting);
    expect(log).toEqual(['a', 'b', 'c', 'd']);
    expect(semaphore.value).toBe(1);
  });

  test('a waiter that is cancelled after another was served in the same tick does not take that one’s place', async () => {
    const semaphore = new Semaphore(0);
    const log: string[] = [];
    await TaskGroup.run(async (group) => {
      const tasks = ['a', 'b', 'c'].map((name) =>
        group.spawn(async () => {
          await semaphore.take();
          log.push(name);
        }),
      );
      await untilWaiting(semaphore, 3);
      semaphore.release();
      tasks[1]!.cancel();
      await turn();
      expect(log).toEqual(['a']);
      semaphore.release();
      await tasks[2];
      expect(log).toEqual(['a', 'c']);
      tasks[1]!.catch(() => {});
    });
  });

  test('nested guards, errors inside, and a second release', async () => {
    const semaphore = new Semaphore(2);
    const block = async (error?: Error): Promise<void> => {
      using _outer = await semaphore.acquire();
      semaphore.tryAcquire()!.release();
      using _inner = semaphore.acquireSync();
      expect(semaphore.tryAcquire()).toBeUndefined();
      if (error !== undefined) throw error;
    };
    await block();
    expect(await failure(block(new TypeError('inside')))).toBeInstanceOf(TypeError);
    expect(semaphore.value).toBe(2);
    const guard = semaphore.acquireSync({ permits: 2 });
    expect(semaphore.value).toBe(0);
    guard.release();
    expect(thrown(() => guard.release())).toBeInstanceOf(NotOwnerError);
    guard[Symbol.dispose]();
    expect(semaphore.value).toBe(2);
  });

  test('run() gives results and errors, takes what it was asked to, and gives it back', async () => {
    const semaphore = new Semaphore(2);
    expect(await semaphore.run(() => semaphore.value, { permits: 2 })).toBe(0);
    expect(semaphore.runSync(() => semaphore.value)).toBe(1);
    const error = new Error('inside');
    expect(await failure(semaphore.run(() => Promise.reject(error)))).toBe(error);
    expect(
      thrown(() =>
        semaphore.runSync(() => {
          throw error;
        }),
      ),
    ).toBe(error);
    expect(semaphore.value).toBe(2);
  });

  test('an aborted signal and a cancelled task win over permits that are there', async () => {
    const semaphore = new Semaphore(1);
    const signal = AbortSignal.abort(new Error('stop'));
    expect(await failure(semaphore.acquire({ signal }))).toBe(signal.reason);
    expect(await failure(semaphore.take({ signal }))).toBe(signal.reason);
    expect(await failure(semaphore.acquire({ signal, permits: 0 }))).toBeInstanceOf(RangeError);
    expect(semaphore.value).toBe(1);
  });

  test('who blocks for what only its own thread could release is told', () => {
    const semaphore = new Semaphore(1);
    const guard = semaphore.acquireSync();
    expect(thrown(() => semaphore.acquireSync())).toHaveProperty('code', 'ERR_HEDDLE_DEADLOCK');
    expect(thrown(() => new Semaphore(0).takeSync())).toHaveProperty('code', 'ERR_HEDDLE_DEADLOCK');
    expect(thrown(() => new Semaphore(0).takeSync({ timeout: 2 }))).toHaveProperty('code', TIMEOUT);
    guard.release();
  });
});

describe('CapacityLimiter', () => {
  test('wrong totals are refused, at the start and later, and nothing has changed', () => {
    for (const total of [0, -1, 1.5, NaN, -Infinity]) {
      expect(thrown(() => new CapacityLimiter(total))).toBeInstanceOf(RangeError);
      const limiter = new CapacityLimiter(2);
      expect(
        thrown(() => {
          limiter.total = total;
        }),
      ).toBeInstanceOf(RangeError);
      expect(limiter.total).toBe(2);
    }
    for (const total of ['1', null, undefined, 1n]) {
      expect(thrown(() => new CapacityLimiter(total as unknown as number))).toBeInstanceOf(TypeError);
    }
    expect(new CapacityLimiter(Infinity)).toMatchObject({
      total: Infinity,
      available: Infinity,
      borrowed: 0,
    });
  });

  test('total, available and borrowed tell what is', async () => {
    const limiter = new CapacityLimiter(2, { name: 'uploads' });
    expect(limiter).toMatchObject({ total: 2, available: 2, borrowed: 0 });
    {
      using _guard = await limiter.acquire();
      expect(limiter).toMatchObject({ total: 2, available: 1, borrowed: 1 });
      expect(limiter.statistics()).toEqual({ name: 'uploads', total: 2, borrowed: 1, waiting: 0 });
    }
    expect(limiter).toMatchObject({ total: 2, available: 2, borrowed: 0 });
  });

  each('never more than one at a time with a total of one', MODES, async (mode) => {
    const limiter = new CapacityLimiter(1);
    const word = new Int32Array(new SharedArrayBuffer(4));
    await outcomes(await stand.all(mode, 4, jobs.count, limiter, 'acquire', word, 25));
    expect(word[0]).toBe(100);
    expect(limiter).toMatchObject({ available: 1, borrowed: 0 });
  });

  each('raising the total lets as many in as there is room now, in order', MODES, async (mode) => {
    const limiter = new CapacityLimiter(1);
    const guard = await limiter.acquire();
    const actors = [await queueUp(limiter, mode), await queueUp(limiter, mode), await queueUp(limiter, mode)];
    limiter.total = 3;
    await actors[0]!.got();
    await actors[1]!.got();
    expect(actors[2]!.rank).toBe(0);
    expect(limiter.statistics()).toEqual({ total: 3, borrowed: 3, waiting: 1 });
    limiter.total = Infinity;
    await actors[2]!.got();
    for (const actor of actors) actor.goOn();
    await outcomes(actors);
    guard.release();
    expect(limiter).toMatchObject({ total: Infinity, borrowed: 0, available: Infinity });
  });

  each(
    'lowering it revokes nothing; who waits is let in once there are fewer than the new total',
    MODES,
    async (mode) => {
      const limiter = new CapacityLimiter(3);
      const guards = [limiter.acquireSync(), limiter.acquireSync(), limiter.acquireSync()];
      limiter.total = 1;
      expect(limiter).toMatchObject({ total: 1, borrowed: 3, available: 0 });
      const actor = await queueUp(limiter, mode);
      guards[0]!.release();
      expect(limiter.tryAcquire()).toBeUndefined();
      guards[1]!.release();
      await turn();
      expect(actor.rank).toBe(0);
      expect(limiter).toMatchObject({ borrowed: 1, available: 0 });
      guards[2]!.release();
      await actor.got();
      expect(limiter).toMatchObject({ borrowed: 1, available: 0 });
      actor.goOn();
      await actor.outcome;
      expect(limiter).toMatchObject({ borrowed: 0, available: 1 });
    },
  );

  test('lowered and raised again while it is full: nobody more than the total is in', () => {
    const limiter = new CapacityLimiter(2);
    const guards = [limiter.acquireSync(), limiter.acquireSync()];
    limiter.total = 1;
    limiter.total = 2;
    expect(limiter).toMatchObject({ borrowed: 2, available: 0 });
    limiter.total = 3;
    guards.push(limiter.tryAcquire()!);
    expect(limiter.tryAcquire()).toBeUndefined();
    limiter.total = 1;
    for (const guard of guards) guard.release();
    expect(limiter).toMatchObject({ borrowed: 0, available: 1 });
  });

  for (const { way, modes, options, aborts, leave, code } of WAYS_OUT)
    each(`a borrower that is ${way} while it waits borrows nothing`, modes, async (mode) => {
      const limiter = new CapacityLimiter(1);
      const guard = limiter.acquireSync();
      const leaving = await stand[aborts ? 'startAborting' : 'start'](
        mode,
        jobs.hold,
        limiter,
        'acquire',
        options,
      );
      if (options['timeout'] === undefined) await untilWaiting(limiter, 1);
      leave(leaving);
      expect(await outcome(leaving)).toBe(code);
      await untilWaiting(limiter, 0);
      expect(limiter).toMatchObject({ borrowed: 1, available: 0 });
      guard.release();
      expect(limiter).toMatchObject({ borrowed: 0, available: 1 });
    });

  each('release, raise and cancel in one tick: the sum is right in the end', MODES, async (mode) => {
    const limiter = new CapacityLimiter(1);
    const guard = limiter.acquireSync();
    const actors = [await queueUp(limiter, mode), await queueUp(limiter, mode), await queueUp(limiter, mode)];
    guard.release();
    limiter.total = 2;
    actors[0]!.cancel();
    limiter.total = 1;
    for (const actor of actors) actor.goOn();
    for (const actor of actors) await actor.served();
    await untilWaiting(limiter, 0);
    expect(await outcomes(actors.slice(1))).toEqual([undefined, undefined]);
    expect(limiter).toMatchObject({ total: 1, borrowed: 0, available: 1 });
  });

  each('a time-out of 0: at once or not at all', LOOPS, async (mode) => {
    const limiter = new CapacityLimiter(1);
    expect(await outcome(await stand.start(mode, jobs.pass, limiter, 'acquire', { timeout: 0 }))).toBe(
      undefined,
    );
    const guard: Guard = limiter.acquireSync();
    expect(await outcome(await stand.start(mode, jobs.pass, limiter, 'acquire', { timeout: 0 }))).toBe(
      TIMEOUT,
    );
    guard.release();
    expect(limiter.borrowed).toBe(0);
  });

  test('run() borrows for as long as its function takes', async () => {
    const limiter = new CapacityLimiter(1);
    const seen = limiter.run(async () => {
      await sleep(1);
      return limiter.borrowed;
    });
    expect(limiter.borrowed).toBe(1);
    expect(await seen).toBe(1);
    expect(limiter.runSync(() => limiter.borrowed)).toBe(1);
    expect(limiter.borrowed).toBe(0);
  });
});
