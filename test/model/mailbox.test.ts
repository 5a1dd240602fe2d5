import { describe, expect, test } from 'vitest';
import { explore } from './explorer.ts';
import { withoutAllocator } from './fixtures/heap-model.ts';
import {
  type LoopOptions,
  type MailboxModel,
  type MailboxOptions,
  mailboxModel,
} from './fixtures/mailbox-model.ts';

const MAILBOX = 'src/park/mailbox.ts';
const PARKING = 'src/park/parking.ts';

const BOUND_1 = { preemptionBound: 1, transformed: withoutAllocator };
const BOUND_2 = { preemptionBound: 2, transformed: withoutAllocator };

const SOME = { transformed: withoutAllocator, sample: { schedules: 4_000, seed: 1 } };

type Case = readonly [
  what: string,
  loop: LoopOptions,
  setters: readonly number[],
  options: MailboxOptions,
  more: Partial<MailboxModel>,
];

const TWO_SETTERS: Case = ['two tasks, two setters', { tasks: 2 }, [1, 1], {}, BOUND_1];
const DEATH: Case = ['two tasks, death', { tasks: 2 }, [2], { deaths: 1 }, BOUND_1];
const IMPATIENT: Case = ['impatient', { tasks: 1, rounds: 2, impatient: true }, [2], {}, BOUND_2];
const PUT_OFF: Case = [
  'put off, death',
  { tasks: 1, rounds: 2, putsOff: true },
  [2],
  { deaths: 1 },
  { transformed: withoutAllocator, sample: { schedules: 40_000, seed: 2 } },
];

// More of them, and further: test/exploration/mailbox.test.ts.
describe('A loop hears of each wait that was set, once', () => {
  test.each<Case>([TWO_SETTERS, IMPATIENT, ['the setter dies', { tasks: 1 }, [1], { deaths: 1 }, SOME]])(
    '%s',
    async (name, loop, setters, options, more) => {
      const report = await explore(mailboxModel(name, loop, setters, options, more));
      expect(report.exhausted || report.seed !== undefined).toBe(true);
    },
  );
});

describe('The models of Mailbox and Parking notice', () => {
  test.each<readonly [what: string, model: Case, file: string, find: string, replace: string]>([
    [
      'a loop that goes to sleep without a look',
      TWO_SETTERS,
      MAILBOX,
      'if (!this.hasNews()) return true;',
      'return true;',
    ],
    [
      'news that overwrites other news',
      TWO_SETTERS,
      MAILBOX,
      'if (Atomics.compareExchange(words, record + RECORD_NEWS, head, cell) === head) break;',
      'Atomics.store(words, record + RECORD_NEWS, cell); break;',
    ],
    [
      'a loop that is not asked to look',
      DEATH,
      MAILBOX,
      'Atomics.store(words, record + RECORD_LOOK, 1);',
      '',
    ],
    [
      'a cell that is looked for though it will be delivered later',
      PUT_OFF,
      PARKING,
      'if (node === 0 || words[cell + CELL_NEWS] === ARRIVED) continue;',
      'if (node === 0) continue;',
    ],
  ])('%s', async (_, [name, loop, setters, options, more], file, find, replace) => {
    await explore(
      mailboxModel(name, loop, setters, options, {
        ...more,
        mutate: { file, find, replace, expectFailure: true },
      }),
    );
  });
});
