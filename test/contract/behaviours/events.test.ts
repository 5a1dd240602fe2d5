/** What is asked of events, latches and `select` by the tests of those that came before: `threading`, `asyncio`, `anyio`. */
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import {
  Event,
  InvalidStateError,
  Latch,
  Queue,
  select,
  selectSync,
  sleep,
  TaskGroup,
} from '../../../src/index.ts';
import { failure, thrown, turn } from '../../fixtures/awaiting.ts';
import { jobs } from './jobs.ts';
import {
  type Actor,
  each,
  eachPair,
  HERE,
  LOOPS,
  MODES,
  type Mode,
  outcome,
  outcomes,
  SHUT_DOWN,
  Stand,
  TIMEOUT,
  untilWaiting,
  WAYS_OUT,
} from './stand.ts';

const stand = new Stand();
afterEach(() => stand.clear());
afterAll(() => stand.end());

/** So many wait at it. */
async function waiters(gate: Event | Latch, mode: Mode, n: number): Promise<Actor[]> {
  const before = gate.statistics().waiting;
  const actors = await stand.all(mode, n, jobs.wait, gate, 'wait', [{}]);
  await untilWaiting(gate, before + n);
  return actors;
}

describe('Event', () => {
  test('isSet: set and clear, each as often as one likes', () => {
    const event = new Event({ name: 'ready' });
    expect(event.isSet).toBe(false);
    event.set();
    event.set();
    expect(event.isSet).toBe(true);
    expect(event.statistics()).toEqual({ name: 'ready', isSet: true, waiting: 0 });
    event.clear();
    event.clear();
    expect(event.isSet).toBe(false);
    expect(event.statistics()).toEqual({ name: 'ready', isSet: false, waiting: 0 });
  });

  eachPair(
    'set() lets all go on who wait; who comes later does not wait; again after clear()',
    async (a, b) => {
      const event = new Event();
      for (let time = 0; time < 2; time++) {
        const before = stand.count;
        const actors = [...(await waiters(event, a, 2)), ...(await waiters(event, b, 2))];
        expect(stand.count).toBe(before);
        event.set();
        expect(await outcomes(actors)).toEqual(Array(4).fill(undefined));
        expect(await outcome(await stand.start(a, jobs.wait, event, 'wait', [{}]))).toBe(undefined);
        expect(event.statistics()).toEqual({ isSet: true, waiting: 0 });
        event.clear();
        expect(await outcome(await stand.start(b, jobs.wait, event, 'wait', [{ timeout: 0 }]))).toBe(TIMEOUT);
      }
    },
  );

  each('set() and clear() at once: all who were waiting go on, who comes then waits', MODES, async (mode) => {
    const event = new Event();
    const actors = await waiters(event, mode, 4);
    event.set();
    event.clear();
    expect(event.isSet).toBe(false);
    const late = await stand.start(HERE, jobs.wait, event, 'wait', [{}]);
    expect(await outcomes(actors)).toEqual(Array(4).fill(undefined));
    await untilWaiting(event, 1);
    expect(late.rank).toBe(0);
    event.set();
    expect(await outcome(late)).toBe(undefined);
  });

  each(
    'set, clear, set, clear, in one tick, lets each go on once and leaves it cleared',
    MODES,
    async (mode) => {
      const event = new Event();
      const actors = await waiters(event, mode, 3);
      for (let i = 0; i < 5; i++) {
        event.set();
        event.clear();
      }
      event.set();
      event.set();
      expect(await outcomes(actors)).toEqual(Array(3).fill(undefined));
      expect(event.statistics()).toEqual({ isSet: true, waiting: 0 });
    },
  );

  for (const { way, modes, options, aborts, leave, code } of WAYS_OUT)
    each(`one that is ${way} leaves no trace, the others go on later`, modes, async (mode) => {
      const event = new Event();
      const leaving = await stand[aborts ? 'startAborting' : 'start'](mode, jobs.wait, event, 'wait', [
        options,
      ]);
      if (options['timeout'] === undefined) await untilWaiting(event, 1);
      const other = await stand.start(mode, jobs.wait, event, 'wait', [{}]);
      leave(leaving);
      expect(await outcome(leaving)).toBe(code);
      expect(await leaving.served()).toBe(false);
      await untilWaiting(event, 1);
      event.set();
      expect(await outcome(other)).toBe(undefined);
      expect(event.statistics()).toEqual({ isSet: true, waiting: 0 });
    });

  each(
    'set() and the cancellation of all in one tick: each ends, none stays in the line',
    MODES,
    async (mode) => {
      const event = new Event();
      const actors = await waiters(event, mode, 3);
      event.set();
      event.clear();
      for (const actor of actors) actor.cancel();
      for (const actor of actors) await actor.served();
      await untilWaiting(event, 0);
    },
  );

  test('on this loop: cancelled first, then set, rejects; set first, then cancelled, was granted', async () => {
    for (const setFirst of [true, false]) {
      const event = new Event();
      const controller = new AbortController();
      const waiting = event.wait({ signal: controller.signal }).then(
        () => 'granted',
        () => 'aborted',
      );
      await turn();
      if (setFirst) event.set();
      controller.abort();
      if (!setFirst) event.set();
      expect(await waiting).toBe(setFirst ? 'granted' : 'aborted');
    }
  });

  each('a time-out of 0 and a tiny one: at once where it is set, else TimeoutError', MODES, async (mode) => {
    const event = new Event();
    for (const timeout of [0, 0.01, 1]) {
      const early = await stand.all(mode, 3, jobs.wait, event, 'wait', [{ timeout }]);
      expect(await outcomes(early)).toEqual(Array(3).fill(TIMEOUT));
      event.set();
      const late = await stand.all(mode, 3, jobs.wait, event, 'wait', [{ timeout }]);
      expect(await outcomes(late)).toEqual(Array(3).fill(undefined));
      event.clear();
    }
    expect(event.statistics().waiting).toBe(0);
  });

  each('one that was set from another thread, without anybody awaiting there', LOOPS, async (mode) => {
    const event = new Event();
    const [actor] = await waiters(event, mode, 1);
    expect(await stand.aside.submit(jobs.attempt, event, 'set', [])).toBe('');
    expect(await outcome(actor!)).toBe(undefined);
    expect(event.isSet).toBe(true);
  });

  test('who waits in the same tick as set() goes on, in order of arrival', async () => {
    const event = new Event();
    const log: number[] = [];
    const waits = [1, 2].map((n) => event.wait().then(() => log.push(n)));
    await turn();
    waits.push(event.wait().then(() => log.push(3)));
    event.set();
    await Promise.all(waits);
    expect(log).toEqual([1, 2, 3]);
  });

  test('an aborted signal wins over a set event; a wrong argument over both', async () => {
    const event = new Event();
    event.set();
    const signal = AbortSignal.abort(new Error('stop'));
    expect(await failure(event.wait({ signal }))).toBe(signal.reason);
    expect(await failure(event.wait({ signal, timeout: NaN }))).toBeInstanceOf(RangeError);
    expect(await failure(event.wait({ timeout: '1' as unknown as number }))).toBeInstanceOf(TypeError);
    expect(thrown(() => event.waitSync({ timeout: -1 }))).toBeInstanceOf(RangeError);
  });

  test('a cancelled task does not pass an event that is set', async () => {
    const event = new Event();
    event.set();
    await TaskGroup.run(async (group) => {
      const task = group.spawn(async () => {
        await sleep(1e6).catch(() => {});
        return await failure(event.wait());
      });
      await turn();
      task.cancel();
      expect(await task).toHaveProperty('code', 'ERR_HEDDLE_CANCELLED');
    });
  });

  test('who blocks for an event that nobody else has is told; a time-out of 0 is none of that', () => {
    expect(thrown(() => new Event().waitSync())).toHaveProperty('code', 'ERR_HEDDLE_DEADLOCK');
    expect(thrown(() => new Event().waitSync({ timeout: 0 }))).toHaveProperty('code', TIMEOUT);
    expect(thrown(() => new Event().waitSync({ timeout: 1 }))).toHaveProperty('code', TIMEOUT);
  });

  test('a disposed handle is refused, and a wait of it goes on', async () => {
    const event = new Event();
    const waiting = event.wait();
    const [other] = await waiters(event, HERE, 1);
    event.set();
    event[Symbol.dispose]();
    event[Symbol.dispose]();
    await waiting;
    await other!.outcome;
    expect(thrown(() => event.isSet)).toBeInstanceOf(InvalidStateError);
    expect(await failure(event.wait())).toBeInstanceOf(InvalidStateError);
  });
});

describe('Latch', () => {
  eachPair('opens for all who wait when it has been counted down, wherever that happens', async (a, b) => {
    const latch = new Latch(3, { name: 'up' });
    const actors = [...(await waiters(latch, a, 2)), ...(await waiters(latch, b, 1))];
    latch.countDown();
    expect(await stand.aside.submit(jobs.attempt, latch, 'countDown', [])).toBe('');
    expect(latch.statistics()).toEqual({ name: 'up', count: 1, waiting: 3 });
    expect(latch.isOpen).toBe(false);
    latch.countDown();
    expect(await outcomes(actors)).toEqual(Array(3).fill(undefined));
    expect(latch.isOpen).toBe(true);
    expect(await outcome(await stand.start(b, jobs.wait, latch, 'wait', [{ timeout: 0 }]))).toBe(undefined);
  });

  test('never goes below 0, and stays open', async () => {
    const latch = new Latch(2);
    latch.countDown(5);
    latch.countDown();
    expect(latch.count).toBe(0);
    await latch.wait();
    latch.waitSync();
    expect(new Latch(0).isOpen).toBe(true);
  });

  test('wrong counts are refused, and nothing has changed', () => {
    for (const count of [-1, 0.5, NaN, Infinity])
      expect(thrown(() => new Latch(count))).toBeInstanceOf(RangeError);
    expect(thrown(() => new Latch('1' as unknown as number))).toBeInstanceOf(TypeError);
    const latch = new Latch(1);
    for (const n of [0, -1, 0.5, NaN]) expect(thrown(() => latch.countDown(n))).toBeInstanceOf(RangeError);
    expect(latch.count).toBe(1);
  });

  for (const { way, modes, options, aborts, leave, code } of WAYS_OUT)
    each(`one that is ${way} leaves the count as it is`, modes, async (mode) => {
      const latch = new Latch(1);
      const leaving = await stand[aborts ? 'startAborting' : 'start'](mode, jobs.wait, latch, 'wait', [
        options,
      ]);
      if (options['timeout'] === undefined) await untilWaiting(latch, 1);
      leave(leaving);
      expect(await outcome(leaving)).toBe(code);
      await untilWaiting(latch, 0);
      expect(latch.count).toBe(1);
    });
});

describe('select', () => {
  each('takes from the first that has something, and from that alone', MODES, async (mode) => {
    const a = new Queue<number>();
    const b = new Queue<number>();
    const stop = new Event();
    const actor = await stand.start(mode, jobs.selectOf, { a, b, stop }, {});
    await untilWaiting(b, 1);
    b.tryPut(7);
    a.tryPut(8);
    expect(await outcome(actor)).toEqual(['b', 7]);
    expect([a.size, b.size]).toEqual([1, 0]);
    expect([a.waiting, b.waiting, stop.statistics().waiting]).toEqual([0, 0, 0]);
    expect(await outcome(await stand.start(mode, jobs.selectOf, { b, stop, a }, {}))).toEqual(['a', 8]);
  });

  for (const { way, modes, options, leave, aborts, code } of WAYS_OUT.filter((out) => !out.aborts))
    each(`one that is ${way} leaves all lines and takes nothing`, modes, async (mode) => {
      expect(aborts).toBe(false);
      const a = new Queue<number>();
      const stop = new Event();
      const actor = await stand.start(mode, jobs.selectOf, { a, stop }, options);
      if (options['timeout'] === undefined) await untilWaiting(stop, 1);
      leave(actor);
      expect(await outcome(actor)).toBe(code);
      await untilWaiting(stop, 0);
      await untilWaiting(a, 0);
      a.tryPut(1);
      expect(a.tryGet()).toEqual({ value: 1 });
    });

  each('two sources in one tick: one item is taken, the other stays', MODES, async (mode) => {
    const a = new Queue<number>();
    const b = new Queue<number>();
    const actor = await stand.start(mode, jobs.selectOf, { a, b }, {});
    await untilWaiting(b, 1);
    a.tryPut(1);
    b.tryPut(2);
    const [, value] = (await outcome(actor)) as [string, number];
    expect(a.size + b.size).toBe(1);
    const rest = a.tryGet() ?? b.tryGet();
    expect(new Set([value, rest!.value])).toEqual(new Set([1, 2]));
  });

  each('ends with the error of a queue that is shut down meanwhile', MODES, async (mode) => {
    const a = new Queue<number>();
    const stop = new Event();
    const actor = await stand.start(mode, jobs.selectOf, { a, stop }, {});
    await untilWaiting(stop, 1);
    a.shutdown();
    expect(await outcome(actor)).toBe(SHUT_DOWN);
    await untilWaiting(stop, 0);
  });

  test('a time-out of 0 takes what is there, or fails; wrong sources are refused', async () => {
    const queue = new Queue<number>();
    expect(await failure(select({ queue }, { timeout: 0 }))).toHaveProperty('code', TIMEOUT);
    expect(thrown(() => selectSync({ queue }, { timeout: 0 }))).toHaveProperty('code', TIMEOUT);
    queue.tryPut(1);
    expect(await select({ queue }, { timeout: 0 })).toEqual({ key: 'queue', value: 1 });
    expect(await failure(select({}))).toBeInstanceOf(RangeError);
    expect(await failure(select({ a: {} }))).toBeInstanceOf(TypeError);
    expect(await failure(select(undefined as unknown as object as Record<string, object>))).toBeInstanceOf(
      TypeError,
    );
    queue.tryPut(2);
    const signal = AbortSignal.abort(new Error('stop'));
    expect(await failure(select({ queue }, { signal }))).toBe(signal.reason);
    expect(queue.size).toBe(1);
  });
});
