import { describe } from 'vitest';
import { counter, gateModel, opener, waiter, waiterForEither } from '../model/fixtures/gate-model.ts';
import { exploreAtLength } from './shared-objects.ts';

const BOUND_1 = { preemptionBound: 1 };
const BOUND_2 = { preemptionBound: 2 };
const EITHER = { gates: 2 };
const ONE_DIES = { deaths: 1 };
const TWO_DIE = { deaths: 2, menders: 2, menderDies: true };
const random = (schedules: number): { sample: { schedules: number; seed: number } } => ({
  sample: { schedules, seed: 1 },
});
const SPURIOUS = { ...random(30_000), spuriousWakes: 1 };

describe('A gate lets through who waited when it was opened, in turn, and nobody else, in every schedule', () => {
  exploreAtLength('Gate', [
    gateModel([waiter('blocked'), opener('set', 'clear')], {}, { maxSchedules: 250_000 }),
    gateModel([waiter('loop'), opener('set', 'clear')], {}, { maxSchedules: 150_000 }),
    gateModel([waiter('blocked'), counter(1), counter(1)], { count: 2 }, { maxSchedules: 120_000 }),
    gateModel([waiter('blocked'), waiter('loop'), opener('set', 'clear')], {}, BOUND_2),
    gateModel([waiter('blocked'), waiter('loop', 2), opener('set'), opener('clear')], {}, BOUND_2),
    gateModel([waiter('blocked', 2), waiter('impatient'), opener('set', 'clear', 'set')], {}, SPURIOUS),
    gateModel([waiter('impatient loop', 2), waiter('loop'), opener('set', 'clear')], {}, BOUND_1),
    gateModel([waiter('blocked'), waiter('loop'), counter(1, 1), counter(2)], { count: 3 }, random(30_000)),
    gateModel([waiterForEither, opener('set', 'clear'), opener('set the other')], EITHER, BOUND_2),
    gateModel([waiterForEither, waiterForEither, opener('set', 'clear', 'set the other')], EITHER, BOUND_2),
    gateModel([waiter('blocked'), opener('set', 'clear')], ONE_DIES, BOUND_2),
    gateModel([waiter('loop'), opener('set', 'clear')], ONE_DIES, random(30_000)),
    gateModel([waiter('blocked'), waiter('blocked'), opener('set', 'clear')], ONE_DIES, random(30_000)),
    gateModel([waiter('blocked'), opener('set'), opener('clear')], ONE_DIES, BOUND_1),
    gateModel([waiter('impatient'), waiter('impatient loop'), opener('set')], ONE_DIES, random(30_000)),
    gateModel([waiter('loop'), counter(1), counter(1)], { count: 2, ...ONE_DIES }, random(20_000)),
    gateModel([waiterForEither, opener('set'), opener('set the other')], { ...EITHER, ...ONE_DIES }, BOUND_1),
    gateModel([waiter('blocked'), opener('set', 'clear')], { deaths: 1, menders: 2 }, random(20_000)),
    gateModel([waiter('blocked'), opener('set'), opener('clear')], TWO_DIE, random(10_000)),
    gateModel([waiter('blocked'), waiter('loop'), opener('set', 'clear')], TWO_DIE, random(10_000)),
    gateModel(
      [waiterForEither, waiterForEither, opener('set', 'set the other')],
      { ...EITHER, ...TWO_DIE },
      random(10_000),
    ),
  ]);
});
