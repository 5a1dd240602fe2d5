import { describe, expect, test } from 'vitest';
import {
  checkInteger,
  checkOneOf,
  checkSignal,
  checkTimeout,
  className,
  show,
} from '../../../src/core/arguments.ts';

describe('checkTimeout()', () => {
  test('takes milliseconds, Infinity and nothing', () => {
    expect([0, 1.5, Infinity, undefined].map((value) => checkTimeout(value))).toEqual([
      0,
      1.5,
      Infinity,
      Infinity,
    ]);
  });

  test.each([
    [-1, RangeError, 'timeout must be 0 or more milliseconds, received -1'],
    [Number.NaN, RangeError, 'received NaN'],
    ['5', TypeError, "timeout must be a number of milliseconds, received '5'"],
    [null, TypeError, 'received null'],
  ])('refuses %s', (value, type, message) => {
    expect(() => checkTimeout(value)).toThrow(type);
    expect(() => checkTimeout(value)).toThrow(message);
  });
});

describe('checkInteger()', () => {
  test('says the range and what it got', () => {
    expect(checkInteger(3, 'size', { min: 1 })).toBe(3);
    expect(checkInteger(Infinity, 'size', { min: 1, infinite: true })).toBe(Infinity);
    expect(() => checkInteger(0, 'size', { min: 1 })).toThrow(
      'size must be a whole number of at least 1, received 0',
    );
    expect(() => checkInteger(9, 'size', { min: 1, max: 8 })).toThrow(
      'size must be a whole number from 1 to 8',
    );
    expect(() => checkInteger(1.5, 'size', { min: 1, infinite: true })).toThrow('of at least 1 or Infinity');
    expect(() => checkInteger(1n, 'size', { min: 1 })).toThrow(TypeError);
  });
});

test('checkSignal() takes an AbortSignal or nothing', () => {
  const { signal } = new AbortController();
  expect(checkSignal(signal)).toBe(signal);
  expect(checkSignal(undefined)).toBe(undefined);
  expect(() => checkSignal({ aborted: false })).toThrow('signal must be an AbortSignal, received an object');
});

test('checkOneOf() lists what is accepted', () => {
  expect(() => checkOneOf('c', 'mode', ['a', 'b'])).toThrow("mode must be one of 'a', 'b', received 'c'");
});

test('show() and className() name any value', () => {
  class Point {}
  expect(['a', 1n, null, undefined, [1, 2], {}, new Point(), () => {}, show].map(show)).toEqual([
    "'a'",
    '1n',
    'null',
    'undefined',
    'an array of 2',
    'an object',
    'an instance of Point',
    'a function',
    'function show',
  ]);
  expect(className(Object.create(null))).toBe('Object');
});
