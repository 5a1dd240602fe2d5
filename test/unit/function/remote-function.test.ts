/** A function of a module that other threads have, `pool.import(…)`, as a value that is sent. */
import { expect, test } from 'vitest';
import { ThreadPoolExecutor } from '../../../src/index.ts';

const maths = new URL('../../fixtures/maths.ts', import.meta.url);

test('a function of a remote module is an argument like any export, and comes back as such', async () => {
  await using pool = new ThreadPoolExecutor({ threads: 1 });
  const { square } = pool.import<typeof import('../../fixtures/maths.ts')>(maths);
  expect(await pool.submit((fn: typeof square) => fn(3), square)).toBe(9);
  expect(await pool.submit((fn: typeof square) => fn, square)).toHaveProperty('name', 'square');
  expect(await pool.submit(square, 4)).toBe(16);
});
