import { afterAll, expect, test } from 'vitest';
import { Future, OwnerDiedError, Queue, ThreadPoolExecutor } from '../../../src/index.ts';
import { endCustodian } from '../../../src/memory/custody.ts';
import { failure } from '../../fixtures/awaiting.ts';
import { enterMainLoop, nothingLeft, recordsInUse, usedBlocks } from '../../stress/heap-watch.ts';

afterAll(endCustodian);

interface Sent {
  readonly future: Future<unknown>;
  resolve(value: unknown): boolean;
  reject(error: unknown): boolean;
}

test('the memory of futures that travelled comes back: settled, cancelled, lost, and of jobs', async () => {
  enterMainLoop();
  const before = usedBlocks();
  const records = recordsInUse();
  const pool = new ThreadPoolExecutor({ threads: 2 });
  for (let time = 0; time < 5; time++) {
    const settled = Future.withResolvers<unknown>();
    const waiting = pool.submit(async (future: Future<unknown>) => await future, settled.future);
    await pool.submit(({ resolve }: Sent) => resolve({ time: 1 }), settled);
    expect(await waiting).toEqual({ time: 1 });
    settled[Symbol.dispose]();
    settled.future[Symbol.dispose]();

    const cancelled = Future.withResolvers<unknown>();
    await pool.submit((future: Future<unknown>) => future.cancel('why'), cancelled.future);
    await failure(cancelled.future);
    cancelled[Symbol.dispose]();
    cancelled.future[Symbol.dispose]();

    const inside = new Queue<unknown>();
    const holding = Future.withResolvers<unknown>();
    await pool.submit(({ resolve }: Sent, queue: Queue<unknown>) => resolve({ queue }), holding, inside);
    ((await holding.future) as { queue: Queue<unknown> }).queue[Symbol.dispose]();
    inside[Symbol.dispose]();
    holding[Symbol.dispose]();
    holding.future[Symbol.dispose]();

    const job = pool.submit((n: number) => n, 1);
    expect(await pool.submit(async (future: Future<number>) => await future, job)).toBe(1);
    job[Symbol.dispose]();

    const lost = await pool.submit(async () => {
      const { Future: There } = await import('../../../src/index.ts');
      return { future: There.withResolvers<unknown>().future };
    });
    const error = failure(lost.future);
    await failure(pool.submit(() => process.exit(1)));
    await failure(pool.submit(() => process.exit(1)));
    expect(await error).toBeInstanceOf(OwnerDiedError);
    lost.future[Symbol.dispose]();
    expect(await pool.submit((n: number) => n, 2)).toBe(2);
  }
  await pool.shutdown();
  pool[Symbol.dispose]();
  await nothingLeft(before, records);
});
