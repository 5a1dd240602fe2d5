import { describe, expect, test } from 'vitest';
import { explore } from './explorer.ts';
import { withoutAllocator } from './fixtures/heap-model.ts';
import {
  type Body,
  lateSetter,
  type QueueModel,
  type QueueOptions,
  QueueWorld,
  queueModel,
  quitter,
  setter,
  successor,
  waiter,
} from './fixtures/queue-model.ts';

const QUEUE = 'src/park/wait-queue.ts';
const SECTION = 'src/memory/section.ts';
const REAPER = 'src/memory/reaper.ts';

const AT_ONCE = { transformed: withoutAllocator };
const BOUND_1 = { ...AT_ONCE, preemptionBound: 1 };
const BOUND_2 = { ...AT_ONCE, preemptionBound: 2 };

const SOME = { ...AT_ONCE, sample: { schedules: 4_000, seed: 1 } };

type Case = readonly [
  what: string,
  waiters: readonly Body[],
  setters: readonly Body[],
  options: QueueOptions,
  more: Partial<QueueModel>,
];

const TWO_WAIT: Case = ['two wait, one gives', [waiter(0), waiter(0)], [setter(0, 0)], {}, BOUND_2];
const IN_TWO: Case = [
  'two wait in two queues each',
  [waiter([0, 1]), waiter([1, 0])],
  [setter(0, 0), setter(0, 1)],
  {},
  BOUND_2,
];
const MORTAL: Case = [
  'two wait, one gives, at random',
  TWO_WAIT[1],
  TWO_WAIT[2],
  { deaths: 1 },
  { ...AT_ONCE, sample: { schedules: 40_000, seed: 2 } },
];
/** Threads that sleep before a section are woken by others or not at all. */
const UNWATCHFUL: Case = [
  'two wait, one gives, at random, none looks by itself',
  TWO_WAIT[1],
  TWO_WAIT[2],
  { deaths: 1 },
  {
    ...AT_ONCE,
    sample: { schedules: 40_000, seed: 2 },
    world: (memory, modules) => Object.assign(new QueueWorld(memory, modules, 3), { watchful: false }),
  },
];
const MENDED_TWICE: Case = [
  'a successor with the cell of the dead, two mend',
  [quitter, successor],
  [lateSetter(2)],
  { deaths: 1, menders: 2, pages: 2 },
  { ...BOUND_1, mortal: ['a'] },
];
const REUSED: Case = [
  'a cell that waits elsewhere while the list is made anew',
  [waiter(0, 1), waiter(0)],
  [setter(1, 0, 0)],
  { deaths: 1 },
  { ...AT_ONCE, sample: { schedules: 40_000, seed: 2 }, mortal: ['c'] },
];

// More of them, and further: test/exploration/wait-queue.test.ts.
describe('WaitQueue gives once to each in turn and touches no cell that is free', () => {
  test.each<Case>([
    TWO_WAIT,
    ['two wait in two queues each', IN_TWO[1], IN_TWO[2], {}, BOUND_1],
    ['the setter dies', TWO_WAIT[1], TWO_WAIT[2], { deaths: 1 }, SOME],
    ['a waiter in two queues dies', IN_TWO[1].slice(1), IN_TWO[2], { deaths: 1 }, SOME],
  ])('%s', async (name, waiters, setters, options, more) => {
    const report = await explore(queueModel(name, waiters, setters, options, more));
    expect(report.exhausted || report.seed !== undefined).toBe(true);
  });
});

describe('The models of WaitQueue notice', () => {
  test.each<
    readonly [what: string, model: Case, deaths: number, file: string, find: string, replace: string]
  >([
    [
      'a node that is taken out twice',
      IN_TWO,
      0,
      QUEUE,
      '      words[node + NODE_LINKED] = 0;\n      words[node + NODE_VALUE]',
      '      words[node + NODE_VALUE]',
    ],
    [
      'a cell that two queues set',
      IN_TWO,
      0,
      QUEUE,
      'if (Atomics.compareExchange(words, cell + CELL_STATE, WAITING, node) === WAITING) {',
      'Atomics.store(words, cell + CELL_STATE, node);\n      {',
    ],
    [
      'a section that was left by the dead, and notified by nobody',
      UNWATCHFUL,
      1,
      REAPER,
      '    Atomics.notify(words, block + SECTION);',
      '',
    ],
    [
      'waits that are over in the list made anew',
      MORTAL,
      1,
      SECTION,
      '=== WAITING && !heap.isDead',
      '=== WAITING || !heap.isDead',
    ],
    [
      'a slow reaper that takes a successor out of the line',
      MENDED_TWICE,
      1,
      REAPER,
      'words[node - 1] === dead && ',
      '',
    ],
    [
      'a cell that is taken into the list, and waits elsewhere by then',
      REUSED,
      1,
      SECTION,
      '    if (Atomics.load(words, block + OBJECT) !== object) continue;\n',
      '',
    ],
  ])('%s', async (_, [name, waiters, setters, options, more], deaths, file, find, replace) => {
    await explore(
      queueModel(
        name,
        waiters,
        setters,
        { ...options, deaths },
        {
          ...more,
          mutate: { file, find, replace, expectFailure: true },
        },
      ),
    );
  });
});
