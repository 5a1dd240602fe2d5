import { describe } from 'vitest';
import { handlesModel, maker, opener, receiver, sender, successor } from '../model/fixtures/handles-model.ts';
import { exploreAtLength } from './shared-objects.ts';

const BOUND_1 = { preemptionBound: 1 };
const BOUND_2 = { preemptionBound: 2 };
const random = (schedules: number): { sample: { schedules: number; seed: number } } => ({
  sample: { schedules, seed: 1 },
});
const REFUSED = [sender(true, 1), receiver(0, { refuses: true })];
const SENT_ON = [sender(false, 1), receiver(0, { next: 2 }), receiver(1)];
const TO_TWO = [sender(false, 1, 2), receiver(0), receiver(0)];

describe('Handles keep an object as long as somebody holds it, and no longer, in every schedule', () => {
  exploreAtLength('Handles', [
    handlesModel('sent or not, received or refused', REFUSED, {}, { maxSchedules: 600_000 }),
    handlesModel('sent on', SENT_ON, {}, { preemptionBound: 5 }),
    handlesModel('sent to two', TO_TWO, {}, { preemptionBound: 4 }),
    handlesModel('opened', [sender(false), opener, maker(1)], { pages: 2 }, { maxSchedules: 600_000 }),
    handlesModel('sent or not, received or refused, death', REFUSED, { deaths: 1 }, BOUND_2),
    handlesModel('sent on, death', SENT_ON, { deaths: 1 }, BOUND_1),
    handlesModel('sent to two, death', TO_TWO, { deaths: 1 }, BOUND_1),
    handlesModel('opened, death', [sender(false), opener, maker(1)], { deaths: 1, pages: 2 }, BOUND_1),
    handlesModel(
      'sent, two deaths, two mend',
      [sender(false, 1), receiver(0)],
      { deaths: 2, menders: 2 },
      random(100_000),
    ),
    handlesModel(
      'a successor with the blocks of the dead, two mend',
      [sender(false), successor(2)],
      { deaths: 1, menders: 2, pages: 2 },
      { ...BOUND_1, mortal: ['a'] },
    ),
  ]);
});
