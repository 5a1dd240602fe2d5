import { AsyncLocalStorage } from 'node:async_hooks';
import { expect, test, vi } from 'vitest';
import { listenAt } from '../../../src/platform/doorbell.ts';
import { runProgram } from './program.ts';

const words = (): Int32Array => new Int32Array(new SharedArrayBuffer(8));

test('listenAt() calls back once when the word is notified', async () => {
  const word = words();
  const rung = vi.fn<() => void>();
  const called = new Promise<void>((resolve) => listenAt(word, 1, 0, () => resolve(rung())));
  expect(Atomics.notify(word, 1)).toBe(1);
  expect(rung).not.toHaveBeenCalled();
  await called;
  expect(Atomics.notify(word, 1)).toBe(0);
  expect(rung).toHaveBeenCalledExactlyOnceWith();
});

test('listenAt() of a word that is different already calls back in a microtask, not at once', async () => {
  const rung = vi.fn<() => void>();
  listenAt(words(), 0, 1, rung);
  expect(rung).not.toHaveBeenCalled();
  for (let left = 5; left > 0; left--) await undefined;
  expect(rung).toHaveBeenCalledExactlyOnceWith();
});

test('listenAt() calls back outside the context of whoever called it', async () => {
  const context = new AsyncLocalStorage<string>();
  const word = words();
  for (const expected of [0, 1]) {
    const seen = new Promise((resolve) => {
      context.run('a task', () => listenAt(word, 0, expected, () => resolve(context.getStore())));
    });
    Atomics.notify(word, 0);
    expect(await seen).toBe(undefined);
  }
});

test('listenAt() keeps no process up', async () => {
  const { out, code } = await runProgram(`
    import { listenAt } from './doorbell.ts';
    listenAt(new Int32Array(new SharedArrayBuffer(4)), 0, 0, () => {});
    console.log('listening');
  `);
  expect([out, code]).toEqual(['listening\n', 0]);
});
