import { describe } from 'vitest';
import { aborter, barrierModel, failing, party, resetter } from '../model/fixtures/barrier-model.ts';
import { exploreAtLength } from './shared-objects.ts';

const BOUND_2 = { preemptionBound: 2 };
const ACTION = { action: true };
const FOR_TWO = { ...ACTION, parties: 2 };
const ONE_DIES = { ...ACTION, deaths: 1 };
const TWO_DIE = { ...ACTION, deaths: 2, menders: 2, menderDies: true };
const random = (schedules: number): { sample: { schedules: number; seed: number } } => ({
  sample: { schedules, seed: 1 },
});
const SPURIOUS = { ...random(30_000), spuriousWakes: 1 };

describe('A barrier lets all pass or none, in every schedule', () => {
  exploreAtLength('Barrier', [
    barrierModel([party('blocked'), party('blocked')], {}, { maxSchedules: 300_000 }),
    barrierModel([party('blocked'), party('loop')], ACTION, { maxSchedules: 200_000 }),
    barrierModel([party('blocked', 2), party('loop', 2)], ACTION, BOUND_2),
    barrierModel([party('blocked'), party('blocked'), party('loop')], ACTION, BOUND_2),
    barrierModel([party('blocked', 2), party('blocked', 2), party('loop', 2)], {}, random(30_000)),
    barrierModel([party('blocked', 2), party('loop', 2), party('impatient', 2)], FOR_TWO, SPURIOUS),
    barrierModel([party('blocked'), party('blocked'), party('impatient')], FOR_TWO, random(40_000)),
    barrierModel([party('blocked'), party('impatient loop'), party('loop')], ACTION, BOUND_2),
    barrierModel([party('blocked'), party('at once'), party('loop')], ACTION, BOUND_2),
    barrierModel([party('blocked'), party('loop'), aborter], ACTION, BOUND_2),
    barrierModel([party('blocked', 2), party('loop', 2), resetter], ACTION, BOUND_2),
    barrierModel([party('blocked'), party('impatient'), aborter, resetter], ACTION, random(50_000)),
    barrierModel([failing('blocked'), failing('loop'), party('impatient')], FOR_TWO, random(40_000)),
    barrierModel([party('blocked'), party('blocked')], { deaths: 1 }, random(40_000)),
    barrierModel([party('blocked'), party('loop')], ONE_DIES, random(50_000)),
    barrierModel([party('blocked'), party('loop'), party('impatient')], ONE_DIES, random(50_000)),
    barrierModel(
      [party('blocked', 2), party('blocked', 2), party('loop', 2)],
      { ...FOR_TWO, deaths: 1 },
      random(50_000),
    ),
    barrierModel([party('blocked'), party('loop'), resetter], ONE_DIES, random(30_000)),
    barrierModel([party('blocked'), party('blocked')], { ...ONE_DIES, menders: 2 }, random(20_000)),
    barrierModel([party('blocked'), party('loop')], TWO_DIE, random(10_000)),
    barrierModel([party('blocked'), party('blocked'), party('loop')], TWO_DIE, random(10_000)),
    barrierModel(
      [party('blocked'), party('blocked'), party('loop')],
      { ...TWO_DIE, ...FOR_TWO },
      random(10_000),
    ),
    barrierModel(
      [party('blocked'), party('blocked'), party('loop')],
      { parties: 4, deaths: 1 },
      random(20_000),
    ),
  ]);
});
