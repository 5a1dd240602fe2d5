import { afterEach, expect, test, vi } from 'vitest';
import { startTimer } from '../../../src/core/clock.ts';

afterEach(() => {
  vi.useRealTimers();
});

test('startTimer() honours a delay beyond what one platform timer can hold', () => {
  vi.useFakeTimers();
  const fired = vi.fn();
  startTimer(2 ** 31 + 5000, fired);
  vi.advanceTimersByTime(2 ** 31 + 4999);
  expect(fired).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(fired).toHaveBeenCalledOnce();
});

test('startTimer() never fires once stopped, nor for Infinity', () => {
  vi.useFakeTimers();
  const fired = vi.fn();
  startTimer(10, fired).stop();
  startTimer(Infinity, fired);
  expect(vi.getTimerCount()).toBe(0);
  vi.advanceTimersByTime(1e9);
  expect(fired).not.toHaveBeenCalled();
});
