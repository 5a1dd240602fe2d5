import { expect, test } from 'vitest';
import { printOf } from '../../../src/function/inline-text.ts';
import { resolveReference } from '../../../src/function/reference.ts';

function resolve(source: string, name: string): unknown {
  return resolveReference({
    kind: 'export',
    url: `data:text/javascript,${encodeURIComponent(source)}`,
    name,
  });
}

test('an exported function is found by name, the second time without waiting', async () => {
  const source = 'export function double(n) { return n * 2; }; export default () => 5';
  const double = (await resolve(source, 'double')) as (n: number) => number;
  expect(double(4)).toBe(8);
  expect(resolve(source, 'double')).toBe(double);
  expect(((await resolve(source, 'default')) as () => number)()).toBe(5);
});

test('an exported function of a module compiled to CommonJS is found in its default export', async () => {
  const source = 'export default { __esModule: true, default: () => "d", named: () => "n" }';
  expect(((await resolve(source, 'named')) as () => string)()).toBe('n');
  expect(((await resolve(source, 'default')) as () => string)()).toBe('d');
});

test('an export that is missing is an error that lists the functions there are', async () => {
  await expect(resolve('export const a = () => 1, b = 2; export class C {}', 'x')).rejects.toThrow(
    /Cannot find function "x": module data:.* exports the functions C, a$/,
  );
  await expect(resolve('export const b = 2', 'x')).rejects.toThrow('exports no functions');
  await expect(resolve('export const b = 2', 'toString')).rejects.toThrow('Cannot find function "toString"');
});

test('an export that is no function is a TypeError that says what it is', async () => {
  const error = await Promise.resolve(resolve('export const size = [1, 2]', 'size')).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(TypeError);
  expect((error as Error).message).toMatch(/"size" of data:.*not a function but an array of 2/);
});

test('an error that the top level of the module throws comes through as it is', async () => {
  await expect(resolve('throw new RangeError("mine")', 'x')).rejects.toThrow(new RangeError('mine'));
});

test('an exported function must have the text that was sent, if that was told, each time', async () => {
  const url = `data:text/javascript,${encodeURIComponent('export const half = (n) => n / 2;')}`;
  const print = printOf('(n) => n / 2');
  const half = (await resolveReference({ kind: 'export', url, name: 'half', print })) as (
    n: number,
  ) => number;
  expect(half(8)).toBe(4);
  expect(resolveReference({ kind: 'export', url, name: 'half', print })).toBe(half);
  expect(resolveReference({ kind: 'export', url, name: 'half' })).toBe(half);
  expect(() =>
    resolveReference({ kind: 'export', url, name: 'half', print: printOf('(n) => n / 3') }),
  ).toThrow('this thread has another function there than the one that was sent');
});
