import { describe, expect, test } from 'vitest';
import { explore } from './explorer.ts';
import { withoutAllocator } from './fixtures/heap-model.ts';
import { type LockModel, type LockOptions, lockModel, type Role } from './fixtures/lock-model.ts';

const WORD = 'src/sync/lock-word.ts';
const REAPER = 'src/memory/reaper.ts';
const MAILBOX = 'src/park/mailbox.ts';
const PARKING = 'src/park/parking.ts';

const BOUND_1 = { preemptionBound: 1, transformed: withoutAllocator };
const BOUND_2 = { preemptionBound: 2, transformed: withoutAllocator };
const BOUND_3 = { preemptionBound: 3, transformed: withoutAllocator };

// More of them, and further: test/exploration/lock.test.ts.
describe('LockWord excludes, forgets nobody and survives', () => {
  test.each<[readonly Role[], LockOptions, Partial<LockModel>]>([
    [['blocked', 'blocked'], { rounds: 2 }, BOUND_2],
    [['blocked', 'loop'], {}, BOUND_3],
    [['impatient loop', 'loop'], {}, BOUND_3],
    [['blocked', 'impatient', 'loop'], {}, BOUND_1],
    [['blocked', 'blocked'], { deaths: 1 }, BOUND_1],
    [['loop', 'impatient loop'], { deaths: 1 }, BOUND_1],
    [['blocked', 'blocked'], { deaths: 1, full: true }, BOUND_1],
  ])('%j, %j', async (roles, options, more) => {
    const report = await explore(lockModel(roles, options, more));
    expect(report.exhausted).toBe(true);
  });
});

describe('The models of LockWord notice', () => {
  test.each<
    readonly [
      what: string,
      roles: readonly Role[],
      options: LockOptions,
      more: Partial<LockModel>,
      file: string,
      find: string,
      replace: string,
    ]
  >([
    [
      'a releaser that does not look at the queue again',
      ['blocked', 'impatient', 'blocked'],
      {},
      BOUND_3,
      WORD,
      'if (queue.isEmpty()) break;',
      'break;',
    ],
    [
      'a lock that cannot be taken back once others have had it',
      ['blocked', 'impatient', 'blocked'],
      {},
      BOUND_3,
      WORD,
      'if (seen !== FREE && seen !== ABANDONED) {\n        if',
      'if (seen !== ABANDONED) {\n        if',
    ],
    [
      'a waiter that does not mark the word',
      ['blocked', 'loop'],
      {},
      BOUND_2,
      WORD,
      '      if (taken !== undefined) return taken;\n      if (this.#mark()) return undefined;',
      '      return taken;',
    ],
    [
      'a lock taken from the dead that was given on already',
      ['blocked', 'blocked', 'blocked'],
      { deaths: 1 },
      { ...BOUND_2, mortal: ['a'] },
      WORD,
      'const chosen = this.#chosen();',
      'const chosen: number = 0;',
    ],
    [
      'a wake-up in the moment of the time-out that is lost',
      ['impatient', 'blocked'],
      {},
      BOUND_2,
      PARKING,
      'return !this.cells.cancel(cell);',
      'return !(this.cells.cancel(cell) || true);',
    ],
    [
      'a bell that was cleared by the dead, and notified by nobody',
      ['blocked', 'loop'],
      { deaths: 1 },
      BOUND_1,
      MAILBOX,
      '  Atomics.notify(words, record + RECORD_BELL);\n  wakeThread',
      '  wakeThread',
    ],
    [
      'sections that stay held by the dead, of objects that a reaper has no memory to hold',
      ['blocked', 'blocked'],
      { deaths: 1, full: true, watchful: false },
      BOUND_2,
      REAPER,
      '  tearSections(heap, dead);\n',
      '',
    ],
    [
      'a reaper that leaves what is being told to nobody',
      ['blocked', 'blocked'],
      { deaths: 1 },
      BOUND_2,
      REAPER,
      '    Atomics.store(words, UNREAPED, 1);\n',
      '',
    ],
  ])('%s', async (_, roles, options, more, file, find, replace) => {
    await explore(
      lockModel(roles, options, { ...more, mutate: { file, find, replace, expectFailure: true } }),
    );
  });
});
