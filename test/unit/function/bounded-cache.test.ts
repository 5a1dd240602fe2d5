import { expect, test } from 'vitest';
import { BoundedCache } from '../../../src/function/bounded-cache.ts';

test('BoundedCache makes a value once, and forgets what was used longest ago', () => {
  const cache = new BoundedCache<string, string>(2);
  const made: string[] = [];
  const get = (key: string): string =>
    cache.getOrMake(key, () => {
      made.push(key);
      return key.toUpperCase();
    });
  expect([get('a'), get('b'), get('a'), get('c'), get('a'), get('b')]).toEqual([
    'A',
    'B',
    'A',
    'C',
    'A',
    'B',
  ]);
  expect(made).toEqual(['a', 'b', 'c', 'b']);
});

test('BoundedCache remembers nothing of a value whose making failed', () => {
  const cache = new BoundedCache<string, number>(2);
  expect(() =>
    cache.getOrMake('a', () => {
      throw new RangeError('no');
    }),
  ).toThrow('no');
  expect(cache.getOrMake('a', () => 1)).toBe(1);
});
