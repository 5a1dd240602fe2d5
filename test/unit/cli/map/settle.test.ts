import { expect, test } from 'vitest';
import { type Block, itemsOf } from '../../../../src/cli/map/block.ts';
import { runBlock } from '../../../../src/cli/map/block-worker.ts';
import type { Work } from '../../../../src/cli/map/prepare.ts';
import { type RunBlock, type SettledBlock, settle } from '../../../../src/cli/map/settle.ts';
import { ThreadDiedError, TimeoutError } from '../../../../src/core/errors.ts';

const signal = new AbortController().signal;
const stdoutWrite = process.stdout.write;

function blockOf(...texts: string[]): Block {
  const bytes = new TextEncoder().encode(texts.map((text) => `${text}\n`).join(''));
  return { bytes, kind: 'text', separator: 10, count: texts.length, first: 100, file: 'f', line: 1 };
}

/** Runs the thread's side in this thread, as a stand-in for a pool. */
function runner(expression: string, more: Partial<Work> = {}): RunBlock {
  const work: Work = {
    fn: { expression },
    constants: {},
    format: 'lines',
    split: false,
    stop: false,
    ...more,
  };
  return (block) => runBlock(work, block).finally(() => (process.stdout.write = stdoutWrite));
}

function shown({ segments }: SettledBlock): string[] {
  return segments.map(({ bytes, failure }) =>
    failure === undefined ? Buffer.from(bytes!).toString() : `${failure.index}: ${failure.error.message}`,
  );
}

test('settle() gives output and failures in the order of the items', async () => {
  const run = runner("l => { if (l === 'b') throw new Error('no b'); return l; }");
  expect(shown(await settle(blockOf('a', 'b', 'c', 'd'), { run, retries: 0, signal }))).toEqual([
    'a\n',
    '101: no b',
    'c\nd\n',
  ]);
});

test('settle() tells outputs apart where that is asked for', async () => {
  const run = runner("l => { if (l === 'b') throw new Error('no b'); return l; }", {
    split: true,
    format: 'raw',
  });
  const { segments } = await settle(blockOf('a', 'b', 'c'), { run, retries: 0, signal });
  expect(segments.map((segment) => segment.index)).toEqual([100, 101, 102]);
});

test('settle() tries only the item that failed again, and puts its output in its place', async () => {
  globalThis.process.env['TRIES'] = '0';
  const run = runner(
    "l => { if (l === 'b' && ++process.env.TRIES < 3) throw new Error('no b'); return l + process.env.TRIES; }",
  );
  const result = await settle(blockOf('a', 'b', 'c'), { run, retries: 5, signal, random: () => 0 });
  expect(shown(result)).toEqual(['a0\n', 'b3\n', 'c1\n']);
  expect([result.failed, result.retried]).toEqual([0, 2]);
});

test('settle() fails only the item whose thread died', async () => {
  const healthy = runner('l => l');
  const run: RunBlock = (block) =>
    itemsOf(block).texts.includes('b')
      ? Promise.reject(new ThreadDiedError('died', { reason: 'exit', exitCode: 3 }))
      : healthy(block);
  expect(shown(await settle(blockOf('a', 'b', 'c'), { run, retries: 0, signal }))).toEqual([
    'a\n',
    '101: Cannot finish item: it called process.exit(3)',
    'c\n',
  ]);
});

test('settle() tells a time-out in the words of the option', async () => {
  const run: RunBlock = () => Promise.reject(new TimeoutError('late'));
  expect(shown(await settle(blockOf('a'), { run, retries: 0, signal, limit: '5s' }))).toEqual([
    '100: Cannot finish item: it ran longer than 5s',
  ]);
});
