import { array, asyncProperty, assert as check, constantFrom, integer, nat, record } from 'fast-check';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { DeadlockError, InvalidStateError, NotOwnerError, TimeoutError } from '../../../src/core/errors.ts';
import type { Guard } from '../../../src/core/guard.ts';
import { ThreadPoolExecutor } from '../../../src/executor/thread-pool-executor.ts';
import { ownHeap } from '../../../src/memory/heap.ts';
import { TaskGroup } from '../../../src/scope/task-group.ts';
import { Semaphore } from '../../../src/sync/semaphore.ts';
import { fromToken, toToken } from '../../../src/thread/tokens.ts';
import { failure, thrown, turn } from '../../fixtures/awaiting.ts';
import { raised, sharedFlag } from '../../fixtures/jobs.ts';
import { GO_ON, GOT, LEFT, permitJobs, raise } from '../../fixtures/permit-jobs.ts';

const pool = new ThreadPoolExecutor({ threads: 2 });
afterAll(() => pool.shutdown({ cancelPending: true, cancelRunning: true }));
afterEach(() => {
  vi.restoreAllMocks();
});

describe('new Semaphore()', () => {
  test('has one permit by default, and so many as it is told', () => {
    expect(new Semaphore().value).toBe(1);
    expect(new Semaphore(0).value).toBe(0);
    expect(new Semaphore(7, { max: 7 }).value).toBe(7);
  });

  test.each([[-1], [1.5], [Number.NaN], [Infinity], [2 ** 30 + 1]])('refuses a value of %d', (value) => {
    expect(() => new Semaphore(value)).toThrow(RangeError);
  });

  test('refuses a max below 1, a value above max, and what is of the wrong kind', () => {
    expect(() => new Semaphore(0, { max: 0 })).toThrow(RangeError);
    expect(() => new Semaphore(3, { max: 2 })).toThrow(
      new RangeError('value must be a whole number from 0 to 2, received 3'),
    );
    for (const wrong of ['1', null, {}, true] as never[]) {
      expect(() => new Semaphore(wrong)).toThrow(TypeError);
      expect(() => new Semaphore(1, { max: wrong })).toThrow(TypeError);
    }
    expect(() => new Semaphore(1, 'name' as never)).toThrow(TypeError);
    expect(() => new Semaphore(1, { name: 5 as never })).toThrow(TypeError);
  });
});

describe('permits', () => {
  test('are had all at once, until the guard is released', async () => {
    const semaphore = new Semaphore(5);
    const guards = [
      await semaphore.acquire({ permits: 2 }),
      semaphore.acquireSync({ permits: 2 }),
      semaphore.tryAcquire()!,
    ];
    expect(semaphore.value).toBe(0);
    for (const guard of guards) guard.release();
    expect(semaphore.value).toBe(5);
    expect(thrown(() => guards[0]!.release())).toBeInstanceOf(NotOwnerError);
    guards[0]![Symbol.dispose]();
    expect(semaphore.value).toBe(5);
  });

  test('are not had in part: tryAcquire() and tryTake() leave what is too few', () => {
    const semaphore = new Semaphore(2);
    expect(semaphore.tryAcquire({ permits: 3 })).toBeUndefined();
    expect(semaphore.tryTake({ permits: 3 })).toBe(false);
    expect(semaphore.value).toBe(2);
    expect(semaphore.tryTake({ permits: 2 })).toBe(true);
    expect(semaphore.value).toBe(0);
  });

  test.each([[0], [-1], [1.5], [4], [Number.NaN]])(
    'asked %d at a time of at most 3 are a RangeError in every form, and nothing has changed',
    async (permits) => {
      const semaphore = new Semaphore(3, { max: 3 });
      expect(await failure(semaphore.acquire({ permits }))).toBeInstanceOf(RangeError);
      expect(await failure(semaphore.take({ permits }))).toBeInstanceOf(RangeError);
      expect(await failure(semaphore.run(() => {}, { permits }))).toBeInstanceOf(RangeError);
      for (const call of [
        () => semaphore.acquireSync({ permits }),
        () => semaphore.tryAcquire({ permits }),
        () => semaphore.takeSync({ permits }),
        () => semaphore.tryTake({ permits }),
        () => semaphore.runSync(() => {}, { permits }),
      ])
        expect(call).toThrow(RangeError);
      expect(semaphore.statistics()).toEqual({ value: 3, waiting: 0 });
    },
  );

  test('that were taken are nobody’s: release() gives back as many as anybody likes', async () => {
    const semaphore = new Semaphore(1);
    await semaphore.take();
    expect(semaphore.value).toBe(0);
    semaphore.release(3);
    expect(semaphore.value).toBe(3);
    semaphore.takeSync({ permits: 2 });
    expect(semaphore.value).toBe(1);
  });

  test('above max are refused by release(), and nothing has changed, guards counted too', () => {
    const semaphore = new Semaphore(2, { max: 3, name: 'places' });
    const guard = semaphore.acquireSync();
    expect(() => semaphore.release(2)).toThrow(
      new RangeError('Cannot release 2 to semaphore "places": there would be more than its max of 3 permits'),
    );
    expect(semaphore.value).toBe(1);
    semaphore.release();
    guard.release();
    expect(semaphore.value).toBe(3);
  });

  test.each([[0], [-1], [0.5], [2 ** 31]])('release(%d) is a RangeError', (n) => {
    const semaphore = new Semaphore(1);
    expect(() => semaphore.release(n)).toThrow(RangeError);
    expect(() => semaphore.release('1' as never)).toThrow(TypeError);
    expect(semaphore.value).toBe(1);
  });

  test('can never be more than the largest max', () => {
    const semaphore = new Semaphore(2 ** 30 - 1);
    semaphore.release();
    expect(() => semaphore.release()).toThrow(RangeError);
    expect(semaphore.value).toBe(2 ** 30);
    semaphore.takeSync({ permits: 2 ** 30 });
    expect(semaphore.value).toBe(0);
  });
});

describe('the line', () => {
  test('is served in order of arrival, and the first waits until there is enough for it', async () => {
    const semaphore = new Semaphore(0);
    const order: string[] = [];
    const work = [3, 1, 2, 1].map((permits, index) =>
      semaphore.take({ permits }).then(() => order.push(`${index}: ${permits}`)),
    );
    expect(semaphore.statistics()).toEqual({ value: 0, waiting: 4 });
    semaphore.release(2);
    expect(semaphore.value).toBe(0);
    expect(semaphore.tryTake()).toBe(false);
    await turn();
    expect(order).toEqual([]);
    semaphore.release(2);
    await turn();
    expect(order).toEqual(['0: 3', '1: 1']);
    semaphore.release(3);
    await Promise.all(work);
    expect(order).toEqual(['0: 3', '1: 1', '2: 2', '3: 1']);
    expect(semaphore.statistics()).toEqual({ value: 0, waiting: 0 });
  });

  test('goes on at once when the first gives up and there is enough for the next', async () => {
    const semaphore = new Semaphore(1);
    const controller = new AbortController();
    const greedy = failure(semaphore.acquire({ permits: 2, signal: controller.signal }));
    const modest = semaphore.acquire();
    controller.abort('enough');
    expect(await greedy).toBe('enough');
    (await modest).release();
    expect(semaphore.value).toBe(1);
  });

  test('mixes tasks of this loop and threads that are blocked', async () => {
    const semaphore = new Semaphore(0);
    const flags = [sharedFlag(3), sharedFlag(3)];
    const jobs = [];
    const mine: Promise<Guard>[] = [];
    for (const [index, flag] of flags.entries()) {
      jobs.push(pool.submit(permitJobs.hold, semaphore, flag));
      while (semaphore.statistics().waiting !== 2 * index + 1) await turn();
      mine.push(semaphore.acquire());
    }
    semaphore.release();
    await raised(flags[0]!, GOT);
    expect(semaphore.statistics().waiting).toBe(3);
    raise(flags[0]!, GO_ON);
    (await mine[0]!).release();
    await raised(flags[1]!, GOT);
    expect(semaphore.statistics().waiting).toBe(1);
    raise(flags[1]!, GO_ON);
    (await mine[1]!).release();
    await Promise.all(jobs);
    expect(semaphore.value).toBe(1);
  });
});

describe('a wait that ends as it is granted', () => {
  test('succeeds if the signal aborts after the release, in the same tick', async () => {
    const semaphore = new Semaphore(0);
    const controller = new AbortController();
    const wait = semaphore.acquire({ signal: controller.signal });
    semaphore.release();
    controller.abort();
    (await wait).release();
    expect(semaphore.value).toBe(1);
  });

  test('leaves the permit to the next if the signal aborts before the release', async () => {
    const semaphore = new Semaphore(0);
    const controller = new AbortController();
    const wait = failure(semaphore.take({ signal: controller.signal }));
    const next = semaphore.take();
    controller.abort('now');
    semaphore.release();
    expect(await wait).toBe('now');
    await next;
    expect(semaphore.statistics()).toEqual({ value: 0, waiting: 0 });
  });

  test('succeeds if the task is cancelled after the release, in the same tick', async () => {
    const semaphore = new Semaphore(0);
    let got = false;
    await TaskGroup.run((group) => {
      group.spawn(async () => {
        await semaphore.take();
        got = true;
      });
      setImmediate(() => {
        semaphore.release();
        group.cancel();
      });
    });
    expect(got).toBe(true);
    expect(semaphore.statistics()).toEqual({ value: 0, waiting: 0 });
  });

  test('succeeds if another thread has released before the time-out, and this loop has not heard', async () => {
    const semaphore = new Semaphore(1);
    const flag = sharedFlag(3);
    const holder = pool.submit(permitJobs.hold, semaphore, flag);
    await raised(flag, GOT);
    const fired: (() => void)[] = [];
    const timers = vi.spyOn(globalThis, 'setTimeout').mockImplementation(((fire: () => void) => {
      fired.push(fire);
      return 0;
    }) as never);
    const wait = semaphore.acquire({ timeout: 1000 });
    timers.mockRestore();
    raise(flag, GO_ON);
    Atomics.wait(flag, LEFT, 0);
    fired[0]!();
    (await wait).release();
    expect(semaphore.statistics()).toEqual({ value: 1, waiting: 0 });
    await holder;
  });
});

describe('waiting', () => {
  test('that cannot succeed at once ends at once with a time-out of 0', async () => {
    const semaphore = new Semaphore(0, { name: 'places' });
    for (const error of [
      await failure(semaphore.acquire({ timeout: 0 })),
      await failure(semaphore.take({ timeout: 0 })),
      thrown(() => semaphore.acquireSync({ timeout: 0 })),
      thrown(() => semaphore.takeSync({ timeout: 0 })),
    ]) {
      expect(error).toBeInstanceOf(TimeoutError);
      expect((error as Error).message).toMatch(/^Cannot (acquire|take from) semaphore "places": /);
    }
    expect(semaphore.statistics()).toEqual({ name: 'places', value: 0, waiting: 0 });
  });

  test('that was blocked is over after its time-out, and leaves no trace', async () => {
    const semaphore = new Semaphore(0);
    const same = fromToken<Semaphore>(toToken(semaphore));
    expect(thrown(() => same.takeSync({ timeout: 5 }))).toBeInstanceOf(TimeoutError);
    semaphore.release();
    expect(semaphore.value).toBe(1);
  });

  test('of a blocked thread ends by a release of another thread', async () => {
    const semaphore = new Semaphore(0);
    const release = pool.submit(permitJobs.release, semaphore, 2);
    semaphore.takeSync({ permits: 2 });
    await release;
    expect(semaphore.value).toBe(0);
  });
});

describe('a thread that would wait for itself', () => {
  test('is told if it has so many that there can never be enough', async () => {
    const semaphore = new Semaphore(3, { max: 3 });
    toToken(semaphore);
    const guard = await semaphore.acquire({ permits: 2 });
    expect(thrown(() => semaphore.acquireSync({ permits: 2 }))).toBeInstanceOf(DeadlockError);
    expect(thrown(() => semaphore.takeSync({ permits: 2, timeout: 5 }))).toBeInstanceOf(DeadlockError);
    semaphore.acquireSync().release();
    guard.release();
    expect(semaphore.statistics()).toEqual({ value: 3, waiting: 0 });
  });

  test('is told if a task of its loop is before it that would keep what it waits for', async () => {
    const semaphore = new Semaphore(2, { max: 2 });
    const flag = sharedFlag(3);
    const holder = pool.submit(permitJobs.hold, semaphore, flag, 2);
    await raised(flag, GOT);
    const wait = semaphore.acquire();
    expect(thrown(() => semaphore.acquireSync({ permits: 2 }))).toBeInstanceOf(DeadlockError);
    expect(semaphore.statistics().waiting).toBe(1);
    raise(flag, GO_ON);
    // Both can have one.
    const guard = semaphore.acquireSync();
    guard.release();
    (await wait).release();
    await holder;
    expect(semaphore.value).toBe(2);
  });

  test('is told if one stands before it that can never be served while this thread is blocked', async () => {
    const semaphore = new Semaphore(2, { max: 2 });
    const guard = semaphore.acquireSync();
    const flag = sharedFlag(3);
    const greedy = pool.submit(permitJobs.hold, semaphore, flag, 2);
    while (semaphore.statistics().waiting === 0) await turn();
    expect(thrown(() => semaphore.acquireSync())).toBeInstanceOf(DeadlockError);
    guard.release();
    raise(flag, GO_ON);
    await greedy;
    expect(semaphore.statistics()).toEqual({ value: 2, waiting: 0 });
  });

  test('is told if no other thread has the semaphore', () => {
    expect(thrown(() => new Semaphore(0).acquireSync())).toBeInstanceOf(DeadlockError);
    expect(thrown(() => new Semaphore(0).takeSync())).toBeInstanceOf(DeadlockError);
  });
});

describe('run() and runSync()', () => {
  test('have the permits while the function runs, and give what it gives', async () => {
    const semaphore = new Semaphore(3);
    expect(await semaphore.run(async () => semaphore.value, { permits: 2 })).toBe(1);
    expect(semaphore.runSync(() => semaphore.value, { permits: 3 })).toBe(0);
    expect(await failure(semaphore.run(() => Promise.reject('no')))).toBe('no');
    expect(() => semaphore.runSync((() => Promise.resolve()) as never)).toThrow(TypeError);
    expect(await failure(semaphore.run(5 as never))).toBeInstanceOf(TypeError);
    expect(semaphore.value).toBe(3);
  });
});

describe('death', () => {
  test('of a thread gives back the permits of its guards, not those it took', async () => {
    const semaphore = new Semaphore(5);
    await failure(pool.submit(permitJobs.exitWithTwo, semaphore));
    expect(semaphore.statistics()).toEqual({ value: 4, waiting: 0 });
  });

  test('of a thread gives back the permits of a guard that was kept, forgotten and collected', async () => {
    const mortals = new ThreadPoolExecutor({ threads: 1 });
    const semaphore = new Semaphore(2);
    await mortals.submit(permitJobs.forgetOne, semaphore);
    await mortals.submit(permitJobs.collect);
    expect(semaphore.value).toBe(1);
    await failure(mortals.submit(permitJobs.exit));
    expect(semaphore.value).toBe(2);
    await mortals.shutdown();
  });
});

describe('a handle that was disposed', () => {
  test('cannot be used, and its guards and waits go on', async () => {
    const before = ownHeap().blocks.countUsed();
    const semaphore = new Semaphore(1, { name: 'places' });
    const guard = semaphore.acquireSync();
    const wait = semaphore.acquire();
    semaphore[Symbol.dispose]();
    semaphore[Symbol.dispose]();
    expect(() => semaphore.value).toThrow(
      new InvalidStateError('Cannot use semaphore "places": it was disposed'),
    );
    expect(() => semaphore.release()).toThrow(InvalidStateError);
    expect(await failure(semaphore.acquire())).toBeInstanceOf(InvalidStateError);
    expect(() => toToken(semaphore)).toThrow(InvalidStateError);
    guard.release();
    const last = await wait;
    expect(ownHeap().blocks.countUsed()).toBeGreaterThan(before);
    last.release();
    await turn();
    expect(ownHeap().blocks.countUsed()).toBeLessThanOrEqual(before + 1);
  });

  test('of which a task ends with a guard gives that back all the same', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const semaphore = new Semaphore(1);
    const same = fromToken<Semaphore>(toToken(semaphore));
    await TaskGroup.run((group) =>
      group.spawn(async () => {
        await same.acquire();
        same[Symbol.dispose]();
      }),
    );
    expect(warned).toHaveBeenCalledTimes(1);
    expect(semaphore.value).toBe(1);
  });
});

test('a guard that is released where the stack does not suffice is released once, sooner or later', async () => {
  for (let pad = 0; pad < 20; pad++) {
    const semaphore = new Semaphore(1);
    const guard = semaphore.acquireSync();
    const wait = semaphore.acquire();
    let failed = 0;
    const release = (): void => {
      if (guard.released) return;
      try {
        guard.release();
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        failed++;
      }
    };
    const dive = (): void => {
      try {
        dive();
      } finally {
        release();
      }
    };
    let padding = pad;
    const padded = (): void => (padding-- > 0 ? padded() : dive());
    expect(padded).toThrow(RangeError);
    expect(failed).toBeGreaterThan(0);
    expect(guard.released).toBe(true);
    (await wait).release();
    expect(semaphore.statistics()).toEqual({ value: 1, waiting: 0 });
  }
});

describe('any sequence of operations', () => {
  const MAX = 4;
  const operation = record({
    what: constantFrom('acquire', 'take', 'try', 'free', 'cancel', 'add'),
    permits: integer({ min: 1, max: MAX }),
    which: nat(),
  });

  test('does what a plain list of waiters and a number do', async () => {
    await check(
      asyncProperty(array(operation, { maxLength: 40 }), async (operations) => {
        const semaphore = new Semaphore(2, { max: MAX });
        let free = 2;
        let held = 0;
        const line: Waiting[] = [];
        const guards: { readonly guard: Guard; readonly permits: number }[] = [];
        const settled: Promise<unknown>[] = [];
        const served: number[] = [];
        const expected: number[] = [];
        let count = 0;

        const grant = (): void => {
          while (line.length > 0 && line[0]!.permits <= free) {
            const { permits, guarded, id } = line.shift()!;
            free -= permits;
            if (guarded) held += permits;
            expected.push(id);
          }
        };
        for (const { what, permits, which } of operations) {
          if (what === 'acquire' || what === 'take') {
            const guarded = what === 'acquire';
            const controller = new AbortController();
            const id = count++;
            const { signal } = controller;
            line.push({ permits, guarded, id, controller });
            grant();
            const wait = guarded
              ? semaphore.acquire({ permits, signal }).then((guard) => void guards.push({ guard, permits }))
              : // As many steps to `served` as for a guard.
                semaphore.take({ permits, signal }).then(() => {});
            settled.push(
              wait.then(
                () => void served.push(id),
                () => {},
              ),
            );
          } else if (what === 'try') {
            const can = line.length === 0 && free >= permits;
            const guard = semaphore.tryAcquire({ permits });
            expect(guard !== undefined).toBe(can);
            if (guard !== undefined) {
              guards.push({ guard, permits });
              free -= permits;
              held += permits;
            }
          } else if (what === 'free' && guards.length > 0) {
            const [one] = guards.splice(which % guards.length, 1);
            one!.guard.release();
            free += one!.permits;
            held -= one!.permits;
            grant();
          } else if (what === 'cancel' && line.length > 0) {
            const [one] = line.splice(which % line.length, 1);
            one!.controller.abort();
            grant();
          } else if (what === 'add') {
            const room = free + held + permits <= MAX;
            if (room) {
              semaphore.release(permits);
              free += permits;
              grant();
            } else {
              expect(() => semaphore.release(permits)).toThrow(RangeError);
            }
          }
          expect(semaphore.statistics()).toEqual({
            value: line.length === 0 ? free : 0,
            waiting: line.length,
          });
          await turn();
          expect(served).toEqual(expected);
        }
        // From the end: nobody is let on by it.
        for (const { controller } of line.reverse()) controller.abort();
        await Promise.all(settled);
        for (const { guard } of guards) guard.release();
        expect(semaphore.statistics()).toEqual({ value: free + held, waiting: 0 });
        semaphore[Symbol.dispose]();
      }),
      { numRuns: 100 },
    );
  });
});

interface Waiting {
  readonly permits: number;
  readonly guarded: boolean;
  readonly id: number;
  readonly controller: AbortController;
}
