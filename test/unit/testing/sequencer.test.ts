import { expect, test } from 'vitest';
import { CancelledError, InvalidStateError, sleep, TaskGroup } from '../../../src/index.ts';
import { Sequencer } from '../../../src/testing/index.ts';
import { failure } from '../../fixtures/awaiting.ts';

test('turns come in the order of their numbers, whoever asks first', async () => {
  const sequencer = new Sequencer();
  const order: number[] = [];
  await TaskGroup.run((group) => {
    for (const number of [3, 1, 0, 2]) group.spawn(() => sequencer.at(number, () => void order.push(number)));
  });
  expect(order).toEqual([0, 1, 2, 3]);
});

test('a turn begins when the one before has ended, which may take long, or fail', async () => {
  const sequencer = new Sequencer();
  const order: string[] = [];
  const first = sequencer.at(0, async () => {
    await sleep(2);
    order.push('first');
    throw new RangeError('on purpose');
  });
  const second = sequencer.at(1, () => order.push('second'));
  expect(await failure(first)).toBeInstanceOf(RangeError);
  await second;
  expect(order).toEqual(['first', 'second']);
});

test('a turn is ended by its block, and ending it twice does nothing more', async () => {
  const sequencer = new Sequencer();
  {
    using turn = await sequencer.turn(0);
    turn.end();
    turn.end();
  }
  expect(await sequencer.at(1, () => 'one')).toBe('one');
  expect(await sequencer.at(2, () => 'two')).toBe('two');
});

test('a turn is taken once', async () => {
  const sequencer = new Sequencer();
  (await sequencer.turn(0)).end();
  expect(await failure(sequencer.turn(0))).toBeInstanceOf(RangeError);
  for (const wrong of [-1, 0.5, Number.NaN])
    expect(await failure(sequencer.turn(wrong))).toBeInstanceOf(RangeError);
});

test('a wait that is cancelled breaks it: those after it could never come', async () => {
  const sequencer = new Sequencer();
  const later = failure(sequencer.turn(2));
  const cancelled = await TaskGroup.run(async (group) => {
    const task = group.spawn(() => sequencer.turn(1));
    await sleep(0);
    task.cancel();
    return await failure(task);
  });
  expect(cancelled).toBeInstanceOf(CancelledError);
  expect(await later).toBeInstanceOf(InvalidStateError);
  expect(await failure(sequencer.turn(0))).toBeInstanceOf(InvalidStateError);
});
