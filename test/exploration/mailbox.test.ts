import { describe, expect, test } from 'vitest';
import { explore } from '../model/explorer.ts';
import { withoutAllocator } from '../model/fixtures/heap-model.ts';
import { mailboxModel } from '../model/fixtures/mailbox-model.ts';
import { exploreAtLength } from './shared-objects.ts';

const BOUND_1 = { preemptionBound: 1 };
const BOUND_2 = { preemptionBound: 2 };
const random = (schedules: number): { sample: { schedules: number; seed: number } } => ({
  sample: { schedules, seed: 1 },
});
const IMPATIENT = { tasks: 1, rounds: 2, impatient: true };

describe('A loop hears of each wait that was set, once, in every schedule', () => {
  exploreAtLength('Mailbox and Parking', [
    mailboxModel('one task, one setter', { tasks: 1 }, [1], {}, { maxSchedules: 400_000 }),
    mailboxModel('two tasks, two setters', { tasks: 2 }, [1, 1], {}, { maxSchedules: 300_000 }),
    mailboxModel('two tasks, two setters, in order', { tasks: 2 }, [1, 1], {}, BOUND_2),
    mailboxModel('impatient', IMPATIENT, [2], {}, { preemptionBound: 4 }),
    mailboxModel('impatient, two setters', { ...IMPATIENT, tasks: 2 }, [1, 1], {}, random(100_000)),
    mailboxModel('two tasks, death', { tasks: 2 }, [2], { deaths: 1 }, BOUND_1),
    mailboxModel('impatient, death', IMPATIENT, [2], { deaths: 1 }, BOUND_2),
    mailboxModel(
      'put off, death',
      { tasks: 2, rounds: 2, putsOff: true },
      [2],
      { deaths: 1 },
      random(100_000),
    ),
    mailboxModel(
      'two rounds, two setters, two deaths',
      { tasks: 2, rounds: 2 },
      [1, 1],
      { deaths: 2 },
      random(50_000),
    ),
    mailboxModel('the loop dies', { tasks: 2 }, [1], { deaths: 1, mortal: ['a', 'b'] }, BOUND_1),
  ]);

  test('the model notices a cell that is looked for though it is in the mailbox', {
    timeout: 600_000,
  }, async () => {
    const report = await explore(
      mailboxModel(
        'told before the death',
        { tasks: 2, rounds: 2 },
        [1, 1],
        { deaths: 1 },
        {
          ...BOUND_1,
          transformed: withoutAllocator,
          mutate: {
            file: 'src/park/parking.ts',
            find: '    for (const cell of this.#mailbox.take()) this.deliver(cell);\n    for (const cell of orphans)',
            replace: '    for (const cell of orphans)',
            expectFailure: true,
          },
        },
      ),
    );
    expect(report.failure).toBeDefined();
  });
});
