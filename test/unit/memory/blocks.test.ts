import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BlockAllocator, type Geometry, wordsFor } from '../../../src/memory/blocks.ts';

const GEOMETRY: Geometry = { pageWords: 64, pages: 4 };

function words(geometry = GEOMETRY): Int32Array {
  return new Int32Array(new SharedArrayBuffer(4 * wordsFor(geometry)));
}

describe('BlockAllocator', () => {
  test('allocate() gives zeroed words of its own, again and again the same memory', () => {
    const shared = words();
    const allocator = new BlockAllocator(shared, GEOMETRY, 1);
    const first = allocator.allocate(15);
    expect(first).toBeTypeOf('number');
    shared.fill(7, first, (first ?? 0) + 15);
    expect(allocator.free(first ?? 0)).toBe(true);
    const again = allocator.allocate(15);
    expect(again).toBe(first);
    expect([...shared.subarray(again, (again ?? 0) + 15)]).toEqual(Array(15).fill(0));
  });

  test('allocate() answers undefined when there is no room, and finds room again', () => {
    const allocator = new BlockAllocator(words(), GEOMETRY, 1);
    const blocks = Array.from({ length: 4 }, () => allocator.allocate(63));
    expect(blocks).not.toContain(undefined);
    expect(allocator.allocate(63)).toBe(undefined);
    expect(allocator.allocate(1)).toBe(undefined);
    allocator.free(blocks[2] ?? 0);
    expect(allocator.allocate(40)).toBe(blocks[2]);
  });

  test.each([[0], [-1], [1.5], [Number.NaN]])('allocate(%s) is refused', (size) => {
    expect(() => new BlockAllocator(words(), GEOMETRY, 1).allocate(size)).toThrow(
      `Cannot allocate: size must be a positive whole number of words, received ${size}`,
    );
  });

  test('allocate() takes pages in a row for what is larger than half a page, up to all of them', () => {
    const shared = words();
    const allocator = new BlockAllocator(shared, GEOMETRY, 1);
    const all = allocator.allocate(256) ?? 0;
    expect(all).toBeGreaterThan(0);
    expect(allocator.sizeOf(all)).toBe(256);
    expect(all + 256).toBe(shared.length);
    expect(allocator.allocate(1)).toBe(undefined);
    shared.fill(7, all, all + 256);
    expect(allocator.free(all)).toBe(true);
    expect(allocator.free(all)).toBe(false);
    expect(allocator.allocate(257)).toBe(undefined);
    expect([...shared.subarray(all, all + 256)].every((word) => word === 7)).toBe(true);
    const block = allocator.allocate(65) ?? 0;
    expect(allocator.sizeOf(block)).toBe(128);
    expect(shared.subarray(block, block + 128).every((word) => word === 0)).toBe(true);
  });

  test('the pages of a large block are used again, for any size', () => {
    const allocator = new BlockAllocator(words(), GEOMETRY, 1);
    const [first, second] = [allocator.allocate(100) ?? 0, allocator.allocate(100) ?? 0];
    expect(allocator.allocate(1)).toBe(undefined);
    allocator.free(first);
    const small = Array.from({ length: 4 }, () => allocator.allocate(15));
    expect(small).not.toContain(undefined);
    expect(allocator.allocate(40)).toBeTypeOf('number');
    expect(allocator.allocate(40)).toBe(undefined);
    expect(allocator.stateOf(second)).toBe(1);
  });

  test('allocate() leaves the words of a block as they are if it is told so', () => {
    const shared = words();
    const allocator = new BlockAllocator(shared, GEOMETRY, 1);
    for (const size of [15, 100]) {
      const block = allocator.allocate(size) ?? 0;
      shared[block + 3] = 7;
      allocator.free(block);
      expect(allocator.allocate(size, false)).toBe(block);
      expect(shared[block + 3]).toBe(7);
    }
  });

  test.each([[8], [100]])('free() of a block with a holder asks for that holder (%s words)', (size) => {
    const shared = words();
    const [mine, other] = [new BlockAllocator(shared, GEOMETRY, 1), new BlockAllocator(shared, GEOMETRY, 2)];
    const block = mine.allocate(size) ?? 0;
    mine.publish(block, 555);
    expect(mine.stateOf(block)).toBe(-556);
    expect(other.nextUsed(0)).toBe(0);
    expect(other.countUsed()).toBe(1);
    expect([mine.free(block), other.free(block), other.free(block, 556), other.reap(1)]).toEqual([
      false,
      false,
      false,
      0,
    ]);
    expect(other.free(block, 555)).toBe(true);
    expect(other.free(block, 555)).toBe(false);
    mine.publish(block, 555);
    expect(mine.stateOf(block)).toBe(0);
  });

  test('free() refuses what is free already, and what is private to another thread', () => {
    const shared = words();
    const [mine, other] = [new BlockAllocator(shared, GEOMETRY, 1), new BlockAllocator(shared, GEOMETRY, 2)];
    const block = mine.allocate(8) ?? 0;
    expect(other.free(block)).toBe(false);
    mine.publish(block);
    expect(other.free(block)).toBe(true);
    expect(mine.free(block)).toBe(false);
  });

  test('reap() frees what a dead thread had not published, and nothing else', () => {
    const shared = words();
    const [dead, living] = [new BlockAllocator(shared, GEOMETRY, 1), new BlockAllocator(shared, GEOMETRY, 2)];
    const published = dead.allocate(8) ?? 0;
    dead.publish(published);
    dead.allocate(8);
    dead.allocate(40);
    living.allocate(8);
    expect(living.reap(1)).toBe(2);
    expect(living.reap(1)).toBe(0);
    expect(living.countUsed()).toBe(2);
    expect(living.free(published)).toBe(true);
  });

  test('nextUsed() goes through the blocks that are not free, in order', () => {
    const geometry = { base: 100, pageWords: 64, pages: 4 };
    const shared = new Int32Array(new SharedArrayBuffer(4 * (100 + wordsFor(geometry))));
    const allocator = new BlockAllocator(shared, geometry, 7);
    const other = new BlockAllocator(shared, geometry, 8);
    const blocks = [8, 8, 30, 65, 8].map((size) => (size === 30 ? other : allocator).allocate(size) ?? 0);
    allocator.publish(blocks[1] ?? 0);
    allocator.free(blocks[0] ?? 0);
    const found = [];
    for (let block = allocator.nextUsed(0); block !== 0; block = allocator.nextUsed(block)) found.push(block);
    expect(found).toEqual(blocks.slice(1).sort((a, b) => a - b));
    expect(blocks.map((block) => allocator.stateOf(block))).toEqual([0, -1, 8, 7, 7]);
    expect(shared.subarray(0, 100).every((word) => word === 0)).toBe(true);
  });

  test('blocks never overlap, and all of them can be had again, whatever is allocated and freed by whom', () => {
    const step = fc.record({
      thread: fc.nat(2),
      size: fc.oneof(fc.integer({ min: 1, max: 63 }), fc.integer({ min: 1, max: 256 })),
      free: fc.option(fc.nat(20)),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const shared = words();
        const allocators = [1, 2, 3].map((token) => new BlockAllocator(shared, GEOMETRY, token));
        const held: { address: number; size: number }[] = [];
        for (const { thread, size, free } of steps) {
          const allocator = allocators[thread] as BlockAllocator;
          if (free !== null) {
            const [block] = held.splice(free, 1);
            if (block !== undefined) expect(allocator.free(block.address)).toBe(true);
            continue;
          }
          const address = allocator.allocate(size);
          if (address === undefined) continue;
          for (const other of held) {
            expect(address >= other.address + other.size || other.address >= address + size).toBe(true);
          }
          expect(allocator.sizeOf(address)).toBeGreaterThanOrEqual(size);
          allocator.publish(address);
          held.push({ address, size });
        }
        const found = [];
        const survivor = allocators[0] as BlockAllocator;
        for (let block = survivor.nextUsed(0); block !== 0; block = survivor.nextUsed(block))
          found.push(block);
        expect(found).toEqual(held.map(({ address }) => address).sort((a, b) => a - b));
      }),
      { seed: 20261121 },
    );
  });
});
