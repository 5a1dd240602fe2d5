import { describe } from 'vitest';
import { lateSetter, queueModel, quitter, setter, successor, waiter } from '../model/fixtures/queue-model.ts';
import { exploreAtLength } from './shared-objects.ts';

const BOUND_1 = { preemptionBound: 1 };
const BOUND_2 = { preemptionBound: 2 };
const random = (schedules: number): { sample: { schedules: number; seed: number } } => ({
  sample: { schedules, seed: 1 },
});

const TWO = [waiter(0), waiter(0)];
const IN_TWO = [waiter([0, 1]), waiter([1, 0])];
const ONE_EACH = [setter(0, 0), setter(0, 1)];

describe('WaitQueue gives once to each in turn and touches no cell that is free, in every schedule', () => {
  exploreAtLength('WaitQueue', [
    queueModel('one waits, one gives', [waiter(0)], [setter(0, 0)]),
    queueModel('two wait, one gives', TWO, [setter(0, 0, 0)], {}, { maxSchedules: 500_000 }),
    queueModel('two wait, two give', TWO, [setter(0, 0), setter(0, 0)], {}, { maxSchedules: 300_000 }),
    queueModel('two wait in two queues each', IN_TWO, ONE_EACH, {}, BOUND_2),
    queueModel('two wait, one gives, death', TWO, [setter(0, 0, 0)], { deaths: 1 }, BOUND_1),
    queueModel('two wait in two queues each, death', IN_TWO, ONE_EACH, { deaths: 1 }, random(100_000)),
    queueModel(
      'a cell used again elsewhere, death',
      [waiter(0, 1), waiter(0)],
      [setter(1, 0, 0)],
      { deaths: 1 },
      random(100_000),
    ),
    queueModel('two deaths, two mend', TWO, [setter(0, 0, 0)], { deaths: 2, menders: 2 }, random(50_000)),
    queueModel(
      'a successor with the cell of the dead, two mend',
      [quitter, successor],
      [lateSetter(2)],
      { deaths: 1, menders: 2, pages: 2 },
      { ...BOUND_1, mortal: ['a'] },
    ),
  ]);
});
