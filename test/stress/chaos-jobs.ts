/** Jobs of every temper. */
import { cancelled, portable, sleep } from '../../src/index.ts';

const functions = {
  double: (n: number): number => 2 * n,

  quick(runs: Int32Array, index: number): number {
    Atomics.add(runs, index % runs.length, 1);
    return index;
  },

  async later(runs: Int32Array, index: number, ms: number): Promise<number> {
    Atomics.add(runs, index % runs.length, 1);
    await sleep(ms);
    return index;
  },

  busy(runs: Int32Array, index: number, ms: number): number {
    Atomics.add(runs, index % runs.length, 1);
    const end = performance.now() + ms;
    while (performance.now() < end);
    return index;
  },

  fail(index: number): never {
    throw Object.assign(new Error('planned failure'), { index });
  },

  /** Runs for a while, and ends early when it is cancelled. */
  listen(ms: number): void {
    const end = performance.now() + ms;
    while (performance.now() < end && !cancelled());
  },

  async exit(ms: number): Promise<never> {
    await sleep(ms);
    process.exit(ms);
  },

  /** Kills its thread by an error that no job throws. */
  crash(ms: number): Promise<never> {
    setTimeout(() => {
      throw new Error('planned crash');
    }, ms);
    return new Promise(() => {});
  },

  spin(): never {
    for (;;);
  },

  unsendable(index: number): unknown {
    return { index, inside: new WeakMap() };
  },
};

export const chaosJobs: typeof functions = portable(import.meta, functions);
