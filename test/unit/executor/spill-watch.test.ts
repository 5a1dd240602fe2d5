import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { SpillWatch } from '../../../src/executor/spill-watch.ts';
import type { JobStore } from '../../../src/jobs/job-store.ts';
import { LIST_HEAD, LISTS, POOL_QUEUED, POOL_TAKEN } from '../../../src/memory/layout.ts';

/** A pool in which jobs wait, and one thread is idle. */
class Pool {
  readonly words: Record<number, number> = { [POOL_QUEUED]: 1, [POOL_TAKEN]: 5, [LISTS + LIST_HEAD]: 1 };
  readonly wakeOne = vi.fn();
  readonly startThread = vi.fn();
  readonly object: number;

  constructor(object: number) {
    this.object = object;
  }

  read(offset: number): number {
    return this.words[offset]!;
  }

  join(): SpillWatch {
    return SpillWatch.join(this as unknown as JobStore, this.startThread);
  }
}

let pool: Pool;
let objects = 1;
beforeEach(() => {
  vi.useFakeTimers();
  pool = new Pool(objects++);
});
afterEach(() => vi.useRealTimers());

test('a job that waits while a thread is idle wakes it, and after a while asks for a thread more', () => {
  const watch = pool.join();
  watch.watch();
  vi.advanceTimersByTime(4);
  expect(pool.wakeOne).toHaveBeenCalled();
  expect(pool.startThread).not.toHaveBeenCalled();
  vi.advanceTimersByTime(40);
  expect(pool.startThread).toHaveBeenCalledOnce();
  watch.leave();
});

test('not while jobs are taken', () => {
  const watch = pool.join();
  watch.watch();
  pool.words[POOL_TAKEN]! += 1;
  vi.advanceTimersByTime(2);
  expect(pool.wakeOne).not.toHaveBeenCalled();
  watch.leave();
});

test('a thousand handles of a pool have one watch, and one timer', () => {
  const watches = Array.from({ length: 1000 }, () => pool.join());
  for (const watch of watches) watch.watch();
  expect(vi.getTimerCount()).toBe(1);
  for (const watch of watches) watch.leave();
});

test('pools have a watch each', () => {
  const others = [pool.join(), new Pool(objects++).join()];
  for (const watch of others) watch.watch();
  expect(vi.getTimerCount()).toBe(2);
  for (const watch of others) watch.leave();
});

test('once no handle has jobs under way the pool, which may be gone, is not looked at', () => {
  const [one, other] = [pool.join(), pool.join()];
  one.watch();
  one.leave();
  vi.advanceTimersByTime(2);
  expect(pool.wakeOne).toHaveBeenCalledOnce();
  other.leave();
  vi.spyOn(pool, 'read');
  vi.advanceTimersByTime(100);
  expect(pool.read).not.toHaveBeenCalled();
  expect(vi.getTimerCount()).toBe(0);
});
