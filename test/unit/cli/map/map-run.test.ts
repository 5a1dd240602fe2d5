import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Journal } from '../../../../src/cli/map/journal.ts';
import { MapRun } from '../../../../src/cli/map/map-run.ts';
import type { Output } from '../../../../src/cli/map/output.ts';
import { noProgress } from '../../../../src/cli/map/progress.ts';
import type { SettledBlock } from '../../../../src/cli/map/settle.ts';

function settledBlock(first: number): SettledBlock {
  const bytes = new TextEncoder().encode('x\n');
  const block = { bytes, kind: 'text', separator: 10, count: 1, first, file: 'f', line: 1 } as const;
  return { block, segments: [{ bytes }], failed: 0, retried: 0, busy: [] };
}

/** An output and a journal that write down in which order they are used. */
function recorder(commit: () => Promise<void>) {
  const log: string[] = [];
  const output: Output = {
    write: async () => void log.push('write'),
    sync: async () => {
      log.push('sync');
      return undefined;
    },
    finish: async () => void log.push('finish'),
  };
  const journal = {
    dirty: false,
    doneCount: 0,
    failed: 0,
    note() {
      this.dirty = true;
      log.push('note');
    },
    async commit() {
      this.dirty = false;
      log.push('commit');
      await commit();
    },
  };
  const run = new MapRun({
    output,
    journal: journal as unknown as Journal,
    progress: noProgress,
    onError: 'stop',
    threads: 1,
    totalItems: undefined,
    totalBytes: undefined,
    say: () => {},
  });
  return { log, run };
}

test('MapRun notes what is written, and commits only what was brought to the disk', async () => {
  const { log, run } = recorder(async () => {});
  await run.write(
    (async function* () {
      yield settledBlock(0);
      yield settledBlock(1);
    })(),
  );
  await run.finish(true);
  expect(log).toEqual(['write', 'note', 'write', 'note', 'sync', 'commit', 'finish']);
});

test('MapRun commits while it waits for a slow block, and an error that comes meanwhile is its own', async () => {
  let broken: () => void = () => {};
  const committing = new Promise<void>((resolve) => {
    broken = resolve;
  });
  // The block fails while the commit goes on: nobody awaits it just then.
  const { log, run } = recorder(async () => {
    broken();
    await delay(20);
  });
  const blocks = (async function* () {
    yield settledBlock(0);
    await committing;
    throw new Error('interrupted');
  })();
  await expect(run.write(blocks)).rejects.toThrow('interrupted');
  expect(log).toEqual(['write', 'note', 'sync', 'commit']);
});
