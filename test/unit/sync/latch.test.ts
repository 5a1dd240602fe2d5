import { expect, test } from 'vitest';
import { Latch } from '../../../src/sync/latch.ts';

test('a latch lets through who waits when it has been counted down, and who comes later at once', async () => {
  const latch = new Latch(2);
  let passed = 0;
  const waits = [1, 2].map(() => latch.wait().then(() => passed++));
  latch.countDown();
  await new Promise((resolve) => setImmediate(resolve));
  expect([latch.count, latch.isOpen, passed]).toEqual([1, false, 0]);
  latch.countDown();
  await Promise.all(waits);
  expect([latch.count, latch.isOpen, passed]).toEqual([0, true, 2]);
  latch.waitSync();
});
