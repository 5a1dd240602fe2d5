import { array, asyncProperty, assert as check, constantFrom, integer, nat, record } from 'fast-check';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { DeadlockError, InvalidStateError, TimeoutError } from '../../../src/core/errors.ts';
import type { Guard } from '../../../src/core/guard.ts';
import { ThreadPoolExecutor } from '../../../src/executor/thread-pool-executor.ts';
import { TaskGroup } from '../../../src/scope/task-group.ts';
import { CapacityLimiter } from '../../../src/sync/capacity-limiter.ts';
import { fromToken, toToken } from '../../../src/thread/tokens.ts';
import { failure, thrown, turn } from '../../fixtures/awaiting.ts';
import { raised, sharedFlag } from '../../fixtures/jobs.ts';
import { GO_ON, GOT, permitJobs, raise } from '../../fixtures/permit-jobs.ts';

const pool = new ThreadPoolExecutor({ threads: 2 });
afterAll(() => pool.shutdown({ cancelPending: true, cancelRunning: true }));
afterEach(() => {
  vi.restoreAllMocks();
});

describe('the total', () => {
  test.each([[0], [-1], [1.5], [Number.NaN], [-Infinity], [2 ** 30]])(
    'of %d is a RangeError, at first and later, and nothing has changed',
    (total) => {
      expect(() => new CapacityLimiter(total)).toThrow(RangeError);
      const limiter = new CapacityLimiter(2);
      expect(() => {
        limiter.total = total;
      }).toThrow(/total must be a whole number from 1 to 1073741823 or Infinity, received/);
      expect(limiter.total).toBe(2);
      expect(limiter.available).toBe(2);
    },
  );

  test('of the wrong kind is a TypeError', () => {
    const limiter = new CapacityLimiter(2);
    for (const total of ['1', null, undefined, {}, 1n] as never[]) {
      expect(() => new CapacityLimiter(total)).toThrow(TypeError);
      expect(() => {
        limiter.total = total;
      }).toThrow(TypeError);
    }
    expect(limiter.total).toBe(2);
  });

  test('may be Infinity, and be changed to and from it', async () => {
    const limiter = new CapacityLimiter(Infinity);
    const guards = Array.from({ length: 100 }, () => limiter.acquireSync());
    expect([limiter.total, limiter.borrowed, limiter.available]).toEqual([Infinity, 100, Infinity]);
    limiter.total = 1;
    expect([limiter.total, limiter.borrowed, limiter.available]).toEqual([1, 100, 0]);
    const wait = limiter.acquire();
    limiter.total = Infinity;
    (await wait).release();
    for (const guard of guards) guard.release();
    expect(limiter.statistics()).toEqual({ total: Infinity, borrowed: 0, waiting: 0 });
  });

  test('raised lets so many go on as there are more, in order', async () => {
    const limiter = new CapacityLimiter(1);
    const guard = limiter.acquireSync();
    const order: number[] = [];
    const waits = [0, 1, 2, 3].map(async (index) => {
      const got = await limiter.acquire();
      order.push(index);
      return got;
    });
    limiter.total = 3;
    await turn();
    expect(order).toEqual([0, 1]);
    expect(limiter.statistics()).toEqual({ total: 3, borrowed: 3, waiting: 2 });
    limiter.total = 5;
    const guards = [guard, ...(await Promise.all(waits))];
    expect(order).toEqual([0, 1, 2, 3]);
    for (const one of guards) one.release();
    expect(limiter.available).toBe(5);
  });

  test('lowered revokes nothing, and nobody gets any until fewer than that are borrowed', async () => {
    const limiter = new CapacityLimiter(3);
    const guards = [1, 2, 3].map(() => limiter.acquireSync());
    limiter.total = 1;
    expect(guards.map(({ released }) => released)).toEqual([false, false, false]);
    expect([limiter.total, limiter.borrowed, limiter.available]).toEqual([1, 3, 0]);
    let got = false;
    const wait = limiter.acquire().then((guard) => {
      got = true;
      return guard;
    });
    for (const guard of guards.slice(0, 2)) {
      guard.release();
      await turn();
      expect(got).toBe(false);
      expect(limiter.tryAcquire()).toBeUndefined();
    }
    guards[2]!.release();
    (await wait).release();
    expect([limiter.borrowed, limiter.available]).toEqual([0, 1]);
  });

  test('is that of all threads: changed by one, it holds for the others and wakes them', async () => {
    const limiter = new CapacityLimiter(1);
    const guard = limiter.acquireSync();
    const flag = sharedFlag(3);
    const waiter = pool.submit(permitJobs.borrow, limiter, flag);
    while (limiter.statistics().waiting === 0) await turn();
    expect(await pool.submit(permitJobs.setTotal, limiter, 2)).toBe(1);
    await raised(flag, GOT);
    expect([limiter.total, limiter.borrowed]).toEqual([2, 2]);
    raise(flag, GO_ON);
    await waiter;
    guard.release();
  });
});

describe('borrowing', () => {
  test('in each form takes one until the guard is released', async () => {
    const limiter = new CapacityLimiter(3);
    const guards = [await limiter.acquire(), limiter.acquireSync(), limiter.tryAcquire()!];
    expect([limiter.borrowed, limiter.available]).toEqual([3, 0]);
    expect(limiter.tryAcquire()).toBeUndefined();
    for (const guard of guards) guard.release();
    expect([limiter.borrowed, limiter.available]).toEqual([0, 3]);
    expect(await limiter.run(() => limiter.borrowed)).toBe(1);
    expect(limiter.runSync(() => limiter.borrowed)).toBe(1);
    expect(() => limiter.runSync((() => Promise.resolve()) as never)).toThrow(TypeError);
    expect(limiter.borrowed).toBe(0);
  });

  test('that cannot be done in time fails, and changes nothing', async () => {
    const limiter = new CapacityLimiter(1, { name: 'uploads' });
    const guard = limiter.acquireSync();
    const error = await failure(limiter.acquire({ timeout: 0 }));
    expect(error).toBeInstanceOf(TimeoutError);
    expect((error as Error).message).toContain('Cannot acquire capacity limiter "uploads": ');
    expect(await failure(limiter.acquire({ timeout: 2 }))).toBeInstanceOf(TimeoutError);
    expect(limiter.statistics()).toEqual({ name: 'uploads', total: 1, borrowed: 1, waiting: 0 });
    guard.release();
  });

  test('succeeds if the total was raised before the signal aborted, in the same tick', async () => {
    const limiter = new CapacityLimiter(1);
    const guard = limiter.acquireSync();
    const controller = new AbortController();
    const wait = limiter.acquire({ signal: controller.signal });
    limiter.total = 2;
    controller.abort();
    (await wait).release();
    guard.release();
    expect(limiter.borrowed).toBe(0);
  });

  test('by a thread that has all of it is a DeadlockError, also after the total was lowered', () => {
    const limiter = new CapacityLimiter(3);
    toToken(limiter);
    const guards = [limiter.acquireSync(), limiter.acquireSync()];
    limiter.total = 1;
    expect(thrown(() => limiter.acquireSync())).toBeInstanceOf(DeadlockError);
    expect(thrown(() => limiter.acquireSync({ timeout: 5 }))).toBeInstanceOf(DeadlockError);
    for (const guard of guards) guard.release();
    limiter.acquireSync().release();
    expect(limiter.statistics()).toEqual({ total: 1, borrowed: 0, waiting: 0 });
  });
});

describe('what was borrowed comes back', () => {
  test('when its thread dies', async () => {
    const limiter = new CapacityLimiter(1);
    await failure(pool.submit(permitJobs.exitBorrowing, limiter));
    limiter.acquireSync().release();
    expect(limiter.borrowed).toBe(0);
  });

  test('when its task ends with it, with one report that names it', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const limiter = new CapacityLimiter(1, { name: 'uploads' });
    await TaskGroup.run((group) => group.spawn(() => limiter.acquire(), { name: 'worker' }).then(() => {}));
    expect(limiter.borrowed).toBe(0);
    expect(warned).toHaveBeenCalledTimes(1);
    expect(warned.mock.calls[0]![0]).toMatchObject({
      code: 'HEDDLE_ABANDONED_GUARD',
      message:
        'Task "worker" has ended while it held capacity limiter "uploads": release the guard, or keep() it',
    });
  });

  test('when the handle by which it was borrowed has been disposed', async () => {
    const limiter = new CapacityLimiter(1);
    const same = fromToken<CapacityLimiter>(toToken(limiter));
    const guard = same.acquireSync();
    const wait = same.acquire();
    same[Symbol.dispose]();
    expect(() => same.total).toThrow(InvalidStateError);
    expect(await failure(same.acquire())).toBeInstanceOf(InvalidStateError);
    guard.release();
    (await wait).release();
    expect(limiter.borrowed).toBe(0);
  });
});

const operation = record({
  what: constantFrom('acquire', 'try', 'free', 'cancel', 'total'),
  total: integer({ min: 1, max: 5 }),
  which: nat(),
});

test('any sequence of operations does what a plain list of waiters and two numbers do', async () => {
  await check(
    asyncProperty(array(operation, { maxLength: 40 }), async (operations) => {
      const limiter = new CapacityLimiter(2);
      let total = 2;
      let borrowed = 0;
      const line: { readonly id: number; readonly controller: AbortController }[] = [];
      const guards: Guard[] = [];
      const settled: Promise<unknown>[] = [];
      const served: number[] = [];
      const expected: number[] = [];
      let count = 0;
      const grant = (): void => {
        while (line.length > 0 && borrowed < total) {
          expected.push(line.shift()!.id);
          borrowed++;
        }
      };
      for (const { what, total: next, which } of operations) {
        if (what === 'acquire') {
          const controller = new AbortController();
          const id = count++;
          line.push({ id, controller });
          const wait = limiter.acquire({ signal: controller.signal });
          settled.push(
            wait.then(
              (guard) => {
                served.push(id);
                guards.push(guard);
              },
              () => {},
            ),
          );
        } else if (what === 'try') {
          const guard = limiter.tryAcquire();
          expect(guard !== undefined).toBe(line.length === 0 && borrowed < total);
          if (guard !== undefined) {
            guards.push(guard);
            borrowed++;
          }
        } else if (what === 'free' && guards.length > 0) {
          guards.splice(which % guards.length, 1)[0]!.release();
          borrowed--;
        } else if (what === 'cancel' && line.length > 0) {
          line.splice(which % line.length, 1)[0]!.controller.abort();
        } else if (what === 'total') {
          limiter.total = next;
          total = next;
        }
        grant();
        const waiting = line.length;
        expect(limiter.statistics()).toEqual({ total, borrowed, waiting });
        expect(limiter.available).toBe(waiting > 0 ? 0 : Math.max(0, total - borrowed));
        await turn();
        expect(served).toEqual(expected);
      }
      for (const { controller } of line.reverse()) controller.abort();
      await Promise.all(settled);
      for (const guard of guards) guard.release();
      expect(limiter.statistics()).toEqual({ total, borrowed: 0, waiting: 0 });
      limiter[Symbol.dispose]();
    }),
    { numRuns: 100 },
  );
});
