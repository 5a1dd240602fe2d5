import { describe } from 'vitest';
import {
  clearer,
  getter,
  joiner,
  putter,
  type StoreModel,
  shutter,
  storeModel,
  withoutItems,
} from '../model/fixtures/store-model.ts';
import { exploreAtLength } from './shared-objects.ts';

const BOUND_1 = { preemptionBound: 1, transformed: withoutItems };
const BOUND_2 = { preemptionBound: 2, transformed: withoutItems };
const LIFO = 1;
const PRIORITY = 2;
const random = (schedules: number): Partial<StoreModel> => ({
  transformed: withoutItems,
  sample: { schedules, seed: 1 },
});

describe('Items of a queue are in order, never lost and never doubled, in every schedule', () => {
  exploreAtLength('Queues', [
    storeModel([putter('blocked', 1, 2), getter('blocked', 2)], { capacity: 1 }, BOUND_2),
    storeModel([putter('loop', 1, 2), getter('loop', 2)], { capacity: 1 }, BOUND_2),
    storeModel([putter('blocked', 1), putter('loop', 2), getter('blocked', 2)], { capacity: 1 }, BOUND_1),
    storeModel([putter('blocked', 1), getter('loop'), getter('impatient')], {}, BOUND_2),
    storeModel([putter('impatient', 2, 1), getter('impatient loop', 2)], { capacity: 1 }, BOUND_2),
    storeModel(
      [putter('blocked', 2, 1), putter('loop', 0), getter('blocked', 3)],
      { order: PRIORITY },
      BOUND_2,
    ),
    storeModel([putter('blocked', 2, 1), getter('loop'), getter('blocked')], { order: LIFO }, BOUND_2),
    storeModel([getter('blocked', 2), joiner('loop'), joiner('impatient')], { items: [1, 1] }, BOUND_1),
    storeModel(
      [getter('blocked', 2), joiner('impatient'), joiner('loop'), putter('blocked', 1)],
      { items: [1] },
      random(20_000),
    ),
    storeModel([getter('blocked', 2), getter('loop'), shutter(false)], { items: [1] }, BOUND_2),
    storeModel([getter('blocked', 2), putter('loop', 1), shutter(true)], { items: [1] }, BOUND_2),
    storeModel([putter('blocked', 2), getter('loop', 2), clearer], { items: [1], capacity: 1 }, BOUND_1),
  ]);
});
