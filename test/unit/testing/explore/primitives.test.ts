import {
  Barrier,
  BrokenBarrierError,
  CapacityLimiter,
  Condition,
  currentTask,
  currentThread,
  DeadlockError,
  Event,
  Future,
  isCancelled,
  Latch,
  Lock,
  Once,
  OwnerDiedError,
  Queue,
  RLock,
  RWLock,
  Semaphore,
  select,
  selectSync,
  sleep,
  TaskGroup,
  TimeoutError,
  withTimeout,
} from 'heddle';
import { ExploreError, explore, noLeaks } from 'heddle/testing';
import { describe, expect, test } from 'vitest';

/** Each outcome that any schedule has led to, in order. */
class Outcomes {
  readonly #seen = new Set<string>();

  add(...values: readonly unknown[]): void {
    this.#seen.add(values.join(' '));
  }

  get all(): readonly string[] {
    return [...this.#seen].sort();
  }
}

describe('Explored threads', () => {
  test('have locks of their own: a thread that has it is told so, others wait', async () => {
    const report = await explore({
      setup: () => ({ lock: new Lock(), rw: new RWLock(), DeadlockError, told: [] as string[] }),
      threads: {
        twice: ({ lock, rw, DeadlockError, told }) => {
          using _guard = lock.acquireSync();
          using _reading = rw.readSync();
          for (const again of [() => lock.acquireSync(), () => rw.writeSync()]) {
            try {
              again();
            } catch (error) {
              told.push(String(error instanceof DeadlockError));
            }
          }
        },
        other: ({ lock, rw }) => {
          using _guard = lock.acquireSync();
          using _writing = rw.writeSync();
        },
      },
      preemptions: Infinity,
      check: ({ told }) => expect(told).toEqual(['true', 'true']),
    });
    expect(report.exhausted).toBe(true);
  });

  test('enter an RLock again, blocking and by run(), and exclude each other', async () => {
    const body = { inside: 0 };
    const report = await explore({
      setup: () => ({ lock: new RLock(), inside: new Int32Array(1), most: new Int32Array(1), body }),
      threads: {
        blocking: ({ lock, inside, most }) => {
          using _first = lock.acquireSync();
          inside[0]!++;
          using _second = lock.acquireSync();
          lock.tryAcquire()!.release();
          lock.runSync(() => {
            most[0] = Math.max(most[0]!, inside[0]!);
          });
          inside[0]!--;
        },
        async: async ({ lock, inside, most }) => {
          await lock.run(async () => {
            inside[0]!++;
            await lock.run(() => {
              most[0] = Math.max(most[0]!, inside[0]!);
            });
            inside[0]!--;
          });
        },
        trying: ({ lock, inside, most }) => {
          const guard = lock.tryAcquire();
          if (guard === undefined) return;
          inside[0]!++;
          most[0] = Math.max(most[0]!, inside[0]!);
          inside[0]!--;
          guard.release();
        },
      },
      preemptions: 1,
      check: ({ most }) => expect(most[0]).toBe(1),
    });
    expect(report.exhausted).toBe(true);
  });

  test('are told of a lock that they have by runSync(), and enter an RLock there by tryAcquire()', async () => {
    const report = await explore({
      uses: { DeadlockError },
      setup: () => ({ lock: new Lock(), rlock: new RLock(), told: [] as boolean[] }),
      threads: [
        ({ lock, rlock, told }) =>
          lock.runSync(() =>
            rlock.runSync(() => {
              rlock.tryAcquire()!.release();
              try {
                lock.runSync(() => {});
              } catch (error) {
                told.push(error instanceof DeadlockError);
              }
            }),
          ),
        ({ lock, rlock }) => {
          rlock.tryAcquire()?.release();
          lock.runSync(() => {});
        },
      ],
      preemptions: Infinity,
      check: ({ told }) => expect(told).toEqual([true]),
    });
    expect(report.exhausted).toBe(true);
  });

  test('read together and write alone', async () => {
    const outcomes = new Outcomes();
    await explore({
      setup: () => ({ lock: new RWLock(), table: new Int32Array(2), most: new Int32Array(2) }),
      threads: {
        writer: ({ lock, table }) => {
          lock.write.runSync(() => {
            table[0]!++;
            table[1]!++;
          });
        },
        reader: ({ lock, table, most }) => {
          using _guard = lock.readSync();
          most[0]!++;
          most[1] = Math.max(most[1]!, most[0]!);
          if (table[0] !== table[1]) throw new Error('half written');
          most[0]!--;
        },
        'async reader': async ({ lock, table, most }) => {
          using _guard = await lock.read();
          most[0]!++;
          most[1] = Math.max(most[1]!, most[0]!);
          if (table[0] !== table[1]) throw new Error('half written');
          most[0]!--;
        },
      },
      preemptions: 1,
      check: ({ most }) => outcomes.add(most[1]),
    });
    expect(outcomes.all).toContain('2');
  });

  test('take permits of semaphores and limiters', async () => {
    await explore({
      setup: () => ({ semaphore: new Semaphore(1), limiter: new CapacityLimiter(1), in: new Int32Array(2) }),
      threads: [1, 2].map(
        () => (state: { semaphore: Semaphore; limiter: CapacityLimiter; in: Int32Array }) => {
          state.semaphore.takeSync();
          if (state.in[0]!++ !== 0) throw new Error('two are in');
          state.in[0]!--;
          state.semaphore.release();
          state.limiter.runSync(() => {
            if (state.in[1]!++ !== 0) throw new Error('two are in');
            state.in[1]!--;
          });
        },
      ),
      check: ({ semaphore, limiter }) => expect([semaphore.value, limiter.available]).toEqual([1, 1]),
    });
  });

  test('wait for conditions, whose predicates are steps, and for events and latches', async () => {
    const report = await explore({
      setup: () => {
        const lock = new Lock();
        return {
          lock,
          changed: new Condition({ lock }),
          box: new Int32Array(1),
          ready: new Event(),
          done: new Latch(2),
        };
      },
      threads: {
        giver: ({ lock, changed, box, ready, done }) => {
          ready.waitSync();
          using guard = lock.acquireSync();
          box[0] = 7;
          changed.notifyAll(guard);
          done.countDown();
        },
        taker: ({ lock, changed, box, ready, done }) => {
          using guard = lock.acquireSync();
          ready.set();
          changed.waitForSync(guard, () => box[0] === 7);
          done.countDown();
        },
        'async taker': async ({ lock, changed, box, done }) => {
          using guard = await lock.acquire();
          await changed.waitFor(guard, () => box[0] === 7);
          guard[Symbol.dispose]();
          await done.wait();
        },
      },
      preemptions: 1,
    });
    expect(report.exhausted).toBe(true);
  });

  test('lose a notification that comes before the wait', async () => {
    const error = await explore({
      setup: () => ({ changed: new Condition() }),
      threads: {
        waiter: ({ changed }) => {
          using guard = changed.lock.acquireSync();
          changed.waitSync(guard);
        },
        notifier: ({ changed }) => {
          using guard = changed.lock.acquireSync();
          changed.notify(guard);
        },
      },
    }).catch((error: unknown) => error);
    expect(String(error)).toContain('DeadlockError: thread "waiter" waits at changed.waitSync(guard)');
  });

  test('meet at barriers, and run things once', async () => {
    const report = await explore({
      setup: () => ({
        barrier: new Barrier(2),
        once: new Once(),
        made: new Int32Array(1),
        places: [] as number[],
      }),
      threads: [
        ({ barrier, once, made, places }) => {
          once.runSync(() => {
            made[0]!++;
          });
          places.push(barrier.waitSync());
        },
        async ({ barrier, once, made, places }) => {
          await once.run(async () => {
            made[0]!++;
          });
          places.push(await barrier.wait());
        },
      ],
      preemptions: Infinity,
      check: ({ made, places }) => expect([made[0], ...places.sort()]).toEqual([1, 0, 1]),
    });
    expect(report.exhausted).toBe(true);
  });

  test('select from several, and settle futures', async () => {
    const outcomes = new Outcomes();
    await explore({
      setup: () => ({
        a: new Queue<string>(),
        stop: new Event(),
        answer: Future.withResolvers<number>(),
        select,
        selectSync,
        got: [] as unknown[],
      }),
      threads: {
        blocking: ({ a, stop, selectSync, got, answer }) => {
          got.push(selectSync({ a, stop }).key);
          answer.resolve(1);
        },
        async: async ({ a, stop, select, got }) => {
          got.push((await select({ stop, a })).key);
        },
        giver: ({ a, stop, answer, got }) => {
          a.putSync('item');
          stop.set();
          got.push(answer.future.resultSync());
        },
      },
      check: ({ got, a }) => outcomes.add(...got, a.size),
    });
    expect(outcomes.all.length).toBeGreaterThan(2);
    for (const outcome of outcomes.all) expect(outcome).toMatch(/stop/);
  });

  test('know who they are', async () => {
    await explore({
      setup: () => ({ currentThread, currentTask, seen: [] as unknown[] }),
      threads: {
        one: ({ currentThread, currentTask, seen }) => seen.push(currentThread(), currentTask()?.name),
        two: async ({ currentThread, currentTask, seen }) => {
          await null;
          seen.push(currentThread(), currentTask()?.name);
        },
      },
      check: ({ seen }) =>
        expect(seen).toEqual([{ id: 1, name: 'one' }, 'one', { id: 2, name: 'two' }, 'two']),
    });
    expect(currentThread().name).not.toBe('one');
  });

  test('have task groups, time-outs and sleeps, by the time of the explorer', async () => {
    const outcomes = new Outcomes();
    const report = await explore({
      uses: { TaskGroup, sleep, withTimeout, TimeoutError },
      setup: () => ({ lock: new Lock(), log: [] as string[], count: new Int32Array(1) }),
      threads: {
        group: async ({ lock, count, log }) => {
          await TaskGroup.run((group) => {
            for (const name of ['a', 'b'])
              group.spawn(async () => {
                await lock.run(() => {
                  count[0]!++;
                });
                log.push(name);
              });
          });
          log.push('joined');
        },
        late: async ({ lock, log }) => {
          try {
            await withTimeout(100, async () => {
              using _guard = await lock.acquire();
              await sleep(200);
            });
          } catch (error) {
            log.push(error instanceof TimeoutError ? 'late' : 'wrong');
          }
        },
      },
      check: ({ log, count }) => {
        expect(count[0]).toBe(2);
        outcomes.add(...log);
      },
    });
    expect(report.exhausted).toBe(true);
    expect(outcomes.all).toContain('late a b joined');
    expect(outcomes.all).toContain('a b joined late');
  });

  test('are cancelled as any task is', async () => {
    await explore({
      uses: { TaskGroup, isCancelled },
      setup: () => ({ queue: new Queue<number>(), log: [] as boolean[] }),
      threads: [
        async ({ queue, log }) => {
          await TaskGroup.run(async (group) => {
            group.spawn(async () => {
              try {
                await queue.get();
              } catch (error) {
                log.push(isCancelled(error));
                throw error;
              }
            });
            await queue.put(1);
            group.cancel();
          });
        },
        ({ queue }) => queue.tryGet(),
      ],
      check: ({ log }) => expect(log.every(Boolean)).toBe(true),
    });
  });
});

describe('The death of an explored thread', () => {
  test('gives its items up: join() hears of it, and counts them as done', async () => {
    const outcomes = new Outcomes();
    await explore({
      setup: () => {
        const queue = new Queue<number>();
        queue.tryPut(1);
        return { queue, OwnerDiedError, log: [] as string[] };
      },
      threads: {
        worker: ({ queue }) => {
          queue.tryGet();
          queue.taskDone();
        },
        joiner: ({ queue, OwnerDiedError, log }) => {
          try {
            queue.joinSync({ timeout: 100 });
            log.push('done');
          } catch (error) {
            log.push(error instanceof OwnerDiedError ? 'died' : 'late');
          }
        },
      },
      deaths: 1,
      check: ({ log }, { dead }) => outcomes.add(...log, '/', ...dead),
    });
    expect(outcomes.all).toEqual(['/ joiner', 'died / worker', 'done /', 'late /', 'late / worker']);
  });

  test('marks items as done only where they were taken', async () => {
    const error = await explore({
      setup: () => {
        const queue = new Queue<number>();
        queue.tryPut(1);
        return { queue };
      },
      threads: [({ queue }) => void queue.getSync(), ({ queue }) => queue.taskDone()],
    }).catch((error: unknown) => error);
    expect(String(error)).toContain('InvalidStateError');
  });

  test('gives up items however they were taken, and every one of them can be marked as done', async () => {
    const report = await explore({
      setup: () => {
        const queue = new Queue<number>();
        for (let item = 1; item <= 4; item++) queue.tryPut(item);
        return { queue, select, selectSync, OwnerDiedError, left: new Int32Array(1) };
      },
      threads: {
        loops: async ({ queue }) => {
          for await (const item of queue) {
            queue.taskDone();
            if (item === 2 || queue.size === 0) break;
          }
          const iterator = queue.values();
          if (queue.size > 0 && (await iterator.next()).done !== true) queue.taskDone();
          await iterator.return?.();
        },
        selects: async ({ queue, select, selectSync }) => {
          if (queue.size > 0) selectSync({ queue });
          else return;
          queue.taskDone();
          if (queue.size === 0) return;
          await select({ queue }, { timeout: 5 }).then(
            () => queue.taskDone(),
            () => {},
          );
        },
        joiner: async ({ queue, OwnerDiedError, left }) => {
          try {
            await queue.join({ timeout: 50 });
          } catch (error) {
            left[0] = error instanceof OwnerDiedError ? 2 : 1;
          }
        },
      },
      deaths: 1,
      timeouts: 0,
      preemptions: 1,
      daemons: ['loops', 'selects'],
      maxSchedules: 500,
    });
    expect(report.schedules).toBeGreaterThan(100);
  });

  test('leaves a lock that may be entered again, and is not taken for that of another, by its error', async () => {
    const report = await explore({
      uses: { OwnerDiedError, DeadlockError },
      setup: () => ({ rlock: new RLock(), lock: new Lock(), told: new Int32Array(1) }),
      threads: ['a', 'b'].map(
        () =>
          ({ rlock, lock, told }: { rlock: RLock; lock: Lock; told: Int32Array }) => {
            for (const one of [rlock, lock]) {
              let guard: ReturnType<Lock['acquireSync']>;
              try {
                guard = one.acquireSync();
              } catch (error) {
                if (!(error instanceof OwnerDiedError)) throw error;
                guard = error.guard!;
              }
              try {
                one.acquireSync().release();
              } catch (error) {
                if (!(error instanceof DeadlockError) || one === rlock) throw error;
                told[0]!++;
              }
              guard.release();
            }
          },
      ),
      deaths: 1,
      preemptions: 1,
    });
    expect(report.exhausted).toBe(true);
  });

  test('breaks a barrier at which it waits', async () => {
    const outcomes = new Outcomes();
    await explore({
      setup: () => ({ barrier: new Barrier(2), log: [] as string[], BrokenBarrierError }),
      threads: ['a', 'b'].map(() => ({ barrier, log, BrokenBarrierError }) => {
        try {
          log.push(String(barrier.waitSync({ timeout: 50 })));
        } catch (error) {
          log.push(error instanceof BrokenBarrierError ? 'broken' : 'late');
        }
      }),
      deaths: 1,
      timeouts: 0,
      check: ({ log }, { dead }) => outcomes.add(dead.length, ...log.sort()),
    });
    expect(outcomes.all).toContain('1 broken');
    expect(outcomes.all).toContain('0 0 1');
  });

  test('at a condition leaves the lock to others, and no error', async () => {
    const outcomes = new Outcomes();
    await explore({
      setup: () => ({ changed: new Condition(), got: [] as string[] }),
      threads: {
        waiter: async ({ changed }) => {
          const guard = await changed.lock.acquire();
          await changed.wait(guard);
        },
        other: async ({ changed, got }) => {
          if (changed.statistics().waiting === 0) return;
          using _guard = await changed.lock.acquire();
          got.push('whole');
        },
      },
      deaths: 1,
      daemons: ['waiter'],
      check: ({ got }, { dead }) => outcomes.add(...got, ...dead),
    });
    expect(outcomes.all).toEqual(['', 'other', 'waiter', 'whole', 'whole other', 'whole waiter']);
  });

  test('gives permits back, and lets the next run what it had not finished', async () => {
    const report = await explore({
      setup: () => ({ semaphore: new Semaphore(1), once: new Once(), done: new Int32Array(1) }),
      threads: [1, 2].map(() => ({ semaphore, once, done }) => {
        semaphore.runSync(() => {});
        once.runSync(() => {
          done[0] = 1;
        });
      }),
      deaths: 1,
      check: ({ semaphore, done }) => expect([semaphore.value, done[0]]).toEqual([1, 1]),
    });
    expect(report.exhausted).toBe(true);
  });

  test('ends the tasks and time-outs that it had', async () => {
    await explore({
      uses: { TaskGroup, sleep },
      setup: () => ({ lock: new Lock(), late: [] as string[], deaths: 0 }),
      threads: {
        parent: async ({ lock, late }) => {
          await TaskGroup.run((group) => {
            group.spawn(() => lock.run(() => sleep(10)));
            group.spawn(() => lock.run(() => late.push('second')));
          });
        },
        other: async ({ lock, late }) => {
          try {
            await lock.run(() => late.push('other'));
          } catch (error) {
            (error as OwnerDiedError).guard!.release();
          }
        },
      },
      deaths: 1,
      check: ({ late }, { dead }) => {
        if (!dead.includes('other')) expect(late.length + dead.length).toBeGreaterThan(0);
      },
    });
  });
});

test('explore() leaves nothing behind, whether it passes or fails', async () => {
  await noLeaks(async () => {
    for (const fails of [false, true])
      await explore({
        setup: () => {
          const state = { lock: new Lock(), queue: new Queue<number>(), fails };
          return {
            ...state,
            [Symbol.dispose]() {
              state.lock[Symbol.dispose]();
              state.queue[Symbol.dispose]();
            },
          };
        },
        threads: {
          one: async ({ lock, queue, fails }) => {
            using _guard = await lock.acquire();
            await queue.get({ timeout: fails ? undefined : 10 }).catch(() => {});
          },
          two: ({ lock }) => {
            lock.acquireSync().release();
          },
        },
        deaths: fails ? 0 : 1,
        timeouts: 0,
        maxSchedules: 200,
      }).catch((error: unknown) => {
        if (!(error instanceof ExploreError)) throw error;
        expect(fails || error.cause instanceof OwnerDiedError).toBe(true);
      });
  });
});
