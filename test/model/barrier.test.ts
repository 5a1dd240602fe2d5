import { describe, expect, test } from 'vitest';
import { explore } from './explorer.ts';
import {
  type Actor,
  aborter,
  type BarrierModel,
  type BarrierOptions,
  barrierModel,
  failing,
  party,
  resetter,
} from './fixtures/barrier-model.ts';
import { withoutAllocator } from './fixtures/heap-model.ts';

const WORD = 'src/sync/barrier-word.ts';
const TELLING = 'src/sync/barrier-telling.ts';

const BOUND_1 = { preemptionBound: 1, transformed: withoutAllocator };
const BOUND_2 = { preemptionBound: 2, transformed: withoutAllocator };
const ACTION = { action: true };

// More of them, and further: test/exploration/barrier.test.ts.
describe('A barrier lets all pass or none', () => {
  const models = [
    barrierModel([party('blocked', 2), party('loop', 2)], ACTION, BOUND_2),
    barrierModel([party('blocked'), party('blocked'), party('loop')], {}, BOUND_1),
    barrierModel([party('blocked'), party('impatient')], {}, BOUND_2),
    barrierModel([party('blocked'), party('impatient loop'), party('loop')], ACTION, BOUND_1),
    barrierModel([party('blocked'), party('at once'), party('loop')], ACTION, BOUND_1),
    barrierModel([party('blocked'), party('loop'), aborter], ACTION, BOUND_1),
    barrierModel([party('blocked'), party('loop'), resetter], ACTION, BOUND_1),
    barrierModel([failing('blocked'), failing('loop')], ACTION, BOUND_2),
    barrierModel(
      [party('blocked'), party('blocked'), party('impatient')],
      { ...ACTION, parties: 2 },
      BOUND_1,
    ),
    barrierModel([party('blocked'), party('loop')], { ...ACTION, deaths: 1 }, BOUND_1),
  ];
  test.each(models.map((model) => [model.name, model] as const))('%s', async (_, model) => {
    expect((await explore(model)).exhausted).toBe(true);
  });
});

type Case = readonly [actors: readonly Actor[], options: BarrierOptions, more: Partial<BarrierModel>];

describe('The models of the barrier notice', () => {
  const TWO: Case = [[party('blocked', 2), party('loop', 2)], ACTION, BOUND_1];
  const THREE: Case = [[party('blocked'), party('blocked'), party('loop')], {}, BOUND_1];
  const ONE_GIVES_UP: Case = [[party('blocked'), party('impatient'), party('loop')], {}, BOUND_1];
  const ONE_NEWCOMER: Case = [
    [party('blocked'), party('blocked'), party('loop')],
    { ...ACTION, parties: 2 },
    BOUND_1,
  ];
  const ONE_DIES: Case = [[party('blocked'), party('blocked')], { ...ACTION, deaths: 1 }, BOUND_1];
  test.each<readonly [what: string, model: Case, file: string, find: string, replace: string]>([
    [
      'two that get one number',
      THREE,
      WORD,
      'words[node + NODE_WANT] = arrived;',
      'words[node + NODE_WANT] = 0;',
    ],
    [
      'one who arrives while others are told',
      [[party('blocked'), party('blocked'), party('loop')], { parties: 2 }, BOUND_2],
      WORD,
      '    if (words[object + BARRIER_TELLING] === 0) {\n      const arrived',
      '    {\n      const arrived',
    ],
    [
      'a last one who tells nobody',
      [[party('blocked'), party('at once')], {}, BOUND_1],
      WORD,
      '      if (found === BUSY) continue;\n      this.#serve();\n      return found;',
      '      if (found === BUSY) continue;\n      return found;',
    ],
    [
      'an action that nobody is told of',
      TWO,
      WORD,
      '      this.#serve();\n      return found === PASS;',
      '      return found === PASS;',
    ],
    [
      'one who gives up, and nothing breaks',
      ONE_GIVES_UP,
      WORD,
      `        words[object + BARRIER_BROKEN] = 1;
        words[object + BARRIER_ARRIVED] = 0;
        words[object + BARRIER_LATER] = 0;`,
      `        words[object + BARRIER_ARRIVED] = 0;
        words[object + BARRIER_LATER] = 0;`,
    ],
    [
      'one who gives up, and the others are not told',
      ONE_GIVES_UP,
      WORD,
      '    words[node + OBJECT] = 0;\n',
      '    words[node + OBJECT] = 0;\n    words[object + BARRIER_TELLING] = 0;\n',
    ],
    [
      'one who gives up when all have passed, and breaks it',
      ONE_GIVES_UP,
      WORD,
      'else if ((telling & ARRIVED_BITS) === 0) {',
      'else if (true) {',
    ],
    [
      'a newcomer that is not told to try again',
      ONE_NEWCOMER,
      WORD,
      'found | (words[object + BARRIER_BROKEN] === 1 ? REFUSE : RETRY)',
      'found',
    ],
    [
      'a newcomer that is forgotten when the others were told',
      ONE_NEWCOMER,
      TELLING,
      'arrived ? telling & NEWCOMER_BITS : 0;',
      '0;',
    ],
    [
      'a newcomer that passes with the others',
      ONE_NEWCOMER,
      WORD,
      'const list = running ? BARRIER_NEWCOMERS : LISTS;',
      'const list = LISTS;',
    ],
    [
      'an action that throws, and others pass',
      [[failing('blocked'), failing('loop')], ACTION, BOUND_1],
      WORD,
      'found = failed || dropped || oneDied ? FAIL : PASS;',
      'found = dropped || oneDied ? FAIL : PASS;',
    ],
    [
      'a reset during the action, and its runner passes',
      [[party('blocked'), party('loop'), aborter], ACTION, BOUND_1],
      WORD,
      `      if (broken === 1) words[object + BARRIER_LATER] = 0;
      if (words[object + BARRIER_RUNNER] !== 0) words[object + BARRIER_DROPPED] = 1;`,
      '      if (broken === 1) words[object + BARRIER_LATER] = 0;',
    ],
    [
      'a reset that leaves who has arrived in the count',
      [[party('blocked'), party('loop'), resetter], ACTION, BOUND_1],
      WORD,
      `      words[object + BARRIER_BROKEN] = broken;
      words[object + BARRIER_ARRIVED] = 0;`,
      '      words[object + BARRIER_BROKEN] = broken;',
    ],
    [
      'a runner that died, and nobody sees',
      ONE_DIES,
      WORD,
      'const died = isDead && words[object + BARRIER_RUNNER] === runner;',
      'const died = isDead && words[object + BARRIER_RUNNER] !== runner;',
    ],
    [
      'one who waited and died, and nobody sees',
      [[party('blocked'), party('blocked')], { parties: 3, deaths: 1 }, BOUND_1],
      WORD,
      '(died && !dropped) || words[object + LISTS + LIST_COUNT] !== words[object + BARRIER_ARRIVED]',
      'died && !dropped',
    ],
    [
      'one who gives up after all had arrived, and does not pass',
      [[party('blocked'), party('impatient')], {}, BOUND_2],
      WORD,
      'decided = (telling & PASS) !== 0 ? words[node + NODE_WANT]! : FAILS;',
      'decided = undefined;',
    ],
    [
      'one who gives up while all are told, and does not pass',
      [[party('blocked'), party('impatient')], {}, BOUND_2],
      WORD,
      'decided = words[node + NODE_VALUE]!;',
      'decided = undefined;',
    ],
    [
      'others who are not told of a death',
      ONE_DIES,
      WORD,
      '    while (!this.#mend());\n    this.#serve();',
      '    while (!this.#mend());',
    ],
  ])('%s', async (_, [actors, options, more], file, find, replace) => {
    const mutate = { file, find, replace, expectFailure: true } as const;
    await explore(barrierModel(actors, options, { ...more, mutate }));
  });
});
