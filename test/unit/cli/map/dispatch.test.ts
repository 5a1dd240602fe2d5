import { expect, test } from 'vitest';
import type { Block } from '../../../../src/cli/map/block.ts';
import { BlockSize } from '../../../../src/cli/map/block-size.ts';
import { dispatch } from '../../../../src/cli/map/dispatch.ts';
import type { SettledBlock } from '../../../../src/cli/map/settle.ts';

function block(first: number): Block {
  const bytes = new TextEncoder().encode(`${first}\n`);
  return { bytes, kind: 'text', separator: 10, count: 1, first, file: 'f', line: first + 1 };
}

function settled(of: Block): SettledBlock {
  return { block: of, segments: [{ bytes: of.bytes }], failed: 0, retried: 0, busy: [] };
}

/** A dispatcher over `count` blocks whose settling the test decides. */
function dispatcher(count: number, ordered: boolean, signal = new AbortController().signal) {
  const running = new Map<number, { finish: () => void; fail: (error: unknown) => void }>();
  let read = 0;
  const results = dispatch({
    ordered,
    threads: 2,
    single: false,
    signal,
    next: () => Promise.resolve(read < count ? block(read++) : undefined),
    settle: (one) =>
      new Promise((resolve, reject) => {
        running.set(one.first, { finish: () => resolve(settled(one)), fail: reject });
      }),
  });
  return { results, running, reads: () => read };
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

test('dispatch() yields in order, or as blocks are settled', async () => {
  for (const ordered of [true, false]) {
    const { results, running } = dispatcher(2, ordered);
    const first = results.next();
    await turns();
    running.get(1)!.finish();
    await turns();
    running.get(0)!.finish();
    expect((await first).value?.block.first).toBe(ordered ? 0 : 1);
    expect((await results.next()).value?.block.first).toBe(ordered ? 1 : 0);
    expect((await results.next()).done).toBe(true);
  }
});

test('dispatch() reads no further than threads have room', async () => {
  const { results, reads, running } = dispatcher(100, true);
  const first = results.next();
  await turns();
  expect(reads()).toBe(4);
  running.get(0)!.finish();
  await first;
  await turns();
  expect(reads()).toBe(5);
});

test('dispatch() ends with the first error, after the blocks before it', async () => {
  const { results, running } = dispatcher(3, true);
  const first = results.next();
  await turns();
  running.get(1)!.fail(new Error('second'));
  running.get(0)!.finish();
  expect((await first).value?.block.first).toBe(0);
  await expect(results.next()).rejects.toThrow('second');
});

test('dispatch() ends with the reason of its signal, after what is done', async () => {
  const controller = new AbortController();
  const { results, running } = dispatcher(100, true, controller.signal);
  const first = results.next();
  await turns();
  running.get(0)!.finish();
  await first;
  const second = results.next();
  controller.abort(new Error('enough'));
  await expect(second).rejects.toThrow('enough');
});

test('BlockSize grows from one item to as many as run for 20 ms, and shrinks at once', () => {
  const size = new BlockSize(false);
  expect(size.items).toBe(1);
  size.observe(1, 0.01);
  expect(size.items).toBe(4);
  for (let round = 0; round < 10; round++) size.observe(size.items, 0.01);
  expect(size.items).toBe(2000);
  size.observe(2000, 50);
  expect(size.items).toBe(1);
  const single = new BlockSize(true);
  single.observe(1, 0.001);
  expect(single.items).toBe(1);
});
