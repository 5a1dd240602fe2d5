import { expect, test } from 'vitest';
import { HeddleError } from '../../../src/core/errors.ts';
import {
  BUFFER_WORDS,
  claimBuffer,
  FREED,
  isBufferUsed,
  releaseBufferUse,
  retainBuffer,
} from '../../../src/memory/buffer-slots.ts';

const SLOTS = 65_536;
/** The word that counts the ids. */
const NEXT = 0;

function slots(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(4 * BUFFER_WORDS));
}

test('a claimed buffer has one use, and as many more as it is retained', () => {
  const words = slots();
  const id = claimBuffer(words);
  expect(retainBuffer(words, id)).toBe(true);
  expect(releaseBufferUse(words, id)).toBe(true);
  expect(isBufferUsed(words, id)).toBe(true);
  expect(releaseBufferUse(words, id)).toBe(true);
  expect(isBufferUsed(words, id)).toBe(false);
});

test('a buffer without uses gets none any more, and custodians are told once', () => {
  const words = slots();
  const id = claimBuffer(words);
  releaseBufferUse(words, id);
  expect(retainBuffer(words, id)).toBe(false);
  expect(releaseBufferUse(words, id)).toBe(false);
  expect(words[FREED]).toBe(1);
});

test('an old id does nothing to the buffer that has its slot now', () => {
  const words = slots();
  const old = claimBuffer(words);
  releaseBufferUse(words, old);
  words[NEXT] = old - 1 + SLOTS;
  const id = claimBuffer(words);
  expect(id).toBe(old + SLOTS);
  expect([isBufferUsed(words, old), retainBuffer(words, old), releaseBufferUse(words, old)]).toEqual([
    false,
    false,
    false,
  ]);
  expect(isBufferUsed(words, id)).toBe(true);
});

test('ids are positive int32 numbers, also after 2³¹ of them; slots that are in use are left out', () => {
  const words = slots();
  const first = claimBuffer(words);
  words[NEXT] = 2 ** 31 - 3;
  const ids = Array.from({ length: 4 }, () => claimBuffer(words));
  expect(ids).toEqual([2 ** 31 - 2, 2 ** 31 - 1, 2, 3]);
  for (const id of [first, ...ids]) expect(releaseBufferUse(words, id)).toBe(true);
});

test(`the ${SLOTS + 1}th buffer at a time is refused, and has room when another has none`, () => {
  const words = slots();
  const ids = Array.from({ length: SLOTS }, () => claimBuffer(words));
  expect(new Set(ids).size).toBe(SLOTS);
  expect(() => claimBuffer(words)).toThrow(HeddleError);
  releaseBufferUse(words, ids[77]!);
  expect(claimBuffer(words) % SLOTS).toBe(ids[77]! % SLOTS);
});
