import { array, asyncProperty, assert as check, constantFrom, nat, record } from 'fast-check';
import { afterAll, afterEach, describe, expect, expectTypeOf, test, vi } from 'vitest';
import {
  DeadlockError,
  InvalidStateError,
  OwnerDiedError,
  ThreadDiedError,
  TimeoutError,
} from '../../../src/core/errors.ts';
import type { Guard } from '../../../src/core/guard.ts';
import { ThreadPoolExecutor } from '../../../src/executor/thread-pool-executor.ts';
import { TaskGroup } from '../../../src/scope/task-group.ts';
import { RWLock } from '../../../src/sync/rw-lock.ts';
import { fromToken, toToken } from '../../../src/thread/tokens.ts';
import { failure, thrown, turn } from '../../fixtures/awaiting.ts';
import { raised, sharedFlag } from '../../fixtures/jobs.ts';
import { GO_ON, GOT, permitJobs, raise } from '../../fixtures/permit-jobs.ts';

const pool = new ThreadPoolExecutor({ threads: 3 });
afterAll(() => pool.shutdown({ cancelPending: true, cancelRunning: true }));
afterEach(() => {
  vi.restoreAllMocks();
});

const FREE = { readers: 0, writing: false, waiting: 0 };

async function untilWaiting(lock: RWLock, waiting: number): Promise<void> {
  while (lock.statistics().waiting !== waiting) await turn();
}

/** A task that ends while it has the lock. */
async function orphan(lock: RWLock, how: 'read' | 'write'): Promise<void> {
  await TaskGroup.run((group) => group.spawn(() => lock[how](), { name: 'careless' }).then(() => {}));
}

describe('readers and writers', () => {
  test('readers share, a writer is alone, in every form', async () => {
    const lock = new RWLock();
    const readers = [await lock.read(), lock.readSync(), lock.tryRead()!];
    expect(lock.statistics()).toEqual({ readers: 3, writing: false, waiting: 0 });
    expect(lock.tryWrite()).toBeUndefined();
    for (const reader of readers) reader.release();
    for (const write of [() => lock.write(), async () => lock.writeSync(), async () => lock.tryWrite()!]) {
      const writer = await write();
      expect(lock.statistics()).toEqual({ readers: 0, writing: true, waiting: 0 });
      expect(lock.tryRead()).toBeUndefined();
      expect(lock.tryWrite()).toBeUndefined();
      writer.release();
    }
    expect(lock.statistics()).toEqual(FREE);
  });

  test('writers do not starve: who comes after a writer that waits stands behind it, readers too', async () => {
    const lock = new RWLock();
    const reader = await lock.read();
    const order: string[] = [];
    const writer = lock.write().then((guard) => {
      order.push('writer');
      return guard;
    });
    const late = lock.read().then((guard) => {
      order.push('reader');
      guard.release();
    });
    expect(lock.tryRead()).toBeUndefined();
    await turn();
    expect(order).toEqual([]);
    reader.release();
    const guard = await writer;
    await turn();
    expect(order).toEqual(['writer']);
    guard.release();
    await late;
    expect(lock.statistics()).toEqual(FREE);
  });

  test('readers that stand side by side read together; those behind the next writer do not', async () => {
    const lock = new RWLock();
    const first = lock.writeSync();
    const waits = [lock.read(), lock.read(), lock.write(), lock.read()];
    first.release();
    const readers = await Promise.all(waits.slice(0, 2));
    expect(lock.statistics()).toEqual({ readers: 2, writing: false, waiting: 2 });
    readers[0]!.release();
    await turn();
    expect(lock.statistics()).toEqual({ readers: 1, writing: false, waiting: 2 });
    readers[1]!.release();
    const writer = await waits[2]!;
    expect(lock.statistics()).toEqual({ readers: 0, writing: true, waiting: 1 });
    writer.release();
    (await waits[3]!).release();
    expect(lock.statistics()).toEqual(FREE);
  });

  test('a writer that gives up lets the readers behind it join those that read', async () => {
    const lock = new RWLock();
    const reader = lock.readSync();
    const controller = new AbortController();
    const writer = failure(lock.write({ signal: controller.signal }));
    const joins = lock.read();
    controller.abort('enough');
    expect(await writer).toBe('enough');
    (await joins).release();
    reader.release();
    expect(lock.statistics()).toEqual(FREE);
  });

  test('in several threads: a blocked writer waits for all readers, and those behind it for it', async () => {
    const lock = new RWLock();
    const [r, w] = [sharedFlag(3), sharedFlag(3)];
    const reading = pool.submit(permitJobs.read, lock, r);
    await raised(r, GOT);
    const here = await lock.read();
    const writing = pool.submit(permitJobs.write, lock, w);
    await untilWaiting(lock, 1);
    const behind = lock.read();
    raise(r, GO_ON);
    await reading;
    expect(Atomics.load(w, GOT)).toBe(0);
    here.release();
    await raised(w, GOT);
    expect(lock.statistics()).toEqual({ readers: 0, writing: true, waiting: 1 });
    raise(w, GO_ON);
    (await behind).release();
    await writing;
    expect(lock.statistics()).toEqual(FREE);
  });
});

describe('read and write', () => {
  test('are functions, with run() and runSync()', async () => {
    const lock = new RWLock({ name: 'prices' });
    expectTypeOf(lock.read).returns.toEqualTypeOf<Promise<Guard>>();
    expectTypeOf(() => lock.read.run(async () => 5)).returns.toEqualTypeOf<Promise<number>>();
    expectTypeOf(() => lock.write.runSync(() => 'text')).returns.toEqualTypeOf<string>();
    expect(lock.read).toBe(lock.read);
    expect(await lock.read.run(async () => lock.statistics().readers)).toBe(1);
    expect(await lock.write.run(() => lock.statistics().writing)).toBe(true);
    expect(lock.read.runSync(() => lock.statistics().readers)).toBe(1);
    expect(lock.write.runSync(() => lock.statistics().writing)).toBe(true);
    const broken = new Error('broken');
    expect(await failure(lock.write.run(() => Promise.reject(broken)))).toBe(broken);
    for (const side of [lock.read, lock.write]) {
      expect(() => side.runSync((() => Promise.resolve()) as never)).toThrow(TypeError);
      expect(() => side.runSync(5 as never)).toThrow(TypeError);
      expect(await failure(side.run(5 as never))).toBeInstanceOf(TypeError);
      expect(await failure(side({ timeout: -1 }))).toBeInstanceOf(RangeError);
      expect(await failure(side('soon' as never))).toBeInstanceOf(TypeError);
      expect(await failure(side({ signal: AbortSignal.abort('no') }))).toBe('no');
    }
    expect(lock.statistics()).toEqual({ name: 'prices', ...FREE });
  });

  test('that cannot be had in time say which it was', async () => {
    const lock = new RWLock({ name: 'prices' });
    const writer = lock.writeSync();
    for (const [name, call] of [
      ['read', () => lock.read({ timeout: 0 })],
      ['write', () => lock.write({ timeout: 1 })],
    ] as const) {
      const error = await failure(call());
      expect(error).toBeInstanceOf(TimeoutError);
      expect((error as Error).message).toContain(`Cannot ${name} rwlock "prices": `);
    }
    expect(() => lock.readSync({ timeout: 0 })).toThrow(TimeoutError);
    expect(() => lock.writeSync({ timeout: 0 })).toThrow(TimeoutError);
    expect(lock.statistics()).toEqual({ name: 'prices', readers: 0, writing: true, waiting: 0 });
    writer.release();
  });

  test('granted as the signal aborts, in the same tick, succeed', async () => {
    const lock = new RWLock();
    const writer = lock.writeSync();
    const controller = new AbortController();
    const { signal } = controller;
    const waits = [lock.read({ signal }), lock.read({ signal })];
    writer.release();
    controller.abort();
    for (const guard of await Promise.all(waits)) guard.release();
    expect(lock.statistics()).toEqual(FREE);
  });
});

describe('a thread that would wait for itself is told', () => {
  function told(lock: RWLock, calls: readonly ('readSync' | 'writeSync')[]): void {
    const before = lock.statistics();
    for (const call of calls)
      for (const options of [{}, { timeout: 5 }])
        expect(thrown(() => lock[call](options))).toBeInstanceOf(DeadlockError);
    expect(lock.statistics()).toEqual(before);
  }

  function sent(): RWLock {
    const lock = new RWLock();
    toToken(lock);
    return lock;
  }

  test('if it writes, whatever it wants', () => {
    const lock = sent();
    const guard = lock.writeSync();
    told(lock, ['readSync', 'writeSync']);
    guard.release();
  });

  test('if it reads and wants to write; it may read once more', () => {
    const lock = sent();
    const guard = lock.readSync();
    told(lock, ['writeSync']);
    lock.readSync().release();
    guard.release();
    lock.writeSync().release();
  });

  test('if it reads, and another’s writer that waits for that would be before it', async () => {
    const lock = sent();
    const guard = lock.readSync();
    const writer = pool.submit(permitJobs.waitToWrite, lock);
    await untilWaiting(lock, 1);
    told(lock, ['readSync', 'writeSync']);
    guard.release();
    expect(await writer).toBe('wrote');
  });

  test('if a task of its loop is before it that would write, or it wants to write itself', async () => {
    const lock = sent();
    const flag = sharedFlag(3);
    const holder = pool.submit(permitJobs.write, lock, flag);
    await raised(flag, GOT);
    const reader = lock.read();
    told(lock, ['writeSync']);
    const writer = lock.write();
    told(lock, ['readSync', 'writeSync']);
    raise(flag, GO_ON);
    (await reader).release();
    (await writer).release();
    await holder;
  });

  test('not if it wants to read, and a task of its loop before it reads too', async () => {
    const lock = sent();
    const flag = sharedFlag(3);
    const holder = pool.submit(permitJobs.write, lock, flag);
    await raised(flag, GOT);
    const reader = lock.read();
    const release = pool.submit(permitJobs.raiseWhenLined, lock, 2, flag);
    lock.readSync().release();
    (await reader).release();
    await Promise.all([holder, release]);
    expect(lock.statistics()).toEqual(FREE);
  });

  test('if no other thread has the lock, and a task of this one writes or reads', async () => {
    const lock = new RWLock();
    const guard = await lock.write();
    told(lock, ['readSync', 'writeSync']);
    guard.release();
  });
});

describe('the death of a writer', () => {
  for (const form of ['read', 'readSync', 'tryRead', 'write', 'writeSync', 'tryWrite'] as const)
    for (const who of ['thread', 'task'] as const)
      test(`which was a ${who} is an OwnerDiedError of the next ${form}(), whose guard is alone; then all is well`, async () => {
        const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
        const lock = new RWLock({ name: 'prices' });
        if (who === 'thread') {
          // A pool in which nothing but deaths happens is broken.
          await pool.submit(permitJobs.dispose, lock);
          const death = await failure(pool.submit(permitJobs.exitWriting, lock));
          expect(death).toBeInstanceOf(ThreadDiedError);
        }
        if (who === 'task') await orphan(lock, 'write');
        const error = (await failure((async () => lock[form]())())) as OwnerDiedError;
        expect(error).toBeInstanceOf(OwnerDiedError);
        expect(error.message).toMatch(
          who === 'thread'
            ? /^Cannot acquire rwlock "prices": thread \d+ ended while writing; /
            : /^Cannot acquire rwlock "prices": a task ended while writing; /,
        );
        expect(lock.statistics()).toEqual({ name: 'prices', readers: 0, writing: true, waiting: 0 });
        expect(lock.tryRead()).toBeUndefined();
        const waits = [lock.read(), lock.read()];
        error.guard!.release();
        for (const guard of await Promise.all(waits)) guard.release();
        lock.writeSync().release();
        expect(lock.statistics()).toEqual({ name: 'prices', ...FREE });
        expect(warned).toHaveBeenCalledTimes(who === 'task' ? 1 : 0);
      });

  test('is heard by the first in the line, and by nobody else once that has mended', async () => {
    vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const lock = new RWLock();
    let waits: Promise<unknown>[] = [];
    await TaskGroup.run((group) =>
      group
        .spawn(async () => {
          await lock.write();
          waits = [failure(lock.read()), lock.read(), lock.write()];
        })
        .then(() => {}),
    ).catch(() => {});
    const error = (await waits[0]) as OwnerDiedError;
    expect(error).toBeInstanceOf(OwnerDiedError);
    expect(lock.statistics()).toEqual({ readers: 0, writing: true, waiting: 2 });
    error.guard!.release();
    ((await waits[1]) as Guard).release();
    ((await waits[2]) as Guard).release();
    expect(lock.statistics()).toEqual(FREE);
  });

  test('is handed on by whoever does not release the guard of the error', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const lock = new RWLock();
    await orphan(lock, 'write');
    await failure(orphan(lock, 'read'));
    const error = thrown(() => lock.tryRead()) as OwnerDiedError;
    expect(error).toBeInstanceOf(OwnerDiedError);
    error.guard!.release();
    lock.tryRead()!.release();
    expect(warned).toHaveBeenCalledTimes(2);
  });

  test('is not heard by who waits with a time-out of 0 and cannot have it', async () => {
    vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const lock = new RWLock();
    await orphan(lock, 'write');
    const error = thrown(() => lock.writeSync()) as OwnerDiedError;
    expect(await failure(lock.read({ timeout: 0 }))).toBeInstanceOf(TimeoutError);
    error.guard!.release();
    lock.readSync().release();
  });
});

describe('the death of a reader', () => {
  test('of a thread or a task lets writers on, which hear nothing', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const lock = new RWLock();
    const other = await lock.read();
    await failure(pool.submit(permitJobs.exitReading, lock));
    await orphan(lock, 'read');
    expect(warned).toHaveBeenCalledTimes(1);
    expect(lock.statistics()).toEqual({ readers: 1, writing: false, waiting: 0 });
    const writer = lock.write();
    other.release();
    (await writer).release();
    expect(lock.statistics()).toEqual(FREE);
  });
});

describe('a handle', () => {
  test('that was disposed cannot be used; its guards and waits go on, and its name is that of the lock', async () => {
    const lock = new RWLock({ name: 'prices' });
    const same = fromToken<RWLock>(toToken(lock));
    expect(same.name).toBe('prices');
    const guard = same.readSync();
    const wait = same.write();
    same[Symbol.dispose]();
    expect(await failure(same.read())).toBeInstanceOf(InvalidStateError);
    expect(() => same.tryWrite()).toThrow(InvalidStateError);
    expect(() => same.statistics()).toThrow(InvalidStateError);
    guard.release();
    (await wait).release();
    expect(lock.statistics()).toEqual({ name: 'prices', ...FREE });
  });

  test('whose task ends with a writer’s guard hands the error on, though it was disposed', async () => {
    vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const lock = new RWLock();
    const same = fromToken<RWLock>(toToken(lock));
    await TaskGroup.run((group) =>
      group.spawn(async () => {
        await same.write();
        same[Symbol.dispose]();
      }),
    );
    const error = thrown(() => lock.readSync()) as OwnerDiedError;
    expect(error).toBeInstanceOf(OwnerDiedError);
    error.guard!.release();
  });

  test('takes names that are texts, and options that are objects', () => {
    expect(() => new RWLock({ name: 5 as never })).toThrow(TypeError);
    expect(() => new RWLock('prices' as never)).toThrow(TypeError);
  });
});

const operation = record({
  what: constantFrom('read', 'write', 'tryRead', 'tryWrite', 'free', 'cancel'),
  which: nat(),
});

test('any sequence of operations does what a plain line of readers and writers does', async () => {
  await check(
    asyncProperty(array(operation, { maxLength: 40 }), async (operations) => {
      const lock = new RWLock();
      let readers = 0;
      let writing = false;
      const line: { readonly id: number; readonly writes: boolean; readonly controller: AbortController }[] =
        [];
      const guards: { readonly guard: Guard; readonly writes: boolean }[] = [];
      const settled: Promise<unknown>[] = [];
      const served: number[] = [];
      const expected: number[] = [];
      let count = 0;
      const can = (writes: boolean): boolean => !writing && (!writes || readers === 0);
      const enter = (writes: boolean): void => {
        if (writes) writing = true;
        else readers++;
      };
      const grant = (): void => {
        while (line.length > 0 && can(line[0]!.writes)) {
          const { id, writes } = line.shift()!;
          enter(writes);
          expected.push(id);
        }
      };
      for (const { what, which } of operations) {
        const writes = what === 'write' || what === 'tryWrite';
        if (what === 'read' || what === 'write') {
          const controller = new AbortController();
          const id = count++;
          line.push({ id, writes, controller });
          settled.push(
            lock[what]({ signal: controller.signal }).then(
              (guard) => {
                served.push(id);
                guards.push({ guard, writes });
              },
              () => {},
            ),
          );
        } else if (what === 'tryRead' || what === 'tryWrite') {
          const guard = lock[what]();
          expect(guard !== undefined).toBe(line.length === 0 && can(writes));
          if (guard !== undefined) {
            guards.push({ guard, writes });
            enter(writes);
          }
        } else if (what === 'free' && guards.length > 0) {
          const [one] = guards.splice(which % guards.length, 1);
          one!.guard.release();
          if (one!.writes) writing = false;
          else readers--;
        } else if (what === 'cancel' && line.length > 0) {
          line.splice(which % line.length, 1)[0]!.controller.abort();
        }
        grant();
        expect(lock.statistics()).toEqual({ readers, writing, waiting: line.length });
        await turn();
        expect(served).toEqual(expected);
      }
      for (const { controller } of line.reverse()) controller.abort();
      await Promise.all(settled);
      for (const { guard } of guards) guard.release();
      expect(lock.statistics()).toEqual(FREE);
      lock[Symbol.dispose]();
    }),
    { numRuns: 100 },
  );
});
