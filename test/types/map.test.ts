/** What `tsc` must infer for `map`: the options decide what is yielded. Nothing here is called. */
import { expectTypeOf, test } from 'vitest';
import type { Executor, MapEntry, MapOptions, MapResults } from '../../src/index.ts';

declare const pool: Executor;
declare const lines: AsyncIterable<string>;
declare const options: MapOptions;
declare function length(line: string): number;
declare function lengthLater(line: string): Promise<number>;
declare function cut(line: string, from: number, to?: number): string;

type Settled = PromiseSettledResult<number>;

test('map() yields what the function returns, awaited', () => {
  expectTypeOf(() => pool.map(length, ['a'])).returns.toEqualTypeOf<MapResults<number>>();
  expectTypeOf(() => pool.map(lengthLater, new Set(['a']))).returns.toEqualTypeOf<MapResults<number>>();
  expectTypeOf(() => pool.map(length, lines, { ordered: false })).returns.toEqualTypeOf<MapResults<number>>();
  expectTypeOf(() => pool.map(length, lines, options)).returns.toEqualTypeOf<MapResults<number>>();
  expectTypeOf(() => pool.map((n: number) => [n], [1])).returns.toEqualTypeOf<MapResults<number[]>>();
});

test('map() with entries yields index, item and value', () => {
  expectTypeOf(() => pool.map(length, lines, { entries: true })).returns.toEqualTypeOf<
    MapResults<MapEntry<string, number>>
  >();
  expectTypeOf(() => pool.map(length, lines, { entries: false })).returns.toEqualTypeOf<MapResults<number>>();
});

test('map() with onError "settle" yields settled results', () => {
  expectTypeOf(() => pool.map(lengthLater, lines, { onError: 'settle' })).returns.toEqualTypeOf<
    MapResults<Settled>
  >();
  expectTypeOf(() => pool.map(length, lines, { onError: 'skip' })).returns.toEqualTypeOf<
    MapResults<number>
  >();
  expectTypeOf(() => pool.map(length, lines, { onError: 'settle', entries: true })).returns.toEqualTypeOf<
    MapResults<MapEntry<string, Settled>>
  >();
});

test('map() takes the other parameters as args', () => {
  expectTypeOf(() => pool.map(cut, lines, { args: [1, 2] })).returns.toEqualTypeOf<MapResults<string>>();
  expectTypeOf(() => pool.map(cut, lines, { args: [1], entries: true })).returns.toEqualTypeOf<
    MapResults<MapEntry<string, string>>
  >();
  expectTypeOf(() => pool.map(cut, lines, { args: [1], onError: 'settle' })).returns.toEqualTypeOf<
    MapResults<PromiseSettledResult<string>>
  >();
});

test('map() refuses items, args and options of the wrong type', () => {
  // @ts-expect-error the items are numbers
  void (() => pool.map(length, [1]));
  // @ts-expect-error from is missing
  void (() => pool.map(cut, lines));
  // @ts-expect-error from is a number
  void (() => pool.map(cut, lines, { args: ['1'] }));
  // @ts-expect-error no such way
  void (() => pool.map(length, lines, { onError: 'ignore' }));
  // @ts-expect-error no such size
  void (() => pool.map(length, lines, { chunkSize: 'large' }));
});

test('what map() returns is for "for await", and can be disposed', () => {
  expectTypeOf<MapResults<number>>().toExtend<AsyncIterable<number>>();
  expectTypeOf<MapResults<number>>().toExtend<AsyncDisposable>();
});
