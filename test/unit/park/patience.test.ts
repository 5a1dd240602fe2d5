import { expect, test } from 'vitest';
import { Patience } from '../../../src/park/patience.ts';

test('looks are fewer and fewer where they do not pay, and most again now and then', () => {
  const patience = new Patience(400);
  const looks: number[] = [];
  for (let wait = 0; wait < 40; wait++) {
    looks.push(patience.looks());
    patience.learn(false);
  }
  expect(looks.slice(0, 7)).toEqual([400, 200, 100, 50, 25, 16, 16]);
  expect(looks.filter((count) => count === 400)).toHaveLength(2);
});

test('looks are many again where they pay', () => {
  const patience = new Patience(400);
  for (let wait = 0; wait < 10; wait++) patience.learn(false);
  expect(patience.looks()).toBe(16);
  for (let wait = 0; wait < 5; wait++) patience.learn(true);
  expect(patience.looks()).toBe(400);
});

test('none are made where none may be', () => {
  const patience = new Patience(0);
  patience.learn(true);
  patience.learn(false);
  expect(patience.looks()).toBe(0);
});
