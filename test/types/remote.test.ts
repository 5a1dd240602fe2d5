/** What `tsc` must infer for a module of another thread. Nothing here is called. */
import { expectTypeOf, test } from 'vitest';
import type { Executor, Future, Remote } from '../../src/index.ts';

declare const pool: Executor;

interface Image {
  readonly VERSION: string;
  readonly Canvas: new () => object;
  resize(bytes: Uint8Array, width: number): Uint8Array;
  load(url: string, options?: { quality: number }): Promise<Uint8Array>;
  first<T>(items: T[]): T;
}

test('Remote<M> has the functions of the module alone', () => {
  expectTypeOf<keyof Remote<Image>>().toEqualTypeOf<'resize' | 'load' | 'first'>();
});

test('Remote<M> gives futures of what the functions return, awaited', () => {
  expectTypeOf<Remote<Image>['resize']>().toEqualTypeOf<
    (bytes: Uint8Array, width: number) => Future<Uint8Array>
  >();
  expectTypeOf<Remote<Image>['load']>().toEqualTypeOf<
    (url: string, options?: { quality: number }) => Future<Uint8Array>
  >();
});

test('import() takes the type from the module, or as a parameter for a URL', () => {
  type Fixture = typeof import('../fixtures/jobs.ts');
  expectTypeOf(() => pool.import(() => import('../fixtures/jobs.ts'))).returns.toEqualTypeOf<
    Remote<Fixture>
  >();
  expectTypeOf(() => pool.import<Image>(new URL('file:///image.js'))).returns.toEqualTypeOf<Remote<Image>>();
  // @ts-expect-error a name is no module
  void (() => pool.import<Image>(7));
});
