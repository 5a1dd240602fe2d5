/** Jobs that wait for jobs of their own executor: fork and join comes to its end at any size. */
import { describe, expect, test } from 'vitest';
import { DeadlockError, Future } from '../../../src/index.ts';
import { failure } from '../../fixtures/awaiting.ts';
import { BEGUN, COUNT, jobs, until } from './jobs.ts';
import { nested } from './nested-jobs.ts';
import {
  eachExecutor,
  elsewhere,
  flag,
  goOn,
  LOOP,
  loopThread,
  occupy,
  POOLS,
  pool,
  raised,
} from './stand.ts';

/** How a parent waits for its children. */
const JOINS = ['await', 'block', 'submitSync'] as const;

describe('A job that waits for jobs of its own executor', () => {
  eachExecutor(POOLS, ({ threads, stealing = false }, the) => {
    test.each(['map', 'mapSync'] as const)('reads a %s, and so do others', async (form) => {
      for (const chunkSize of [1, 3]) {
        const parents = Array.from({ length: 2 * threads + 1 }, () =>
          the().submit(nested.parentOfMap, the(), form, 10, chunkSize),
        );
        expect(await Promise.all(parents)).toEqual(parents.map(() => 55));
      }
    });

    for (const join of JOINS)
      describe(join, () => {
        test('gets the result of one', async () => {
          expect(await the().submit(nested.parent, the(), join, 1)).toBe(1);
        });

        test('gets the results of many', async () => {
          expect(await the().submit(nested.parent, the(), join, 20)).toBe(20);
        });

        test('many such jobs at once', async () => {
          const parents = Array.from({ length: 10 }, () => the().submit(nested.parent, the(), join, 3));
          expect(await Promise.all(parents)).toEqual(Array(10).fill(3));
        });

        test('to a depth of 20', async () => {
          expect(await the().submit(nested.descend, the(), join, 20)).toBe(20);
        });

        test('fork and join: the Fibonacci number of 8', async () => {
          expect(await the().submit(nested.fibonacci, the(), join, 8)).toBe(21);
        });

        test('gets the error of a child', async () => {
          const error = await failure(the().submit(nested.parentOfFailure, the(), join));
          expect(error).toMatchObject({ name: 'PartError', message: 'no such part' });
        });

        test('runs a child exactly once', async () => {
          const words = flag();
          expect(await the().submit(nested.countInChild, the(), join, words)).toBe(1);
          await the().submit(jobs.nothing);
          expect(Atomics.load(words, COUNT)).toBe(1);
        });

        test('though every thread is busy with such jobs, from several submitting threads', async () => {
          const sums = await Promise.all(
            [1, 2].map(() => elsewhere().submit(nested.parents, the(), join, 5, 3)),
          );
          expect(sums).toEqual([15, 15]);
        });
      });

    test('awaits: its slot is given away meanwhile, a stranger can run', async () => {
      const words = flag();
      // All parents are queued before the first child, which a thread that steals takes first though: it is its own.
      const { release, done } = await occupy(the(), threads);
      const held = Array.from({ length: 4 }, () => the().submit(nested.awaitHeld, the(), words));
      release();
      await done;
      await raised(words, COUNT, stealing ? threads : 4);
      const stranger = the().with({ timeout: 10_000 }).submit(jobs.add, 1, 1);
      goOn(words);
      expect(await stranger).toBe(2);
      expect(await Promise.all(held)).toEqual(Array(4).fill('done'));
    });

    test('run in place, blocks for others in turn', async () => {
      expect(await the().submit(nested.blockDeep, the(), 4)).toBe(16);
    });

    test('run in place, is a task of its own', async () => {
      expect(await the().submit(nested.tasksInPlace, the())).toEqual([
        'tasksInPlace',
        'taskName',
        'tasksInPlace',
      ]);
    });

    test('is cancelled: its children are cancelled with it, and its end awaits theirs', async () => {
      const words = flag();
      const parent = the().submit(nested.awaitHeldAlone, the(), words);
      await raised(words, BEGUN);
      parent.cancel();
      await failure(parent);
      await until(() => Atomics.load(words, 4) === 1, 'the child saw its cancellation');
      expect(await the().submit(jobs.add, 1, 1)).toBe(2);
    });

    test('does not await its children: they belong to it, and are awaited before it ends', async () => {
      const words = flag();
      expect(await the().submit(nested.leaveChildren, the(), words, 3)).toBe('left');
      expect(Atomics.load(words, COUNT)).toBe(3);
    });
  });

  test('spares are not counted in size', async () => {
    const one = pool();
    expect(await one.submit(nested.sizeInDepth, one, 5)).toBe(1);
    await until(() => one.size === 1);
  });

  for (const scheduling of ['shared', 'stealing'] as const) {
    test(`that blocks on one that runs elsewhere: a spare thread takes over (${scheduling})`, async () => {
      const one = pool({ threads: 2, scheduling });
      const [held, blocked] = [flag(), flag()];
      const running = one.submit(jobs.block, held);
      await raised(held, BEGUN);
      const waiting = one.submit(nested.blockOn, running, blocked);
      await raised(blocked, BEGUN);
      expect(await one.with({ timeout: 10_000 }).submit(jobs.add, 1, 1)).toBe(2);
      expect(one.size).toBe(2);
      goOn(held);
      expect(await Promise.all([running, waiting])).toEqual(['done', 'done']);
    });

    test(`that blocks beyond maxSpares: DeadlockError, and the pool goes on (${scheduling})`, async () => {
      const one = pool({ threads: 2, maxSpares: 1, scheduling });
      const held = flag();
      const running = one.submit(jobs.block, held);
      await raised(held, BEGUN);
      // The first is replaced by the one spare; on it the second finds none.
      const first = flag();
      const waiting = one.submit(nested.blockOn, running, first);
      await raised(first, BEGUN);
      const beyond = one.submit(nested.blockOn, running, flag());
      expect(await failure(beyond)).toBeInstanceOf(DeadlockError);
      goOn(held);
      expect(await waiting).toBe('done');
      expect(await one.submit(jobs.add, 1, 1)).toBe(2);
    });
  }

  type Other = { other: Future<string> };

  test.each([['await'], ['block']] as const)('on a true cycle (%s): DeadlockError', async (join) => {
    const one = pool({ threads: 2 });
    const [a, b] = [Future.withResolvers<Other>(), Future.withResolvers<Other>()];
    const first = one.submit(nested.waitForOther, a.future, join);
    const second = one.submit(nested.waitForOther, b.future, join);
    a.resolve({ other: second });
    b.resolve({ other: first });
    const errors = await Promise.all([first, second].map(failure));
    expect(errors.map((error) => (error as { code: string }).code)).toContain('ERR_HEDDLE_DEADLOCK');
    expect(await one.submit(jobs.add, 1, 1)).toBe(2);
  });

  test.each([['await'], ['block']] as const)('on its own future (%s): DeadlockError', async (join) => {
    const one = pool();
    const given = Future.withResolvers<Other>();
    const own = one.submit(nested.waitForOther, given.future, join);
    given.resolve({ other: own });
    expect(await failure(own)).toBeInstanceOf(DeadlockError);
    expect(await one.submit(jobs.add, 1, 1)).toBe(2);
  });

  test.each([
    ['withTimeout', 'TimeoutError'],
    ['TaskGroup', 'TimeoutError'],
    ['shield', 'DeadlockError'],
  ] as const)('on its own future, in %s: what ends first', async (limit, name) => {
    const one = pool();
    const given = Future.withResolvers<Other>();
    const own = one.submit(nested.waitInTime, given.future, limit);
    given.resolve({ other: own });
    expect(await own).toBe(name);
  });

  test('of another pool, which waits for one of the first', async () => {
    const [a, b] = [pool(), pool()];
    for (const join of JOINS) expect(await a.submit(nested.pingPong, a, b, join, 6)).toBe(6);
  });
});

describe('A job of a loop thread', () => {
  eachExecutor([LOOP], (_, the) => {
    test('awaits another of the same loop', async () => {
      expect(await the().submit(nested.parent, the(), 'await', 5)).toBe(5);
      expect(await the().submit(nested.descend, the(), 'await', 10)).toBe(10);
    });

    test.each([['block'], ['submitSync']] as const)(
      'that blocks for another of the same loop: DeadlockError, or its result in place, never a hang (%s)',
      async (join) => {
        const [settled] = await Promise.allSettled([the().submit(nested.parent, the(), join, 1)]);
        if (settled.status === 'fulfilled') expect(settled.value).toBe(1);
        else expect(settled.reason).toBeInstanceOf(DeadlockError);
        expect(await the().submit(jobs.add, 1, 1)).toBe(2);
      },
    );

    test('blocks for one of another loop', async () => {
      const other = await loopThread();
      for (const join of JOINS) expect(await the().submit(nested.parent, other, join, 3)).toBe(3);
    });
  });
});
