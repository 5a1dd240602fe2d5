import { describe, expect, test } from 'vitest';
import { copyBytes, copyOfBytes } from '../../../src/platform/copy.ts';

describe('copyBytes()', () => {
  test.each([0, 1, 100, 4095, 4096, 4097, 4098, 10_001])('copies %i bytes, and no others', (length) => {
    for (const offset of [0, 3]) {
      const from = Uint8Array.from({ length: length + offset + 5 }, (_, index) => 1 + ((index * 7) % 250));
      const to = new Uint8Array(new SharedArrayBuffer(length + 20));
      copyBytes(from.subarray(offset, offset + length), to, 9);
      const expected = new Uint8Array(length + 20);
      expected.set(from.subarray(offset, offset + length), 9);
      expect(Buffer.compare(to, expected)).toBe(0);
    }
  });
});

describe('copyOfBytes()', () => {
  test.each([0, 1, 100, 5000, 2_000_001])('gives %i bytes in memory that is nobody else’s', (length) => {
    const from = Uint8Array.from({ length: length + 10 }, (_, index) => 1 + ((index * 7) % 250)).subarray(2);
    const copy = copyOfBytes(from, 3, length);
    expect(copy).toBeInstanceOf(ArrayBuffer);
    expect(Buffer.compare(new Uint8Array(copy), from.slice(3, 3 + length))).toBe(0);
  });
});
