/** What `tsc` must infer of locks. Nothing here is called: the functions only say what would be. */
import { expectTypeOf, test } from 'vitest';
import {
  type Executor,
  type Future,
  fromToken,
  type Guard,
  Lock,
  type LockStatistics,
  shared,
  type Token,
  toToken,
} from '../../src/index.ts';

declare const lock: Lock;
declare const guard: Guard;
declare const pool: Executor;
declare function useLock(lock: Lock, times?: number): Promise<string>;

test('the three forms give a guard, now or later or perhaps', () => {
  expectTypeOf(() => lock.acquire()).returns.toEqualTypeOf<Promise<Guard>>();
  expectTypeOf(() => lock.acquireSync()).returns.toEqualTypeOf<Guard>();
  expectTypeOf(() => lock.tryAcquire()).returns.toEqualTypeOf<Guard | undefined>();
});

test('waits take a time-out and a signal; those that block a time-out alone', () => {
  const { signal } = new AbortController();
  void (() => lock.acquire({ timeout: 5, signal, keepAlive: true }));
  void (() => lock.acquire({ timeout: undefined, signal: undefined }));
  void (() => lock.acquireSync({ timeout: 5 }));
  // @ts-expect-error nothing can abort a thread that is blocked
  void (() => lock.acquireSync({ signal }));
  // @ts-expect-error it does not wait
  void (() => lock.tryAcquire({ timeout: 5 }));
  // @ts-expect-error milliseconds
  void (() => lock.acquire({ timeout: '5' }));
});

test('run() gives what the function gives, awaited', () => {
  expectTypeOf(() => lock.run(() => 1)).returns.toEqualTypeOf<Promise<number>>();
  expectTypeOf(() => lock.run(async () => 'a')).returns.toEqualTypeOf<Promise<string>>();
  expectTypeOf(() => lock.run(() => {}, { timeout: 5 })).returns.toEqualTypeOf<Promise<void>>();
  expectTypeOf(() => lock.runSync(() => 1, { timeout: 5 })).returns.toEqualTypeOf<number>();
  // @ts-expect-error a function is missing
  void (() => lock.run({ timeout: 5 }));
});

test('a guard is disposable, and keep() returns it', () => {
  expectTypeOf<Guard>().toExtend<Disposable>();
  expectTypeOf(() => guard.keep()).returns.toExtend<Guard>();
  expectTypeOf<Guard['released']>().toEqualTypeOf<boolean>();
  // @ts-expect-error it can only be read
  void (() => (guard.released = true));
});

test('a lock is disposable, has a name perhaps, and statistics', () => {
  expectTypeOf<Lock>().toExtend<Disposable>();
  expectTypeOf<Lock['name']>().toEqualTypeOf<string | undefined>();
  expectTypeOf<Lock['locked']>().toEqualTypeOf<boolean>();
  expectTypeOf(() => lock.statistics()).returns.toEqualTypeOf<LockStatistics>();
  void (() => new Lock({ name: 'cache' }));
  void (() => new Lock({ name: undefined }));
  // @ts-expect-error a name is a text
  void (() => new Lock({ name: 1 }));
  // @ts-expect-error no such option
  void (() => new Lock({ size: 1 }));
});

test('a lock goes to a thread as what it is', () => {
  expectTypeOf(() => pool.submit(useLock, lock)).returns.toEqualTypeOf<Future<string>>();
  // @ts-expect-error not a lock
  void (() => pool.submit(useLock, 'lock'));
});

test('tokens and names', () => {
  expectTypeOf(() => toToken(lock)).returns.toEqualTypeOf<Token>();
  expectTypeOf(() => fromToken<Lock>(undefined)).returns.toEqualTypeOf<Lock>();
  expectTypeOf(() => fromToken(undefined)).returns.toEqualTypeOf<object>();
  expectTypeOf(() => shared('a', () => new Lock())).returns.toEqualTypeOf<Lock>();
  // @ts-expect-error a shared object can be disposed
  void (() => shared('a', () => ({})));
  // @ts-expect-error create() makes it at once
  void (() => shared('a', async () => new Lock()));
});
