/**
 * The contract of what is held in amounts, for each of them: how many have it at a time, in which order different amounts
 * are served, and that none is lost or doubled, over the forms and over where holders and waiters are.
 */
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { outside, TaskGroup, ThreadPoolExecutor } from '../../src/index.ts';
import { PERMITS } from './lock-like.ts';
import { jobs } from './lock-like-jobs.ts';
import { type Actor, HOLDERS, type Kind, Stage, show, WAITERS } from './stage.ts';
import { Tally } from './tally.ts';

const tally = new Tally();
const pool = new ThreadPoolExecutor({ threads: 5 });
const PAIRS = WAITERS.flatMap((a) => WAITERS.map((b) => [a, b] as const));
const TRIPLES = PAIRS.flatMap(([a, b]) => WAITERS.map((c) => [a, b, c] as const));
const ENDS = ['exit', 'throw', 'terminate'] as const;
const ALL = { permits: 3 };

afterAll(async () => {
  await pool.shutdown({ cancelPending: true, cancelRunning: true });
  console.log(`Contract of permit-likes\n${tally}`);
});

describe.each(PERMITS.map((one) => [one.name, one] as const))('%s', (name, implementation) => {
  const { bounded, amounts } = implementation;
  /** A holder of all: one guard, or three. */
  const all = amounts.includes(3) ? [ALL] : [{}, {}, {}];
  let stage: Stage;
  beforeEach(() => {
    stage = new Stage(implementation, pool);
  });
  afterEach(() => stage.object[Symbol.dispose]());

  function each<C extends readonly Kind[]>(
    guarantee: string,
    combinations: readonly C[],
    body: (...kinds: Mutable<C>) => Promise<void>,
  ): void {
    describe(guarantee, () => {
      for (const kinds of combinations)
        test(kinds.map(show).join(', '), async () => {
          await body(...([...kinds] as Mutable<C>));
          await isWhole();
          tally.add(guarantee, name);
        });
    });
  }

  /** All of it is free, and no more than that. */
  async function isWhole(): Promise<void> {
    expect(stage.lock.statistics().waiting).toBe(0);
    const guards = all.map((asked) => stage.lock.tryAcquire(asked));
    expect(guards).not.toContain(undefined);
    expect(await stage.canBeHad('another thread')).toBe(false);
    for (const guard of guards) guard!.release();
  }

  async function leave(...actors: readonly Actor[]): Promise<void> {
    for (const actor of actors) actor.goOn();
    expect(await Promise.all(actors.map(({ outcome }) => outcome))).toEqual(actors.map(() => 'got'));
  }

  each(
    'so many have it at the same time, and whoever comes then waits for the first that leaves',
    HOLDERS.flatMap((holder) => WAITERS.map((waiter) => [holder, waiter] as const)),
    async (kind, last) => {
      const holders = [stage.enter(kind), stage.enter(kind), stage.enter(kind)];
      for (const holder of holders) await holder.got();
      expect(await stage.canBeHad('this loop')).toBe(!bounded);
      expect(await stage.canBeHad('another thread')).toBe(!bounded);
      if (!bounded) {
        await leave(...holders);
        return;
      }
      const waiter = stage.enter(last);
      await stage.untilWaiting(1);
      expect(waiter.hasIt()).toBe(false);
      await leave(holders[1]!);
      await waiter.got();
      await leave(holders[0]!, holders[2]!, waiter);
    },
  );

  each('one release lets all go on for whom it suffices', TRIPLES, async (...kinds) => {
    const guards = all.map((asked) => stage.lock.tryAcquire(asked)!);
    const waiters: Actor[] = [];
    for (const kind of kinds) {
      waiters.push(stage.enter(kind));
      await stage.untilWaiting(waiters.length);
    }
    for (const guard of guards) guard.release();
    for (const waiter of waiters) await waiter.got();
    await leave(...waiters);
  });

  if (amounts.includes(3)) {
    each('who wants few does not overtake who wants all, though there are enough', PAIRS, async (a, b) => {
      const guard = stage.lock.acquireSync({ permits: 1 });
      const greedy = stage.enter(a, ALL);
      await stage.untilWaiting(1);
      const modest = stage.enter(b);
      await stage.untilWaiting(2);
      expect(await stage.canBeHad('this loop')).toBe(false);
      expect(await stage.canBeHad('another thread')).toBe(false);
      guard.release();
      expect(await greedy.got()).toBe(1);
      expect(modest.hasIt()).toBe(false);
      greedy.goOn();
      expect(await modest.got()).toBe(2);
      await leave(greedy, modest);
    });

    each('who stands behind one that gives up is served at once, if there is enough', PAIRS, async (a, b) => {
      const guard = stage.lock.acquireSync({ permits: 1 });
      const greedy = stage.enter(a, { ...ALL, timeout: 60 });
      await stage.untilWaiting(1, greedy.outcome);
      const modest = stage.enter(b);
      expect(await greedy.outcome).toBe('ERR_HEDDLE_TIMEOUT');
      await modest.got();
      await leave(modest);
      guard.release();
    });

    each(
      'who stands behind one that is cancelled is served at once, if there is enough',
      PAIRS,
      async (a, b) => {
        const guard = stage.lock.acquireSync({ permits: 1 });
        let modest: Actor | undefined;
        await TaskGroup.run(async (group) => {
          group.spawn(() => stage.enter(a, ALL).outcome);
          await stage.untilWaiting(1);
          modest = outside(() => stage.enter(b));
          await stage.untilWaiting(2);
          group.cancel();
        });
        await modest!.got();
        await leave(modest!);
        guard.release();
      },
    );
  }

  describe('death', () => {
    const back = 'what a dead thread held comes back, as if it had been released';
    for (const end of ENDS)
      for (const form of ['async', 'sync'] as const)
        for (const kind of WAITERS)
          test(`${back}: ${form} holder, ${end}, ${show(kind)}`, async () => {
            const holder = stage.enterToDie(form, end, { permits: 1 });
            await holder.got();
            const others = all.slice(1).map((asked) => stage.lock.tryAcquire(asked)!);
            const waiter = stage.enter(kind, amounts.includes(3) ? ALL : {});
            await stage.untilWaiting(1);
            holder.goOn();
            await holder.outcome;
            await waiter.got();
            for (const guard of others) guard.release();
            await leave(waiter);
            await isWhole();
            tally.add(back, name);
          });

    const line = 'a dead waiter leaves the line: who stands behind it is served';
    for (const end of ['exit', 'terminate'] as const)
      for (const kind of WAITERS)
        test(`${line}: ${end}, ${show(kind)}`, async () => {
          const guards = all.map((asked) => stage.lock.tryAcquire(asked)!);
          const part = stage.part('async');
          const mortal = pool.with({ onCancel: 'terminate', grace: 0 }).submit(jobs.waitAndEnd, part, end);
          const error = mortal.error();
          await stage.untilWaiting(1);
          const waiter = stage.enter(kind);
          await stage.untilWaiting(2);
          if (end === 'terminate') mortal.cancel();
          else stage.raise(part);
          await error;
          await stage.untilWaiting(1);
          for (const guard of guards) guard.release();
          await waiter.got();
          await leave(waiter);
          await isWhole();
          tally.add(line, name);
        });
  });

  describe('juggling', () => {
    const guarantee = 'none is lost and none is doubled, between forms, threads, amounts and time-outs';
    const mixtures = [
      ['async', 'async', 'async', 'async'],
      ['sync', 'sync', 'sync', 'sync'],
      ['sync', 'async', 'sync', 'async'],
    ] as const;
    for (const mixture of mixtures)
      test(`${guarantee}: ${mixture.join(', ')}, and this loop`, async () => {
        const rounds = 200;
        const most = bounded ? 3 : Infinity;
        const others = mixture.map((form) =>
          pool.submit(jobs.juggle, stage.part(form), rounds, amounts, most),
        );
        const here = jobs.juggle(stage.part('async'), rounds, amounts, most);
        const got = await Promise.all([here, ...others]);
        // Three in four have no time-out.
        for (const count of got) expect(count).toBeGreaterThanOrEqual((rounds * 3) / 4);
        expect(stage.words[0]).toBe(0);
        await isWhole();
        tally.add(guarantee, name);
      });
  });
});

/** As a list of parameters. */
type Mutable<C extends readonly Kind[]> = { -readonly [K in keyof C]: C[K] };
