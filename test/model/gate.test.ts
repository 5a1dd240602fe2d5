import { describe, expect, test } from 'vitest';
import { explore } from './explorer.ts';
import {
  type Actor,
  counter,
  type GateModel,
  type GateOptions,
  gateModel,
  opener,
  waiter,
  waiterForEither,
} from './fixtures/gate-model.ts';
import { withoutAllocator } from './fixtures/heap-model.ts';

const GATE = 'src/sync/gate.ts';
const PARKING = 'src/park/parking.ts';

const BOUND_1 = { preemptionBound: 1, transformed: withoutAllocator };
const BOUND_2 = { preemptionBound: 2, transformed: withoutAllocator };
const DEATH = { deaths: 1 };

/** Cells are set one in a section, so that what happens between two batches can be seen. */
const ONE_AT_ONCE = { file: PARKING, find: 'MOST_AT_ONCE = 64', replace: 'MOST_AT_ONCE = 1' } as const;

// More of them, and further: test/exploration/gate.test.ts.
describe('A gate lets through who waited when it was opened, in turn, and nobody else', () => {
  const models = [
    gateModel([waiter('blocked'), waiter('loop'), opener('set', 'clear')], {}, BOUND_1),
    gateModel([waiter('blocked', 2), waiter('impatient'), opener('set', 'clear')], {}, BOUND_1),
    gateModel([waiter('loop'), waiter('impatient loop'), opener('set', 'clear', 'set')], {}, BOUND_1),
    gateModel([waiter('blocked'), counter(1), counter(2)], { count: 3 }, BOUND_2),
    gateModel([waiterForEither, opener('set', 'clear'), opener('set the other')], { gates: 2 }, BOUND_1),
    gateModel([waiter('blocked'), opener('set', 'clear')], DEATH, BOUND_1),
    gateModel([waiterForEither, opener('set', 'set the other')], { gates: 2, ...DEATH }, BOUND_1),
  ];
  test.each(models.map((model) => [model.name, model] as const))('%s', async (_, model) => {
    expect((await explore(model)).exhausted).toBe(true);
  });

  test('also if there are more than are set at once', async () => {
    const model = gateModel([waiter('blocked'), waiter('loop'), opener('set', 'clear')], {}, BOUND_1);
    const exploration = explore({ ...model, mutate: { ...ONE_AT_ONCE, expectFailure: true } });
    await expect(exploration).rejects.toThrow(/The mutant survived.*exhausted/s);
  });
});

type Case = readonly [actors: readonly Actor[], options: GateOptions, more: Partial<GateModel>];

describe('The models of the gate notice', () => {
  const TWO_WAIT: Case = [[waiter('blocked'), waiter('loop'), opener('set', 'clear')], {}, BOUND_2];
  /** Its opener dies, and another closes it before that was noticed, or after. */
  const CLOSED: Case = [
    [waiter('blocked'), opener('set'), opener('clear')],
    DEATH,
    { preemptionBound: 0, transformed: withoutAllocator, mortal: ['b'] },
  ];
  const TWO_COUNT: Case = [[waiter('blocked'), counter(1), counter(2)], { count: 3 }, BOUND_2];
  test.each<readonly [what: string, model: Case, find: string, replace: string]>([
    [
      'a waiter that did not look again once it stood in the line',
      [[waiter('blocked'), opener('set')], {}, BOUND_1],
      'this.queue.append(node);\n    this.serve();',
      'this.queue.append(node);',
    ],
    [
      'an opening that does not say who is to be let through',
      TWO_WAIT,
      '        words[object + GATE_LETTING] = 1;\n',
      '',
    ],
    [
      'one who came after it was closed, and is let through',
      [[waiter('blocked'), waiter('blocked'), opener('set'), opener('clear')], {}, BOUND_1],
      'if (((words[node + NODE_TICKET]! - upTo) | 0) > 0) {',
      'if (upTo < 0) {',
    ],
    [
      'the last of those who waited, left behind',
      TWO_WAIT,
      'if (((words[node + NODE_TICKET]! - upTo) | 0) > 0) {',
      'if (((words[node + NODE_TICKET]! - upTo) | 0) >= 0) {',
    ],
    [
      'an opener that lets nobody through',
      TWO_WAIT,
      '    } else if (opens) {\n      this.#letThrough();\n    }',
      '    }',
    ],
    [
      'an opener that opened before it was ready, and finds it open',
      TWO_WAIT,
      '    if (!unready) {\n      words[object + GATE_COUNT] = after;',
      '    {\n      words[object + GATE_COUNT] = after;',
    ],
    [
      'letting through that never ends',
      TWO_WAIT,
      '    if (node === 0) words[object + GATE_LETTING] = 0;\n',
      '',
    ],
    [
      'letting through that is said to be over before it is',
      [CLOSED[0], DEATH, { ...BOUND_1, mortal: ['b'] }],
      '    let node = words[object + GATE_LETTING] === 0 ? 0 : words[list + LIST_HEAD]!;\n',
      '    let node = words[object + GATE_LETTING] === 0 ? 0 : words[list + LIST_HEAD]!;\n    words[object + GATE_LETTING] = 0;\n',
    ],
    [
      'what a dead opener left, and nobody goes on with',
      CLOSED,
      'settleSection(this.#heap, this.object);\n    this.serve();',
      'settleSection(this.#heap, this.object);',
    ],
    [
      'waiters of a dead opener, forgotten once somebody closed it',
      CLOSED,
      'if (Atomics.load(words, object + GATE_COUNT) !== 0 && Atomics.load(words, object + GATE_LETTING) === 0)',
      'if (Atomics.load(words, object + GATE_COUNT) !== 0)',
    ],
    [
      'a wait for two that both grant',
      [[waiterForEither, opener('set'), opener('set the other')], { gates: 2 }, BOUND_1],
      'if (Atomics.compareExchange(words, cell + CELL_STATE, WAITING, node) === WAITING) set++;',
      'Atomics.store(words, cell + CELL_STATE, node);\n        set++;',
    ],
    [
      'a count that two change at once',
      TWO_COUNT,
      '    if (Atomics.compareExchange(words, object + SECTION, 0, me) !== 0) enterSection(this.#heap, object);\n    const before = words[object + GATE_COUNT]!;',
      '    const before = Atomics.load(words, object + GATE_COUNT);\n    if (Atomics.compareExchange(words, object + SECTION, 0, me) !== 0) enterSection(this.#heap, object);',
    ],
    [
      'one of a batch who is not told',
      TWO_WAIT,
      'WAITING, node) === WAITING) set++;',
      'WAITING, node) === WAITING) set = 1;',
    ],
  ])('%s', async (_, [actors, options, more], find, replace) => {
    const mutate = { file: GATE, find, replace, expectFailure: true } as const;
    await explore(gateModel(actors, options, { ...more, mutate }));
  });
});
