import { expect, test } from 'vitest';
import { call, explore, type Memory, type Report, type Steps, step, until } from './explorer.ts';
import { FORGETS_CONTENTION, failureOf, MUTEX, mutexModel, visit } from './fixtures/mutex-model.ts';

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
