/** Models of the ring: what its threads do, and what must hold. The tests beside it say how far to explore. */
import assert from 'node:assert/strict';
import { atOnce, call, type Exploration, type Memory, type Steps, step, until } from '../model/explorer.ts';

export const RING = 'src/memory/byte-ring.ts';

interface Modules extends Record<string, object> {
  readonly ring: typeof import('../../src/memory/byte-ring.ts');
  readonly blocks: typeof import('../../src/memory/blocks.ts');
}
type Ring = InstanceType<Modules['ring']['ByteRing']>;
type Allocator = InstanceType<Modules['blocks']['BlockAllocator']>;

interface World {
  readonly words: Int32Array;
  readonly allocators: readonly Allocator[];
  readonly rings: readonly Ring[];
  /** Lengths of the records: those written, how many of them are surely published, those read. */
  readonly written: number[];
  published: number;
  readonly read: number[];
  /** Blocks that somebody else has. */
  readonly held: Set<number>;
  finished: boolean;
  /** Whether there is a reader from the start. */
  readable: boolean;
}

export type Model = Exploration<World, Modules>;

const NAMES = ['writer', 'reader', 'c', 'd'];
const [WRITER, READER, SURVIVOR] = [0, 1, 4];
/** A ring of 32 words: records of up to 24 bytes lie in it. */
const BYTES = 128;
const RING_AT = 1;
const HEAD = RING_AT + 32;
const TAIL = RING_AT + 16;
/** One page for each record. */
const GEOMETRY = { base: 84, pageWords: 32, pages: 3 };
export const LONG = 64;

export function model(name: string, threads: Model['threads'], more: Partial<Model> = {}): Model {
  return {
    name,
    modules: { ring: RING, blocks: 'src/memory/blocks.ts' },
    world: (memory: Memory, { ring: { ByteRing }, blocks }) => {
      const words = memory.int32(GEOMETRY.base + blocks.wordsFor(GEOMETRY));
      ByteRing.format(words, RING_AT, BYTES);
      const bytes = new Uint8Array(words.buffer);
      const allocators = [1, 2, 3, 4, 5].map((token) => new blocks.BlockAllocator(words, GEOMETRY, token));
      const rings = allocators.map((allocator) => new ByteRing(words, RING_AT, allocator, bytes));
      return {
        words,
        allocators,
        rings,
        written: [],
        published: 0,
        read: [],
        held: new Set(),
        finished: false,
        readable: false,
      };
    },
    threads,
    ...more,
  };
}

/** The n-th record of a schedule: its bytes are its number. */
function record(n: number, length: number): Uint8Array {
  return new Uint8Array(length).fill(n + 1);
}

/** What is read next must be the next record written, whole. */
function taken(world: World, bytes: Uint8Array): void {
  const n = world.read.length;
  assert(n < world.written.length, 'more was read than written');
  assert.equal(bytes.length, world.written[n]);
  for (const byte of bytes) if (byte !== n + 1) assert.fail(`record ${n} is not whole: ${bytes}`);
  world.read.push(bytes.length);
}

/** Writes records of these lengths, in batches of so many; what finds no room is left out. */
export function writing(world: World, lengths: readonly number[], batch: number): () => Steps {
  const ring = world.rings[WRITER] as Ring;
  return function* () {
    let unpublished = 0;
    for (const length of lengths) {
      // Said before: a reader may read it before this thread moves again.
      world.written.push(length);
      const result = yield* call(ring.write(record(world.written.length - 1, length)));
      if (result === 'written') unpublished++;
      else world.written.pop();
      if (unpublished < batch && result === 'written') continue;
      yield* publish(world, ring);
      unpublished = 0;
    }
    yield* publish(world, ring);
    world.finished = true;
  };
}

function* publish(world: World, ring: Ring): Steps {
  const count = world.written.length;
  yield* call(ring.publish());
  world.published = count;
}

/** Reads all that comes, every second record in place, until the writer has finished or died. */
export function reading(world: World, isOver: () => boolean): () => Steps {
  const ring = world.rings[READER] as Ring;
  const { words } = world;
  world.readable = true;
  return function* () {
    for (;;) {
      yield* until(() => words[HEAD] !== words[TAIL] || isOver());
      if (world.read.length % 2 === 0) {
        const bytes = yield* call(ring.read());
        if (bytes !== undefined) taken(world, bytes);
        else if (isOver() && (yield* call(ring.isEmpty()))) return;
      } else {
        const bytes = yield* call(ring.peek());
        if (bytes !== undefined) {
          yield* step();
          taken(world, bytes);
          yield* call(ring.consume());
        } else if (isOver() && (yield* call(ring.isEmpty()))) return;
      }
    }
  };
}

export function pair(lengths: readonly number[], batch: number): Model['threads'] {
  return (world, control) => ({
    writer: writing(world, lengths, batch),
    reader: reading(world, () => world.finished || control.isDead('writer')),
  });
}

/** At the end nothing is left but what the living hold, whether the reaper comes before or after. */
export function clearing(reapFirst: boolean): Partial<Model> {
  return {
    check: (world, { dead }) => {
      const survivor = world.allocators[SURVIVOR] as Allocator;
      const ring = world.rings[SURVIVOR] as Ring;
      assert(world.read.length <= world.written.length);
      if (world.readable && !dead.includes('reader'))
        assert(world.read.length >= world.published, 'a published record is lost');
      const reap = (): void => {
        for (const name of dead) atOnce(survivor.reap(NAMES.indexOf(name) + 1));
      };
      if (reapFirst) reap();
      atOnce(ring.dispose());
      assert.equal(atOnce(ring.dispose()), 0, 'disposed of twice, a block is freed once');
      if (!reapFirst) reap();
      assert.equal(atOnce(survivor.countUsed()), world.held.size, 'a block has leaked');
    },
  };
}

/** The reader is gone from the start; once the writer is, two survivors clear up, and use the memory for themselves. */
export function survivors(lengths: readonly number[], batch: number): Model['threads'] {
  return (world, control) => {
    const survivor = (index: number) =>
      function* (): Steps {
        yield* until(() => world.finished || control.isDead('writer'));
        yield* call((world.rings[index] as Ring).dispose());
        if (control.isDead('writer')) yield* call((world.allocators[index] as Allocator).reap(1));
        const block = yield* call((world.allocators[index] as Allocator).allocate(LONG / 4));
        if (block === undefined) return;
        assert(!world.held.has(block), 'a block was given to two');
        yield* call((world.allocators[index] as Allocator).publish(block));
        world.held.add(block);
        yield* step();
        assert.equal(
          yield* call((world.allocators[index] as Allocator).stateOf(block)),
          -1,
          'a block was freed',
        );
      };
    return { writer: writing(world, lengths, batch), c: survivor(2), d: survivor(3) };
  };
}
