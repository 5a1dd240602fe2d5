/** What EventLoop and EventLoopThread promise: a loop seen from anywhere, and one in a thread of its own. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  CancelledError,
  currentThread,
  EventLoop,
  EventLoopThread,
  fromToken,
  ShutDownError,
  toToken,
} from '../../../src/index.ts';
import { failure, thrown, turn } from '../../fixtures/awaiting.ts';
import { BEGUN, blockUntil, COUNT, ENDED, jobs, until } from './jobs.ts';
import { loopJobs } from './loop-jobs.ts';
import { elsewhere, flag, goOn, loopThread, raised } from './stand.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

describe('EventLoop', () => {
  test('current() is the loop of the calling thread, main() that of the main thread', async () => {
    expect(EventLoop.current()).toBe(EventLoop.current());
    expect(EventLoop.current().id).toBe(currentThread().id);
    expect(EventLoop.main().id).toBe(EventLoop.current().id);
    expect(EventLoop.current().closed).toBe(false);
    const loop = await loopThread({ name: 'radio' });
    const there = await loop.submit(loopJobs.currentLoop);
    expect(there).toEqual({ id: loop.id, name: loop.name, closed: false });
    expect(there.name).toContain('radio');
    expect((await loop.submit(loopJobs.mainLoop)).id).toBe(EventLoop.main().id);
  });

  test('a thread of a pool has one, too', async () => {
    const { id } = await elsewhere().submit(loopJobs.currentLoop);
    expect(id).not.toBe(currentThread().id);
  });

  test('submit() to this loop runs the function here, not at once', async () => {
    const words = flag();
    const future = EventLoop.current().submit(jobs.count, words);
    expect(Atomics.load(words, COUNT)).toBe(0);
    expect(await future).toBe(1);
    expect((await EventLoop.current().submit(jobs.where)).main).toBe(true);
  });

  test('submit() to the main loop from another thread runs it here; submitSync() there waits for it', async () => {
    const loop = await loopThread();
    expect((await loop.submit(loopJobs.submitToMain)).main).toBe(true);
    expect((await loop.submit(loopJobs.submitSyncToMain)).main).toBe(true);
  });

  test('a job submits to its own loop', async () => {
    const loop = await loopThread();
    expect(await loop.submit(loopJobs.submitToOwn)).toBe(2);
  });

  test('travels as a result and by token, and is a live handle', async () => {
    const loop = await loopThread();
    const given = await loop.submit(loopJobs.giveLoop);
    expect(given).toBeInstanceOf(EventLoop);
    expect(given.id).toBe(loop.id);
    expect(await given.submit(jobs.where)).toMatchObject({ id: loop.id });
    expect(fromToken<EventLoop>(toToken(loop)).id).toBe(loop.id);
  });

  test('resultSync() on the loop that must produce it: DeadlockError', async () => {
    const loop = await loopThread();
    expect(await loop.submit(loopJobs.resultSyncOfOwn)).toBe('ERR_HEDDLE_DEADLOCK');
    expect(thrown(() => EventLoop.current().submit(jobs.addLater, 1, 1).resultSync())).toMatchObject({
      code: 'ERR_HEDDLE_DEADLOCK',
    });
  });

  test('a job runs as a task of the loop, with all that a loop has: timers, promises, its own state', async () => {
    const loop = await loopThread();
    expect(await loop.submit(jobs.keep, 'first')).toBe(undefined);
    expect(await loop.submit(jobs.keep, 'second')).toBe('first');
    expect(await loop.submit(jobs.addLater, 1, 2)).toBe(3);
  });
});

describe('callSoon()', () => {
  test('calls in the order of the calls, per caller', async () => {
    const loop = await loopThread();
    for (let n = 0; n < 50; n++) loop.callSoon(loopJobs.note, n);
    expect(await loop.submit(loopJobs.notes)).toEqual(Array.from({ length: 50 }, (_, n) => n));
  });

  test('of several threads: each in its order', async () => {
    const loop = await loopThread();
    await Promise.all([0, 1000, 2000].map((from) => elsewhere().submit(loopJobs.noteFrom, loop, from, 100)));
    const notes: number[] = [];
    while (notes.length < 300) notes.push(...(await loop.submit(loopJobs.notes)));
    for (const from of [0, 1000, 2000])
      expect(notes.filter((n) => n >= from && n < from + 1000)).toEqual(
        Array.from({ length: 100 }, (_, n) => from + n),
      );
  });

  test('wakes an idle loop', async () => {
    const loop = await loopThread();
    const words = flag();
    for (let time = 1; time <= 5; time++) {
      await turn();
      loop.callSoon(loopJobs.count, words);
      blockUntil(words, COUNT, time);
    }
  });

  test('on the own loop: not at once', async () => {
    const words = flag();
    EventLoop.current().callSoon(loopJobs.count, words);
    expect(Atomics.load(words, COUNT)).toBe(0);
    await raised(words, COUNT);
  });

  test('passes arguments, as they are at the call', async () => {
    const loop = await loopThread();
    const words = flag();
    loop.callSoon((w: Int32Array, n: number) => void Atomics.store(w, 3, n), words, 7);
    await raised(words, COUNT, 7);
  });

  test('an async function is a TypeError; so is what is no function, and nothing is called', async () => {
    const loop = await loopThread();
    expect(() => loop.callSoon(jobs.addLater, 1, 2)).toThrow(TypeError);
    expect(() => loop.callSoon(async () => {})).toThrow(TypeError);
    expect(() => loop.callSoon(5 as never)).toThrow(TypeError);
    expect(() => EventLoop.current().callSoon(async () => {})).toThrow(TypeError);
    expect(() => loop.callSoon((x: unknown) => void x, new WeakMap())).toThrow('WeakMap cannot be sent');
  });

  test('one that throws is reported, the loop goes on and calls the others', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const words = flag();
    EventLoop.current().callSoon(loopJobs.throwIn, words);
    EventLoop.current().callSoon(loopJobs.count, words);
    await raised(words, COUNT);
    expect(warned).toHaveBeenCalledOnce();
    const loop = await loopThread();
    const other = flag();
    loop.callSoon(loopJobs.throwIn, other);
    loop.callSoon(loopJobs.count, other);
    await raised(other, COUNT);
    expect(await loop.submit(jobs.add, 1, 1)).toBe(2);
  });

  test('to a stopped loop throws at once and names it', async () => {
    const loop = await loopThread({ name: 'radio' });
    await loop.stop();
    expect(thrown(() => loop.callSoon(jobs.nothing))).toBeInstanceOf(ShutDownError);
    expect(() => loop.callSoon(jobs.nothing)).toThrow('radio');
  });
});

describe('EventLoopThread', () => {
  test('start() gives a loop in a thread of its own; startSync() as well', async () => {
    const loop = await loopThread({ name: 'radio' });
    expect(loop).toBeInstanceOf(EventLoop);
    expect(await loop.submit(jobs.where)).toMatchObject({ main: false, id: loop.id });
    const other = EventLoopThread.startSync({ name: 'other' });
    try {
      expect(other.submitSync(jobs.add, 1, 1)).toBe(2);
      expect(other.id).not.toBe(loop.id);
    } finally {
      await other.stop();
    }
  });

  test('its jobs overlap: an async one waits, another runs', async () => {
    const loop = await loopThread();
    const words = flag();
    const held = loop.submit(jobs.hold, words);
    await raised(words, BEGUN);
    expect(await loop.submit(jobs.add, 1, 1)).toBe(2);
    goOn(words);
    expect(await held).toBe('done');
  });

  test('the initializer runs first; one that throws is told to who starts it, and leaves no thread', async () => {
    const loop = await loopThread({ initializer: jobs.initialize });
    expect(await loop.submit(jobs.timesInitialized)).toBe(1);
    expect(await failure(EventLoopThread.start({ initializer: jobs.failToInitialize }))).toMatchObject({
      message: 'no licence',
    });
    expect(thrown(() => EventLoopThread.startSync({ initializer: jobs.failToInitialize }))).toMatchObject({
      message: 'no licence',
    });
  });

  test('that ends while it starts: told to who starts it', async () => {
    const die = (): never => process.exit(3);
    expect(await failure(EventLoopThread.start({ initializer: die }))).toMatchObject({
      name: 'ThreadDiedError',
      exitCode: 3,
    });
    expect(thrown(() => EventLoopThread.startSync({ initializer: die }))).toMatchObject({
      name: 'ThreadDiedError',
      exitCode: 3,
    });
  });

  test('wrong options are refused', async () => {
    await expect(EventLoopThread.start({ initializer: 5 as never })).rejects.toBeInstanceOf(TypeError);
    await expect(EventLoopThread.start(5 as never)).rejects.toBeInstanceOf(TypeError);
    expect(() => EventLoopThread.startSync({ initializer: 5 as never })).toThrow(TypeError);
  });

  test('stop(): what was submitted runs, what runs is awaited, stopped resolves, closed is true', async () => {
    const loop = await loopThread();
    const words = flag();
    const held = loop.submit(jobs.hold, words);
    const counted = loop.submit(jobs.count, words);
    await raised(words, BEGUN);
    const stopping = loop.stop();
    expect(loop.stopped.status).not.toBe('fulfilled');
    goOn(words);
    await stopping;
    expect(await Promise.all([held, counted])).toEqual(['done', 1]);
    expect(await loop.stopped).toBe(undefined);
    expect(loop.closed).toBe(true);
  });

  test('stop({ cancelRunning }): its jobs are cancelled, their clean-up runs', async () => {
    const loop = await loopThread();
    const words = [flag(), flag(), flag()];
    const held = words.map((one) => loop.submit(jobs.hold, one));
    await Promise.all(words.map((one) => raised(one, BEGUN)));
    const errors = Promise.all(held.map(failure));
    await loop.stop({ cancelRunning: true });
    for (const error of await errors) expect(error).toBeInstanceOf(CancelledError);
    expect(words.map((one) => Atomics.load(one, ENDED))).toEqual([1, 1, 1]);
  });

  test('stop() by its own job, and by another thread', async () => {
    const loop = await loopThread();
    expect(await loop.submit(loopJobs.stopSelf, loop)).toBe('asked');
    await loop.stopped;
    const other = await loopThread();
    await elsewhere().submit((given: EventLoopThread) => given.stop(), other);
    await other.stopped;
    expect(other.closed).toBe(true);
    await expect(other.submit(jobs.nothing)).rejects.toBeInstanceOf(ShutDownError);
  });

  test('stop callbacks are called once', async () => {
    const loop = await loopThread();
    let calls = 0;
    loop.stopped.addDoneCallback(() => calls++);
    await Promise.all([loop.stop(), loop.stop()]);
    await until(() => calls > 0);
    await turn();
    expect(calls).toBe(1);
  });

  test('await using', async () => {
    let seen: EventLoopThread;
    {
      await using loop = await EventLoopThread.start();
      seen = loop;
      expect(await loop.submit(jobs.add, 1, 1)).toBe(2);
    }
    expect(seen.closed).toBe(true);
  });

  test('several, at the same time, in parallel', async () => {
    const loops = await Promise.all([loopThread(), loopThread(), loopThread()]);
    const words = flag();
    const met = loops.map((loop) => loop.submit(jobs.meet, words, 3));
    expect((await Promise.all(met)).toSorted()).toEqual([1, 2, 3]);
    expect(new Set(loops.map(({ id }) => id)).size).toBe(3);
  });
});
