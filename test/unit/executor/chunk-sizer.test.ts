import { expect, test } from 'vitest';
import { ChunkSizer } from '../../../src/executor/chunk-sizer.ts';

test('ChunkSizer keeps a size that was given', () => {
  const sizer = new ChunkSizer(7);
  sizer.measured(7, 0.001);
  expect(sizer.size).toBe(7);
});

test('ChunkSizer aims at chunks of a few milliseconds, growing no faster than twofold', () => {
  const sizer = new ChunkSizer('auto');
  expect(sizer.size).toBe(1);
  sizer.measured(1, 0.01);
  expect(sizer.size).toBe(2);
  for (let i = 0; i < 20; i++) sizer.measured(sizer.size, sizer.size * 0.01);
  expect(sizer.size).toBe(500);
  sizer.measured(500, 5000);
  expect(sizer.size).toBe(1);
  sizer.measured(1, 0);
  expect(sizer.size).toBe(2);
});
