import { expect, onTestFinished, test, vi } from 'vitest';
import { call, choose, describeReport, explore, type Memory, type Steps, step } from './explorer.ts';
import {
  FORGETS_CONTENTION,
  failureOf,
  MUTEX,
  mutexModel,
  oneInside,
  visit,
} from './fixtures/mutex-model.ts';

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
