/** What is asked of locks by the tests of those that came before: `threading`, `asyncio`, `async-mutex`, Rust's. */
import { getEventListeners } from 'node:events';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import {
  Barrier,
  Event,
  type Guard,
  Latch,
  Lock,
  NotOwnerError,
  Once,
  Queue,
  RLock,
  RWLock,
  Semaphore,
  select,
  shield,
  sleep,
  TaskGroup,
} from '../../../src/index.ts';
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
  untilWaiting,
  WAYS_OUT,
} from './stand.ts';

const stand = new Stand();
afterEach(() => stand.clear());
afterAll(() => stand.end());

interface LockLike extends Disposable {
  acquire(options?: object): Promise<Guard>;
  acquireSync(options?: object): Guard;
  tryAcquire(): Guard | undefined;
  run<R>(fn: () => R | PromiseLike<R>, options?: object): Promise<R>;
  runSync<R>(fn: () => R, options?: object): R;
  readonly locked: boolean;
  statistics(): { readonly waiting: number; readonly locked: boolean };
}

/** Waits one after the other. */
async function queueUp(
  lock: { statistics(): { readonly waiting: number } } & object,
  mode: Mode,
  n: number,
  job: typeof jobs.hold = jobs.hold,
  method = 'acquire',
  options: Record<string, unknown> = {},
): Promise<Actor[]> {
  const actors: Actor[] = [];
  const before = lock.statistics().waiting;
  for (let i = 1; i <= n; i++) {
    actors.push(await stand.start(mode, job, lock, method, options));
    await untilWaiting(lock, before + i);
  }
  return actors;
}

async function isFree(lock: LockLike): Promise<void> {
  expect(lock.statistics()).toMatchObject({ waiting: 0, locked: false });
  expect(await stand.aside.submit(jobs.has, lock, 'tryAcquire')).toBe(true);
  const guard = lock.tryAcquire();
  expect(guard).toBeDefined();
  guard!.release();
}

describe.each<[string, () => LockLike]>([
  ['Lock', () => new Lock()],
  ['RLock', () => new RLock()],
])('%s', (_name, make) => {
  each(
    'five that contend for a held lock get nothing before it is released, then all of them do',
    MODES,
    async (mode) => {
      const lock = make();
      const guard = await lock.acquire();
      const before = stand.count;
      const actors = await queueUp(lock, mode, 5, jobs.pass);
      expect(stand.count).toBe(before);
      guard.release();
      expect(await outcomes(actors)).toEqual(Array(5).fill(undefined));
      expect(stand.count).toBe(before + 5);
      await isFree(lock);
    },
  );

  eachPair('the order of arrival is the order of service', async (a, b) => {
    const lock = make();
    const guard = lock.acquireSync();
    const [first] = await queueUp(lock, a, 1);
    const [second] = await queueUp(lock, b, 1);
    const [third] = await queueUp(lock, a, 1);
    guard.release();
    const rank = await first!.got();
    expect([second!.rank, third!.rank]).toEqual([0, 0]);
    first!.goOn();
    expect(await second!.got()).toBe(rank + 1);
    expect(third!.rank).toBe(0);
    second!.goOn();
    expect(await third!.got()).toBe(rank + 2);
    third!.goOn();
    await outcomes([first!, second!, third!]);
    await isFree(lock);
  });

  for (const { way, modes, options, aborts, leave, code } of WAYS_OUT) {
    each(
      `a waiter that is ${way} leaves no trace, and who stands behind it is served`,
      modes,
      async (mode) => {
        const lock = make();
        const guard = lock.acquireSync();
        const start = aborts ? 'startAborting' : 'start';
        const leaving = await stand[start](mode, jobs.hold, lock, 'acquire', options);
        if (options['timeout'] === undefined) await untilWaiting(lock, 1);
        const next = await stand.start(mode, jobs.hold, lock, 'acquire', {});
        leave(leaving);
        expect(await outcome(leaving)).toBe(code);
        expect(await leaving.served()).toBe(false);
        await untilWaiting(lock, 1);
        expect(next.rank).toBe(0);
        guard.release();
        await next.got();
        next.goOn();
        await next.outcome;
        await isFree(lock);
      },
    );

    each(`all waiters are ${way}: the lock is free afterwards`, modes, async (mode) => {
      const lock = make();
      const guard = lock.acquireSync();
      const start = aborts ? 'startAborting' : 'start';
      const actors = [
        await stand[start](mode, jobs.hold, lock, 'acquire', options),
        await stand[start](mode, jobs.hold, lock, 'acquire', options),
        await stand[start](mode, jobs.hold, lock, 'acquire', options),
      ];
      if (options['timeout'] === undefined) await untilWaiting(lock, 3);
      for (const actor of actors) leave(actor);
      expect(await outcomes(actors)).toEqual([code, code, code]);
      await untilWaiting(lock, 0);
      expect(lock.locked).toBe(true);
      guard.release();
      await isFree(lock);
    });
  }

  each(
    'release and the cancellation of the first waiter, in one tick: the lock is not lost',
    MODES,
    async (mode) => {
      for (const releaseFirst of [true, false]) {
        const lock = make();
        const guard = lock.acquireSync();
        const [first, second] = await queueUp(lock, mode, 2);
        if (releaseFirst) guard.release();
        first!.cancel();
        if (!releaseFirst) guard.release();
        first!.goOn();
        await second!.got();
        second!.goOn();
        await second!.outcome;
        await first!.served();
        await isFree(lock);
      }
    },
  );

  each(
    'release and then the cancellation of all waiters, in one tick: the lock is free in the end',
    MODES,
    async (mode) => {
      const lock = make();
      const guard = lock.acquireSync();
      const actors = await queueUp(lock, mode, 3);
      guard.release();
      for (const actor of actors) {
        actor.cancel();
        actor.goOn();
      }
      for (const actor of actors) await actor.served();
      await untilWaiting(lock, 0);
      await isFree(lock);
    },
  );

  each('the holder is cancelled, and its release lets the next in', MODES, async (mode) => {
    const lock = make();
    const holder = await stand.start(mode, jobs.hold, lock, 'acquire', {});
    await holder.got();
    const [next] = await queueUp(lock, mode, 1);
    holder.cancel();
    holder.goOn();
    await next!.got();
    next!.goOn();
    expect(await outcome(next!)).toBe(undefined);
    await isFree(lock);
  });

  each(
    'who waits with a time-out and is served in time has it, and is not disturbed when the time is up',
    LOOPS,
    async (mode) => {
      const lock = make();
      const guard = lock.acquireSync();
      const actor = await stand.start(mode, jobs.hold, lock, 'acquire', { timeout: 60 });
      await untilWaiting(lock, 1);
      guard.release();
      const got = await Promise.race([actor.got(), actor.outcome]);
      // On a machine that is too slow there was no time.
      if (typeof got === 'object') return;
      await sleep(80);
      expect(lock.locked).toBe(true);
      actor.goOn();
      expect(await outcome(actor)).toBe(undefined);
      await isFree(lock);
    },
  );

  each('a time-out of 0 gets what is free, and fails at once where it is not', MODES, async (mode) => {
    const lock = make();
    const lucky = await stand.start(mode, jobs.pass, lock, 'acquire', { timeout: 0 });
    expect(await outcome(lucky)).toBe(undefined);
    const holder = await stand.start(mode === HERE ? BLOCKED : mode, jobs.hold, lock, 'acquire', {});
    await holder.got();
    const unlucky = await stand.start(mode, jobs.pass, lock, 'acquire', { timeout: 0 });
    expect(await outcome(unlucky)).toBe(TIMEOUT);
    holder.goOn();
    await holder.outcome;
    await isFree(lock);
  });

  each('tiny time-outs by the dozen lose nothing', MODES, async (mode) => {
    const lock = make();
    const guard = lock.acquireSync();
    const actors = await stand.all(mode, 5, jobs.hold, lock, 'acquire', { timeout: 0.01 });
    expect(await outcomes(actors)).toEqual(Array(5).fill(TIMEOUT));
    guard.release();
    await isFree(lock);
  });

  each('no count is lost between two steps of many', MODES, async (mode) => {
    const lock = make();
    const word = new Int32Array(new SharedArrayBuffer(4));
    const actors = await stand.all(mode, 4, jobs.count, lock, 'acquire', word, 50);
    await outcomes(actors);
    expect(word[0]).toBe(200);
    await isFree(lock);
  });

  test('tryAcquire() in five places: one has it', async () => {
    const lock = make();
    const guard = lock.tryAcquire();
    expect(guard).toBeDefined();
    expect(await stand.aside.submit(jobs.has, lock, 'tryAcquire')).toBe(false);
    guard!.release();
    expect(await stand.aside.submit(jobs.has, lock, 'tryAcquire')).toBe(true);
  });

  test('locked and statistics() tell what is, whoever holds it; with its name', async () => {
    const lock = new Lock({ name: 'cache' });
    expect(lock.statistics()).toEqual({ name: 'cache', locked: false, waiting: 0 });
    const holder = await stand.start(BLOCKED, jobs.hold, lock, 'acquire', {});
    await holder.got();
    expect(lock.locked).toBe(true);
    expect(lock.statistics()).toEqual({ name: 'cache', locked: true, waiting: 0 });
    holder.goOn();
    await holder.outcome;
    expect(lock.locked).toBe(false);
  });

  test('using releases at the end of the block, also if the block throws', async () => {
    const lock = make();
    const block = async (error?: Error): Promise<void> => {
      using _guard = await lock.acquire();
      expect(lock.locked).toBe(true);
      if (error !== undefined) throw error;
    };
    await block();
    await isFree(lock);
    expect(await failure(block(new TypeError('inside')))).toBeInstanceOf(TypeError);
    await isFree(lock);
  });

  test('a second release throws NotOwnerError, disposing again does not, and neither takes it from the next', async () => {
    const lock = make();
    const guard = await lock.acquire();
    guard.release();
    const other = await lock.acquire();
    expect(thrown(() => guard.release())).toBeInstanceOf(NotOwnerError);
    guard[Symbol.dispose]();
    expect(guard.released).toBe(true);
    expect(lock.locked).toBe(true);
    other.release();
    await isFree(lock);
  });

  test('run() gives the result and the error of its function, sync or async, and releases', async () => {
    const lock = make();
    expect(await lock.run(() => 10)).toBe(10);
    expect(await lock.run(async () => 11)).toBe(11);
    const error = new Error('inside');
    expect(await failure(lock.run(() => Promise.reject(error)))).toBe(error);
    expect(
      await failure(
        lock.run(() => {
          throw error;
        }),
      ),
    ).toBe(error);
    expect(lock.runSync(() => 12)).toBe(12);
    expect(
      thrown(() =>
        lock.runSync(() => {
          throw error;
        }),
      ),
    ).toBe(error);
    await isFree(lock);
  });

  test('runs exclude each other and go in order', async () => {
    const lock = make();
    const log: string[] = [];
    await Promise.all(
      ['a', 'b', 'c'].map((name) =>
        lock.run(async () => {
          log.push(`${name} in`);
          await turn();
          log.push(`${name} out`);
        }),
      ),
    );
    expect(log).toEqual(['a in', 'a out', 'b in', 'b out', 'c in', 'c out']);
  });

  test('a run whose wait fails does not call its function', async () => {
    const lock = make();
    const guard = lock.acquireSync();
    let calls = 0;
    expect(await failure(lock.run(() => calls++, { timeout: 1 }))).toHaveProperty('code', TIMEOUT);
    expect(await failure(lock.run(() => calls++, { signal: AbortSignal.abort('no') }))).toBe('no');
    guard.release();
    expect(calls).toBe(0);
    await isFree(lock);
  });

  test('wrong options are refused, by a rejection where a promise is given, and nothing has changed', async () => {
    const lock = make();
    for (const timeout of [-1, NaN, -Infinity]) {
      expect(await failure(lock.acquire({ timeout }))).toBeInstanceOf(RangeError);
      expect(thrown(() => lock.acquireSync({ timeout }))).toBeInstanceOf(RangeError);
      expect(await failure(lock.run(() => {}, { timeout }))).toBeInstanceOf(RangeError);
    }
    for (const timeout of ['1', null, true]) {
      expect(await failure(lock.acquire({ timeout }))).toBeInstanceOf(TypeError);
      expect(thrown(() => lock.acquireSync({ timeout }))).toBeInstanceOf(TypeError);
    }
    expect(await failure(lock.acquire({ signal: {} }))).toBeInstanceOf(TypeError);
    expect(await failure(lock.acquire(5 as unknown as object))).toBeInstanceOf(TypeError);
    expect(await failure(lock.run('fn' as unknown as () => void))).toBeInstanceOf(TypeError);
    expect(thrown(() => lock.runSync(undefined as unknown as () => void))).toBeInstanceOf(TypeError);
    await isFree(lock);
  });

  test('a wrong argument is told before an aborted signal, that before what is there', async () => {
    const lock = make();
    const signal = AbortSignal.abort(new Error('stop'));
    expect(await failure(lock.acquire({ timeout: -1, signal }))).toBeInstanceOf(RangeError);
    expect(await failure(lock.acquire({ signal }))).toBe(signal.reason);
    expect(await failure(lock.acquire({ signal, timeout: 0 }))).toBe(signal.reason);
    await isFree(lock);
  });

  test('a time-out of more than 2^31 ms does not end at once', async () => {
    const lock = make();
    const guard = lock.acquireSync();
    const waiting = lock.acquire({ timeout: 2 ** 40 });
    await turn();
    expect(lock.statistics().waiting).toBe(1);
    guard.release();
    (await waiting).release();
    await isFree(lock);
  });

  test('in a cancelled task every wait fails with its error, though the lock is free; tryAcquire() and shield() do not', async () => {
    const lock = make();
    const errors: unknown[] = [];
    let reason: unknown;
    await TaskGroup.run(async (group) => {
      const task = group.spawn(async (signal) => {
        await sleep(1e6).catch(() => {});
        reason = signal.reason;
        errors.push(
          await failure(lock.acquire()),
          thrown(() => lock.acquireSync()),
          await failure(lock.run(() => {})),
        );
        lock.tryAcquire()!.release();
        await shield(async () => (await lock.acquire()).release());
      });
      await turn();
      task.cancel('enough');
      await task.catch(() => {});
    });
    expect(errors).toEqual([reason, reason, reason]);
    expect((reason as Error).cause).toBe('enough');
    await isFree(lock);
  });

  test('a waiter that is cancelled before it was begun to wait never holds it', async () => {
    const lock = make();
    let got = false;
    await TaskGroup.run(async (group) => {
      using _guard = await lock.acquire();
      group.spawn(async () => {
        using _inner = await lock.acquire();
        got = true;
      });
      group.cancel();
    }).catch(() => {});
    expect(got).toBe(false);
    await isFree(lock);
  });
});

describe('Lock', () => {
  test('one thread that has it gets it again only after release, in every async form', async () => {
    const lock = new Lock();
    const guard = await lock.acquire();
    let again = false;
    const second = lock.acquire().then((inner) => {
      again = true;
      inner.release();
    });
    await turn();
    expect(again).toBe(false);
    guard.release();
    await second;
    expect(again).toBe(true);
  });

  test('who blocks for what its own thread holds is told: DeadlockError, also with a time-out', () => {
    const lock = new Lock();
    const guard = lock.acquireSync();
    expect(thrown(() => lock.acquireSync())).toHaveProperty('code', 'ERR_HEDDLE_DEADLOCK');
    expect(thrown(() => lock.acquireSync({ timeout: 5 }))).toHaveProperty('code', 'ERR_HEDDLE_DEADLOCK');
    expect(lock.tryAcquire()).toBeUndefined();
    guard.release();
    lock.acquireSync({ timeout: 0 }).release();
  });
});

describe('RLock', () => {
  each(
    'who has it gets it again, and it is free when all guards are released, in whatever order',
    MODES,
    async (mode) => {
      const lock = new RLock();
      const holder = await stand.start(mode, jobs.holdTwice, lock as unknown as Lock);
      await holder.got();
      const [next] = await queueUp(lock, BLOCKED, 1);
      expect(next!.rank).toBe(0);
      holder.goOn();
      expect(await outcome(holder)).toBe(true);
      await next!.got();
      next!.goOn();
      await next!.outcome;
      await isFree(lock);
    },
  );

  test('re-entering by run at any depth; siblings below exclude each other', async () => {
    const lock = new RLock();
    const log: string[] = [];
    await lock.run(() =>
      lock.run(async () => {
        await Promise.all(
          ['a', 'b'].map((name) =>
            lock.run(async () => {
              log.push(`${name} in`);
              await turn();
              log.push(`${name} out`);
            }),
          ),
        );
      }),
    );
    expect(log).toEqual(['a in', 'a out', 'b in', 'b out']);
    await isFree(lock);
  });

  test('release more often than acquired: NotOwnerError each time too often', () => {
    const lock = new RLock();
    const guards = [lock.acquireSync(), lock.acquireSync()];
    for (const guard of guards) guard.release();
    for (const guard of guards) expect(thrown(() => guard.release())).toBeInstanceOf(NotOwnerError);
    expect(lock.locked).toBe(false);
  });
});

describe('RWLock', () => {
  each('readers share it, a writer waits for all of them', MODES, async (mode) => {
    const lock = new RWLock();
    const readers = await stand.all(mode, 3, jobs.hold, lock, 'read', {});
    for (const reader of readers) await reader.got();
    expect(lock.statistics()).toMatchObject({ readers: 3, writing: false, waiting: 0 });
    const [writer] = await queueUp(lock, mode, 1, jobs.hold, 'write');
    readers[0]!.goOn();
    readers[1]!.goOn();
    await outcomes(readers.slice(0, 2));
    expect(writer!.rank).toBe(0);
    readers[2]!.goOn();
    await writer!.got();
    expect(lock.statistics()).toMatchObject({ readers: 0, writing: true, waiting: 0 });
    expect([lock.tryRead(), lock.tryWrite()]).toEqual([undefined, undefined]);
    writer!.goOn();
    await writer!.outcome;
  });

  each(
    'a writer that waits is not overtaken by readers that come later; those go in together after it',
    MODES,
    async (mode) => {
      const lock = new RWLock();
      const guard = await lock.read();
      const [writer] = await queueUp(lock, mode, 1, jobs.hold, 'write');
      const readers = await queueUp(lock, mode, 2, jobs.hold, 'read');
      expect(lock.tryRead()).toBeUndefined();
      guard.release();
      const rank = await writer!.got();
      expect(readers.map((reader) => reader.rank)).toEqual([0, 0]);
      writer!.goOn();
      const ranks = [await readers[0]!.got(), await readers[1]!.got()];
      expect(Math.min(...ranks)).toBe(rank + 1);
      for (const reader of readers) reader.goOn();
      await outcomes(readers);
      expect(lock.statistics()).toMatchObject({ readers: 0, writing: false, waiting: 0 });
    },
  );

  for (const { way, modes, options, aborts, leave, code } of WAYS_OUT)
    each(`a writer in the line that is ${way} lets the readers behind it in at once`, modes, async (mode) => {
      const lock = new RWLock();
      const guard = await lock.read();
      const writer = await stand[aborts ? 'startAborting' : 'start'](mode, jobs.hold, lock, 'write', options);
      if (options['timeout'] === undefined) await untilWaiting(lock, 1);
      const reader = await stand.start(mode, jobs.hold, lock, 'read', {});
      leave(writer);
      expect(await outcome(writer)).toBe(code);
      await reader.got();
      reader.goOn();
      await reader.outcome;
      guard.release();
      lock.tryWrite()!.release();
    });

  each('no count is lost between writers', MODES, async (mode) => {
    const lock = new RWLock();
    const word = new Int32Array(new SharedArrayBuffer(4));
    await outcomes(await stand.all(mode, 4, jobs.count, lock, 'write', word, 50));
    expect(word[0]).toBe(200);
    lock.tryWrite()!.release();
  });

  test('run of both sides gives results and errors, and leaves it free', async () => {
    const lock = new RWLock();
    const error = new Error('inside');
    expect(await lock.read.run(() => 1)).toBe(1);
    expect(await lock.write.run(async () => 2)).toBe(2);
    expect(await failure(lock.write.run(() => Promise.reject(error)))).toBe(error);
    expect(lock.read.runSync(() => 3)).toBe(3);
    expect(
      thrown(() =>
        lock.write.runSync(() => {
          throw error;
        }),
      ),
    ).toBe(error);
    lock.tryWrite()!.release();
  });

  test('a reader that would become a writer, and a writer that would read, are told: DeadlockError', () => {
    const lock = new RWLock();
    const reading = lock.readSync();
    expect(thrown(() => lock.writeSync())).toHaveProperty('code', 'ERR_HEDDLE_DEADLOCK');
    lock.readSync().release();
    reading.release();
    const writing = lock.writeSync();
    expect(thrown(() => lock.readSync())).toHaveProperty('code', 'ERR_HEDDLE_DEADLOCK');
    writing.release();
  });
});

describe('Once', () => {
  eachPair('who comes second waits for the end of the first, and runs nothing', async (a, b) => {
    const once = new Once();
    const word = new Int32Array(new SharedArrayBuffer(4));
    const first = await stand.start(a, jobs.runOnce, once, word, false, {});
    await first.got();
    const others = await stand.all(b, 2, jobs.runOnce, once, word, false, {});
    await untilWaiting(once, 2);
    expect(await outcome(await stand.start(b, jobs.runOnce, once, word, false, { timeout: 1 }))).toBe(
      TIMEOUT,
    );
    first.goOn();
    expect(await outcomes([first, ...others])).toEqual([1, 1, 1]);
    expect(others.map(({ rank }) => rank)).toEqual([0, 0]);
    expect(once.statistics()).toEqual({ done: true, waiting: 0 });
    expect(await outcome(await stand.start(b, jobs.runOnce, once, word, false, { timeout: 0 }))).toBe(1);
  });

  eachPair('the first fails: its error is its own, and the next in the line runs', async (a, b) => {
    const once = new Once();
    const word = new Int32Array(new SharedArrayBuffer(4));
    const first = await stand.start(a, jobs.runOnce, once, word, true, {});
    await first.got();
    const second = await stand.start(b, jobs.runOnce, once, word, false, {});
    await untilWaiting(once, 1);
    const third = await stand.start(b, jobs.runOnce, once, word, false, {});
    await untilWaiting(once, 2);
    first.goOn();
    await second.got();
    second.goOn();
    expect(await outcomes([first, second, third])).toEqual(['RangeError', 1, 1]);
    expect(third.rank).toBe(0);
  });

  test('of many calls one runs, the others wait for its end', async () => {
    const once = new Once();
    const log: string[] = [];
    const run = (name: string): Promise<void> =>
      once.run(async () => {
        log.push(name);
        await turn();
        log.push('done');
      });
    await Promise.all([run('a'), run('b'), run('c').then(() => log.push('c went on'))]);
    expect(log).toEqual(['a', 'done', 'c went on']);
    await run('d');
    once.runSync(() => log.push('e'));
    expect(log).toHaveLength(3);
  });

  test('after a failure the next in the line runs its own, and only its caller has the error', async () => {
    const once = new Once();
    const error = new Error('not yet');
    const calls: number[] = [];
    const outcomes = await Promise.allSettled([
      once.run(async () => {
        await turn();
        throw error;
      }),
      once.run(() => void calls.push(1)),
      once.run(() => void calls.push(2)),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
    expect(calls).toEqual([1]);
  });

  test('who waits for another and is cancelled or out of time runs nothing; the other goes on', async () => {
    const once = new Once();
    let calls = 0;
    let goOn!: () => void;
    const gate = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const running = once.run(async () => {
      await gate;
      calls++;
    });
    expect(await failure(once.run(() => calls++, { timeout: 1 }))).toHaveProperty('code', TIMEOUT);
    expect(await failure(once.run(() => calls++, { timeout: 0 }))).toHaveProperty('code', TIMEOUT);
    await TaskGroup.run(async (group) => {
      const task = group.spawn(() => once.run(() => calls++));
      await turn();
      task.cancel();
      expect(await failure(task)).toHaveProperty('code', CANCELLED);
    });
    goOn();
    await running;
    expect(calls).toBe(1);
    expect(once.statistics()).toEqual({ done: true, waiting: 0 });
  });
});

describe('what has ended', () => {
  const objects: readonly (readonly [string, (options: object) => Promise<unknown>, () => void])[] = (() => {
    const [lock, rlock, rwlock, semaphore] = [new Lock(), new RLock(), new RWLock(), new Semaphore(0)];
    const [event, latch, queue, barrier] = [
      new Event(),
      new Latch(1),
      new Queue<number>({ capacity: 1 }),
      new Barrier(2),
    ];
    const full = new Queue<number>({ capacity: 1 });
    const held = lock.acquireSync();
    const heldAgain = rlock.tryAcquire()!.keep();
    const written = rwlock.tryWrite()!.keep();
    full.tryPut(1);
    return [
      ['Lock', (o) => lock.acquire(o), () => held.release()],
      ['RLock', (o) => rlock.acquire(o), () => heldAgain.release()],
      ['RWLock', (o) => rwlock.read(o), () => written.release()],
      ['Semaphore', (o) => semaphore.take(o), () => semaphore.release()],
      ['Event', (o) => event.wait(o), () => event.set()],
      ['Latch', (o) => latch.wait(o), () => latch.countDown()],
      ['Queue.get', (o) => queue.get(o), () => queue.putSync(1)],
      ['Queue.put', (o) => full.put(2, o), () => full.tryGet()],
      ['select', (o) => select({ queue, event: new Event() }, o), () => queue.putSync(2)],
      ['Barrier', (o) => barrier.wait(o), () => void barrier.wait()],
    ];
  })();

  test.each(objects)(
    '%s: a wait that was served leaves no listener and no timer',
    async (_name, wait, serve) => {
      const { signal } = new AbortController();
      const timers = (): number => process.getActiveResourcesInfo().filter((one) => one === 'Timeout').length;
      const before = timers();
      const waiting = wait({ signal, timeout: 1e6 });
      await turn();
      expect(getEventListeners(signal, 'abort').length).toBeGreaterThan(0);
      serve();
      const got = await waiting;
      expect(getEventListeners(signal, 'abort')).toEqual([]);
      // One of the test runner's own may have ended meanwhile.
      expect(timers()).toBeLessThanOrEqual(before);
      (got as Partial<Guard> | undefined)?.release?.();
    },
  );
});
