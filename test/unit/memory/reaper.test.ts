import { expect, test } from 'vitest';
import { SHARED } from '../../../src/memory/blocks.ts';
import { HANDLE_WORDS } from '../../../src/memory/handles.ts';
import { claimRecord, type Heap, recordOf } from '../../../src/memory/heap.ts';
import { HANDLE, HELD, KIND, RECORD_TOKEN, REFS, SECTION } from '../../../src/memory/layout.ts';
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

test('a record of an object that was being freed goes, though the thread died that was to free it', () => {
  const [living, other] = heaps(2) as [Heap, Heap];
  const { words, blocks, token } = living;
  const record = other.allocate(HANDLE_WORDS);
  words[record + KIND] = HANDLE;
  other.blocks.publish(record);
  const isLeft = (): boolean => blocks.stateOf(record) === SHARED;
  // Somebody is about to free it, who lives.
  words[record + HELD] = token;
  reap(living, [claimRecord(words, 7, 0)], () => {});
  expect(isLeft()).toBe(true);
  words[record + HELD] = other.token;
  reap(living, [other.token], () => {});
  expect(isLeft()).toBe(false);
});
