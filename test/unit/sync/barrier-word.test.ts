import { expect, test } from 'vitest';
import { BARRIER_PARTIES, BARRIER_WORDS, NODE_VALUE } from '../../../src/memory/layout.ts';
import { Parking } from '../../../src/park/parking.ts';
import { FAILS } from '../../../src/sync/barrier-telling.ts';
import { BarrierWord, WAITS } from '../../../src/sync/barrier-word.ts';
import { heaps } from '../park/threads.ts';

const silent = {
  listen: () => {},
  nextRound: () => {},
  now: () => 0,
  slice: (left: number) => left,
  look: () => {},
  end: () => {},
  reap: () => {},
};

const PARTIES = 100;

/** A barrier at which all but one wait; `told` is called with the index of each and what it was told. */
function full(told: (index: number, value: number) => void): {
  parking: Parking;
  word: BarrierWord;
  cells: number[];
} {
  const [heap] = heaps(1);
  const parking = new Parking(heap!, silent);
  const object = heap!.allocate(BARRIER_WORDS);
  heap!.words[object + BARRIER_PARTIES] = PARTIES;
  const word = new BarrierWord(parking, object);
  const cells = Array.from({ length: PARTIES - 1 }, (_, index) => {
    const cell = parking.cells.take({ async: true });
    const set = (): void => told(index, heap!.words[parking.cells.setBy(cell) + NODE_VALUE]!);
    parking.expect(cell, { object, set });
    expect(word.arrive(cell)).toBe(WAITS);
    return cell;
  });
  return { parking, word, cells };
}

test('one that gives up when its pass is complete, and it has not been told yet, breaks nothing', () => {
  const found: number[] = [];
  const { parking, word, cells } = full((index, value) => {
    found.push(value);
    if (index !== 0) return;
    // Not of the first batch.
    expect(parking.giveUp(cells[80]!)).toBe(true);
    word.withdraw(cells[80]!);
  });
  expect(word.arrive(0)).toBe(PARTIES - 1);
  expect(found.toSorted((a, b) => a - b)).toEqual(
    cells.map((_, index) => index).filter((index) => index !== 80),
  );
  expect([word.isBroken(), word.waiting()]).toEqual([false, 0]);
});

test('what two passes are told does not mix: who arrives while one is told helps to tell it first', () => {
  const found: [number, number][] = [];
  const { word } = full((index, value) => {
    found.push([index, value]);
    if (index === 0) word.reset();
    if (index === 1) expect(word.arrive(0)).toBe(WAITS);
  });
  expect(word.arrive(0)).toBe(PARTIES - 1);
  expect(found.toSorted(([a], [b]) => a - b)).toEqual(
    Array.from({ length: PARTIES - 1 }, (_, index) => [index, index]),
  );
  // The one that arrived in the middle had no time: it broke the next pass.
  expect(word.isBroken()).toBe(true);
});

test('one that gives up before the pass is complete fails all the others', () => {
  const found: number[] = [];
  const { parking, word, cells } = full((_, value) => found.push(value));
  expect(parking.giveUp(cells[80]!)).toBe(true);
  word.withdraw(cells[80]!);
  expect(found).toEqual(Array.from({ length: PARTIES - 2 }, () => FAILS));
  expect(word.arrive(0)).toBe(FAILS);
});
