import { describe, expect, test } from 'vitest';
import { explore } from './explorer.ts';
import {
  type Actor,
  clearer,
  getter,
  joiner,
  leaver,
  putter,
  type StoreModel,
  type StoreOptions,
  shutter,
  storeModel,
  withAllocator,
  withoutItems,
} from './fixtures/store-model.ts';

const STORE = 'src/queue/store.ts';
const SERVICE = 'src/queue/service.ts';
const MEND = 'src/queue/store-mend.ts';
const BLOCK = 'src/queue/item-block.ts';
const LAYOUT = 'src/memory/layout.ts';

const BOUND_1 = { preemptionBound: 1, transformed: withoutItems };
const BOUND_2 = { preemptionBound: 2, transformed: withoutItems };
const ALLOCATING = { preemptionBound: 0, transformed: withAllocator };
const WITH_LAYOUT = {
  preemptionBound: 0,
  transformed: (path: string) => withoutItems(path) || path.endsWith('/layout.ts'),
};
const AT_RANDOM = { transformed: withoutItems, sample: { schedules: 50_000, seed: 1 } };
const DEATH = { deaths: 1 };
const LIFO = 1;
const PRIORITY = 2;

type Case = readonly [actors: readonly Actor[], options: StoreOptions, more: Partial<StoreModel>];

// More of them, and further: test/exploration/store.test.ts.
describe('Items of a queue are in order, never lost, never doubled, and leave nothing behind', () => {
  const models = [
    storeModel([putter('blocked', 1, 2), getter('loop', 2)], { capacity: 1 }, BOUND_1),
    storeModel([putter('impatient', 2, 1), getter('impatient loop', 2)], { capacity: 1 }, BOUND_1),
    storeModel(
      [putter('blocked', 2, 1), putter('loop', 0), getter('blocked', 3)],
      { order: PRIORITY },
      BOUND_1,
    ),
    storeModel([putter('loop', 2, 1), getter('blocked'), getter('loop')], { order: LIFO }, BOUND_1),
    storeModel([getter('blocked', 2), joiner('impatient loop')], { items: [1, 1] }, BOUND_1),
    storeModel([getter('blocked', 2), putter('loop', 1), shutter(true)], { items: [1] }, BOUND_1),
    storeModel([putter('blocked', 2), putter('loop', 1), clearer], { items: [1], capacity: 1 }, BOUND_1),
    storeModel([getter('blocked'), getter('loop')], { items: [1, 2], ...DEATH }, BOUND_1),
    storeModel(
      [putter('blocked', 1), getter('blocked')],
      { parcels: 2, ...DEATH },
      { ...BOUND_1, preemptionBound: 0 },
    ),
    storeModel([leaver], { items: [1, 2], parcels: 1, error: true, alone: true, ...DEATH }, BOUND_1),
  ];
  test.each(models.map((model) => [model.name, model] as const))('%s', async (_, model) => {
    expect((await explore(model)).exhausted).toBe(true);
  });
});

describe('The models of queues notice', () => {
  const BOUNDED: Case = [[putter('blocked', 1, 2), getter('loop', 2)], { capacity: 1 }, BOUND_2];
  const WAITING: Case = [[getter('impatient'), getter('blocked'), putter('blocked', 1, 2)], {}, BOUND_1];
  const TAKER_DIES: Case = [[getter('blocked'), getter('blocked')], { items: [1, 2], ...DEATH }, BOUND_1];
  const WOKEN_DIES: Case = [[getter('blocked'), getter('blocked'), putter('blocked', 1)], DEATH, BOUND_1];
  const WITH_PARCELS: Case = [
    [putter('blocked', 1), getter('blocked')],
    { parcels: 2, ...DEATH },
    { ...BOUND_1, preemptionBound: 0 },
  ];
  const JOINING: Case = [
    [getter('blocked'), joiner('blocked'), putter('blocked', 1)],
    { items: [1] },
    BOUND_1,
  ];
  const JOINED_AFTER_DEATH: Case = [
    [getter('blocked'), joiner('blocked'), joiner('blocked')],
    { items: [1], ...DEATH },
    { ...BOUND_1, preemptionBound: 0, mortal: ['a'] },
  ];
  test.each<readonly [what: string, model: Case, file: string, find: string, replace: string]>([
    [
      'a putter that overtakes',
      [[putter('blocked', 1), putter('loop', 2), getter('blocked', 3)], { items: [1], capacity: 1 }, BOUND_1],
      STORE,
      'words[object + QUEUE_PUTTERS + LIST_HEAD] === 0 &&\n      words[object + QUEUE_SIZE]',
      'words[object + QUEUE_SIZE]',
    ],
    [
      'a getter that overtakes',
      [[getter('blocked'), putter('blocked', 1, 2), getter('loop')], {}, BOUND_1],
      STORE,
      '        words[object + LISTS + LIST_HEAD] === 0 &&\n        words[object + QUEUE_STATE] !== CLEARED',
      '        words[object + QUEUE_STATE] !== CLEARED',
    ],
    [
      'room that is made, and nobody served',
      [[putter('blocked', 2), getter('blocked')], { items: [1], capacity: 1 }, BOUND_1],
      STORE,
      '    if (waiting) this.serve();\n    return item;',
      '    return item;',
    ],
    [
      'an item that is put, and nobody served',
      BOUNDED,
      STORE,
      '    if (waiting) this.serve();\n    return put;',
      '    return put;',
    ],
    [
      'a waiter that did not look again once it stood in the line',
      BOUNDED,
      STORE,
      'queue.append(node);\n    this.serve();',
      'queue.append(node);',
    ],
    [
      'an item that is reserved for one who gave up',
      WAITING,
      SERVICE,
      '=== WAITING) {\n        result = cell;',
      '!== node) {\n        result = cell;',
    ],
    [
      'an item that is reserved for nobody',
      WAITING,
      SERVICE,
      '          words[record + RESERVED]! += 1;\n',
      '',
    ],
    [
      'more items than there is room for',
      [[putter('blocked', 1), putter('loop', 2)], { capacity: 1 }, BOUND_1],
      SERVICE,
      'words[object + QUEUE_SIZE]! < words[object + QUEUE_CAPACITY]! &&',
      'words[object + QUEUE_SIZE]! <= words[object + QUEUE_CAPACITY]! &&',
    ],
    [
      'trees that are merged the wrong way round',
      [[getter('blocked', 2), putter('blocked', 0)], { order: PRIORITY, items: [2, 3, 1] }, BOUND_1],
      STORE,
      'low !== 0 ? low < 0 : ticket < 0',
      'low !== 0 ? low > 0 : ticket < 0',
    ],
    [
      'an item that went with who had taken it',
      TAKER_DIES,
      MEND,
      'words[item + ITEM_CLAIMED] === 1',
      'words[item + ITEM_CLAIMED] === 3',
    ],
    [
      'an item that came back and counts as lost',
      TAKER_DIES,
      MEND,
      ' words[record + HELD]! -= 1;',
      ' words[record + HELD]! -= 0;',
    ],
    [
      'an item that came back, behind which none can be put',
      [[getter('blocked'), putter('blocked', 1)], { items: [1], ...DEATH }, BOUND_1],
      MEND,
      '        if (next === 0) words[object + QUEUE_LAST] = item;\n',
      '',
    ],
    [
      'two items that came back in the wrong order',
      [[getter('blocked'), getter('blocked')], { items: [1, 2, 3], deaths: 2, menders: 1 }, BOUND_2],
      MEND,
      'words[item + ITEM_TICKET]!) | 0) < 0) {',
      'words[item + ITEM_TICKET]!) | 0) > 0) {',
    ],
    [
      'a stack that was made anew as a queue',
      [[putter('blocked', 1), getter('blocked')], { order: LIFO, items: [1, 2], ...DEATH }, BOUND_1],
      MEND,
      'order === LIFO ? -1 : 1',
      'order === LIFO ? 1 : 1',
    ],
    [
      'what was reserved for the dead, and nobody took back',
      WOKEN_DIES,
      MEND,
      '    words[object + QUEUE_RESERVED]! -= words[record + RESERVED]!;\n',
      '',
    ],
    [
      'what was reserved for the dead, taken back twice',
      [[getter('blocked'), putter('blocked', 1)], { deaths: 1, menders: 2 }, { ...BOUND_1, mortal: ['a'] }],
      MEND,
      '    words[record + RESERVED] = 0;\n',
      '',
    ],
    [
      'what the dead left, and nobody served',
      WOKEN_DIES,
      MEND,
      'clear(store);\n  store.serve();',
      'clear(store);',
    ],
    [
      'who died while dropping all, and it stayed',
      [[shutter(true)], { items: [1, 2], ...DEATH }, BOUND_1],
      MEND,
      '  if (store.read(QUEUE_STATE) === CLEARED) clear(store);\n',
      '',
    ],
    [
      'an item that came back and of which something was gone',
      WITH_PARCELS,
      BLOCK,
      '  if (parcel !== 0) words[item + ITEM_CLAIMED] = 2;\n',
      '',
    ],
    [
      'a handle that is no longer in its item, and not yet in hand',
      WITH_PARCELS,
      BLOCK,
      '    Atomics.store(words, parcel + PARCEL_TO, me);\n    words[item + ITEM_PARCELS] = next;\n    objects',
      '    words[item + ITEM_PARCELS] = next;\n    objects',
    ],
    [
      'a handle that is still in its item when it is gone',
      [[clearer], { items: [1], parcels: 2, ...DEATH }, ALLOCATING],
      BLOCK,
      '    words[item + ITEM_PARCELS] = next;\n    dropParcel(heap, parcel, me);\n',
      '    dropParcel(heap, parcel, me);\n    words[item + ITEM_PARCELS] = next;\n',
    ],
    [
      'an item that nobody has any more, and is not freed',
      [[getter('blocked')], { items: [1], ...DEATH }, ALLOCATING],
      BLOCK,
      '  blocks.free(item);\n',
      '  Atomics.store(words, item + ITEM_STATE, 0);\n  blocks.free(item);\n',
    ],
    [
      'an error that went with who freed its queue',
      [[leaver], { items: [1], parcels: 1, error: true, alone: true, ...DEATH }, BOUND_1],
      MEND,
      '  Atomics.store(heap.words, error + ITEM_STATE, heap.token);\n',
      '',
    ],
    [
      'a parcel that seems to hold something',
      WITH_PARCELS.with(2, WITH_LAYOUT) as unknown as Case,
      LAYOUT,
      'PARCEL_NEXT = 6',
      'PARCEL_NEXT = 4',
    ],
    [
      'a joiner that was not told, for something was put again',
      JOINING,
      STORE,
      '    if (joined) {\n',
      '    if (joined && !had) {\n',
    ],
    [
      'a joiner that is told too early',
      [
        [getter('blocked'), joiner('impatient'), joiner('blocked'), putter('blocked', 1)],
        { items: [1] },
        AT_RANDOM,
      ],
      SERVICE,
      'joiner === 0 || ((words',
      'joiner === 0 || joiner < 0 && ((words',
    ],
    [
      'a death of which two joiners hear',
      JOINED_AFTER_DEATH,
      SERVICE,
      '          words[object + QUEUE_JOINING] = DONE;\n',
      '',
    ],
    [
      'a death of which no joiner hears',
      JOINED_AFTER_DEATH,
      MEND,
      '      words[object + QUEUE_UNHEARD] = 1;\n      words[object + QUEUE_DIED]',
      '      words[object + QUEUE_DIED]',
    ],
  ])('%s', async (_, [actors, options, more], file, find, replace) => {
    const mutate = { file, find, replace, expectFailure: true } as const;
    await explore(storeModel(actors, options, { maxSchedules: 20_000, ...more, mutate }));
  });
});
