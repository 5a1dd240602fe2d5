import { describe } from 'vitest';
import {
  clearer,
  getter,
  joiner,
  leaver,
  putter,
  type StoreModel,
  shutter,
  storeModel,
  withAllocator,
  withoutItems,
} from '../model/fixtures/store-model.ts';
import { exploreAtLength } from './shared-objects.ts';

const BOUND_0 = { preemptionBound: 0, transformed: withoutItems };
const BOUND_1 = { preemptionBound: 1, transformed: withoutItems };
const ALLOCATING = { preemptionBound: 0, transformed: withAllocator };
const ONE_DIES = { deaths: 1 };
const TWO_DIE = { deaths: 2, menders: 2, menderDies: true };
const LIFO = 1;
const PRIORITY = 2;
const random = (schedules: number): Partial<StoreModel> => ({
  transformed: withoutItems,
  sample: { schedules, seed: 1 },
});

describe('Whoever dies, items are lost and doubled to nobody, in every schedule', () => {
  exploreAtLength('Queues under deaths', [
    storeModel([putter('blocked', 1, 2), getter('blocked', 2)], { capacity: 1, ...ONE_DIES }, BOUND_1),
    storeModel([putter('loop', 1), getter('loop', 2)], { items: [1], ...ONE_DIES }, BOUND_1),
    storeModel([putter('blocked', 1), getter('blocked'), getter('loop')], ONE_DIES, BOUND_0),
    storeModel(
      [putter('impatient', 1), getter('blocked')],
      { items: [1], capacity: 1, ...ONE_DIES },
      BOUND_0,
    ),
    storeModel(
      [getter('blocked'), putter('blocked', 1)],
      { items: [3, 1, 2], order: PRIORITY, ...ONE_DIES },
      BOUND_1,
    ),
    storeModel(
      [getter('blocked'), putter('blocked', 1)],
      { items: [1, 2], order: LIFO, ...ONE_DIES },
      BOUND_1,
    ),
    storeModel([getter('blocked'), joiner('blocked'), joiner('loop')], { items: [1], ...ONE_DIES }, BOUND_0),
    storeModel([putter('blocked', 1), getter('blocked')], { parcels: 2, ...ONE_DIES }, BOUND_1),
    storeModel([shutter(true), getter('blocked')], { items: [1, 2], parcels: 1, ...ONE_DIES }, BOUND_1),
    storeModel([clearer, getter('blocked')], { items: [1, 2], parcels: 2, ...ONE_DIES }, BOUND_0),
    storeModel([leaver, leaver], { items: [1], parcels: 1, error: true, alone: true, ...ONE_DIES }, BOUND_1),
    storeModel([putter('blocked', 1), getter('blocked')], { parcels: 1, ...ONE_DIES }, ALLOCATING),
    storeModel([leaver], { items: [1], parcels: 1, error: true, alone: true, ...ONE_DIES }, ALLOCATING),
    storeModel(
      [putter('blocked', 1), getter('blocked')],
      { parcels: 2, deaths: 1, menders: 2 },
      random(20_000),
    ),
    storeModel([putter('blocked', 1, 2), getter('loop', 2)], { capacity: 1, ...TWO_DIE }, random(20_000)),
    storeModel(
      [getter('blocked'), getter('loop'), putter('blocked', 3)],
      { items: [1, 2], ...TWO_DIE },
      random(20_000),
    ),
    storeModel(
      [getter('blocked', 2), joiner('impatient'), joiner('blocked')],
      { items: [1, 2], ...TWO_DIE },
      random(20_000),
    ),
    storeModel([leaver], { items: [1], parcels: 2, error: true, alone: true, ...TWO_DIE }, random(20_000)),
    storeModel([shutter(true), getter('blocked')], { items: [1, 2], parcels: 1, ...TWO_DIE }, random(20_000)),
  ]);
});
