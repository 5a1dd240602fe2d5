import { expect, test } from 'vitest';
import { claimRecord, recordOf } from '../../../src/memory/heap.ts';
import { RECORD_TOKEN, REFS, SECTION } from '../../../src/memory/layout.ts';
import { reap } from '../../../src/memory/reaper.ts';
import { heaps, makeObject } from '../park/threads.ts';

// One is that under which it was sent something before it had joined; under the other it died in a section.
test('a thread that has two tokens is mended, though it was in a section under the other', () => {
  const look = (): never => expect.fail('it waits for a thread that is dead');
  const living = heaps(1, { slice: () => 1, look, end: () => {} })[0]!;
  const { words } = living;
  const tokens = [claimRecord(words, 7, 0), claimRecord(words, 7, 0)];
  const object = makeObject(living);
  words[object + REFS] = 1;
  living.blocks.publish(object);
  words[object + SECTION] = tokens[1]!;
  reap(living, tokens, () => {});
  expect(tokens.map((token) => words[recordOf(token) + RECORD_TOKEN])).toEqual([0, 0]);
  expect(words[object + SECTION]).toBe(0);
});
