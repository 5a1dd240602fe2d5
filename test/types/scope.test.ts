/** What `tsc` must infer for tasks and their combinations. Nothing here is called. */
import { expectTypeOf, test } from 'vitest';
import {
  all,
  any,
  capture,
  type Future,
  portable,
  race,
  run,
  shield,
  sleep,
  type Task,
  TaskGroup,
  toThread,
  wait,
  withTimeout,
} from '../../src/index.ts';

declare const group: TaskGroup;
declare function fetchUser(signal: AbortSignal): Promise<{ name: string }>;
declare function render(): string;

test('TaskGroup.spawn() gives a task of what the function returns, awaited', () => {
  expectTypeOf(() => group.spawn(render)).returns.toEqualTypeOf<Task<string>>();
  expectTypeOf(() => group.spawn(fetchUser)).returns.toEqualTypeOf<Task<{ name: string }>>();
  expectTypeOf(() => group.spawn(() => toThread(render))).returns.toEqualTypeOf<Task<string>>();
  expectTypeOf<Task<number>>().toExtend<Promise<number>>();
  expectTypeOf<Task<number>>().toExtend<Task<unknown>>();
  expectTypeOf<Awaited<Task<number>>>().toEqualTypeOf<number>();
  // @ts-expect-error a task gets a signal, not a number
  void (() => group.spawn((n: number) => n));
});

test('TaskGroup.run(), run(), shield() and withTimeout() give what their function returns', () => {
  expectTypeOf(() => TaskGroup.run(() => 1)).returns.toEqualTypeOf<Promise<number>>();
  expectTypeOf(() => TaskGroup.run(async () => 'a')).returns.toEqualTypeOf<Promise<string>>();
  expectTypeOf(() => run(fetchUser)).returns.toEqualTypeOf<Promise<{ name: string }>>();
  expectTypeOf(() => shield(fetchUser)).returns.toEqualTypeOf<Promise<{ name: string }>>();
  expectTypeOf(() => withTimeout(10, render)).returns.toEqualTypeOf<Promise<string>>();
});

test('all() gives results in the shape of what it was given', () => {
  expectTypeOf(() => all([fetchUser, render])).returns.resolves.toEqualTypeOf<[{ name: string }, string]>();
  expectTypeOf(() => all({ user: fetchUser, html: render })).returns.resolves.toEqualTypeOf<{
    user: { name: string };
    html: string;
  }>();
  expectTypeOf(() => all(new Set([render]))).returns.resolves.toEqualTypeOf<string[]>();
});

test('race() and any() give what any of the functions returns', () => {
  expectTypeOf(() => race([async () => 1, () => 'a'])).returns.resolves.toEqualTypeOf<number | string>();
  expectTypeOf(() => any([async () => 1, () => 'a'])).returns.resolves.toEqualTypeOf<number | string>();
});

test('wait() sorts the very objects that it was given', () => {
  type Waited = { done: Set<Future<string>>; pending: Set<Future<string>> };
  expectTypeOf(() => wait([toThread(render)])).returns.resolves.toEqualTypeOf<Waited>();
});

test('portable() and capture() keep the type of the function', () => {
  expectTypeOf(() => portable(import.meta, fetchUser)).returns.toEqualTypeOf<typeof fetchUser>();
  const record = () => portable(import.meta, { fetchUser, render });
  expectTypeOf(record).returns.toEqualTypeOf<{ fetchUser: typeof fetchUser; render: typeof render }>();
  const gross = () =>
    capture({ rate: 1 }, ({ rate }, net: number, label?: string) => `${label}${net * rate}`);
  expectTypeOf(gross).returns.toEqualTypeOf<(net: number, label?: string) => string>();
  expectTypeOf(() => sleep(1)).returns.toEqualTypeOf<Promise<void>>();
});
