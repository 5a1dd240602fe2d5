import { describe } from 'vitest';
import {
  abandoner,
  adder,
  limiter,
  permitsModel,
  successor,
  taker,
  user,
} from '../model/fixtures/permits-model.ts';
import { exploreAtLength } from './shared-objects.ts';

const BOUND_1 = { preemptionBound: 1 };
const BOUND_2 = { preemptionBound: 2 };
const RWLOCK = { rwlock: true };
const ONE_DIES = { deaths: 1 };
const TWO_DIE = { deaths: 2, menders: 2, menderDies: true };
const random = (schedules: number): { sample: { schedules: number; seed: number } } => ({
  sample: { schedules, seed: 1 },
});
const WRITER_DIES = { ...RWLOCK, ...ONE_DIES };
const TWO_WRITERS_DIE = { ...RWLOCK, ...TWO_DIE };
const SPURIOUS = { ...random(30_000), spuriousWakes: 1 };
const SUCCESSOR = { ...random(20_000), mortal: ['a'] };

describe('Permits are never more than there are, go to each in turn, and come back, in every schedule', () => {
  exploreAtLength('Permits', [
    permitsModel([user('blocked', 1), user('blocked', 2)], {}, { maxSchedules: 350_000 }),
    permitsModel([user('blocked', 2), user('loop', 1)], {}, { maxSchedules: 150_000 }),
    permitsModel([user('loop', 2), user('loop', 1)], {}, { maxSchedules: 100_000 }),
    permitsModel([user('blocked', 2, 1), user('impatient', 1, 2)], {}, random(30_000)),
    permitsModel([user('blocked', 1), user('blocked', 2), user('loop', 1)], {}, BOUND_2),
    permitsModel([user('blocked', 2), user('impatient', 2), user('loop', 1)], {}, BOUND_2),
    permitsModel([user('blocked', 1, 2), user('loop', 2), user('impatient loop', 1, 2)], {}, SPURIOUS),
    permitsModel([taker('blocked', 1), taker('loop', 2), adder(1, 2)], { max: 3, free: 0 }, BOUND_2),
    permitsModel([taker('blocked', 1), user('impatient', 2), adder(1)], {}, BOUND_2),
    permitsModel([user('blocked', 1), user('loop', 1), limiter(1, 3)], {}, BOUND_2),
    permitsModel([abandoner('blocked', 2), user('blocked', 1), user('loop', 1)], RWLOCK, BOUND_2),
    permitsModel([user('blocked', 2), user('blocked', 2)], ONE_DIES, BOUND_2),
    permitsModel([user('blocked', 2), user('loop', 1)], ONE_DIES, random(20_000)),
    permitsModel([user('impatient', 2), user('impatient loop', 1)], ONE_DIES, BOUND_1),
    permitsModel([user('blocked', 1), taker('loop', 1), user('blocked', 1)], ONE_DIES, BOUND_1),
    permitsModel([user('blocked', 1), user('loop', 1), limiter(1, 3)], ONE_DIES, random(20_000)),
    permitsModel([user('blocked', 2), user('blocked', 1)], WRITER_DIES, BOUND_2),
    permitsModel([user('blocked', 2), user('loop', 1), user('blocked', 2)], WRITER_DIES, random(30_000)),
    permitsModel([user('blocked', 2), user('blocked', 1)], { deaths: 1, menders: 2 }, random(20_000)),
    permitsModel([user('blocked', 2), successor(1)], { deaths: 1, menders: 2 }, SUCCESSOR),
    permitsModel([user('blocked', 2), user('loop', 1)], TWO_DIE, random(10_000)),
    permitsModel([user('blocked', 2), user('blocked', 1), user('loop', 2)], TWO_DIE, random(10_000)),
    permitsModel([user('blocked', 2), user('loop', 1), user('blocked', 2)], TWO_WRITERS_DIE, random(10_000)),
  ]);
});
