import { expect, test } from 'vitest';
import { CaptureError } from '../../../src/core/errors.ts';
import { capture } from '../../../src/function/capture.ts';
import { type FunctionReference, referenceTo, resolveReference } from '../../../src/function/reference.ts';
import type { AnyFunction } from '../../../src/function/registry.ts';
import { Queue, ThreadPoolExecutor } from '../../../src/index.ts';

function submit(fn: AnyFunction): FunctionReference {
  return referenceTo(fn, submit);
}

test('capture() gives a function that is callable in place, with the very values', () => {
  const values = { list: [1] };
  const fn = capture(values, ({ list }, more: number) => [list, more] as const);
  expect(fn(2)[0]).toBe(values.list);
  expect(fn(2)[1]).toBe(2);
});

test('capture() sends its values along, first among the arguments', () => {
  const rate = 1.5;
  const gross = capture({ rate }, ({ rate }, net: number, tip: number) => net * rate + tip);
  const reference = structuredClone(submit(gross));
  expect(reference).toMatchObject({ kind: 'inline', values: { rate } });
  const there = resolveReference(reference) as (net: number, tip: number) => number;
  expect(there(10, 1)).toBe(16);
});

test('capture() leaves the values raw for whoever encodes the reference', () => {
  const values = { callback: () => 1 };
  expect((submit(capture(values, () => 1)) as { values: unknown }).values).toBe(values);
});

test('capture() with other values is another function', () => {
  const of = (n: number): (() => number) =>
    resolveReference(submit(capture({ n }, (values) => values.n))) as () => number;
  const [one, two] = [of(1), of(2)];
  expect([one(), two()]).toEqual([1, 2]);
});

test('capture() gives a function that can be sent on, again and again, with its values', async () => {
  const rate = 1.5;
  const priced = capture({ rate }, ({ rate }, net: number) => net * rate);
  const once = resolveReference(structuredClone(submit(priced))) as typeof priced;
  const twice = resolveReference(structuredClone(submit(once))) as typeof priced;
  expect(twice(2)).toBe(3);
  expect(submit(twice)).toMatchObject({ source: (submit(priced) as { source: string }).source });

  await using pool = new ThreadPoolExecutor({ threads: 1 });
  const queue = new Queue<{ job: typeof priced }>();
  await queue.put({ job: priced });
  const { job } = await queue.get();
  expect(await pool.submit(job, 4)).toBe(6);
  const back = (await pool.submit((fn: typeof priced) => fn, priced)) as typeof priced;
  expect(await pool.submit(back, 6)).toBe(9);
  const twiceThere = capture({ back }, ({ back }, n: number) => back(n));
  const backAgain = (await pool.submit((fn: typeof priced) => fn, twiceThere)) as typeof priced;
  expect(await pool.submit(backAgain, 8)).toBe(12);
});

test('capture() gives a function that a thread can send on', async () => {
  const rate = 1.5;
  const priced = capture({ rate }, ({ rate }, net: number) => net * rate);
  const relay = async (fn: typeof priced): Promise<number> => {
    const heddle = await import('heddle');
    return await heddle.toThread(fn, 8);
  };
  await using pool = new ThreadPoolExecutor({ threads: 1 });
  expect(await pool.submit(relay, priced)).toBe(12);
});

test('capture() does not excuse what the function takes beside its values', () => {
  const a = 1;
  const b = 2;
  const fn = capture({ a }, ({ a }) => a + b);
  expect(() => submit(fn)).toThrow(CaptureError);
  expect(() => submit(fn)).toThrow('"b"');
});

test('capture() keeps the name of the function', () => {
  expect(capture({}, function named() {}).name).toBe('named');
});

test('capture() refuses values that are no object and functions that are none', () => {
  expect(() => capture(5 as unknown as object, () => 1)).toThrow('values must be an object, received 5');
  expect(() => capture({}, 5 as unknown as () => void)).toThrow('fn must be a function, received 5');
});
