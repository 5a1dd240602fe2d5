import { describe } from 'vitest';
import { lockModel } from '../model/fixtures/lock-model.ts';
import { exploreAtLength } from './shared-objects.ts';

const BOUND_1 = { preemptionBound: 1 };
const BOUND_2 = { preemptionBound: 2 };
const random = (schedules: number): { sample: { schedules: number; seed: number } } => ({
  sample: { schedules, seed: 1 },
});

describe('LockWord excludes, forgets nobody and survives in every schedule', () => {
  exploreAtLength('LockWord', [
    lockModel(['blocked', 'blocked'], {}, { maxSchedules: 400_000 }),
    lockModel(['blocked', 'loop'], {}, { maxSchedules: 200_000 }),
    lockModel(['loop', 'loop'], {}, { maxSchedules: 100_000 }),
    lockModel(['blocked', 'impatient'], { rounds: 2 }, random(50_000)),
    lockModel(['blocked', 'blocked', 'blocked'], {}, BOUND_2),
    lockModel(['blocked', 'impatient', 'loop'], {}, BOUND_2),
    lockModel(['blocked', 'loop', 'impatient loop'], { rounds: 2 }, { ...random(50_000), spuriousWakes: 1 }),
    lockModel(['blocked', 'blocked'], { deaths: 1 }, BOUND_2),
    lockModel(['blocked', 'loop'], { deaths: 1 }, BOUND_2),
    lockModel(['loop', 'loop'], { deaths: 1 }, BOUND_1),
    lockModel(['impatient', 'blocked'], { deaths: 1 }, BOUND_1),
    lockModel(['blocked', 'blocked', 'loop'], { deaths: 1 }, BOUND_1),
    lockModel(['blocked', 'impatient', 'impatient loop'], { deaths: 1 }, random(50_000)),
    lockModel(['blocked', 'blocked'], { deaths: 1, menders: 2 }, BOUND_1),
    lockModel(['blocked', 'loop'], { deaths: 2, menders: 2, menderDies: true }, random(50_000)),
    lockModel(['blocked', 'blocked', 'loop'], { deaths: 2, menders: 2, menderDies: true }, random(50_000)),
  ]);
});
