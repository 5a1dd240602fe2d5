import { describe } from 'vitest';
import {
  breaker,
  ender,
  inTurn,
  type JobModel,
  jobModel,
  killer,
  mortal,
  putter,
  retirer,
  runner,
  taker,
  withAllocator,
  withoutValues,
} from '../model/fixtures/job-model.ts';
import { exploreAtLength } from './shared-objects.ts';

const BOUND_0 = { preemptionBound: 0, transformed: withoutValues };
const BOUND_1 = { preemptionBound: 1, transformed: withoutValues };
const BOUND_2 = { preemptionBound: 2, transformed: withoutValues };
const ALLOCATING = { preemptionBound: 0, transformed: withAllocator };
const STEALING = { stealing: true };
const ONE_DIES = { deaths: 1 };
const TWO_DIE = { deaths: 2, menders: 2, menderDies: true };
const random = (schedules: number): Partial<JobModel> => ({
  transformed: withoutValues,
  sample: { schedules, seed: 1 },
});
/** As many as are run of a model that has more. */
const most = (maxSchedules: number, bound: Partial<JobModel> = BOUND_1): Partial<JobModel> => ({
  ...bound,
  maxSchedules,
});

describe('Jobs of a pool run once, end once and are told once, in every schedule', () => {
  exploreAtLength('Pools', [
    jobModel([putter('blocked', {}), runner()], { wakes: 1 }, BOUND_2),
    jobModel([killer(), taker(), runner()], {}, BOUND_2),
    jobModel([putter('loop', { priority: 1 }, {}), runner()], {}, BOUND_2),
    jobModel([putter('loop', {}), putter('blocked', { priority: -1 }), runner()], {}, BOUND_2),
    jobModel([putter('loop', {}, {}), runner(), runner()], {}, most(100_000)),
    jobModel([putter('loop', { temper: 'long' }, { temper: 'stuck' }, {}), runner(), runner()], {}, BOUND_1),
    jobModel(
      [putter('loop', { temper: 'async' }, { temper: 'stuck' }, {}), runner(2), runner(), runner()],
      {},
      random(50_000),
    ),
    jobModel([putter('loop', {}), runner(), runner(), retirer(1, 2)], {}, BOUND_1),
    jobModel([putter('loop', {}, {}), runner(2), runner(1, 1), retirer(1, 2)], {}, random(50_000)),
    jobModel(
      [
        putter('loop', {}, { withdrawn: true }, {}),
        putter('loop', { withdrawn: 'with reason', temper: 'async' }),
        runner(),
      ],
      {},
      random(50_000),
    ),
    jobModel([putter('blocked', { inPlace: true }), runner(), runner()], {}, BOUND_1),
    jobModel(
      [putter('loop', {}, { patient: true }), putter('loop', { patient: true }), runner()],
      { maxPending: 0 },
      BOUND_1,
    ),
    jobModel(
      [putter('loop', { temper: 'given' }, {}), putter('loop', { patient: true }), runner()],
      { maxPending: 0 },
      BOUND_1,
    ),
    jobModel([putter('loop', {}, {}), runner(), breaker], {}, BOUND_2),
    jobModel([putter('loop', { temper: 'fork' }, {}), runner(), runner()], STEALING, most(100_000)),
    jobModel([putter('loop', { temper: 'unfork' }, {}), runner(), runner()], STEALING, random(50_000)),
    jobModel([putter('loop', { temper: 'fork' }), runner(), breaker], STEALING, most(100_000)),
  ]);
});

describe('Whoever dies, jobs are lost and doubled to nobody, in every schedule', () => {
  exploreAtLength('Pools under deaths', [
    jobModel([mortal(), ender()], ONE_DIES, { ...BOUND_2, mortal: ['a'] }),
    jobModel([mortal(), ender()], ONE_DIES, {
      preemptionBound: 3,
      transformed: withoutValues,
      mortal: ['a'],
      maxSchedules: 250_000,
    }),
    jobModel([mortal({ parts: true }), ender()], { parcels: 1, deaths: 2 }, BOUND_0),
    jobModel([mortal(), ender()], { deaths: 2 }, BOUND_1),
    jobModel([mortal(), ender()], { deaths: 1, menders: 2 }, { ...BOUND_1, mortal: ['a'] }),
    jobModel([mortal({ parts: true }), ender()], { parcels: 1, ...TWO_DIE }, random(50_000)),
    jobModel([mortal({ withdrawn: 'with reason' }), ender()], ONE_DIES, {
      ...ALLOCATING,
      preemptionBound: 1,
      mortal: ['a'],
    }),
    jobModel([mortal()], { parcels: 1, ...TWO_DIE }, ALLOCATING),
    jobModel([putter('loop', {}), runner()], ONE_DIES, BOUND_1),
    jobModel([putter('blocked', {}), runner()], ONE_DIES, BOUND_1),
    jobModel([putter('loop', {}), putter('loop', {}), runner()], ONE_DIES, most(100_000)),
    jobModel([putter('loop', {}), runner()], { deaths: 2 }, most(100_000)),
    jobModel([inTurn('loop', {}, {}), runner()], ONE_DIES, most(150_000)),
    jobModel([putter('blocked', { parts: true }), runner()], { parcels: 1, ...ONE_DIES }, most(150_000)),
    jobModel([putter('loop', { parts: true }), runner()], { parcels: 1, ...ONE_DIES }, ALLOCATING),
    jobModel([putter('loop', { withdrawn: 'with reason', temper: 'async' }), runner()], ONE_DIES, BOUND_1),
    jobModel([putter('loop', {}, {}), runner(), runner()], ONE_DIES, BOUND_0),
    jobModel([putter('loop', { again: true }, {}), runner(), runner()], ONE_DIES, BOUND_0),
    jobModel([putter('loop', { priority: 1 }, {}), putter('loop', {}), runner()], ONE_DIES, BOUND_0),
    jobModel(
      [putter('loop', {}, { patient: true }), putter('loop', { patient: true }), runner()],
      { maxPending: 0, ...ONE_DIES },
      most(100_000, BOUND_0),
    ),
    jobModel([putter('loop', {}), runner(), breaker], ONE_DIES, most(150_000)),
    jobModel([putter('loop', { temper: 'given' }, {}), runner()], ONE_DIES, most(150_000)),
    jobModel([putter('loop', {}, {}), runner()], TWO_DIE, random(50_000)),
    jobModel(
      [putter('loop', {}), putter('blocked', {}), runner()],
      { deaths: 1, menders: 2 },
      random(50_000),
    ),
    jobModel(
      [putter('loop', {}, { withdrawn: 'with reason', temper: 'async' }), runner(2)],
      TWO_DIE,
      random(50_000),
    ),
    jobModel([putter('blocked', { again: true }), runner(), runner()], TWO_DIE, random(50_000)),
    jobModel(
      [putter('loop', { temper: 'unfork' }), runner(), runner()],
      { ...STEALING, ...ONE_DIES },
      BOUND_0,
    ),
    jobModel(
      [putter('loop', { temper: 'fork' }, {}), runner(), runner()],
      { ...STEALING, ...ONE_DIES },
      random(50_000),
    ),
    jobModel(
      [putter('loop', { temper: 'unfork' }), runner(), runner()],
      { ...STEALING, ...TWO_DIE },
      random(50_000),
    ),
  ]);
});
