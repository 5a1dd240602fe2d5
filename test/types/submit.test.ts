/** What `tsc` must infer. Nothing here is called: the functions only say what would be. */
import { expectTypeOf, test } from 'vitest';
import { type Executor, Future, toThread } from '../../src/index.ts';

declare const pool: Executor;
declare function add(a: number, b?: number): number;
declare function addLater(a: number, b: number): Promise<number>;
declare function first<T>(items: readonly T[]): T | undefined;
declare function total(label: string, ...parts: number[]): string;
declare function thenable(): PromiseLike<'soon'>;
declare function fail(): never;
declare function later(): Future<Date>;

test('submit() gives a future of what the function returns', () => {
  expectTypeOf(() => pool.submit(add, 1, 2)).returns.toEqualTypeOf<Future<number>>();
  expectTypeOf(() => pool.submit(total, 'sum', 1, 2)).returns.toEqualTypeOf<Future<string>>();
  expectTypeOf(() => pool.submit(() => {})).returns.toEqualTypeOf<Future<void>>();
  expectTypeOf(() => pool.submit(fail)).returns.toEqualTypeOf<Future<never>>();
});

test('submit() awaits what an async function returns', () => {
  expectTypeOf(() => pool.submit(addLater, 1, 2)).returns.toEqualTypeOf<Future<number>>();
  expectTypeOf(() => pool.submit(thenable)).returns.toEqualTypeOf<Future<'soon'>>();
  expectTypeOf(() => pool.submit(later)).returns.toEqualTypeOf<Future<Date>>();
});

test('submit() infers the parameters of generic and inline functions', () => {
  expectTypeOf(() => pool.submit(first<string>, ['a'])).returns.toEqualTypeOf<Future<string | undefined>>();
  expectTypeOf(() => pool.submit((n: number) => `${n}`, 1)).returns.toEqualTypeOf<Future<string>>();
  expectTypeOf(() => pool.submit(async (n: number) => [n], 1)).returns.toEqualTypeOf<Future<number[]>>();
});

test('submit() refuses arguments that the function does not take', () => {
  // @ts-expect-error a is a number
  void (() => pool.submit(add, '1'));
  // @ts-expect-error b is missing
  void (() => pool.submit(addLater, 1));
  // @ts-expect-error there are only two
  void (() => pool.submit(add, 1, 2, 3));
  // @ts-expect-error not a function
  void (() => pool.submit('add'));
});

test('trySubmit(), toThread() and with() infer as submit() does', () => {
  expectTypeOf(() => pool.trySubmit(addLater, 1, 2)).returns.toEqualTypeOf<Future<number> | undefined>();
  expectTypeOf(() => toThread(addLater, 1, 2)).returns.toEqualTypeOf<Future<number>>();
  expectTypeOf(() => pool.with({ priority: 1 }).submit(add, 1)).returns.toEqualTypeOf<Future<number>>();
  // @ts-expect-error a view shuts nothing down
  void (() => pool.with({}).shutdown());
  // @ts-expect-error no such option
  void (() => pool.with({ retries: 3 }));
});

test('a Future is a promise, and its values have the type', () => {
  expectTypeOf<Future<number>>().toExtend<Promise<number>>();
  expectTypeOf<Future<number>>().toExtend<Future<unknown>>();
  expectTypeOf<Awaited<Future<number>>>().toEqualTypeOf<number>();
  expectTypeOf<Future<number>['result']>().returns.toEqualTypeOf<Promise<number>>();
  expectTypeOf<Future<number>['tryResult']>().returns.toEqualTypeOf<{ value: number } | undefined>();
  expectTypeOf<Future<number>['error']>().returns.toEqualTypeOf<Promise<unknown>>();
  expectTypeOf<Future<number>['status']>().toEqualTypeOf<
    'pending' | 'running' | 'fulfilled' | 'rejected' | 'cancelled'
  >();
  expectTypeOf(() => Future.withResolvers<Date>()).returns.toExtend<{
    future: Future<Date>;
    resolve(value: Date): boolean;
    reject(error: unknown): boolean;
  }>();
});
