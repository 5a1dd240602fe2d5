import { afterAll, expect, test } from 'vitest';
import { ThreadPoolExecutor } from '../../../src/index.ts';
import { endCustodian } from '../../../src/memory/custody.ts';
import { failure } from '../../fixtures/awaiting.ts';
import { enterMainLoop, nothingLeft, recordsInUse, usedBlocks } from '../../stress/heap-watch.ts';

afterAll(endCustodian);

test('a function that threads submit which die stands in the memory once, until the pool goes', async () => {
  enterMainLoop();
  const before = usedBlocks();
  const records = recordsInUse();
  const pool = new ThreadPoolExecutor({ threads: 1 });
  const driver = new ThreadPoolExecutor({ threads: 1 });
  const counts: Record<string, number>[] = [];
  for (let round = 0; round < 4; round++) {
    const sum = await driver.submit(async (to: ThreadPoolExecutor) => {
      const one = await to.submit((n: number) => n + 1, 1);
      return one + (await to.submit((n: number) => n * 10, one));
    }, pool);
    expect(sum).toBe(22);
    await failure(driver.submit(() => process.exit(1)));
    expect(await pool.submit((n: number) => n, 5)).toBe(5);
    counts.push(usedBlocks());
  }
  expect(counts.slice(1)).toEqual(counts.slice(1).map(() => counts[1]));
  await Promise.all([pool.shutdown(), driver.shutdown()]);
  pool[Symbol.dispose]();
  driver[Symbol.dispose]();
  await nothingLeft(before, records);
});
