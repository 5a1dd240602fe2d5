/** Models of the allocator: what its threads do, and what must hold. The tests beside it say how far to explore. */
import assert from 'node:assert/strict';
import { atOnce, call, type Exploration, type Memory, type Steps, step, until } from '../model/explorer.ts';

export const BLOCKS = 'src/memory/blocks.ts';
export const PAGES = 'src/memory/pages.ts';

type Blocks = typeof import('../../src/memory/blocks.ts');
type Allocator = InstanceType<Blocks['BlockAllocator']>;

interface Holding {
  readonly end: number;
  readonly by: string;
}

interface World {
  readonly words: Int32Array;
  /** One for each thread, made when it is first used. */
  readonly allocators: Allocator[];
  readonly make: (token: number) => Allocator;
  /** Takes part after the end only. */
  readonly reaper: Allocator;
  /** Which words are held, as the threads see it. */
  readonly held: Map<number, Holding>;
  readonly handedOver: number[];
  freed: number;
}

export type Model = Exploration<World, { blocks: Blocks }>;

const NAMES = ['a', 'b', 'c', 'd'] as const;
const PAGE_WORDS = 32;
/** Two of these fill a page, one `PAGE` does, and so on. */
export const SMALL = 15;
export const PAGE = 32;
/** The first thread's token, as data: a reaper that takes data for a state is found out. */
const DATA = 1;

function allocatorOf(world: World, index: number): Allocator {
  world.allocators[index] ??= world.make(index + 1);
  return world.allocators[index];
}

/** Takes a block and has it for a step: somebody else who has it too, or writes there, is noticed. */
export function* take(world: World, index: number, size: number = SMALL): Steps<number | undefined> {
  const address = yield* call(allocatorOf(world, index).allocate(size));
  if (address === undefined) return undefined;
  const end = address + size;
  for (const [other, { end: otherEnd, by }] of world.held) {
    const apart = address >= otherEnd || other >= end;
    assert(apart, `${NAMES[index]} was given block ${address}, where ${by} has block ${other}`);
  }
  world.held.set(address, { end, by: NAMES[index] as string });
  assert(all(world, address, end, 0), 'a new block is not all 0');
  world.words.fill(DATA, address, end);
  yield* step();
  return address;
}

function all({ words }: World, from: number, to: number, value: number): boolean {
  for (let at = from; at < to; at++) if (words[at] !== value) return false;
  return true;
}

function release(world: World, address: number): void {
  const holding = world.held.get(address);
  if (holding === undefined) return;
  assert(all(world, address, holding.end, DATA), `somebody wrote into block ${address} of ${holding.by}`);
  world.held.delete(address);
}

export function* giveBack(world: World, index: number, address: number): Steps {
  release(world, address);
  assert.equal(yield* call(allocatorOf(world, index).free(address)), true);
}

/** Takes a block of each size and then gives them back, the last one first. */
export function takeAll(world: World, index: number, ...sizes: number[]): () => Steps {
  return function* () {
    const taken: number[] = [];
    for (const size of sizes) {
      const address = yield* take(world, index, size);
      if (address !== undefined) taken.push(address);
    }
    for (const address of taken.reverse()) yield* giveBack(world, index, address);
  };
}

/** Takes and gives back one block after the other. */
export function takeInTurn(world: World, index: number, ...sizes: number[]): () => Steps {
  return function* () {
    for (const size of sizes) {
      const address = yield* take(world, index, size);
      if (address !== undefined) yield* giveBack(world, index, address);
    }
  };
}

export function model(
  name: string,
  pages: number,
  threads: Model['threads'],
  more: Partial<Model> = {},
): Model {
  const geometry = { base: 3, pageWords: PAGE_WORDS, pages };
  return {
    name,
    modules: { blocks: BLOCKS },
    world: (memory: Memory, { blocks }: { blocks: Blocks }) => {
      const words = memory.int32(geometry.base + blocks.wordsFor(geometry));
      const make = (token: number): Allocator => new blocks.BlockAllocator(words, geometry, token);
      return {
        words,
        allocators: [],
        make,
        get reaper() {
          this.allocators[8] ??= make(9);
          return this.allocators[8];
        },
        held: new Map(),
        handedOver: [],
        freed: 0,
      };
    },
    threads,
    ...more,
  };
}

/** At the end nothing is held by the living: then every word can be had again, in blocks of `size`, so many. */
export function checkWhole(world: World, blocks: number, size: number = SMALL): void {
  assert.equal(atOnce(world.reaper.countUsed()), 0, 'a block has leaked');
  for (let n = 0; n < blocks; n++) assert(atOnce(world.reaper.allocate(size)), 'free memory is not found');
  assert.equal(atOnce(world.reaper.allocate(size)), undefined);
}

/** What happens to the dead: their blocks are nobody's, and reaped at the end, twice. */
export function dying(blocks: number, size?: number): Partial<Model> {
  return {
    deaths: 1,
    onDeath: (world, name) => {
      for (const [address, { by }] of world.held) if (by === name) world.held.delete(address);
    },
    check: (world, { dead }) => {
      for (const name of dead) {
        const token = NAMES.indexOf(name as 'a') + 1;
        atOnce(world.reaper.reap(token));
        assert.equal(atOnce(world.reaper.reap(token)), 0, 'reaped twice, a block is freed once');
      }
      checkWhole(world, blocks, size);
    },
  };
}

/** Three threads and two blocks. */
export const threeThreads: Model['threads'] = (world) => ({
  a: takeInTurn(world, 0, SMALL, SMALL),
  b: takeInTurn(world, 1, SMALL, SMALL),
  c: takeInTurn(world, 2, SMALL, SMALL),
});

export const twoSizes: Model['threads'] = (world) => ({
  a: takeAll(world, 0, SMALL, SMALL),
  b: takeInTurn(world, 1, PAGE, PAGE),
});

export const mortals: Model['threads'] = (world) => ({
  a: takeAll(world, 0, SMALL, SMALL),
  b: takeAll(world, 1, SMALL, SMALL),
});

/** In three pages there is room for one of the runs, and they overlap. */
export const overlappingRuns: Model['threads'] = (world) => ({
  a: takeInTurn(world, 0, 2 * PAGE, PAGE),
  b: takeInTurn(world, 1, 2 * PAGE),
});

/** In five pages there is room for two runs of two, wherever the third one stood first. */
export const threeRuns: Model['threads'] = (world) => ({
  a: takeInTurn(world, 0, 3 * PAGE),
  b: takeInTurn(world, 1, 2 * PAGE),
  c: takeInTurn(world, 2, 2 * PAGE),
});

/** Pages go from a run to small blocks with other things in their words. */
export const runsAndBlocks: Model['threads'] = (world) => ({
  a: takeInTurn(world, 0, 2 * PAGE),
  b: takeInTurn(world, 1, SMALL, SMALL),
});

/** `a` publishes two blocks of that size, `b` and `c` both free each of them. */
export function publishing(size: number): Model['threads'] {
  return (world) => {
    const freer = (index: number) =>
      function* (): Steps {
        for (let n = 0; n < 2; n++) {
          yield* until(() => world.handedOver.length > n);
          const address = world.handedOver[n] as number;
          release(world, address);
          if (yield* call(allocatorOf(world, index).free(address, 777))) world.freed++;
        }
        yield* takeInTurn(world, index, size)();
      };
    return {
      *a() {
        for (let n = 0; n < 2; n++) {
          const address = yield* take(world, 0, size);
          assert(address !== undefined);
          yield* call(allocatorOf(world, 0).publish(address, 777));
          world.handedOver.push(address);
        }
      },
      b: freer(1),
      c: freer(2),
    };
  };
}

/** What `a` publishes, `b` frees and has again. */
export const handOver: Model['threads'] = (world) => ({
  *a() {
    for (let n = 0; n < 2; n++) {
      const address = yield* take(world, 0);
      assert(address !== undefined);
      yield* call(allocatorOf(world, 0).publish(address));
      world.handedOver.push(address);
    }
  },
  *b() {
    for (let n = 0; n < 2; n++) {
      const address = world.handedOver.shift();
      if (address !== undefined) yield* giveBack(world, 1, address);
      yield* step();
    }
  },
});

/** `a` dies over blocks of these sizes; `b` and `c` reap it both, and one of them may die; then they use the memory. */
export function reaping(...sizes: number[]): Model['threads'] {
  return (world, control) => {
    const reaper = (index: number) =>
      function* (): Steps {
        yield* until(() => control.isDead('a') || world.freed === 1);
        if (control.isDead('a')) yield* call(allocatorOf(world, index).reap(1));
        const address = yield* take(world, index, sizes[0]);
        if (address !== undefined) yield* giveBack(world, index, address);
      };
    return {
      *a() {
        yield* takeAll(world, 0, ...sizes)();
        world.freed = 1;
      },
      b: reaper(1),
      c: reaper(2),
    };
  };
}
