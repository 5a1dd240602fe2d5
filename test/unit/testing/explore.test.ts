import { Lock } from 'heddle';
import { ExploreError, explore } from 'heddle/testing';
import { describe, expect, test } from 'vitest';

describe('explore() finds', () => {
  test('a lost update without a lock', async () => {
    const error = await explore({
      setup: () => ({ count: new Int32Array(1) }),
      threads: [
        function add({ count }) {
          count[0] = count[0]! + 1;
        },
        function addToo({ count }) {
          count[0]!++;
        },
      ],
      check: ({ count }) => {
        if (count[0] !== 2) throw new Error('lost update');
      },
    }).catch((error: unknown) => error);
    console.log((error as Error).message);
    expect(error).toBeInstanceOf(ExploreError);
  });
  test('nothing with lock', async () => {
    const t = performance.now();
    const r = await explore({
      setup: () => ({ lock: new Lock(), count: new Int32Array(1) }),
      threads: [
        function add({ lock, count }) {
          using _g = lock.acquireSync();
          count[0] = count[0]! + 1;
        },
        async function addToo({ lock, count }) {
          using _g = await lock.acquire();
          count[0]!++;
        },
      ],
      preemptions: Infinity,
      check: ({ count }) => {
        if (count[0] !== 2) throw new Error('lost update');
      },
    });
    console.log(r, performance.now() - t);
  });
});
