import { setImmediate as nextRound } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { callback, Shared, ThreadPoolExecutor } from '../../../src/index.ts';
import { endCustodian } from '../../../src/memory/custody.ts';
import { failure } from '../../fixtures/awaiting.ts';
import { enterMainLoop, nothingLeft, recordsInUse, usedBlocks } from '../../stress/heap-watch.ts';

afterAll(endCustodian);

/** What one kind of value does for a job, and whatever it must do to give it up here. */
const KINDS: readonly (readonly [
  name: string,
  round: (pool: ThreadPoolExecutor, n: number) => Promise<unknown>,
])[] = [
  [
    'callbacks',
    async (pool, n) => {
      const seen: number[] = [];
      await pool.submit(
        (tell: (n: number) => void, value: number) => tell(value),
        callback((value: number) => seen.push(value)),
        n,
      );
      expect(seen).toEqual([n]);
    },
  ],
  [
    'callbacks that were refused',
    async (pool) =>
      failure(
        pool.submit(
          (..._: unknown[]) => {},
          callback(() => {}),
          new WeakMap(),
        ),
      ),
  ],
  [
    'signals',
    async (pool, n) => {
      const controller = new AbortController();
      const future = pool.submit(async (signal: AbortSignal) => {
        if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
        return signal.reason as unknown;
      }, controller.signal);
      if (n % 2 === 0) await nextRound();
      controller.abort(n);
      expect(await future).toBe(n);
    },
  ],
  [
    'signals that nobody aborts',
    async (pool) => pool.submit((signal: AbortSignal) => signal.aborted, new AbortController().signal),
  ],
  [
    'tables',
    async (pool, n) => {
      using table = new Shared({ n });
      expect(await pool.submit((one: Shared<{ n: number }>) => one.get().n, table)).toBe(n);
    },
  ],
  [
    'iterables that are read to their end',
    async (pool) => {
      async function* numbers(): AsyncGenerator<number> {
        yield* [1, 2, 3];
      }
      const doubled = await pool.submit(async function* (items: AsyncIterable<number>) {
        for await (const item of items) yield 2 * item;
      }, numbers());
      const got: number[] = [];
      for await (const item of doubled) got.push(item);
      expect(got).toEqual([2, 4, 6]);
    },
  ],
  [
    'iterables that are left early, or not read',
    async (pool, n) => {
      async function* numbers(): AsyncGenerator<number> {
        for (let one = 1; ; one++) yield one;
      }
      await pool.submit(
        async (items: AsyncIterable<number>, reads: boolean) => {
          if (reads) for await (const item of items) if (item === 5) break;
        },
        numbers(),
        n % 2 === 0,
      );
    },
  ],
];

test.each(KINDS)('the memory of %s comes back', async (_name, round) => {
  enterMainLoop();
  const before = usedBlocks();
  const records = recordsInUse();
  const pool = new ThreadPoolExecutor({ threads: 1 });
  for (let n = 0; n < 20; n++) await round(pool, n);
  await pool.shutdown();
  pool[Symbol.dispose]();
  await nothingLeft(before, records);
});
