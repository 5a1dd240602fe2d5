import { describe, expect, test } from 'vitest';
import { explore } from './explorer.ts';
import {
  type Actor,
  type ConditionModel,
  type ConditionOptions,
  conditionModel,
  notifier,
  quitter,
  waiter,
} from './fixtures/condition-model.ts';
import { withoutAllocator } from './fixtures/heap-model.ts';

const WORD = 'src/sync/condition-word.ts';
const REAPER = 'src/memory/reaper.ts';

const BOUND_1 = { preemptionBound: 1, transformed: withoutAllocator };
const BOUND_2 = { preemptionBound: 2, transformed: withoutAllocator };
const DEATH = { deaths: 1 };

// More of them, and further: test/exploration/condition.test.ts.
describe('A condition gives each notification to one who waited, in turn', () => {
  const models = [
    conditionModel([waiter('blocked'), notifier(1)], {}, BOUND_2),
    conditionModel([waiter('blocked'), waiter('loop'), notifier(1, 1)], {}, BOUND_1),
    conditionModel([quitter('blocked'), waiter('loop'), notifier(1)], {}, BOUND_1),
    conditionModel([waiter('impatient loop'), waiter('blocked', 2), notifier(2)], {}, BOUND_1),
    conditionModel([waiter('blocked'), notifier(1)], DEATH, BOUND_1),
  ];
  test.each(models.map((model) => [model.name, model] as const))('%s', async (_, model) => {
    expect((await explore(model)).exhausted).toBe(true);
  });
});

type Case = readonly [actors: readonly Actor[], options: ConditionOptions, more: Partial<ConditionModel>];

describe('The models of the condition notice', () => {
  const TWO: Case = [[waiter('blocked'), waiter('loop'), notifier(1)], {}, BOUND_1];
  const ONE_CANCELLED: Case = [[quitter('blocked'), waiter('blocked'), notifier(1)], {}, BOUND_1];
  const ONE_DIES: Case = [[waiter('blocked'), notifier(1)], DEATH, BOUND_1];
  test.each<readonly [what: string, model: Case, file: string, find: string, replace: string]>([
    ['more who are notified than should be', TWO, WORD, '      if (count < pending) pending = count;\n', ''],
    [
      'a notification that is given to all',
      TWO,
      WORD,
      '          words[object + CONDITION_PENDING]! -= 1;\n',
      '',
    ],
    [
      'a notification that is written down, and not given',
      TWO,
      WORD,
      '    while (!this.#write(count)) this.serve();\n    this.serve();',
      '    while (!this.#write(count)) this.serve();',
    ],
    [
      'a notification that is given before the cell is set',
      [[waiter('impatient'), waiter('blocked'), notifier(1)], {}, BOUND_2],
      WORD,
      `        if (Atomics.compareExchange(words, cell + CELL_STATE, WAITING, node) === WAITING) {
          set++;
          words[record + HELD]! += 1;`,
      `        words[record + HELD]! += 1;
        if (Atomics.compareExchange(words, cell + CELL_STATE, WAITING, node) === WAITING) {
          set++;`,
    ],
    [
      'a notification for one who gave up, which waits for the next',
      [[waiter('impatient'), notifier(1)], {}, BOUND_2],
      WORD,
      '    if (node === 0) words[object + CONDITION_PENDING] = 0;\n',
      '',
    ],
    [
      'a notification that one who was cancelled keeps',
      ONE_CANCELLED,
      WORD,
      '      words[object + CONDITION_PENDING] = 1;\n',
      '',
    ],
    [
      'a notification that is passed on and had as well',
      ONE_CANCELLED,
      WORD,
      '      words[record + HELD]! -= 1;\n      words[object',
      '      words[object',
    ],
    [
      'a notification that is had for ever',
      TWO,
      WORD,
      '    words[record + HELD]! -= 1;\n    if (Atomics',
      '    if (Atomics',
    ],
    [
      'what one who died had been notified of, which is nobody’s',
      ONE_DIES,
      WORD,
      '    words[object + CONDITION_PENDING]! += words[record + HELD]!;\n',
      '',
    ],
    [
      'what one who died had been notified of, and nobody looks at',
      ONE_DIES,
      REAPER,
      '      kindOf(words[object + KIND]!)?.reclaim?.(heap, object, block, dead);\n',
      '',
    ],
    [
      'what a dead notifier left, and nobody goes on with',
      ONE_DIES,
      WORD,
      'settleSection(this.#heap, this.object);\n    this.serve();',
      'settleSection(this.#heap, this.object);',
    ],
  ])('%s', async (_, [actors, options, more], file, find, replace) => {
    const mutate = { file, find, replace, expectFailure: true } as const;
    await explore(conditionModel(actors, options, { ...more, mutate }));
  });
});
