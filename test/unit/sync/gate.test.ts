import { expect, test } from 'vitest';
import { GATE_COUNT } from '../../../src/memory/layout.ts';
import { Parking } from '../../../src/park/parking.ts';
import { Gate } from '../../../src/sync/gate.ts';
import { heaps, makeObject } from '../park/threads.ts';

const silent = {
  listen: () => {},
  nextRound: () => {},
  now: () => 0,
  slice: (left: number) => left,
  look: () => {},
  end: () => {},
  reap: () => {},
};

/** A closed gate, with so many waits of this loop, each of which calls `passed` when it is let through. */
function closedGate(parking: Parking, waits: number, passed: (index: number) => void): Gate {
  const gate = new Gate(parking, makeObject(parking.heap));
  parking.heap.words[gate.object + GATE_COUNT] = 1;
  for (let index = 0; index < waits; index++) {
    const cell = parking.cells.take({ async: true });
    parking.expect(cell, { object: gate.object, set: () => passed(index) });
    gate.line(cell);
  }
  return gate;
}

// On its way into a section, a thread that is telling may find another dead, and open what that one was opening.
test('all are let through, also if another gate is opened in the middle of that', () => {
  const [heap] = heaps(1);
  const parking = new Parking(heap!, silent);
  const order: string[] = [];
  const inner = closedGate(parking, 3, (index) => order.push(`inner ${index}`));
  const outer = closedGate(parking, 3, (index) => {
    if (index === 0) inner.countDown(1);
    order.push(`outer ${index}`);
  });
  outer.countDown(1);
  expect(order).toEqual(['inner 0', 'inner 1', 'inner 2', 'outer 0', 'outer 1', 'outer 2']);
});

test('who opens a gate for more than are told at a time lets all of them through, in order', () => {
  const [heap] = heaps(1);
  const parking = new Parking(heap!, silent);
  const order: number[] = [];
  const gate = closedGate(parking, 200, (index) => order.push(index));
  gate.countDown(1);
  expect(order).toEqual(Array.from({ length: 200 }, (_, index) => index));
  expect(gate.queue.count()).toBe(0);
});

test('who waited when it was opened passes though it is closed before all were told; who came later does not', () => {
  const [heap] = heaps(1);
  const parking = new Parking(heap!, silent);
  const order: string[] = [];
  const gate = closedGate(parking, 100, (index) => {
    order.push(`${index}`);
    if (index > 0) return;
    gate.close();
    const late = parking.cells.take({ async: true });
    parking.expect(late, { object: gate.object, set: () => order.push('late') });
    gate.line(late);
  });
  gate.countDown(1);
  expect(order).not.toContain('late');
  expect(new Set(order).size).toBe(100);
  expect([gate.count(), gate.queue.count()]).toEqual([1, 1]);
  gate.countDown(1);
  expect(order.at(-1)).toBe('late');
});
