import { Lock } from 'heddle';
import { ExploreError, explore } from 'heddle/testing';
import { describe, expect, test } from 'vitest';
import { type AnyFunction, registry } from '../../../../src/function/registry.ts';
import { type Account, deposit, open, transfer } from '../../../fixtures/explore/bank.ts';
import { careful, careless } from '../../../fixtures/explore/jobs.ts';

function portableName(fn: AnyFunction): string {
  const { url, name } = registry.marks.get(fn)!;
  return `${url}#${name}`;
}

const modules = { bank: () => import('../../../fixtures/explore/bank.ts') };

describe('explore({ modules })', () => {
  test('explores what the functions call in modules, and in what these import', async () => {
    const error = await explore({
      modules,
      setup: ({ bank }) => ({ a: bank.open(100), b: bank.open(100), count: bank.count() }),
      threads: {
        there: async ({ a, b }) => {
          await transfer(a, b, 20);
        },
        back: ({ a, b }) => transfer(b, a, 20),
      },
    }).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(ExploreError);
    const { message } = error as ExploreError;
    expect(message).toMatch(
      /DeadlockError: thread "there" waits at await to\.lock\.acquire\(\) \(bank\.ts:38\); thread "back" waits at/,
    );
  });

  test('makes modules anew for each schedule', async () => {
    const { exhausted } = await explore({
      modules,
      setup: ({ bank }) => ({ account: bank.open(1), count: bank.count(), table: new Int32Array(1) }),
      threads: [({ table }) => table[0]!++, ({ table }) => table[0]!++],
      check: ({ count }) => expect(count).toBe(1),
    });
    expect(exhausted).toBe(true);
  });

  test('finds in a module what a death leaves half done', async () => {
    const error = await explore({
      modules,
      setup: ({ bank }): { account: Account } => ({ account: bank.open(0) }),
      threads: [1, 2].map(
        () =>
          ({ account }: { account: Account }) =>
            deposit(account, 5),
      ),
      deaths: 1,
      check: ({ account }, { dead }) => {
        if (account.lock.locked || dead.length === 0) return;
        if (!account.isWhole()) throw new Error('half done');
      },
    }).catch((error: unknown) => error);
    expect(String(error)).toContain('half done');
    expect(String(error)).toMatch(/dies before sums\[at\] = sums\[at\] \+ by/);
  });

  test('explores portable functions with the module that has made them so', async () => {
    const model = {
      setup: () => ({ lock: new Lock(), sums: new Int32Array([100, 0]) }),
      check: ({ sums }: { sums: Int32Array }) => expect([...sums]).toEqual([90, 10]),
    };
    expect((await explore({ ...model, threads: [careful, careful] })).exhausted).toBe(true);
    const error = await explore({ ...model, threads: [careful, careless] }).catch((error: unknown) => error);
    expect(String(error)).toMatch(/careless +sums\[1\] = sums\[1\] \+ by ← 5 +jobs\.ts:13/);
    // They are what they were, for threads.
    expect(portableName(careful)).toMatch(/fixtures\/explore\/jobs\.ts#careful$/);
  });

  test('says so where a module is not there, or is not named', async () => {
    const setup = () => ({});
    await expect(
      explore({ setup, threads: [() => 1], modules: { none: () => import('./none.ts' as string) } }),
    ).rejects.toThrow(/Cannot tell which module|there is no such module/);
    await expect(explore({ setup, threads: [() => void open(1)] })).rejects.toThrow('"open"');
  });
});
