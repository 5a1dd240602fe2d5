import assert from 'node:assert/strict';
import { describe, expect, test } from 'vitest';
import {
  atOnce,
  call,
  describeReport,
  type Exploration,
  explore,
  type Memory,
  type Steps,
  step,
} from './explorer.ts';

const FILE = 'src/memory/blocks.ts';
type Blocks = typeof import('../../src/memory/blocks.ts');
type Allocator = InstanceType<Blocks['BlockAllocator']>;

interface World {
  readonly allocators: readonly Allocator[];
  readonly reaper: Allocator;
  /** Which words are held, as the threads see it: the end of each block by its address. */
  readonly held: Map<number, { readonly end: number; readonly by: string }>;
  readonly handedOver: number[];
}

type Model = Exploration<World, { blocks: Blocks }>;

const NAMES = ['a', 'b', 'c'] as const;
const SMALL = 15;
const LARGE = 31;

function* take(world: World, index: number, size: number = SMALL): Steps<number | undefined> {
  const address = yield* call((world.allocators[index] as Allocator).allocate(size));
  if (address === undefined) return undefined;
  for (const [other, { end, by }] of world.held) {
    const apart = address >= end || other >= address + size;
    assert(apart, `${NAMES[index]} was given block ${address}, where ${by} has block ${other}`);
  }
  world.held.set(address, { end: address + size, by: NAMES[index] as string });
  return address;
}

function* giveBack(world: World, index: number, address: number): Steps {
  world.held.delete(address);
  assert.equal(yield* call((world.allocators[index] as Allocator).free(address)), true);
}

/** Pages of two small blocks or a large one. */
function model(name: string, pages: number, threads: Model['threads'], more: Partial<Model> = {}): Model {
  const geometry = { pageWords: 32, pages };
  return {
    name,
    modules: { blocks: FILE },
    world: (memory: Memory, { blocks }: { blocks: Blocks }) => {
      const words = memory.int32(blocks.wordsFor(geometry));
      const make = (token: number): Allocator => new blocks.BlockAllocator(words, geometry, token);
      return { allocators: [make(1), make(2), make(3)], reaper: make(9), held: new Map(), handedOver: [] };
    },
    threads,
    ...more,
  };
}

function takeTwice(world: World, index: number, size?: number): () => Steps {
  return function* () {
    for (let round = 0; round < 2; round++) {
      const address = yield* take(world, index, size);
      if (address !== undefined) yield* giveBack(world, index, address);
    }
  };
}

function takeTwo(world: World, index: number): () => Steps {
  return function* () {
    const first = yield* take(world, index);
    const second = yield* take(world, index);
    if (second !== undefined) yield* giveBack(world, index, second);
    if (first !== undefined) yield* giveBack(world, index, first);
  };
}

/** At the end nothing is held by the living: then every block can be had again. */
function checkWhole(world: World, blocks: number): void {
  assert.equal(atOnce(world.reaper.countUsed()), 0, 'a block has leaked');
  for (let n = 0; n < blocks; n++) assert(atOnce(world.reaper.allocate(SMALL)), 'a free block is not found');
  assert.equal(atOnce(world.reaper.allocate(SMALL)), undefined);
}

const threeThreads: Model['threads'] = (world) => ({
  a: takeTwice(world, 0),
  b: takeTwice(world, 1),
  c: takeTwice(world, 2),
});

const twoSizes: Model['threads'] = (world) => ({ a: takeTwo(world, 0), b: takeTwice(world, 1, LARGE) });

const handOver: Model['threads'] = (world) => ({
  *a() {
    for (let n = 0; n < 2; n++) {
      const address = yield* take(world, 0);
      assert(address !== undefined);
      yield* call((world.allocators[0] as Allocator).publish(address));
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

const dying: Partial<Model> = {
  deaths: 1,
  preemptionBound: 2,
  onDeath: (world, name) => {
    for (const [address, { by }] of world.held) if (by === name) world.held.delete(address);
  },
  check: (world, { dead }) => {
    for (const name of dead) {
      const token = NAMES.indexOf(name as 'a') + 1;
      atOnce(world.reaper.reap(token));
      assert.equal(atOnce(world.reaper.reap(token)), 0, 'reaped twice, a block is freed once');
    }
    checkWhole(world, 4);
  },
};

const mortals: Model['threads'] = (world) => ({ a: takeTwo(world, 0), b: takeTwo(world, 1) });

describe('BlockAllocator', () => {
  test('never gives a block to two threads, and loses none (three threads, one page)', async () => {
    const report = await explore(
      model('three threads', 1, threeThreads, { preemptionBound: 2, check: (world) => checkWhole(world, 2) }),
    );
    expect(report.schedules, describeReport(report)).toBeGreaterThan(1000);
  });

  test('never lets blocks of different sizes overlap', async () => {
    await explore(model('two sizes', 2, twoSizes, { preemptionBound: 2 }));
  });

  test('finds a block again that another thread gave back', async () => {
    const report = await explore(
      model('hand over', 1, handOver, {
        check: (world) => {
          const used = atOnce(world.reaper.countUsed());
          assert.equal(used, world.held.size);
          for (let n = used; n < 2; n++)
            assert(atOnce(world.reaper.allocate(SMALL)), 'a free block is not found');
        },
      }),
    );
    expect(report.schedules, describeReport(report)).toBeGreaterThan(10);
  });

  test('what a thread had that died at any step is freed by the reaper, once, and found again', async () => {
    const report = await explore(model('death', 2, mortals, dying));
    expect(report.schedules, describeReport(report)).toBeGreaterThan(1000);
  });

  test('its models notice a block taken without looking whether it is free', async () => {
    await explore(
      model('blind claim', 1, threeThreads, {
        preemptionBound: 2,
        mutate: {
          file: FILE,
          find: 'if (Atomics.compareExchange(this.#words, address - 1, FREE, this.#token) === FREE) {',
          replace: 'if (Atomics.exchange(this.#words, address - 1, this.#token) >= FREE) {',
          expectFailure: true,
        },
      }),
    );
  });

  test('its models notice a page claimed by a look and a store', async () => {
    await explore(
      model('torn claim of a page', 2, twoSizes, {
        preemptionBound: 2,
        mutate: {
          file: FILE,
          find: 'if (Atomics.compareExchange(this.#words, entry, 0, sizeClass + 1) === 0) {',
          replace:
            'if (Atomics.load(this.#words, entry) === 0) { Atomics.store(this.#words, entry, sizeClass + 1);',
          expectFailure: true,
        },
      }),
    );
  });

  test('its models notice a reaper that frees what is not of the dead thread', async () => {
    await explore(
      model(
        'blind reaper',
        2,
        (world) => ({
          ...mortals(world, { isDead: () => false }),
          *c() {
            yield* take(world, 2);
            yield* call(world.reaper.reap(1));
            const mine = yield* take(world, 2);
            if (mine !== undefined) yield* giveBack(world, 2, mine);
          },
        }),
        {
          preemptionBound: 2,
          mutate: {
            file: FILE,
            find: 'if (Atomics.compareExchange(this.#words, block, token, FREE) === token) freed++;',
            replace: 'if (Atomics.exchange(this.#words, block, FREE) === token) freed++;',
            expectFailure: true,
          },
        },
      ),
    );
  });
});
