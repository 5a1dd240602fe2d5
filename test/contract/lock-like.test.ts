/**
 * The contract of lock-likes, for each of them: over the forms, over where the holder and the waiter are, and over
 * mixtures of waiters in one line.
 */
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  DeadlockError,
  type Guard,
  OwnerDiedError,
  outside,
  TaskGroup,
  ThreadPoolExecutor,
} from '../../src/index.ts';
import { IMPLEMENTATIONS } from './lock-like.ts';
import { type Form, jobs } from './lock-like-jobs.ts';
import { type Actor, BLOCKED, HERE, HOLDERS, type Kind, LOOP, Stage, show, WAITERS } from './stage.ts';
import { Tally } from './tally.ts';

const tally = new Tally();
const pool = new ThreadPoolExecutor({ threads: 4 });
const TRIPLES = WAITERS.flatMap((a) => WAITERS.flatMap((b) => WAITERS.map((c) => [a, b, c] as const)));
const ENDS = ['exit', 'throw', 'terminate'] as const;

afterAll(async () => {
  await pool.shutdown({ cancelPending: true, cancelRunning: true });
  console.log(`Contract of lock-likes\n${tally}`);
});

describe.each(IMPLEMENTATIONS.map((one) => [one.name, one] as const))('%s', (name, implementation) => {
  let stage: Stage;
  beforeEach(() => {
    stage = new Stage(implementation, pool);
  });
  afterEach(() => stage.object[Symbol.dispose]());

  /** One test for each combination, counted under its guarantee. */
  function each<C extends readonly Kind[]>(
    guarantee: string,
    combinations: readonly C[],
    body: (...kinds: Mutable<C>) => Promise<void>,
  ): void {
    describe(guarantee, () => {
      for (const kinds of combinations)
        test(kinds.map(show).join(', '), async () => {
          await body(...([...kinds] as Mutable<C>));
          tally.add(guarantee, name);
        });
    });
  }

  each(
    'whoever finds it free gets it, and others do when it was released',
    HOLDERS.map((kind) => [kind] as const),
    async (kind) => {
      for (const turn of [1, 2]) {
        const holder = stage.enter(kind);
        expect(await holder.got()).toBe(turn);
        holder.goOn();
        expect(await holder.outcome).toBe('got');
      }
    },
  );

  each(
    'while one has it, nobody else can have it',
    HOLDERS.map((kind) => [kind] as const),
    async (kind) => {
      const holder = stage.enter(kind);
      await holder.got();
      const again = implementation.reentrant && kind.where === 'this loop';
      expect(await stage.canBeHad('this loop')).toBe(again);
      expect(await stage.canBeHad('another thread')).toBe(false);
      holder.goOn();
      await holder.outcome;
      expect(await stage.canBeHad('this loop')).toBe(true);
      expect(await stage.canBeHad('another thread')).toBe(true);
    },
  );

  each(
    'a waiter gets it when the holder releases it, and not before',
    HOLDERS.flatMap((holder) => WAITERS.map((waiter) => [holder, waiter] as const)),
    async (first, second) => {
      const holder = stage.enter(first);
      await holder.got();
      const waiter = stage.enter(second);
      await stage.untilWaiting(1);
      expect(waiter.hasIt()).toBe(false);
      holder.goOn();
      expect(await waiter.got()).toBe(2);
      waiter.goOn();
      expect(await Promise.all([holder.outcome, waiter.outcome])).toEqual(['got', 'got']);
    },
  );

  each(
    'this thread may block for what another thread holds',
    [[LOOP], [BLOCKED]] as const,
    async ({ form }) => {
      const holder = await stage.holdUntilWaited(form);
      const guard = stage.lock.acquireSync();
      expect(await stage.canBeHad('another thread')).toBe(false);
      guard.release();
      expect(await holder.ended).toBeUndefined();
    },
  );

  each('waiters are served first come, first served', TRIPLES, async (...kinds) => {
    const guard = stage.lock.acquireSync();
    const waiters = [];
    for (const [index, kind] of kinds.entries()) {
      const waiter = stage.enter(kind);
      waiter.goOn();
      waiters.push(waiter);
      await stage.untilWaiting(index + 1);
    }
    guard.release();
    expect(await Promise.all(waiters.map(({ got }) => got()))).toEqual([1, 2, 3]);
    await Promise.all(waiters.map(({ outcome }) => outcome));
  });

  each(
    'a newcomer cannot overtake a waiter',
    WAITERS.map((waiter) => [waiter] as const),
    async (kind) => {
      const guard = stage.lock.acquireSync();
      const waiter = stage.enter(kind);
      await stage.untilWaiting(1);
      guard.release();
      expect(stage.lock.tryAcquire()).toBeUndefined();
      expect(await waiter.got()).toBe(1);
      waiter.goOn();
      await waiter.outcome;
    },
  );

  each(
    'a wait that times out leaves no trace: the next in line is served',
    WAITERS.flatMap((first) => WAITERS.map((second) => [first, second] as const)),
    async (first, second) => {
      const guard = stage.lock.acquireSync();
      const brief = stage.enter(first, { timeout: 60 });
      await stage.untilWaiting(1, brief.outcome);
      const patient = stage.enter(second);
      expect(await brief.outcome).toBe('ERR_HEDDLE_TIMEOUT');
      await stage.untilWaiting(1);
      guard.release();
      expect(await patient.got()).toBe(1);
      patient.goOn();
      await patient.outcome;
    },
  );

  each(
    'a wait that was cancelled leaves no trace: the next in line is served',
    WAITERS.flatMap((first) => WAITERS.map((second) => [first, second] as const)),
    async (first, second) => {
      const guard = stage.lock.acquireSync();
      const { group, ended } = cancellable(() => stage.enter(first).outcome);
      await stage.untilWaiting(1);
      const patient = stage.enter(second);
      await stage.untilWaiting(2);
      (await group).cancel();
      await ended;
      await stage.untilWaiting(1);
      guard.release();
      expect(await patient.got()).toBe(1);
      patient.goOn();
      await patient.outcome;
    },
  );

  each(
    'a time-out of 0 fails unless it can be had at once',
    [HERE, LOOP, BLOCKED].map((kind) => [kind] as const),
    async (kind) => {
      const guard = stage.lock.acquireSync();
      expect(await stage.enter(kind, { timeout: 0 }).outcome).toBe('ERR_HEDDLE_TIMEOUT');
      guard.release();
      const served = stage.enter(kind, { timeout: 0 });
      served.goOn();
      expect(await served.outcome).toBe('got');
    },
  );

  describe('death of the owner', () => {
    const tells = implementation.afterDeath === 'error';
    const outcomeAfterDeath = tells ? 'ERR_HEDDLE_OWNER_DIED' : 'got';
    const guarantee = tells
      ? 'a waiter learns that the owner died, and mends; then all is well'
      : 'a waiter gets what a dead owner had; then all is well';
    for (const end of ENDS)
      for (const form of ['async', 'sync'] as const)
        for (const kind of WAITERS)
          test(`${guarantee}: ${form} holder, ${end}, ${show(kind)}`, async () => {
            const holder = stage.enterToDie(form, end);
            await holder.got();
            const waiter = stage.enter(kind);
            await stage.untilWaiting(1);
            holder.goOn();
            await holder.outcome;
            waiter.goOn();
            expect(await waiter.outcome).toBe(outcomeAfterDeath);
            await stage.lock.run(() => {});
            expect(await stage.canBeHad('another thread')).toBe(true);
            tally.add(guarantee, name);
          });

    const next = tells
      ? 'who comes after a death without waiters learns of it, once'
      : 'who comes after a death without waiters gets what the dead owner had';
    for (const end of ENDS)
      for (const form of ['async', 'sync', 'try'] as const)
        test(`${next}: ${end}, ${form}`, async () => {
          const holder = stage.enterToDie('sync', end);
          await holder.got();
          holder.goOn();
          await holder.outcome;
          const { lock } = stage;
          const acquire: Record<Form, () => Promise<Guard>> = {
            async: () => lock.acquire(),
            sync: async () => lock.acquireSync(),
            try: async () => lock.tryAcquire()!,
          };
          const { guard, outcome } = await acquire[form]().then(gotten, fromError);
          expect(outcome).toBe(outcomeAfterDeath);
          expect(await stage.canBeHad('another thread')).toBe(false);
          guard.release();
          expect(await stage.canBeHad('another thread')).toBe(true);
          tally.add(next, name);
        });

    const blocked = tells
      ? 'a thread that blocks learns of the death of the owner while it is blocked'
      : 'a thread that blocks gets what the owner had that dies while it is blocked';
    for (const end of ['exit', 'throw'] as const)
      for (const form of ['async', 'sync'] as const)
        test(`${blocked}: ${form} holder, ${end}`, async () => {
          const holder = await stage.holdUntilWaited(form, end);
          const { guard, outcome } = gottenSync(() => stage.lock.acquireSync());
          expect(outcome).toBe(outcomeAfterDeath);
          guard.release();
          await holder.ended;
          expect(await stage.canBeHad('another thread')).toBe(true);
          tally.add(blocked, name);
        });

    const reported = tells
      ? 'a task that ends with it is reported, once, and the first in line learns of it'
      : 'a task that ends with it is reported, once, and the first in line gets it';
    for (const form of ['async', 'sync', 'try'] as const)
      for (const kind of WAITERS)
        test(`${reported}: ${form} holder, ${show(kind)}`, async () => {
          const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
          try {
            let waiter: Actor | undefined;
            await TaskGroup.run((group) =>
              group.spawn(
                async () => {
                  await stage.take(form);
                  waiter = outside(() => stage.enter(kind));
                  await outside(() => stage.untilWaiting(1));
                },
                { name: 'careless' },
              ),
            );
            waiter!.goOn();
            expect(await waiter!.outcome).toBe(outcomeAfterDeath);
            expect(warned).toHaveBeenCalledTimes(1);
            expect(warned.mock.calls[0]![0]).toMatchObject({
              code: 'HEDDLE_ABANDONED_GUARD',
              message: expect.stringContaining('Task "careless" has ended while it held '),
            });
            expect(await stage.canBeHad('another thread')).toBe(true);
            tally.add(reported, name);
          } finally {
            warned.mockRestore();
          }
        });
  });

  if (!implementation.reentrant)
    each(
      'a thread that would block for what it has itself is told, whatever the time-out, and nothing has changed',
      (['async', 'sync', 'try'] as const).map((form) => [{ where: 'this loop', form } as Kind] as const),
      async ({ form }) => {
        const guard = (await stage.take(form))!;
        for (const options of [{}, { timeout: 5 }, { timeout: Infinity }])
          expect(() => stage.lock.acquireSync(options)).toThrow(DeadlockError);
        expect(stage.lock.statistics().waiting).toBe(0);
        guard.release();
        expect(await stage.canBeHad('this loop')).toBe(true);
      },
    );

  each(
    'a thread that would block behind a task of its own loop is told, and nothing has changed',
    [[LOOP], [BLOCKED]] as const,
    async (kind) => {
      const holder = stage.enter(kind);
      await holder.got();
      const before = stage.lock.acquire();
      expect(() => stage.lock.acquireSync()).toThrow(DeadlockError);
      expect(stage.lock.statistics().waiting).toBe(1);
      holder.goOn();
      (await before).release();
      expect(await holder.outcome).toBe('got');
    },
  );

  describe('exclusion', () => {
    const guarantee = 'no increment is lost between forms and threads';
    const mixtures = [
      ['async', 'async', 'async'],
      ['sync', 'sync', 'sync'],
      ['async', 'sync', 'async'],
      ['sync', 'async', 'sync'],
      ['sync', 'async', 'try'],
    ] as const;
    for (const mixture of mixtures)
      test(`${guarantee}: ${mixture.join(', ')}, and this loop`, async () => {
        const rounds = 200;
        const others = mixture.map((form) => pool.submit(jobs.count, stage.part(form), rounds));
        await jobs.count(stage.part('async'), rounds);
        await Promise.all(others);
        expect(stage.words[0]).toBe(4 * rounds);
        tally.add(guarantee, name);
      });
  });
});

/** As a list of parameters. */
type Mutable<C extends readonly Kind[]> = { -readonly [K in keyof C]: C[K] };

/** A group whose one task does `fn`, to be cancelled from outside. */
function cancellable(fn: () => Promise<unknown>): { group: Promise<TaskGroup>; ended: Promise<unknown> } {
  let tell: (group: TaskGroup) => void;
  const group = new Promise<TaskGroup>((resolve) => {
    tell = resolve;
  });
  const ended = TaskGroup.run((made) => {
    tell(made);
    made.spawn(fn);
  });
  return { group, ended };
}

/** What somebody gets after a death: the guard, as an error or not. */
interface Gotten {
  readonly guard: Guard;
  /** `'got'`, or the code of the error. */
  readonly outcome: string;
}

function gotten(guard: Guard): Gotten {
  return { guard, outcome: 'got' };
}

function fromError(error: unknown): Gotten {
  if (error instanceof OwnerDiedError) return { guard: error.guard!, outcome: error.code };
  throw error;
}

function gottenSync(acquire: () => Guard): Gotten {
  try {
    return gotten(acquire());
  } catch (error) {
    return fromError(error);
  }
}
