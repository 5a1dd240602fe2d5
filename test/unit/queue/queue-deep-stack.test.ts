import { describe, expect, test } from 'vitest';
import { Queue } from '../../../src/index.ts';
import { turn } from '../../fixtures/awaiting.ts';
import { traces } from '../../fixtures/queue-traces.ts';

const CALLS = 60;

/** Makes the call at each depth, from the end of the stack back, until `CALLS` of them were made. Counts the overflows. */
function dive(call: () => void): number {
  let made = 0;
  let overflows = 0;
  const deeper = (): void => {
    try {
      deeper();
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
    if (made >= CALLS) return;
    try {
      call();
      made++;
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      overflows++;
    }
  };
  deeper();
  return overflows;
}

/** With arguments on the stack each dive ends at other depths. */
function dives(call: () => void): void {
  for (const pad of [0, 1, 3, 6, 10, 15]) {
    const padded = (..._: unknown[]): number => dive(call);
    expect(padded(...new Array(pad))).toBeGreaterThan(0);
  }
}

describe('at every depth near the end of the stack a call is made wholly, or not at all', () => {
  test('tryPut(), while getters wait', async () => {
    const queue = new Queue<number>();
    const gets = Array.from({ length: 1000 }, () => queue.get());
    let put = 0;
    dives(() => {
      if (queue.tryPut(put)) put++;
    });
    expect(put).toBeGreaterThan(0);
    await turn();
    queue.shutdown();
    const got = (await Promise.allSettled(gets)).flatMap((get) =>
      get.status === 'fulfilled' ? [get.value] : [],
    );
    expect(got).toEqual(Array.from({ length: put }, (_, n) => n));
  });

  test('tryGet(), while putters wait', async () => {
    const queue = new Queue<number>({ capacity: 1 });
    const puts = Array.from({ length: 1000 }, (_, n) => queue.put(n));
    const got: ({ readonly value: number } | undefined)[] = [];
    let calls = 0;
    dives(() => {
      got[calls++] = queue.tryGet();
    });
    const items = got.flatMap((item) => (item === undefined ? [] : [item.value]));
    expect(items.length).toBeGreaterThan(0);
    while (queue.size > 0) items.push(await queue.get());
    await Promise.all(puts);
    expect(items).toEqual(Array.from({ length: 1000 }, (_, n) => n));
  });

  test('taskDone(), while somebody joins', async () => {
    const queue = new Queue<number>();
    for (let n = 0; n < 1000; n++) queue.tryPut(n);
    for (let n = 0; n < 1000; n++) queue.tryGet();
    const join = queue.join();
    let done = 0;
    dives(() => {
      queue.taskDone();
      done++;
    });
    expect(queue.unfinished).toBe(1000 - done);
    while (queue.unfinished > 0) queue.taskDone();
    await join;
  });

  test('a change of the capacity, shutdown() and clear()', async () => {
    for (const last of ['shutdown', 'clear'] as const) {
      const queue = new Queue<number>({ capacity: 1 });
      const puts = Array.from({ length: 500 }, (_, n) => queue.put(n));
      let capacity = 1;
      dives(() => {
        queue.capacity = capacity + 1;
        capacity++;
      });
      expect(queue.capacity).toBe(capacity);
      expect(queue.size).toBe(Math.min(capacity, 500));
      dives(() => {
        queue[last]();
      });
      const states = (await Promise.allSettled(puts)).map(({ status }) => status);
      if (last === 'clear') expect(new Set(states)).toEqual(new Set(['fulfilled']));
      else expect(states.filter((state) => state === 'fulfilled')).toHaveLength(Math.min(capacity, 500));
      queue.clear();
      expect(traces(queue)).toEqual({ items: 0, parcels: 0, cells: 0 });
    }
  });
});
