/** What is asked of conditions by the tests of those that came before: `threading`, `asyncio`, `anyio`, Rust's. */
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { Condition, type Guard, Lock, NotOwnerError, RLock, sleep, TaskGroup } from '../../../src/index.ts';
import { failure, thrown, turn } from '../../fixtures/awaiting.ts';
import { jobs } from './jobs.ts';
import {
  type Actor,
  BLOCKED,
  CANCELLED,
  each,
  eachPair,
  HERE,
  LOOPS,
  MODES,
  type Mode,
  outcome,
  outcomes,
  Stand,
  TIMEOUT,
  until,
  untilWaiting,
  WAYS_OUT,
} from './stand.ts';

const stand = new Stand();
afterEach(() => stand.clear());
afterAll(() => stand.end());

/** One that has stood behind those that wait already. */
async function waiter(
  condition: Condition,
  mode: Mode,
  options: Record<string, unknown> = {},
): Promise<Actor> {
  const before = condition.statistics().waiting;
  const actor = await stand.start(mode, jobs.awaitNotification, condition, options);
  await untilWaiting(condition, before + 1);
  return actor;
}

async function waiters(condition: Condition, modes: readonly Mode[]): Promise<Actor[]> {
  const actors: Actor[] = [];
  for (const mode of modes) actors.push(await waiter(condition, mode));
  return actors;
}

async function locked<T>(condition: Condition, fn: (guard: Guard) => T): Promise<T> {
  using guard = await condition.lock.acquire();
  return fn(guard);
}

async function isWhole(condition: Condition): Promise<void> {
  expect(condition.statistics().waiting).toBe(0);
  expect(condition.lock.statistics()).toMatchObject({ waiting: 0, locked: false });
  expect(await stand.aside.submit(jobs.has, condition.lock, 'tryAcquire')).toBe(true);
}

each(
  'five wait; three are notified, then all the rest; each goes on with the lock, after the notifier has let it go',
  MODES,
  async (mode) => {
    const condition = new Condition();
    for (let time = 0; time < 2; time++) {
      const actors = await waiters(condition, Array(5).fill(mode));
      const before = stand.count;
      await until(() => !condition.lock.locked);
      const guard = await condition.lock.acquire();
      condition.notify(guard, 3);
      expect(condition.statistics().waiting).toBe(2);
      await turn();
      expect(stand.count).toBe(before);
      guard.release();
      for (const actor of actors) actor.goOn();
      expect(await outcomes(actors.slice(0, 3))).toEqual(Array(3).fill('notified'));
      expect(actors.slice(3).map(({ rank }) => rank)).toEqual([0, 0]);
      await locked(condition, (all) => condition.notifyAll(all));
      expect(await outcomes(actors)).toEqual(Array(5).fill('notified'));
      await isWhole(condition);
    }
  },
);

eachPair('who has waited longest is notified first, and has the lock alone', async (a, b) => {
  const condition = new Condition();
  const actors = await waiters(condition, [a, b, a]);
  for (const [index, actor] of actors.entries()) {
    await locked(condition, (guard) => condition.notify(guard));
    await actor.got();
    expect(actors.slice(index + 1).map(({ rank }) => rank)).toEqual(Array(2 - index).fill(0));
    expect(condition.lock.locked).toBe(true);
    expect(condition.statistics().waiting).toBe(2 - index);
    actor.goOn();
  }
  expect(await outcomes(actors)).toEqual(Array(3).fill('notified'));
  await isWhole(condition);
});

// Those of different threads take the lock in the order in which they come to it.
each('notified together, those of one loop go on in the order in which they waited', LOOPS, async (mode) => {
  const condition = new Condition();
  const actors = await waiters(condition, Array(5).fill(mode));
  const before = stand.count;
  await locked(condition, (guard) => condition.notifyAll(guard));
  for (const actor of actors) actor.goOn();
  const ranks = await Promise.all(actors.map((actor) => actor.got()));
  expect(ranks).toEqual(actors.map((_, index) => before + 1 + index));
  await outcomes(actors);
  await isWhole(condition);
});

each('a notification is not remembered, nor what is too much of one', MODES, async (mode) => {
  const condition = new Condition();
  await locked(condition, (guard) => {
    condition.notify(guard);
    condition.notifyAll(guard);
  });
  const first = await waiter(condition, mode);
  await locked(condition, (guard) => condition.notify(guard, 100));
  first.goOn();
  expect(await outcome(first)).toBe('notified');
  expect(await outcome(await stand.start(mode, jobs.awaitNotification, condition, { timeout: 2 }))).toBe(
    TIMEOUT,
  );
  await isWhole(condition);
});

for (const { way, modes, options, aborts, leave, code } of WAYS_OUT) {
  const start = aborts ? 'startAborting' : 'start';
  each(`one that is ${way} has the lock again, and the notification is for the next`, modes, async (mode) => {
    const condition = new Condition();
    const leaving = await stand[start](mode, jobs.awaitNotification, condition, options);
    if (options['timeout'] === undefined) await untilWaiting(condition, 1);
    leave(leaving);
    // It releases its guard: that would fail, and be another code, if it did not have the lock.
    expect(await outcome(leaving)).toBe(code);
    await untilWaiting(condition, 0);
    const other = await waiter(condition, mode);
    await locked(condition, (guard) => condition.notify(guard));
    other.goOn();
    expect(await outcome(other)).toBe('notified');
    await isWhole(condition);
  });

  each(`one that is ${way} while another has the lock ends no sooner than it has it`, modes, async (mode) => {
    const condition = new Condition();
    const leaving = await stand[start](mode, jobs.awaitNotification, condition, options);
    if (options['timeout'] === undefined) await untilWaiting(condition, 1);
    const guard = await condition.lock.acquire();
    leave(leaving);
    await untilWaiting(condition.lock, 1);
    expect(condition.statistics().waiting).toBe(0);
    let ended = false;
    const served = leaving.served().then(() => {
      ended = true;
    });
    await turn();
    expect(ended).toBe(false);
    guard.release();
    await served;
    expect(await outcome(leaving)).toBe(code);
    await isWhole(condition);
  });
}

each(
  'notified and cancelled in one tick: one of two goes on, and the notification is not lost',
  MODES,
  async (mode) => {
    for (const notifyFirst of [true, false]) {
      const condition = new Condition();
      const [first, second] = await waiters(condition, [mode, mode]);
      const guard = await condition.lock.acquire();
      if (notifyFirst) condition.notify(guard);
      first!.cancel();
      if (!notifyFirst) condition.notify(guard);
      guard.release();
      first!.goOn();
      second!.goOn();
      if (await first!.served()) {
        // It was served in time: then the second has not been.
        await locked(condition, (again) => condition.notify(again));
      }
      expect(await outcome(second!)).toBe('notified');
      await isWhole(condition);
    }
  },
);

each(
  'cancelled while it takes the lock again: it has it, fails, and passes the notification on',
  MODES,
  async (mode) => {
    const condition = new Condition();
    const [first, second] = await waiters(condition, [mode, mode]);
    const guard = await condition.lock.acquire();
    condition.notify(guard);
    await untilWaiting(condition.lock, 1);
    first!.cancel();
    second!.goOn();
    first!.goOn();
    await turn();
    await turn();
    guard.release();
    const wasServed = await first!.served();
    if (wasServed) await locked(condition, (again) => condition.notify(again));
    expect(await outcome(first!)).toBe(CANCELLED);
    expect(await outcome(second!)).toBe('notified');
    await isWhole(condition);
  },
);

each('cancelled twice while it takes the lock again: still no sooner than it has it', LOOPS, async (mode) => {
  const condition = new Condition();
  const first = await waiter(condition, mode);
  const guard = await condition.lock.acquire();
  condition.notify(guard);
  await untilWaiting(condition.lock, 1);
  first.goOn();
  first.cancel('once');
  await turn();
  first.cancel('twice');
  await turn();
  expect(condition.lock.statistics().waiting).toBe(1);
  guard.release();
  await first.served();
  await isWhole(condition);
});

each(
  'notifyAll and the cancellation of all in one tick: nothing hangs, nobody keeps the lock',
  MODES,
  async (mode) => {
    const condition = new Condition();
    const actors = await waiters(condition, [mode, mode, mode]);
    await locked(condition, (guard) => condition.notifyAll(guard));
    for (const actor of actors) {
      actor.cancel();
      actor.goOn();
    }
    for (const actor of actors) await actor.served();
    await untilWaiting(condition, 0);
    await untilWaiting(condition.lock, 0);
    await isWhole(condition);
  },
);

each('of three notified ones the first is cancelled: the other two go on', MODES, async (mode) => {
  const condition = new Condition();
  const actors = await waiters(condition, [mode, mode, mode]);
  const guard = await condition.lock.acquire();
  condition.notifyAll(guard);
  actors[0]!.cancel();
  for (const actor of actors) actor.goOn();
  guard.release();
  expect(await outcomes(actors.slice(1))).toEqual(['notified', 'notified']);
  await actors[0]!.served();
  await isWhole(condition);
});

each(
  'waitFor asks with the lock: at once, after each notification, and gives what was found',
  MODES,
  async (mode) => {
    const condition = new Condition();
    const word = new Int32Array(new SharedArrayBuffer(4));
    const actor = await stand.start(mode, jobs.awaitWord, condition, word, 4, {});
    for (let n = 1; n <= 4; n++) {
      await untilWaiting(condition, 1);
      await locked(condition, (guard) => {
        word[0] = n;
        condition.notify(guard);
      });
    }
    expect(await outcome(actor)).toEqual(['enough', 5]);
    const there = await stand.start(mode, jobs.awaitWord, condition, word, 4, {});
    expect(await outcome(there)).toEqual(['enough', 1]);
    await isWhole(condition);
  },
);

each(
  'the time-out of waitFor is for all together: notifications do not begin it anew',
  MODES,
  async (mode) => {
    const condition = new Condition();
    const word = new Int32Array(new SharedArrayBuffer(4));
    const actor = await stand.start(mode, jobs.awaitWord, condition, word, 1, { timeout: 100 });
    let ended = false;
    const over = actor.outcome.then(() => {
      ended = true;
    });
    // Notified for ever, each time in time.
    while (!ended) {
      await locked(condition, (guard) => condition.notify(guard));
      await sleep(5);
    }
    await over;
    expect(await outcome(actor)).toBe(TIMEOUT);
    await isWhole(condition);
  },
);

each('what has become true when the time is up counts', MODES, async (mode) => {
  const condition = new Condition();
  const word = new Int32Array(new SharedArrayBuffer(4));
  const actor = await stand.start(mode, jobs.awaitWord, condition, word, 1, { timeout: 100 });
  await untilWaiting(condition, 1);
  // Nobody notifies.
  Atomics.store(word, 0, 1);
  expect(await outcome(actor)).toEqual(['enough', 2]);
  await isWhole(condition);
});

each('a time-out of 0: TimeoutError, with the lock; waitFor gives what holds', MODES, async (mode) => {
  const condition = new Condition();
  expect(await outcome(await stand.start(mode, jobs.awaitNotification, condition, { timeout: 0 }))).toBe(
    TIMEOUT,
  );
  const word = new Int32Array(new SharedArrayBuffer(4));
  expect(await outcome(await stand.start(mode, jobs.awaitWord, condition, word, 1, { timeout: 0 }))).toBe(
    TIMEOUT,
  );
  word[0] = 1;
  expect(await outcome(await stand.start(mode, jobs.awaitWord, condition, word, 1, { timeout: 0 }))).toEqual([
    'enough',
    1,
  ]);
  await isWhole(condition);
});

each(
  'a tiny time-out against a notification, many times: nothing is lost and nobody hangs',
  MODES,
  async (mode) => {
    const condition = new Condition();
    for (let round = 0; round < 10; round++) {
      const actor = await stand.start(mode, jobs.awaitNotification, condition, { timeout: 0.3 });
      actor.goOn();
      await locked(condition, (guard) => condition.notify(guard));
      expect(['notified', TIMEOUT]).toContain(await outcome(actor));
    }
    await isWhole(condition);
  },
);

eachPair('a lock given to it is its lock: whoever has that has the condition', async (a, b) => {
  const lock = new Lock();
  const condition = new Condition({ lock });
  expect(condition.lock).toBe(lock);
  const guard = await lock.acquire();
  expect(await stand.aside.submit(jobs.has, condition.lock, 'tryAcquire')).toBe(false);
  guard.release();
  const actors = await waiters(condition, [a, b]);
  await locked(condition, (all) => condition.notifyAll(all));
  for (const actor of actors) actor.goOn();
  expect(await outcomes(actors)).toEqual(['notified', 'notified']);
  await isWhole(condition);
});

test('two conditions of one lock: each notifies its own waiters', async () => {
  const lock = new Lock();
  const [full, empty] = [new Condition({ lock }), new Condition({ lock })];
  const waiting = [await waiter(full, BLOCKED), await waiter(empty, HERE)];
  using guard = await lock.acquire();
  full.notifyAll(guard);
  guard.release();
  waiting[0]!.goOn();
  expect(await outcome(waiting[0]!)).toBe('notified');
  expect(empty.statistics().waiting).toBe(1);
  await locked(empty, (other) => empty.notify(other));
  waiting[1]!.goOn();
  expect(await outcome(waiting[1]!)).toBe('notified');
});

each('with an RLock all acquisitions are let go, and had again as often', MODES, async (mode) => {
  const condition = new Condition({ lock: new RLock() });
  const actor = await stand.start(mode, jobs.awaitHeldTwice, condition);
  await untilWaiting(condition, 1);
  using guard = await condition.lock.acquire();
  condition.notify(guard);
  guard.release();
  expect(await outcome(actor)).toEqual([true, false]);
});

test('without the guard: NotOwnerError, nothing notified, and the predicate is not asked', async () => {
  const condition = new Condition();
  const guard = await condition.lock.acquire();
  guard.release();
  let asked = 0;
  expect(await failure(condition.wait(guard))).toBeInstanceOf(NotOwnerError);
  expect(thrown(() => condition.waitSync(guard))).toBeInstanceOf(NotOwnerError);
  expect(thrown(() => condition.notify(guard))).toBeInstanceOf(NotOwnerError);
  expect(thrown(() => condition.notifyAll(guard))).toBeInstanceOf(NotOwnerError);
  expect(await failure(condition.waitFor(guard, () => ++asked))).toBeInstanceOf(NotOwnerError);
  expect(thrown(() => condition.waitForSync(guard, () => ++asked))).toBeInstanceOf(NotOwnerError);
  const foreign = new Lock().acquireSync();
  expect(await failure(condition.wait(foreign))).toBeInstanceOf(NotOwnerError);
  expect(thrown(() => condition.notify(foreign))).toBeInstanceOf(NotOwnerError);
  foreign.release();
  expect(asked).toBe(0);
  await isWhole(condition);
});

test('the guard is without its lock while it waits: it can do nothing then, and is the same afterwards', async () => {
  const condition = new Condition();
  const guard = await condition.lock.acquire();
  const waiting = condition.wait(guard);
  expect(guard.released).toBe(true);
  expect(condition.lock.locked).toBe(false);
  expect(thrown(() => condition.notify(guard))).toBeInstanceOf(NotOwnerError);
  expect(await failure(condition.wait(guard))).toBeInstanceOf(NotOwnerError);
  expect(thrown(() => guard.release())).toBeInstanceOf(NotOwnerError);
  await locked(condition, (other) => condition.notify(other));
  await waiting;
  expect(guard.released).toBe(false);
  guard.release();
  await isWhole(condition);
});

test('wrong arguments are refused, with the lock still had', async () => {
  const condition = new Condition();
  const guard = await condition.lock.acquire();
  for (const n of [-1, 0.5, NaN]) expect(thrown(() => condition.notify(guard, n))).toBeInstanceOf(RangeError);
  expect(thrown(() => condition.notify(guard, '1' as unknown as number))).toBeInstanceOf(TypeError);
  expect(thrown(() => condition.notify({} as Guard))).toBeInstanceOf(TypeError);
  expect(await failure(condition.wait(undefined as unknown as Guard))).toBeInstanceOf(TypeError);
  expect(await failure(condition.waitFor(guard, 5 as unknown as () => void))).toBeInstanceOf(TypeError);
  expect(await failure(condition.waitFor(guard, async () => true))).toBeInstanceOf(TypeError);
  expect(await failure(condition.wait(guard, { timeout: -1 }))).toBeInstanceOf(RangeError);
  const signal = AbortSignal.abort(new Error('stop'));
  expect(await failure(condition.wait(guard, { signal }))).toBe(signal.reason);
  expect(await failure(condition.waitFor(guard, () => true, { signal }))).toBe(signal.reason);
  expect(guard.released).toBe(false);
  guard.release();
  expect(thrown(() => new Condition({ lock: {} as Lock }))).toBeInstanceOf(TypeError);
  await isWhole(condition);
});

test('an error of the predicate goes to its caller, who has the lock', async () => {
  const condition = new Condition();
  const error = new Error('predicate');
  const guard = await condition.lock.acquire();
  let asked = 0;
  const waiting = condition.waitFor(guard, () => {
    if (asked++ > 0) throw error;
    return false;
  });
  await locked(condition, (other) => condition.notify(other));
  expect(await failure(waiting)).toBe(error);
  expect(guard.released).toBe(false);
  guard.release();
  await isWhole(condition);
});

test('the holder of a guard that waits by run() of its lock releases it once', async () => {
  const condition = new Condition();
  let ready = false;
  await TaskGroup.run((group) => {
    for (let i = 0; i < 3; i++)
      group.spawn(async () => {
        using guard = await condition.lock.acquire();
        expect(await condition.waitFor(guard, () => ready)).toBe(true);
      });
    group.spawn(async () => {
      await until(() => condition.statistics().waiting === 3);
      using guard = await condition.lock.acquire();
      ready = true;
      condition.notifyAll(guard);
    });
  });
  await isWhole(condition);
});

test('statistics() has its name and how many wait', async () => {
  const condition = new Condition({ name: 'changed' });
  expect(condition.statistics()).toEqual({ name: 'changed', waiting: 0 });
  const [a] = await waiters(condition, [BLOCKED]);
  expect(condition.statistics()).toEqual({ name: 'changed', waiting: 1 });
  await locked(condition, (guard) => condition.notify(guard));
  a!.goOn();
  await a!.outcome;
});

describe('buffers of one', () => {
  each('producers and consumers that share a condition all come to their end', MODES, async (mode) => {
    const condition = new Condition();
    const word = new Int32Array(new SharedArrayBuffer(4));
    const consumers = await stand.all(mode, 3, jobs.awaitWord, condition, word, 3, {});
    await untilWaiting(condition, 3);
    for (let n = 1; n <= 3; n++)
      await locked(condition, (guard) => {
        word[0]!++;
        condition.notifyAll(guard);
      });
    const found = (await outcomes(consumers)) as [string, number][];
    expect(found.map(([value]) => value)).toEqual(['enough', 'enough', 'enough']);
    await isWhole(condition);
  });
});
