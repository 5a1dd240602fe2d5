/**
 * The contract of lock-likes, for each of them: over the forms, over where the holder and the waiter are, and over
 * mixtures of waiters in one line.
 */
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { TaskGroup, ThreadPoolExecutor } from '../../src/index.ts';
import { IMPLEMENTATIONS } from './lock-like.ts';
import { codeOf, type Form, jobs } from './lock-like-jobs.ts';
import { BLOCKED, HERE, HOLDERS, type Kind, LOOP, Stage, show, WAITERS } from './stage.ts';
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
      const newcomer = stage.lock.tryAcquire();
      // It was handed to this thread, which may have it again.
      expect(newcomer !== undefined).toBe(implementation.reentrant && kind.where === 'this loop');
      newcomer?.release();
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
      const brief = stage.enter(first, 60);
      await stage.untilWaiting(1);
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
      expect(await stage.enter(kind, 0).outcome).toBe('ERR_HEDDLE_TIMEOUT');
      guard.release();
      const served = stage.enter(kind, 0);
      served.goOn();
      expect(await served.outcome).toBe('got');
    },
  );

  describe('death of the owner', () => {
    const guarantee = 'a waiter learns that the owner died, and mends; then all is well';
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
            expect(await waiter.outcome).toBe('ERR_HEDDLE_OWNER_DIED');
            await stage.lock.run(() => {});
            expect(await stage.canBeHad('another thread')).toBe(true);
            tally.add(guarantee, name);
          });

    const next = 'who comes after a death without waiters learns of it, once';
    for (const end of ENDS)
      for (const form of ['async', 'sync', 'try'] as const)
        test(`${next}: ${end}, ${form}`, async () => {
          const holder = stage.enterToDie('sync', end);
          await holder.got();
          holder.goOn();
          await holder.outcome;
          const { lock } = stage;
          const acquire: Record<Form, () => unknown> = {
            async: () => lock.acquire(),
            sync: () => lock.acquireSync(),
            try: () => lock.tryAcquire(),
          };
          const error = await Promise.resolve()
            .then(acquire[form])
            .catch((thrown: unknown) => thrown);
          expect(codeOf(error)).toBe('ERR_HEDDLE_OWNER_DIED');
          (error as { guard: Disposable }).guard[Symbol.dispose]();
          expect(await stage.canBeHad('another thread')).toBe(true);
          tally.add(next, name);
        });

    const blocked = 'a thread that blocks learns of the death of the owner while it is blocked';
    for (const end of ['exit', 'throw'] as const)
      for (const form of ['async', 'sync'] as const)
        test(`${blocked}: ${form} holder, ${end}`, async () => {
          const holder = await stage.holdUntilWaited(form, end);
          const error = thrownBy(() => stage.lock.acquireSync());
          expect(codeOf(error)).toBe('ERR_HEDDLE_OWNER_DIED');
          (error as { guard: Disposable }).guard[Symbol.dispose]();
          await holder.ended;
          expect(await stage.canBeHad('another thread')).toBe(true);
          tally.add(blocked, name);
        });
  });

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

function thrownBy(fn: () => unknown): unknown {
  try {
    fn();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}
