import { describe, expect, test } from 'vitest';
import { explore } from './explorer.ts';
import {
  type Body,
  type HandlesModel,
  type HandlesOptions,
  handlesModel,
  maker,
  opener,
  receiver,
  sender,
  successor,
} from './fixtures/handles-model.ts';
import { withoutAllocator } from './fixtures/heap-model.ts';

const HANDLES = 'src/memory/handles.ts';
const REAPER = 'src/memory/reaper.ts';

const BOUND_1 = { preemptionBound: 1, transformed: withoutAllocator };
const BOUND_2 = { preemptionBound: 2, transformed: withoutAllocator };

type Case = readonly [
  what: string,
  bodies: readonly Body[],
  options: HandlesOptions,
  more: Partial<HandlesModel>,
];

const SENT: Case = ['sent, death', [sender(false, 1), receiver(0)], { deaths: 1 }, BOUND_1];
const OPENED: Case = ['opened', [sender(false), opener, maker(1)], {}, BOUND_2];
const MENDED_TWICE: Case = [
  'a successor with the blocks of the dead, two mend',
  [sender(false), successor(2)],
  { deaths: 1, menders: 2, pages: 1 },
  { ...BOUND_1, mortal: ['a'] },
];

// More of them, and further: test/exploration/handles.test.ts.
describe('Handles keep an object as long as somebody holds it, and no longer', () => {
  test.each<Case>([
    ['sent or not, received or refused', [sender(true, 1), receiver(0, { refuses: true })], {}, BOUND_2],
    ['sent on', [sender(false, 1), receiver(0, { next: 2 }), receiver(1)], {}, BOUND_2],
    OPENED,
    SENT,
  ])('%s', async (name, bodies, options, more) => {
    const report = await explore(handlesModel(name, bodies, options, more));
    expect(report.exhausted).toBe(true);
  });
});

describe('The models of Handles notice', () => {
  test.each<readonly [what: string, model: Case, file: string, find: string, replace: string]>([
    [
      'a parcel that is sent to the dead',
      SENT,
      HANDLES,
      'if (this.#heap.isDead(to)) dropParcel(this.#heap, parcel, to);',
      '',
    ],
    [
      'a parcel that is dropped while it is made',
      SENT,
      REAPER,
      'kind === PARCEL && state === SHARED && to',
      'kind === PARCEL && to',
    ],
    ['an object opened that nobody holds', OPENED, HANDLES, '&& words[object + REFS]! > 0', ''],
    [
      'an object that two free',
      MENDED_TWICE,
      HANDLES,
      'if (Atomics.compareExchange(words, object + REFS, found, -me) !== found) return;',
      'Atomics.store(words, object + REFS, -me);',
    ],
    [
      'a slow reaper that drops what a successor holds',
      MENDED_TWICE,
      HANDLES,
      'words[record - 1] === state && ',
      '',
    ],
  ])('%s', async (_, [name, bodies, options, more], file, find, replace) => {
    await explore(
      handlesModel(name, bodies, options, { ...more, mutate: { file, find, replace, expectFailure: true } }),
    );
  });
});
