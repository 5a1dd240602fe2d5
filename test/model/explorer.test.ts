import { expect, onTestFinished, test, vi } from 'vitest';
import {
  call,
  choose,
  describeReport,
  type Exploration,
  ExplorationError,
  explore,
  type Memory,
  ModelSignal,
  type Report,
  type Steps,
  spawn,
  step,
  until,
  wait,
} from './explorer.ts';

interface MutexModule extends Record<string, object> {
  readonly mutex: typeof import('./fixtures/mutex.ts');
}
interface Locked {
  readonly word: Int32Array;
  readonly lock: { acquire(): void; release(): void; acquireWithin(timeout: number): boolean };
  inside: number;
}
const MUTEX = 'test/model/fixtures/mutex.ts';
const FORGETS_CONTENTION = {
  file: MUTEX,
  find: `      // Others may still be parked: whoever was parked itself must lock as contended.
      seen = Atomics.compareExchange(this.#word, 0, UNLOCKED, CONTENDED);`,
  replace: '      seen = Atomics.compareExchange(this.#word, 0, UNLOCKED, LOCKED);',
} as const;

function mutexModel(
  name: string,
  threads: number,
  options: Partial<Exploration<Locked, MutexModule>> = {},
): Exploration<Locked, MutexModule> {
  return {
    name,
    modules: { mutex: MUTEX },
    world: (memory: Memory, { mutex }: MutexModule) => {
      const word = memory.int32(1);
      return { word, lock: new mutex.Mutex(word), inside: 0 };
    },
    threads: (world) => {
      const bodies: Record<string, () => Steps> = {};
      for (const id of 'abcd'.slice(0, threads)) bodies[id] = () => enterOnce(world);
      return bodies;
    },
    invariant: oneInside,
    ...options,
  };
}

function* enterOnce(world: Locked): Steps {
  yield* call(world.lock.acquire());
  yield* visit(world);
  yield* call(world.lock.release());
}

/** The critical section: another thread may move in it. */
function* visit(world: { inside: number }): Steps {
  world.inside++;
  yield* step();
  world.inside--;
}

function oneInside({ inside }: { inside: number }): void {
  if (inside > 1) throw new Error(`${inside} threads are inside`);
}

/** The failure that the model leads to. */
async function failureOf(exploration: Promise<Report>): Promise<ExplorationError> {
  const error = await exploration.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ExplorationError);
  return error as ExplorationError;
}

test('explore() runs every schedule of a mutex with two threads', async () => {
  const report = await explore(mutexModel('mutex, two threads', 2));
  expect(report).toMatchObject({ exhausted: true, failure: undefined, schedules: 50 });
  expect(describeReport(report)).toContain('mutex, two threads: 50 schedules, exhausted, ');
});

test('explore() runs every schedule with three threads up to a preemption bound', async () => {
  const counts: number[] = [];
  for (const preemptionBound of [0, 1, 2, 3]) {
    const report = await explore(mutexModel('mutex, three threads', 3, { preemptionBound }));
    expect(report.exhausted).toBe(true);
    counts.push(report.schedules);
  }
  expect(counts[0]).toBe(6);
  expect(counts).toEqual([...counts].sort((a, b) => a - b));
  expect(counts[3]).toBeGreaterThan(1_000);
});

test('explore() runs each interleaving exactly once, and a death before each operation', async () => {
  const steps = (counts: readonly number[]) => (): Record<string, () => Steps> =>
    Object.fromEntries(
      counts.map((count, at) => [
        `t${at}`,
        function* () {
          for (let i = 0; i < count; i++) yield* step();
        },
      ]),
    );
  const countOf = async (counts: readonly number[], deaths = 0): Promise<number> =>
    (await explore({ name: `${counts} steps`, world: () => ({}), threads: steps(counts), deaths })).schedules;
  expect(await countOf([3, 3])).toBe(20);
  expect(await countOf([2, 2, 2])).toBe(90);
  expect(await countOf([4, 1])).toBe(5);
  expect(await countOf([3], 1)).toBe(4);
});

test('explore() tells a sample and an exploration cut short from an exhausted one', async () => {
  const cut = await explore(mutexModel('mutex, cut short', 3, { maxSchedules: 100 }));
  expect(cut).toMatchObject({ schedules: 100, exhausted: false });
  const sample = await explore(mutexModel('mutex, sampled', 3, { sample: { schedules: 200, seed: 7 } }));
  expect(sample).toMatchObject({ schedules: 200, exhausted: false, seed: 7 });
});

test('explore() finds the wake-up lost by a mutex that locks again as uncontended', async () => {
  const report = await explore(
    mutexModel('forgets contention', 3, {
      preemptionBound: 2,
      mutate: { ...FORGETS_CONTENTION, expectFailure: true },
    }),
  );
  expect(report.failure?.message).toMatch(
    /Deadlock: . is blocked in wait word\[0\] 2 at test\/model\/fixtures\/mutex\.ts:\d+/,
  );
});

test('explore() finds the wake-up lost by a mutex that does not notify', async () => {
  const mutate = {
    file: MUTEX,
    find: 'Atomics.notify(this.#word, 0, 1);',
    replace: '',
    expectFailure: true,
  } as const;
  const report = await explore(mutexModel('never notifies', 2, { mutate }));
  expect(report.failure?.message).toContain('Deadlock: ');
});

test('explore() finds two threads inside when the invariant is broken', async () => {
  const mutate = {
    file: MUTEX,
    find: 'if (before !== UNLOCKED) this.#acquireSlow(before);',
    replace: 'if (before === CONTENDED) this.#acquireSlow(before);',
    expectFailure: true,
  } as const;
  const report = await explore(mutexModel('enters locked', 2, { mutate }));
  expect(report.failure?.message).toContain('2 threads are inside');
});

test('explore() rejects when a mutant survives, or its text does not occur exactly once', async () => {
  const harmless = {
    file: MUTEX,
    find: 'const LOCKED = 1;',
    replace: 'const LOCKED = 3;',
    expectFailure: true,
  } as const;
  await expect(explore(mutexModel('harmless', 2, { mutate: harmless }))).rejects.toThrow(
    /^The mutant survived: /,
  );
  const twice = { ...harmless, find: 'UNLOCKED, LOCKED' };
  await expect(explore(mutexModel('twice', 2, { mutate: twice }))).rejects.toThrow(/it must occur once$/);
});

test('a replay string runs the failed schedule again and prints its steps with file and line', async () => {
  const print = vi.spyOn(console, 'log').mockImplementation(() => {});
  onTestFinished(() => void print.mockRestore());
  vi.stubEnv('HEDDLE_EXPLORER', '');
  onTestFinished(() => void vi.unstubAllEnvs());
  const model = mutexModel('replayed', 3, {
    preemptionBound: 2,
    mutate: { ...FORGETS_CONTENTION, expectFailure: true },
  });
  const { failure } = await explore(model);
  const { replay, trace } = failure!;
  expect(replay).toMatch(/^[0-9a-z]+$/);
  const again = await explore({ ...model, replay });
  expect(again.schedules).toBe(1);
  expect(again.failure?.trace).toEqual(trace);
  expect(print.mock.lastCall?.[0]).toMatch(
    /1 {2}a {8}compareExchange word\[0\] 0, 1 = 0 +test\/model\/fixtures\/mutex\.ts:17\n/,
  );

  vi.stubEnv('HEDDLE_REPLAY', `replayed=${replay}`);
  expect((await explore(model)).failure?.trace).toEqual(trace);
});

test('a failure of a sample is replayed like any other', async () => {
  const model = mutexModel('sampled mutant', 3, { mutate: { ...FORGETS_CONTENTION, expectFailure: true } });
  const { failure, seed } = await explore({ ...model, sample: { schedules: 20_000, seed: 3 } });
  expect(seed).toBe(3);
  expect(failure?.message).toContain('(seed 3)');
  const print = vi.spyOn(console, 'log').mockImplementation(() => {});
  onTestFinished(() => void print.mockRestore());
  expect((await explore({ ...model, replay: failure!.replay })).failure?.trace).toEqual(failure!.trace);
});

test('a sample takes faults, though rarely', async () => {
  const died = new Set<string>();
  let undisturbed = 0;
  await explore({
    name: 'sampled deaths',
    world: () => ({}),
    threads: () => ({
      *a() {
        for (let i = 0; i < 4; i++) yield* step();
      },
      *b() {
        for (let i = 0; i < 4; i++) yield* step();
      },
    }),
    check: (_world, { dead }) => {
      for (const name of dead) died.add(name);
      if (dead.length === 0) undisturbed++;
    },
    deaths: 1,
    sample: { schedules: 500, seed: 1 },
  });
  expect([...died].sort()).toEqual(['a', 'b']);
  expect(undisturbed).toBeGreaterThan(100);
});

test('the death of an owner leaves a deadlock, which is reported', async () => {
  const error = await failureOf(explore(mutexModel('owner dies', 2, { deaths: 1 })));
  expect(error.message).toContain('Deadlock: ');
  expect(error.trace.some((line) => line.endsWith(' dies'))).toBe(true);
});

const ROBUST = 'test/model/fixtures/robust-mutex.ts';

function robustModel(
  name: string,
  options: { mutate?: { file: string; find: string; replace: string; expectFailure: true } } = {},
): Promise<Report> {
  return explore({
    name,
    modules: { robust: ROBUST },
    world: (memory: Memory, { robust }: { robust: typeof import('./fixtures/robust-mutex.ts') }) => {
      const word = memory.int32(1);
      return { word, lock: new robust.RobustMutex(word), inside: 0 };
    },
    threads: (world, control) => {
      function* enter(id: number): Steps {
        yield* call(world.lock.acquire(id));
        yield* visit(world);
        yield* call(world.lock.release());
      }
      function* supervise(): Steps {
        yield* until(() => control.isDead('a'));
        world.inside = 0;
        yield* call(world.lock.recover(1));
      }
      return { a: () => enter(1), b: () => enter(2), c: () => enter(3), supervisor: supervise };
    },
    check: ({ word }, { dead }) => {
      if (dead.length === 0) expect(word[0]).toBe(0);
    },
    deaths: 1,
    mortal: ['a'],
    daemons: ['supervisor'],
    preemptionBound: 1,
    ...options,
  });
}

test('a mutex that knows its owner survives a death at every step', async () => {
  const report = await robustModel('robust mutex');
  expect(report.exhausted).toBe(true);
  expect(report.schedules).toBeGreaterThan(1_000);
});

test('a dead thread that was woken, and swallowed the wake-up, is explored', async () => {
  const mutate = {
    file: ROBUST,
    find: `    Atomics.notify(this.#word, 0);
  }`,
    replace: '    if ((seen & OWNER) === id) Atomics.notify(this.#word, 0);\n  }',
    expectFailure: true,
  } as const;
  const { failure } = await robustModel('forgets the swallowed wake-up', { mutate });
  expect(failure?.message).toContain('Deadlock: ');
});

const CELL = 'test/model/fixtures/cell.ts';

function cellModel(mutate?: {
  file: string;
  find: string;
  replace: string;
  expectFailure: true;
}): Promise<Report> {
  return explore({
    name: 'cell with a time-out',
    modules: { cell: CELL },
    world: (memory: Memory, { cell }: { cell: typeof import('./fixtures/cell.ts') }) => {
      return {
        cell: new cell.Cell(memory.int32(1)),
        given: false,
        taken: false,
        timedOut: new Set<boolean>(),
      };
    },
    threads: (world) => ({
      *waiter() {
        world.taken = yield* call(world.cell.wait(10));
      },
      *setter() {
        world.given = yield* call(world.cell.set());
      },
    }),
    check: ({ given, taken }) => expect(taken).toBe(given),
    timeouts: 1,
    ...(mutate && { mutate }),
  });
}

test('a time-out races with the wake-up, and the cell has one winner', async () => {
  expect((await cellModel()).exhausted).toBe(true);
  const { failure } = await cellModel({
    file: CELL,
    find: 'Atomics.wait(this.#word, 0, UNSET, timeout);',
    replace: "if (Atomics.wait(this.#word, 0, UNSET, timeout) === 'timed-out') return false;",
    expectFailure: true,
  });
  expect(failure?.message).toContain('waiter   times out');
});

test('a thread that waits with a limit is no deadlock: time passes when nothing else can happen', async () => {
  const outcomes = new Set<boolean>();
  const model = mutexModel('timed alone', 1, {
    threads: (world) => ({
      *a() {
        yield* call(world.lock.acquire());
        outcomes.add(yield* call(world.lock.acquireWithin(5)));
      },
    }),
  });
  expect((await explore(model)).exhausted).toBe(true);
  expect(outcomes).toEqual(new Set([false]));
});

test('a spurious wake-up is survived by a mutex that looks again, and found where it does not', async () => {
  expect((await explore(mutexModel('spurious', 2, { spuriousWakes: 1 }))).exhausted).toBe(true);
  const mutate = {
    file: MUTEX,
    find: FORGETS_CONTENTION.find,
    replace: '      seen = UNLOCKED;',
    expectFailure: true,
  } as const;
  const { failure } = await explore(mutexModel('trusts a wake-up', 2, { spuriousWakes: 1, mutate }));
  expect(failure?.message).toContain('2 threads are inside');
});

const GATE = 'test/model/fixtures/gate.ts';

function gateModel(mutate?: {
  file: string;
  find: string;
  replace: string;
  expectFailure: true;
}): Promise<Report> {
  return explore({
    name: 'gate',
    modules: { gate: GATE },
    world: (memory: Memory, { gate }: { gate: typeof import('./fixtures/gate.ts') }) => {
      const word = memory.int32(1);
      return { word, gate: new gate.Gate(word), others: 0 };
    },
    threads: (world) => ({
      *loop() {
        yield* spawn(others());
        yield* wait(world.gate.passed());
        function* others(): Steps {
          yield* step();
          world.others++;
        }
      },
      *opener() {
        yield* call(world.gate.open());
      },
    }),
    check: ({ gate, others }) => {
      expect(gate.isOpen).toBe(true);
      expect(others).toBe(1);
    },
    ...(mutate && { mutate }),
  });
}

test('an async waiter is woken in a step of its loop, and a missed wake-up is found', async () => {
  expect((await gateModel()).exhausted).toBe(true);
  const { failure } = await gateModel({
    file: GATE,
    find: 'waitAsync(this.#word, 0, CLOSED);',
    replace: 'waitAsync(this.#word, 0, Atomics.load(this.#word, 0));',
    expectFailure: true,
  });
  expect(failure?.message).toContain('Deadlock: loop awaits a promise that nobody settles');
});

const ASYNC = 'test/model/fixtures/mutex-async.ts';

function asyncMutexModel(mutate?: {
  file: string;
  find: string;
  replace: string;
  expectFailure: true;
}): Promise<Report> {
  return explore({
    name: 'async mutex with cancellation',
    modules: { mutex: ASYNC },
    world: (memory: Memory, { mutex }: { mutex: typeof import('./fixtures/mutex-async.ts') }) => {
      const word = memory.int32(1);
      return { word, lock: new mutex.AsyncMutex(word), inside: 0 };
    },
    threads: (world) => {
      function* enter(): Steps {
        const signal = new ModelSignal() as unknown as AbortSignal;
        if (!(yield* wait(world.lock.acquire(signal)))) return;
        yield* visit(world);
        yield* call(world.lock.release());
      }
      return { a: enter, b: enter, c: enter };
    },
    invariant: oneInside,
    cancellations: 1,
    preemptionBound: 1,
    ...(mutate && { mutate }),
  });
}

test('an async waiter may be cancelled at any time, and the wake-up it no longer wants is passed on', async () => {
  const report = await asyncMutexModel();
  expect(report.exhausted).toBe(true);
  const { failure } = await asyncMutexModel({
    file: ASYNC,
    find: 'this.#abandon(waiting.value);',
    replace: '',
    expectFailure: true,
  });
  expect(failure?.message).toContain('is cancelled');
});

test('a loop that spins with pause lets the others go first, and is no livelock', async () => {
  const report = await explore({
    name: 'spin lock',
    modules: { spin: 'test/model/fixtures/spin-lock.ts' },
    world: (memory: Memory, { spin }: { spin: typeof import('./fixtures/spin-lock.ts') }) => {
      const word = memory.int32(1);
      return { word, lock: new spin.SpinLock(word), inside: 0 };
    },
    threads: (world) => {
      function* enter(): Steps {
        yield* call(world.lock.acquire());
        yield* visit(world);
        yield* call(world.lock.release());
      }
      return { a: enter, b: enter, c: enter };
    },
    invariant: oneInside,
  });
  expect(report.exhausted).toBe(true);
});

test('a schedule without an end is reported as a livelock', async () => {
  const model = mutexModel('livelock', 2, {
    maxSteps: 50,
    threads: () => ({
      *a() {
        for (;;) yield* step();
      },
    }),
  });
  expect((await failureOf(explore(model))).message).toContain('Livelock: ');
});

test('what a thread throws fails the schedule, and choose() takes every branch', async () => {
  const taken = new Set<number>();
  const model = mutexModel('choices', 1, {
    threads: () => ({
      *a() {
        taken.add(yield* choose(3));
      },
    }),
  });
  expect((await explore(model)).schedules).toBe(3);
  expect([...taken]).toEqual([0, 1, 2]);
  const throwing = mutexModel('throws', 1, {
    threads: () => ({
      *a() {
        if ((yield* choose(3)) === 2) throw new RangeError('third');
      },
    }),
  });
  const error = await failureOf(explore(throwing));
  expect(error.message).toContain('RangeError: third');
  expect(error.replay).toBe('2');
});
