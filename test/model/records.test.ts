import assert from 'node:assert/strict';
import { describe, expect, test } from 'vitest';
import { FIRST_RECORD, FIRST_TOKEN, RECORD_THREAD_ID, RECORD_TOKEN } from '../../src/memory/layout.ts';
import { call, type Exploration, explore } from './explorer.ts';

interface Modules extends Record<string, object> {
  readonly heap: typeof import('../../src/memory/heap.ts');
  readonly reaper: typeof import('../../src/memory/reaper.ts');
}

const GONE = 5;
const NEW = 7;

/** A thread claims the record of one that is gone, while another still asks for that one. */
const claiming: Exploration<{ words: Int32Array; modules: Modules }, Modules> = {
  name: 'records: claimed anew',
  modules: { heap: 'src/memory/heap.ts', reaper: 'src/memory/reaper.ts' },
  world: (memory, modules) => {
    const words = memory.int32(FIRST_RECORD + 32);
    words[FIRST_RECORD + RECORD_THREAD_ID] = GONE;
    return { words, modules };
  },
  threads: ({ words, modules }) => ({
    *a() {
      assert.equal(yield* call(modules.heap.claimRecord(words, NEW, 0)), FIRST_TOKEN);
    },
    *b() {
      assert.deepEqual(yield* call(modules.reaper.tokensOfThread(words, GONE)), []);
    },
  }),
  check: ({ words }) => {
    assert.equal(words[FIRST_RECORD + RECORD_TOKEN], FIRST_TOKEN);
    assert.equal(words[FIRST_RECORD + RECORD_THREAD_ID], NEW);
  },
};

describe('claimRecord()', () => {
  test('never lets the new thread be taken for the one that had its record', async () => {
    expect((await explore(claiming)).exhausted).toBe(true);
  });

  test('its model notices a token that can be seen before the number of the thread', async () => {
    await explore({
      ...claiming,
      mutate: {
        file: 'src/memory/heap.ts',
        find: 'RECORD_TOKEN, 0, CLAIMED) !== 0) continue;',
        replace:
          'RECORD_TOKEN, 0, token) !== 0) continue;\n    if (Atomics.load(words, record + RECORD_TOKEN) !== token) continue;',
        expectFailure: true,
      },
    });
  });
});
