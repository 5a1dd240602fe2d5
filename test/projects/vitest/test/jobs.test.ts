import { capture, isMainThread, Queue, ThreadPoolExecutor, toThread } from 'heddle';
import { afterAll, expect, test } from 'vitest';
import { fail, square, where } from '../src/jobs.ts';

const pool = new ThreadPoolExecutor({ threads: 2 });
afterAll(() => pool.shutdown());

test('a test file is no thread of heddle', () => {
  expect(isMainThread).toBe(true);
});

test('portable functions, mapped and alone', async () => {
  expect(await toThread(square, 5)).toBe(25);
  expect(await Array.fromAsync(pool.map(square, [1, 2, 3]))).toEqual([1, 4, 9]);
  expect(await pool.submit(where)).toMatchObject({ main: false, program: false });
});

test('inline functions, what they import and what they capture', async () => {
  const inline = async (n: number): Promise<number> => {
    const dep = await import('../src/dep.ts');
    return dep.times(n, n);
  };
  expect(await pool.submit(inline, 7)).toBe(49);
  expect(await pool.submit(async () => (await import('#greeting')).greet('you'))).toBe('hello you');
  const rate = 1.19;
  expect(
    await pool.submit(
      capture({ rate }, ({ rate }, net: number) => net * rate),
      100,
    ),
  ).toBe(119);
});

test('modules imported in threads, a package of the workspace in them, and a shared object', async () => {
  const remote = pool.import(() => import('../src/remote.ts'));
  const queue = new Queue<number>();
  const filled = remote.fill(queue);
  expect(await Array.fromAsync(queue)).toEqual([1, 2, 3]);
  await filled;
  expect(await remote.miles(10)).toBe('6.21 miles');
});

test('the stack of an error names the line of the source', async () => {
  const error = await toThread(fail).then(undefined, (reason: unknown) => reason as Error);
  expect(error).toBeInstanceOf(RangeError);
  expect(error?.stack).toMatch(/jobs\.ts:15/);
});
