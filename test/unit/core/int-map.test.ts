import fc from 'fast-check';
import { expect, test } from 'vitest';
import { IntMap } from '../../../src/core/int-map.ts';

/** Addresses are multiples of a power of two, and one more. */
const key = (most: number): fc.Arbitrary<number> => fc.nat(most).map((number) => 1 + 32 * number);

test.each([3, 40, 70, 5000])('has what a Map has, whatever of %i keys comes and goes', (most) => {
  const step = fc.record({
    key: key(most),
    value: fc.option(fc.nat(), { nil: undefined }),
    sets: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 5000, size: 'max' }), (steps) => {
      const map = new IntMap<number | undefined>();
      const model = new Map<number, number | undefined>();
      for (const { key, value, sets } of steps) {
        if (sets) {
          map.set(key, value);
          model.set(key, value);
        } else expect(map.delete(key)).toBe(model.delete(key));
        expect([map.size, map.has(key), map.get(key)]).toEqual([model.size, model.has(key), model.get(key)]);
      }
      for (const [key, value] of model) expect([map.has(key), map.get(key)]).toEqual([true, value]);
      for (const [key] of [...model].slice(2)) {
        expect([map.delete(key), model.delete(key)]).toEqual([true, true]);
        for (const [other, value] of [...model].slice(0, 3)) expect(map.get(other)).toBe(value);
      }
      expect([...map.keys()].sort()).toEqual([...model.keys()].sort());
      expect([...map.values()].sort()).toEqual([...model.values()].sort());
    }),
    { seed: 1, numRuns: 15 },
  );
});

test('a value may be undefined, and is there all the same', () => {
  const map = new IntMap<undefined>();
  map.set(7, undefined);
  expect([map.has(7), map.size, map.delete(7), map.delete(7), map.size]).toEqual([true, 1, true, false, 0]);
});
