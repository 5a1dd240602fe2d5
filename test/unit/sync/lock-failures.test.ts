/** What goes wrong around a lock leaves the lock as it was. */
import { expect, test } from 'vitest';
import { HeddleError } from '../../../src/core/errors.ts';
import { wordsFor } from '../../../src/memory/blocks.ts';
import { claimRecord, Heap } from '../../../src/memory/heap.ts';
import { FIRST_BLOCK, SECTION } from '../../../src/memory/layout.ts';
import { ownParking } from '../../../src/park/own-parking.ts';
import { Lock } from '../../../src/sync/lock.ts';
import { toToken } from '../../../src/thread/tokens.ts';
import { failure, thrown } from '../../fixtures/awaiting.ts';

const broken = new Error('a getter that throws');

function throwing(name: string): object {
  return Object.defineProperty({}, name, {
    get() {
      throw broken;
    },
  });
}

test.each(['timeout', 'signal', 'keepAlive'])(
  'a getter of %s that throws fails the call, and nothing has changed',
  async (name) => {
    for (const sent of [false, true]) {
      const lock = new Lock();
      const { object } = sent ? toToken(lock) : { object: 0 };
      const guard = lock.acquireSync();
      expect(await failure(lock.acquire(throwing(name)))).toBe(broken);
      expect(thrown(() => lock.acquireSync(throwing(name)))).toBe(broken);
      expect(lock.statistics()).toEqual({ locked: true, waiting: 0 });
      guard.release();
      expect(await failure(lock.acquire(throwing(name)))).toBe(broken);
      expect(lock.locked).toBe(false);
      lock.acquireSync().release();
      if (sent) expect(ownParking().heap.words[object + SECTION]).toBe(0);
    }
  },
);

test('a getter of name that throws makes no lock', () => {
  expect(thrown(() => new Lock(throwing('name')))).toBe(broken);
});

test('full memory is an error that says so, and what was allocated stays as it was', () => {
  const geometry = { base: FIRST_BLOCK, pageWords: 64, pages: 1 };
  const words = new Int32Array(FIRST_BLOCK + wordsFor(geometry));
  const heap = new Heap(words, geometry, claimRecord(words, 0, 0), 0);
  const blocks: number[] = [];
  let error: unknown;
  while (error === undefined) {
    try {
      blocks.push(heap.allocate(15));
    } catch (thrownError) {
      error = thrownError;
    }
  }
  expect(error).toBeInstanceOf(HeddleError);
  expect((error as Error).message).toMatch(/shared memory of this process .* is full; dispose/);
  expect(blocks.length).toBeGreaterThan(1);
  expect(heap.blocks.countUsed()).toBe(blocks.length);
  heap.blocks.free(blocks[0] as number);
  expect(heap.allocate(15)).toBe(blocks[0]);
});
