/** Jobs that use callbacks, signals, tables and iterables, and die over it. */
import { portable, type Shared, sleep } from '../../src/index.ts';

export type End = 'return' | 'throw' | 'exit';

export class Planned extends Error {
  override readonly name = 'Planned';
}

async function end(how: End): Promise<void> {
  if (how === 'exit') process.exit(1);
  if (how === 'throw') throw new Planned('planned');
}

const functions = {
  async tell(tell: (n: number) => void, count: number, how: End): Promise<number> {
    for (let n = 1; n <= count; n++) {
      tell(n);
      if (n % 7 === 0) await sleep(0);
    }
    await end(how);
    return count;
  },

  async waitFor(signal: AbortSignal, how: End): Promise<unknown> {
    await end(how);
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
    return signal.reason;
  },

  /** Looks at it all the time. */
  spinFor(signal: AbortSignal): unknown {
    while (!signal.aborted);
    return signal.reason;
  },

  read(table: Shared<{ readonly rows: readonly number[] }>): number {
    return table.get().rows.reduce((sum, row) => sum + row, 0);
  },

  async take(items: AsyncIterable<number>, most: number, how: End): Promise<number> {
    let sum = 0;
    let left = most;
    for await (const item of items) {
      sum += item;
      if (--left === 0) break;
    }
    await end(how);
    return sum;
  },

  takeSync(items: Iterable<number>, most: number): number {
    let sum = 0;
    let left = most;
    for (const item of items) {
      sum += item;
      if (--left === 0) break;
    }
    return sum;
  },

  async *give(to: number, how: End): AsyncGenerator<number> {
    for (let n = 1; n <= to; n++) yield n;
    await end(how);
  },

  async *doubled(items: AsyncIterable<number>, how: End): AsyncGenerator<number> {
    let left = how === 'return' ? Infinity : 20;
    for await (const item of items) {
      yield 2 * item;
      if (--left === 0) await end(how);
    }
  },
};

export const jobs: typeof functions = portable(import.meta, functions);
