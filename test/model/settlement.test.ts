import { describe, expect, test } from 'vitest';
import { explore } from './explorer.ts';
import {
  type Actor,
  abandoner,
  reader,
  type SettlementModel,
  settlementModel,
  settler,
} from './fixtures/settlement-model.ts';
import { withoutItems } from './fixtures/store-model.ts';

const SETTLING = 'src/queue/settling.ts';
const BOUND_0 = { preemptionBound: 0, transformed: withoutItems };
const BOUND_1 = { preemptionBound: 1, transformed: withoutItems };

describe('A settlement is settled once, and all who wait read the same', () => {
  const models = [
    settlementModel([settler, settler, reader('blocked')], 0, BOUND_1),
    settlementModel([settler, reader('loop'), reader('blocked')], 0, BOUND_1),
    settlementModel([settler, abandoner, reader('blocked')], 0, BOUND_1),
    settlementModel([abandoner, abandoner, reader('loop')], 0, BOUND_1),
    settlementModel([settler, reader('blocked')], 1, BOUND_1),
    settlementModel([settler, settler, reader('blocked')], 1, BOUND_0),
    settlementModel([settler, abandoner, reader('blocked')], 1, BOUND_0),
  ];
  test.each(models.map((model) => [model.name, model] as const))('%s', async (_, model) => {
    expect((await explore(model)).exhausted).toBe(true);
  });
});

describe('The models of settlements notice', () => {
  type Case = readonly [actors: readonly Actor[], deaths: number, more: Partial<SettlementModel>];
  const TWO: Case = [[settler, settler, reader('blocked')], 0, BOUND_1];
  const LOST: Case = [[settler, abandoner, reader('blocked')], 0, BOUND_1];
  const DEATH: Case = [[settler, reader('blocked')], 1, BOUND_1];
  const LOST_BY_DEATH: Case = [[abandoner, reader('blocked')], 1, BOUND_1];
  test.each<readonly [what: string, model: Case, find: string, replace: string]>([
    ['an outcome that is not told', TWO, '  gate.countDown(1);\n  return true;', '  return true;'],
    [
      'one that has lost, and says that it won',
      TWO,
      'if (store.put(item) !== READY) return false;',
      'if (store.put(item) !== READY) return true;',
    ],
    [
      'a gate that is opened before there is an outcome',
      TWO,
      '  if (store.put(item) !== READY) return false;\n  gate.countDown(1);',
      '  gate.countDown(1);\n  if (store.put(item) !== READY) return false;',
    ],
    ['one that is abandoned, and can be settled', LOST, '  store.change(QUEUE_STATE, SHUT);\n', ''],
    [
      'who died before it told',
      DEATH,
      'if (store.read(QUEUE_SIZE) > 0 || store.read(QUEUE_STATE) !== OPEN) gate.countDown(1);',
      '',
    ],
    [
      'who died before it told that it is abandoned',
      LOST_BY_DEATH,
      ' || store.read(QUEUE_STATE) !== OPEN',
      '',
    ],
  ])('%s', async (_, [actors, deaths, more], find, replace) => {
    const mutate = { file: SETTLING, find, replace, expectFailure: true } as const;
    await explore(settlementModel(actors, deaths, { maxSchedules: 20_000, ...more, mutate }));
  });
});
