import { describe } from 'vitest';
import { conditionModel, notifier, quitter, waiter } from '../model/fixtures/condition-model.ts';
import { exploreAtLength } from './shared-objects.ts';

const BOUND_1 = { preemptionBound: 1 };
const BOUND_2 = { preemptionBound: 2 };
const ONE_DIES = { deaths: 1 };
const TWO_DIE = { deaths: 2, menders: 2, menderDies: true };
const random = (schedules: number): { sample: { schedules: number; seed: number } } => ({
  sample: { schedules, seed: 1 },
});
const SPURIOUS = { ...random(30_000), spuriousWakes: 1 };

describe('A condition gives each notification to one who waited, in turn, in every schedule', () => {
  exploreAtLength('Condition', [
    conditionModel([waiter('blocked'), notifier(1)], {}, { maxSchedules: 300_000 }),
    conditionModel([waiter('loop'), notifier(1)], {}, { maxSchedules: 200_000 }),
    conditionModel([waiter('blocked'), waiter('loop'), notifier(1, 1)], {}, BOUND_2),
    conditionModel([waiter('blocked'), waiter('blocked'), notifier(2)], {}, BOUND_2),
    conditionModel([quitter('blocked'), waiter('loop'), notifier(1)], {}, BOUND_2),
    conditionModel([quitter('blocked'), quitter('loop'), notifier(2)], {}, BOUND_2),
    conditionModel([waiter('impatient'), waiter('loop'), notifier(1)], {}, SPURIOUS),
    conditionModel(
      [waiter('impatient loop'), quitter('blocked'), waiter('loop'), notifier(2)],
      {},
      random(50_000),
    ),
    conditionModel([waiter('blocked'), notifier(1)], ONE_DIES, BOUND_1),
    conditionModel([waiter('loop'), notifier(1)], ONE_DIES, BOUND_1),
    conditionModel([waiter('blocked'), waiter('loop'), notifier(1)], ONE_DIES, random(50_000)),
    conditionModel([waiter('impatient'), waiter('blocked'), notifier(1)], ONE_DIES, random(50_000)),
    conditionModel([quitter('blocked'), waiter('blocked'), notifier(1)], ONE_DIES, random(50_000)),
    conditionModel(
      [waiter('blocked'), waiter('blocked'), notifier(2)],
      { deaths: 1, menders: 2 },
      random(20_000),
    ),
    conditionModel([waiter('blocked'), waiter('loop'), notifier(2)], TWO_DIE, random(10_000)),
    conditionModel([quitter('blocked'), waiter('blocked'), notifier(1)], TWO_DIE, random(10_000)),
  ]);
});
