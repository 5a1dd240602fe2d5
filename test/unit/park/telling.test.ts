import { expect, test } from 'vitest';
import { ownHeap, recordOf } from '../../../src/memory/heap.ts';
import { RECORD_TOKEN } from '../../../src/memory/layout.ts';
import { leave, reap } from '../../../src/memory/reaper.ts';
import { joinRegion } from '../../../src/memory/region.ts';
import { ownParking, parkingOf } from '../../../src/park/own-parking.ts';
import { Event } from '../../../src/sync/event.ts';

test('mending that cannot be finished, for somebody is telling, does not begin again within itself', () => {
  const events = Array.from({ length: 3 }, () => new Event());
  for (const event of events) event.set();
  ownParking();
  const heap = ownHeap();
  // Other threads, as shared memory shows them.
  const telling = joinRegion();
  const dead = [joinRegion(), joinRegion(), joinRegion()];
  const inMemory = (): number[] =>
    dead.map(({ token }) => heap.words[recordOf(token) + RECORD_TOKEN]!).filter((token) => token !== 0);
  parkingOf(telling).beginTelling();
  let mends = 0;
  for (const { token } of dead) reap(heap, [token], () => void mends++);
  expect(inMemory()).toEqual(dead.map(({ token }) => -token));
  // In each call those that are known to be dead, and for each the others are asked to look: once.
  expect(mends).toBe(1 * 4 + 2 * 3 + 3 * 2);
  // Who has told finishes it.
  parkingOf(telling).endTelling();
  expect(inMemory()).toEqual([]);
  leave(telling);
  for (const event of events) event[Symbol.dispose]();
});
