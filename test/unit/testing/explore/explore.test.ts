import {
  all,
  CapacityLimiter,
  capture,
  DeadlockError,
  defaultPool,
  Event,
  Future,
  Lock,
  OwnerDiedError,
  Queue,
  Semaphore,
  sleep,
  TaskGroup,
  TimeoutError,
  toThreadSync,
} from 'heddle';
import { type Exploration, ExploreError, explore, VirtualClock } from 'heddle/testing';
import { describe, expect, test } from 'vitest';

/** The error of an exploration that must fail. */
async function failure<S, U extends object>(exploration: Exploration<S, U>): Promise<ExploreError> {
  const error = await explore(exploration).catch((error: unknown) => error);
  if (!(error instanceof ExploreError))
    throw new Error('It did not fail as an exploration', { cause: error });
  return error;
}

describe('explore() finds', () => {
  test('a lost update without a lock', async () => {
    const error = await failure({
      setup: () => ({ count: new Int32Array(1) }),
      threads: [
        function add({ count }) {
          count[0] = count[0]! + 1;
        },
        function addToo({ count }) {
          count[0]!++;
        },
      ],
      check: ({ count }) => {
        if (count[0] !== 2) throw new Error('lost update');
      },
    });
    expect(error.message).toContain('Error: lost update');
    expect(error.trace.filter((line) => line.includes('← 1'))).toHaveLength(2);
    expect((error.cause as Error).message).toBe('lost update');
  });

  test('a lost update across an await', async () => {
    const error = await failure({
      setup: () => ({ ready: new Event(), count: new Int32Array(1) }),
      threads: {
        first: async ({ count, ready }) => {
          count[0]! += await ready.wait({ timeout: 5 }).then(
            () => 1,
            () => 1,
          );
        },
        second: ({ count, ready }) => {
          count[0]! += 1;
          ready.set();
        },
      },
      check: ({ count }) => {
        if (count[0] !== 2) throw new Error('lost update');
      },
    });
    expect(error.message).toContain('lost update');
  });

  test('a check of a queue that is not true any more when it is acted on', async () => {
    const take = ({ queue }: { queue: Queue<string> }): string => {
      if (queue.size === 0) return 'nothing';
      return queue.tryGet()!.value;
    };
    const error = await failure({
      setup: () => {
        const queue = new Queue<string>();
        queue.tryPut('one');
        return { queue };
      },
      threads: [take, take],
    });
    expect(error.message).toContain('TypeError');
    expect(error.message).toContain('queue.size → 1');
  });

  test.each(['blocking', 'async'])('two locks that are taken in different order, %s', async (form) => {
    const setup = () => ({ a: new Lock({ name: 'a' }), b: new Lock({ name: 'b' }) });
    type Locks = ReturnType<typeof setup>;
    const error = await failure({
      setup,
      threads:
        form === 'blocking'
          ? {
              left: ({ a, b }: Locks) => a.runSync(() => b.runSync(() => {})),
              right: ({ a, b }: Locks) => b.runSync(() => a.runSync(() => {})),
            }
          : {
              left: async ({ a, b }: Locks) => {
                using _first = await a.acquire();
                using _second = await b.acquire();
              },
              right: async ({ a, b }: Locks) => {
                using _first = await b.acquire();
                using _second = await a.acquire();
              },
            },
    });
    expect(error.message).toMatch(
      /DeadlockError: thread "left" waits at .*b\..*; thread "right" waits at .*a\./,
    );
  });

  test('a guard that is left over on an error, for want of finally', async () => {
    const error = await failure({
      setup: () => ({ lock: new Lock({ name: 'books' }), fails: true }),
      threads: {
        careless: async ({ lock, fails }) => {
          try {
            const guard = await lock.acquire();
            if (fails) throw new Error('no');
            guard.release();
          } catch {
            // It goes on as if nothing were.
          }
        },
        next: ({ lock }) => {
          lock.runSync(() => {});
        },
      },
    });
    expect(error.message).toContain('Task "careless" has ended while it held lock "books"');
  });

  const account = () => ({ lock: new Lock(), sums: new Int32Array([100, 0]), OwnerDiedError });
  type Account = ReturnType<typeof account>;
  const transfer = ({ lock, sums, OwnerDiedError }: Account): void => {
    let guard: ReturnType<Lock['acquireSync']>;
    try {
      guard = lock.acquireSync();
    } catch (error) {
      if (!(error instanceof OwnerDiedError)) throw error;
      guard = error.guard!;
    }
    sums[0]! -= 10;
    sums[1]! += 10;
    guard.release();
  };
  const check = ({ sums }: Account): void => {
    if (sums[0]! + sums[1]! !== 100) throw new Error(`there are ${sums.join(' and ')}`);
  };

  test('a handler of a death that does not mend what is protected', async () => {
    const error = await failure({
      setup: account,
      threads: [transfer, transfer],
      deaths: 1,
      check: (state) => {
        try {
          state.lock.tryAcquire()?.release();
        } catch {
          // Nobody came after the death: what it left is for the next.
          return;
        }
        check(state);
      },
    });
    expect(error.message).toMatch(/thread "transfer(?: 2)?" dies before sums\[1\] \+= 10/);
    expect(error.message).toContain('there are');
  });

  test('no fault with one that does', async () => {
    const report = await explore({
      setup: account,
      threads: Array.from({ length: 2 }, () => ({ lock, sums, OwnerDiedError }: Account): void => {
        let guard: ReturnType<Lock['acquireSync']>;
        try {
          guard = lock.acquireSync();
        } catch (error) {
          if (!(error instanceof OwnerDiedError)) throw error;
          guard = error.guard!;
          sums[1] = 100 - sums[0]!;
        }
        sums[0]! -= 10;
        sums[1]! += 10;
        guard.release();
      }),
      deaths: 1,
      check: (state) => {
        const { lock, sums } = state;
        try {
          lock.tryAcquire()?.release();
        } catch (error) {
          sums[1] = 100 - sums[0]!;
          (error as OwnerDiedError).guard?.release();
        }
        check(state);
      },
    });
    expect(report.exhausted).toBe(true);
    expect(report.schedules).toBeGreaterThan(20);
  });

  test('an error after a death that nobody handles', async () => {
    const error = await failure({
      setup: () => ({ lock: new Lock() }),
      threads: [({ lock }) => lock.runSync(() => {}), ({ lock }) => lock.runSync(() => {})],
      deaths: 1,
    });
    expect(error.cause).toBeInstanceOf(OwnerDiedError);
  });

  test('a time-out after which an item is lost', async () => {
    const error = await failure({
      setup: () => ({ queue: new Queue<number>(), got: [] as number[], TimeoutError }),
      threads: {
        producer: ({ queue }) => {
          queue.putSync(1);
        },
        consumer: async ({ queue, got, TimeoutError }) => {
          let item = queue.get({ timeout: 10 });
          try {
            got.push(await item);
          } catch (error) {
            if (!(error instanceof TimeoutError)) throw error;
            // Asks again, and goes before it has the answer.
            item = queue.get();
            void item.then(() => {});
          }
        },
      },
      check: ({ queue, got }) => {
        if (queue.size + got.length !== 1) throw new Error('an item is lost');
      },
    });
    expect(error.message).toContain('an item is lost');
    expect(error.message).toContain('time passes: 10 ms');
  });

  test('who waits for what nobody does any more', async () => {
    const error = await failure({
      setup: () => ({ done: new Event() }),
      threads: {
        waiter: ({ done }) => done.waitSync(),
        worker: ({ done }) => done.set(),
      },
      deaths: 1,
    });
    expect(error.message).toContain('DeadlockError: thread "waiter" waits at done.waitSync() (waiter:1)');
    expect(error.message).toContain('thread "worker" dies before done.set()');
  });

  test('a callback that throws, of which else only a report tells', async () => {
    const error = await failure({
      setup: () => Future.withResolvers<number>(),
      threads: [
        ({ future }) => {
          future.addDoneCallback(() => {
            throw new Error('in the callback');
          });
        },
        ({ resolve }) => resolve(1),
      ],
    });
    expect((error.cause as Error).message).toBe('in the callback');
  });

  test('a loop that waits without a primitive', async () => {
    const error = await failure({
      setup: () => ({ flag: new Int32Array(1) }),
      threads: [
        ({ flag }) => {
          while (Atomics.load(flag, 0) === 0);
        },
        ({ flag }) => Atomics.store(flag, 0, 1),
      ],
      maxSteps: 50,
    });
    expect(error.message).toContain('Livelock: the schedule has not ended after 50 steps');
  });
});

describe('explore({ tasks })', () => {
  test('interrupts only where a task awaits, and finds what is not true any more after that', async () => {
    const setup = () => ({ cache: new Map<string, number>(), made: 0, lock: new Lock() });
    const load = async (state: ReturnType<typeof setup>): Promise<void> => {
      if (state.cache.has('a')) return;
      await sleep(10);
      state.made++;
      state.cache.set('a', 1);
    };
    const check = ({ made }: ReturnType<typeof setup>): void => {
      if (made !== 1) throw new Error(`made ${made} times`);
    };
    const error = await failure({ uses: { sleep }, setup, tasks: { one: load, two: load }, check });
    expect(error.message).toContain('made 2 times');
    expect(error.trace.join()).toContain('(begins)');
    const locked = (state: ReturnType<typeof setup>): Promise<void> => state.lock.run(() => load(state));
    const report = await explore({
      uses: { sleep, load },
      setup,
      tasks: [locked, locked],
      check,
      preemptions: Infinity,
    });
    expect(report.exhausted).toBe(true);
  });

  test('leaves what stands between two awaits whole', async () => {
    const orders = new Set<string>();
    const twice = async ({ table, log }: { table: Int32Array; log: number[] }) => {
      for (let left = 2; left > 0; left--) {
        table[0]!++;
        table[0]!++;
        log.push(table[0]!);
        await null;
      }
    };
    const names = ({ log, name }: { log: string[]; name: string }) => log.push(name);
    await explore({
      setup: () => ({ table: new Int32Array(1), log: [] as number[] }),
      tasks: [twice, twice],
      preemptions: Infinity,
      check: ({ log }) => orders.add(log.join()),
    });
    expect([...orders]).toEqual(['2,4,6,8']);
    orders.clear();
    await explore({
      uses: { names },
      setup: () => ({ log: [] as string[] }),
      tasks: Object.fromEntries(
        ['a', 'b'].map((name) => [
          name,
          capture({ name }, async ({ name }, { log }: { log: string[] }) => {
            names({ log, name });
            await null;
            names({ log, name });
          }),
        ]),
      ),
      preemptions: Infinity,
      check: ({ log }) => orders.add(log.join('')),
    });
    expect([...orders].sort()).toEqual(['aabb', 'abab', 'abba', 'baab', 'baba', 'bbaa']);
  });

  test('tells a task that blocks the loop, and tasks that wait for each other', async () => {
    const error = await failure({
      setup: () => ({ lock: new Lock() }),
      tasks: [
        async ({ lock }) => {
          using _guard = await lock.acquire();
          await null;
        },
        async ({ lock }) => lock.acquireSync().release(),
      ],
    });
    expect(error.cause).toBeInstanceOf(DeadlockError);
    const stuck = await failure({
      setup: () => ({ a: new Event(), b: new Event() }),
      tasks: {
        one: async ({ a, b }) => a.wait().then(() => b.set()),
        two: async ({ a, b }) => b.wait().then(() => a.set()),
      },
    });
    expect(stuck.message).toContain('DeadlockError: task "one" waits at');
  });

  test('refuses deaths, and threads beside them', async () => {
    const setup = () => ({});
    await expect(explore({ setup, tasks: [() => 1], deaths: 1 })).rejects.toThrow(RangeError);
    await expect(explore({ setup, tasks: [() => 1], threads: [() => 1] })).rejects.toThrow(TypeError);
  });
});

test('explore() finds a task that goes on for ever without a step', async () => {
  const error = await failure({
    setup: () => ({}),
    threads: [
      async () => {
        for (;;) await null;
      },
    ],
    maxSteps: 20,
  });
  expect(error.message).toContain('Livelock: thread "thread 1" goes on without a step');
});

describe('explore()', () => {
  const increments = {
    blocking: ({ lock, count }: { lock: Lock; count: Int32Array }) => {
      using _guard = lock.acquireSync();
      count[0] = count[0]! + 1;
    },
    async: async ({ lock, count }: { lock: Lock; count: Int32Array }) => {
      using _guard = await lock.acquire();
      count[0] = count[0]! + 1;
    },
  };
  const counter = {
    setup: () => ({ lock: new Lock(), count: new Int32Array(1) }),
    check: ({ count }: { count: Int32Array }) => {
      if (count[0] !== 2) throw new Error('lost update');
    },
    preemptions: Infinity,
  };

  test.each([
    ['blocking', 'blocking'],
    ['async', 'async'],
    ['blocking', 'async'],
  ] as const)('passes a correct program in every order, %s and %s', async (first, second) => {
    const report = await explore({ ...counter, threads: [increments[first], increments[second]] });
    expect(report).toMatchObject({ exhausted: true });
    expect(report.schedules).toBeGreaterThan(5);
  });

  test('runs all schedules there are without a bound, each once', async () => {
    const orders = new Map<string, number>();
    await explore({
      setup: () => ({ memory: new Int32Array(1), order: [] as string[] }),
      threads: {
        a: ({ memory, order }) => {
          for (let left = 2; left > 0; left--) {
            void memory[0];
            order.push('a');
          }
        },
        b: ({ memory, order }) => {
          for (let left = 2; left > 0; left--) {
            void memory[0];
            order.push('b');
          }
        },
      },
      preemptions: Infinity,
      check: ({ order }) => {
        const key = order.join('');
        orders.set(key, (orders.get(key) ?? 0) + 1);
      },
    });
    expect([...orders.keys()].sort()).toEqual(['aabb', 'abab', 'abba', 'baab', 'baba', 'bbaa']);
    expect(new Set(orders.values())).toEqual(new Set([1]));
  });

  test.each([
    [0, 2],
    [1, 4],
    [2, 6],
    [3, 6],
  ])('runs those with up to %d interruptions: %d', async (preemptions, count) => {
    const twice = ({ memory }: { memory: Int32Array }) => {
      memory[0] = 1;
      memory[0] = 2;
    };
    const { schedules, steps } = await explore({
      setup: () => ({ memory: new Int32Array(1) }),
      threads: [twice, twice],
      preemptions,
    });
    expect([schedules, steps]).toEqual([count, 4 * count]);
  });

  test('stops at maxSchedules, and says that there are more', async () => {
    const once = ({ memory }: { memory: Int32Array }) => memory[0]!++;
    const setup = () => ({ memory: new Int32Array(1) });
    expect(await explore({ setup, threads: [once, once], maxSchedules: 3 })).toMatchObject({
      schedules: 3,
      exhausted: false,
    });
    expect(await explore({ setup, threads: [once, once], random: 5 })).toMatchObject({
      schedules: 11,
      exhausted: true,
    });
  });

  test('waits for what the runtime does meanwhile, as reading a file', async () => {
    await explore({
      setup: () => ({ lock: new Lock(), got: [] as number[] }),
      threads: [
        async ({ lock, got }) => {
          const { readFile } = await import('node:fs/promises');
          using _guard = await lock.acquire();
          got.push((await readFile('package.json')).length);
        },
      ],
      check: ({ got }) => expect(got[0]).toBeGreaterThan(100),
    });
  });

  test('runs a failed schedule alone by its replay string, from the search and from a random one', async () => {
    const model: Exploration<{ count: Int32Array }> = {
      setup: () => ({ count: new Int32Array(1) }),
      threads: [({ count }) => count[0]!++, ({ count }) => count[0]!++],
      check: ({ count }) => {
        if (count[0] !== 2) throw new Error('lost update');
      },
    };
    for (const more of [{}, { maxSchedules: 0, random: 50 }]) {
      const first = await failure({ ...model, ...more });
      const again = await failure({ ...model, replay: first.replay });
      expect(again.trace).toEqual(first.trace);
      expect(again.schedules).toBe(1);
      expect(again.message).not.toContain('differently');
    }
  });

  test('says that a test is not deterministic', async () => {
    for (const differs of [1, 2, 3]) {
      let calls = 0;
      const error = await failure({
        setup: () => ({ memory: new Int32Array(1), differs: ++calls === differs }),
        threads: [
          ({ memory, differs }) => {
            if (!differs) memory[0] = 1;
            memory[0] = 2;
          },
          ({ memory }) => memory[0],
        ],
      });
      expect(error.message).toContain('is not deterministic');
    }
  });

  test('refuses functions that use what they are not given, and names it', async () => {
    const lock = new Lock();
    await expect(
      explore({ setup: () => ({}), threads: [() => lock.runSync(() => {})] }),
    ).rejects.toMatchObject({
      code: 'ERR_HEDDLE_CAPTURE',
      variables: ['lock'],
    });
    await expect(explore({ setup: () => ({}), threads: [() => new Queue<number>().size] })).rejects.toThrow(
      'uses: { Queue }',
    );
  });

  test('refuses what is no exploration', async () => {
    const setup = () => ({});
    await expect(explore({ setup, threads: [] })).rejects.toThrow(RangeError);
    await expect(explore({ setup, threads: [1 as never] })).rejects.toThrow(TypeError);
    await expect(explore({ setup: 1 as never, threads: [() => 1] })).rejects.toThrow(TypeError);
    await expect(explore({ setup, threads: [() => 1], deaths: -1 })).rejects.toThrow(RangeError);
    await expect(explore({ setup, threads: [() => 1], daemons: ['x'] })).rejects.toThrow(RangeError);
  });

  test('lets servers wait at the end, and says so to check', async () => {
    const report = await explore({
      setup: () => ({ requests: new Queue<number>(), answers: new Queue<number>(), got: [] as number[] }),
      threads: {
        server: async ({ requests, answers }) => {
          for await (const request of requests) await answers.put(request * 2);
        },
        client: ({ requests, answers, got }) => {
          requests.putSync(21);
          got.push(answers.getSync());
        },
      },
      daemons: ['server'],
      preemptions: Infinity,
      check: ({ got }, { waiting, dead }) => {
        expect(got).toEqual([42]);
        expect(waiting).toEqual(['server']);
        expect(dead).toEqual([]);
      },
    });
    expect(report.exhausted).toBe(true);
  });

  test('explores the functions and classes that are given by name', async () => {
    class Account {
      readonly #sum = new Int32Array(1);
      readonly #lock = new Semaphore(1);
      get sum(): number {
        return this.#sum[0]!;
      }
      deposit(amount: number): void {
        this.#lock.runSync(() => this.#add(amount));
      }
      async withdraw(amount: number): Promise<void> {
        await this.#change(-amount);
      }
      #add(amount: number): void {
        this.#sum[0]! += amount;
      }
      async #change(amount: number): Promise<void> {
        // Without the lock.
        this.#add(amount);
      }
    }
    const pay = async (from: Account, to: Account): Promise<void> => {
      await from.withdraw(5);
      to.deposit(5);
    };
    const model = {
      uses: { Account, Semaphore, pay },
      setup: (uses: { Account: typeof Account }) => ({ a: new uses.Account(), b: new uses.Account() }),
      threads: {
        there: ({ a, b }: { a: Account; b: Account }) => pay(a, b),
        back: ({ a, b }: { a: Account; b: Account }) => pay(b, a),
      },
      check: ({ a, b }: { a: Account; b: Account }) => {
        if (a.sum + b.sum !== 0) throw new Error('money is lost');
      },
    };
    const error = await failure(model);
    expect(error.message).toContain('money is lost');
    expect(error.message).toMatch(/there +this\.#sum\[0\] \+= amount ← -5 +Account:\d/);
  });

  test('takes any names, those of heddle too, and refuses what is none', async () => {
    const { exhausted } = await explore({
      uses: { all, sleep },
      setup: () => ({ got: [] as unknown[] }),
      threads: [async ({ got }) => got.push(await all([async () => 1, () => sleep(5)]))],
      check: ({ got }) => expect(got).toEqual([[1, undefined]]),
    });
    expect(exhausted).toBe(true);
    for (const name of ['a-b', 'default', 'x, y', ''])
      await expect(explore({ uses: { [name]: 1 }, setup: () => ({}), threads: [() => 1] })).rejects.toThrow(
        TypeError,
      );
  });

  test('takes the values of capture(), and imports inside a function from where it stands', async () => {
    const report = await explore({
      setup: () => ({ got: [] as unknown[] }),
      threads: [
        capture({ by: 2 }, ({ by }, { got }: { got: unknown[] }) => got.push(by)),
        async ({ got }: { got: unknown[] }) => {
          const { tmpdir } = await import('node:os');
          got.push(typeof tmpdir());
        },
      ],
      check: ({ got }) => expect(got).toEqual([2, 'string']),
    });
    expect(report.exhausted).toBe(true);
  });

  test('runs what tools that measure coverage make of a function', async () => {
    // biome-ignore lint/security/noGlobalEval: as istanbul writes it
    const indirect = globalThis.eval;
    const counted = indirect(
      '({ count }) => { cov_2abc1def45().f[0]++; cov_2abc1def45().s[1]++; count[0]++; cov_2abc1def45().b[0][1]++; return cov_2abc1def45(), count[0] }',
    ) as (state: { count: Int32Array }) => number;
    const report = await explore({
      setup: () => ({ count: new Int32Array(1) }),
      threads: [counted],
    });
    expect(report).toEqual({ schedules: 1, steps: 3, exhausted: true });
  });

  const shared = () => ({
    lock: new Lock(),
    flag: new Int32Array(1),
    queue: new Queue<number>(),
    toThreadSync,
    defaultPool,
  });
  type Shared = ReturnType<typeof shared>;
  const UNKNOWN: Record<string, (state: Shared) => unknown> = {
    'it waits in code that cannot be suspended': ({ lock }) => [2, 1].toSorted(() => lock.acquireSync() && 1),
    'use an Event or a Condition': ({ flag }) => Atomics.wait(flag, 0, 0),
    'use sleep()': () => setTimeout(() => {}, 1),
    'write one with getSync()': ({ queue }) => [...queue.valuesSync()],
    'call the function itself': ({ toThreadSync }) => toThreadSync(() => 1),
    'starts no work in other threads': async ({ defaultPool }) => void (await defaultPool().submit(() => 1)),
    'fn returned a promise': ({ lock }) => lock.runSync(async () => {}),
  };
  test.each(Object.entries(UNKNOWN))('says what it cannot explore: %s', async (message, thread) => {
    expect((await failure({ setup: shared, threads: [thread] })).message).toContain(message);
  });

  test('makes steps of settings that all threads see', async () => {
    const seen = new Set<number>();
    const { steps, schedules } = await explore({
      setup: () => ({ limiter: new CapacityLimiter(1), plain: { total: 1 }, seen }),
      threads: [
        ({ limiter, plain }) => {
          limiter.total = 2;
          limiter.total += 1;
          plain.total++;
        },
        ({ limiter, seen }) => seen.add(limiter.total),
      ],
      preemptions: Infinity,
    });
    expect([steps / schedules, ...[...seen].sort()]).toEqual([4, 1, 2, 3]);
  });

  test('makes steps of what stands in callbacks of arrays, and lets other built-ins call at once', async () => {
    const { steps } = await explore({
      setup: () => ({ table: new Int32Array(3) }),
      threads: [
        ({ table }) => {
          [0, 1, 2].forEach((at) => {
            table[at] = 1;
          });
          Array.from({ length: 3 }, (_, at) => table[at]);
        },
      ],
    });
    expect(steps).toBe(3);
  });

  test('takes no rejection for unhandled that a thread handles before it returns to its loop', async () => {
    const unhandled: unknown[] = [];
    const note = (error: unknown): void => void unhandled.push(error);
    process.on('unhandledRejection', note);
    await explore({
      setup: () => ({ queue: new Queue<number>(), table: new Int32Array(1) }),
      threads: [
        async ({ queue, table }) => {
          const fail = async () => {
            table[0]!++;
            throw new Error('no');
          };
          const both = [fail(), fail(), queue.get({ timeout: 0 })];
          table[0]!++;
          await Promise.allSettled(both);
        },
        ({ table }) => table[0]!++,
      ],
      preemptions: 1,
    });
    await explore({
      setup: () => ({ lock: new Lock(), table: new Int32Array(1) }),
      threads: [
        async ({ lock, table }) => {
          const guard = await lock.acquire();
          const late = lock.acquire();
          const failed = (async () => {
            throw new Error('no');
          })();
          table[0]!++;
          await failed.catch(() => {});
          guard.release();
          (await late).release();
        },
      ],
      deaths: 1,
    });
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
  });

  test('ends with the task that explores, between two schedules', async () => {
    const outcome = TaskGroup.run(async (group) => {
      let schedules = 0;
      await explore({
        setup: () => {
          if (++schedules === 3) group.cancel();
          return { table: new Int32Array(1) };
        },
        threads: [1, 2, 3].map(
          () =>
            ({ table }: { table: Int32Array }) =>
              table[0]!++,
        ),
      });
    });
    expect(await outcome).toBeUndefined();
  });

  test('is one at a time', async () => {
    const one = explore({ setup: () => ({}), threads: [() => 1] });
    await expect(explore({ setup: () => ({}), threads: [() => 1] })).rejects.toThrow('another exploration');
    await one;
  });

  test('leaves the clock and the reports of the program as they were', async () => {
    await explore({ setup: () => ({}), threads: [() => 1] });
    VirtualClock.install()[Symbol.dispose]();
    using _clock = VirtualClock.install();
    await expect(explore({ setup: () => ({}), threads: [() => 1] })).rejects.toThrow(
      'there is one already; dispose of it first',
    );
  });
});
