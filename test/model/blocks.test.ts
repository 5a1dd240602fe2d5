import assert from 'node:assert/strict';
import { describe, expect, test } from 'vitest';
import {
  BLOCKS,
  checkWhole,
  dying,
  giveBack,
  handOver,
  type Model,
  model,
  mortals,
  overlappingRuns,
  PAGE,
  PAGES,
  publishing,
  reaping,
  runsAndBlocks,
  SMALL,
  take,
  takeInTurn,
  threeThreads,
  twoSizes,
} from '../exploration/blocks-model.ts';
import { atOnce, call, describeReport, explore } from './explorer.ts';

const BOUND: Partial<Model> = { preemptionBound: 2 };

async function exploreAll(
  name: string,
  pages: number,
  threads: Model['threads'],
  more: Partial<Model>,
): Promise<void> {
  const report = await explore(model(name, pages, threads, { ...BOUND, ...more }));
  expect(report.exhausted, describeReport(report)).toBe(true);
  expect(report.schedules, describeReport(report)).toBeGreaterThan(30);
}

describe('BlockAllocator', () => {
  test('never gives a block to two threads, and loses none (three threads, one page)', async () => {
    await exploreAll('three threads', 1, threeThreads, { check: (world) => checkWhole(world, 2) });
  });

  test('never lets blocks of different sizes overlap', async () => {
    await exploreAll('two sizes', 2, twoSizes, {});
  });

  test('never lets large blocks overlap, and gives back what it could not have in whole', async () => {
    await exploreAll('overlapping runs', 3, overlappingRuns, {
      check: (world) => checkWhole(world, 1, 3 * PAGE),
    });
  });

  test('gives pages that were a large block to small ones, all 0', async () => {
    await exploreAll('runs and blocks', 2, runsAndBlocks, {});
  });

  test('finds a block again that another thread gave back', async () => {
    await exploreAll('hand over', 1, handOver, {
      preemptionBound: Infinity,
      check: (world) => {
        const used = atOnce(world.reaper.countUsed());
        assert.equal(used, world.held.size);
        for (let n = used; n < 2; n++) {
          assert(atOnce(world.reaper.allocate(SMALL)), 'a free block is not found');
        }
      },
    });
  });

  test.each([SMALL, PAGE])('frees a block of a holder once, whoever tries (%s words)', async (size) => {
    await exploreAll(`publishing ${size}`, 2, publishing(size), {
      preemptionBound: 1,
      check: (world) => {
        assert.equal(world.freed, 2);
        assert.equal(atOnce(world.reaper.countUsed()), 0);
      },
    });
  });

  test('what a thread had that died at any step is freed by the reaper, once, and found again', async () => {
    await exploreAll('death', 2, mortals, dying(4));
  });

  test('the pages of a thread that died at any step over a large block are found again', async () => {
    await exploreAll('death over runs', 3, overlappingRuns, dying(1, 3 * PAGE));
  });

  test('two threads reap at once, and one may die over it', async () => {
    await exploreAll('reaping', 3, reaping(2 * PAGE), {
      ...dying(1, 3 * PAGE),
      deaths: 2,
      preemptionBound: 1,
      mortal: ['a', 'b'],
    });
  });
});

describe('BlockAllocator.nextUsed()', () => {
  const looking: Model['threads'] = (world) => {
    const kept = [SMALL, 2 * PAGE].map((size) => atOnce(world.reaper.allocate(size)));
    return {
      a: takeInTurn(world, 0, PAGE, SMALL),
      *b() {
        const found: number[] = [];
        for (let block = yield* call(world.reaper.nextUsed(0)); block !== 0; ) {
          found.push(block);
          block = yield* call(world.reaper.nextUsed(block));
        }
        assert(
          kept.every((block) => found.includes(block as number)),
          `${kept} are used, found ${found}`,
        );
        assert.deepEqual(
          found,
          found.toSorted((one, other) => one - other),
        );
      },
    };
  };

  test('leaves out no block that is used all the time, whatever others do', async () => {
    await exploreAll('nextUsed', 4, looking, {});
  });

  test('its model notices that large blocks are passed over', async () => {
    await explore(
      model('nextUsed without runs', 4, looking, {
        ...BOUND,
        mutate: {
          file: BLOCKS,
          find: 'if (start > after && counts(stateIn(entry), held)) return start;',
          replace: '',
          expectFailure: true,
        },
      }),
    );
  });
});

describe('The models of BlockAllocator notice', () => {
  test('a block taken without looking whether it is free', async () => {
    await explore(
      model('blind claim', 1, threeThreads, {
        ...BOUND,
        mutate: {
          file: BLOCKS,
          find: 'if (Atomics.compareExchange(this.#words, address - 1, FREE, this.#token) === FREE) return address;',
          replace: 'if (Atomics.exchange(this.#words, address - 1, this.#token) >= FREE) return address;',
          expectFailure: true,
        },
      }),
    );
  });

  test('a page claimed by a look and a store', async () => {
    await explore(
      model('torn claim of a page', 2, twoSizes, {
        ...BOUND,
        mutate: {
          file: PAGES,
          find: 'if (!this.#change(first, UNCLAIMED, -this.#token)) return first;',
          replace: 'Atomics.store(this.#words, this.#entries + first * ENTRY_WORDS, -this.#token);',
          expectFailure: true,
        },
      }),
    );
  });

  test('a reaper that frees what is not of the dead thread', async () => {
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
          ...BOUND,
          mutate: {
            file: BLOCKS,
            find: 'if (Atomics.compareExchange(this.#words, block, token, FREE) === token) freed++;',
            replace: 'if (Atomics.exchange(this.#words, block, FREE) === token) freed++;',
            expectFailure: true,
          },
        },
      ),
    );
  });

  test('pages kept of a run that could not be had in whole', async () => {
    await explore(
      model('kept pages', 3, overlappingRuns, {
        ...BOUND,
        check: (world) => checkWhole(world, 1, 3 * PAGE),
        mutate: {
          file: PAGES,
          find: '      this.giveBack(first);\n      return page;',
          replace: '      return page;',
          expectFailure: true,
        },
      }),
    );
  });

  test('a run given back from its first page on', async () => {
    await explore(
      model('first page first', 3, overlappingRuns, {
        ...BOUND,
        ...dying(1, 3 * PAGE),
        mutate: {
          file: PAGES,
          find: 'for (let page = first + this.lengthOf(first) - 1; page > first; page--) {',
          replace:
            'const end = first + this.lengthOf(first); this.#change(first, -this.#token, UNCLAIMED); for (let page = first + 1; page < end; page++) {',
          expectFailure: true,
        },
      }),
    );
  });

  test('reapers that do not make a run their own before they give it back', async () => {
    await explore(
      model('shared reaping', 3, reaping(2 * PAGE), {
        ...dying(1, 3 * PAGE),
        preemptionBound: 2,
        mortal: ['a'],
        mutate: {
          file: BLOCKS,
          find: 'if (state !== this.#token && !this.#pages.move(page, state, this.#token)) return false;\n    this.#pages.giveBack(page);',
          replace: 'this.#pages.giveBack(page); this.#pages.move(page, state, 0);',
          expectFailure: true,
        },
      }),
    );
  });

  test('small blocks in a page that still has the words of a large one', async () => {
    await explore(
      model('dirty page', 2, runsAndBlocks, {
        ...BOUND,
        check: (world) => checkWhole(world, 4),
        mutate: {
          file: PAGES,
          find: 'this.#words.fill(0, this.startOf(page), this.startOf(page + 1));',
          replace: '',
          expectFailure: true,
        },
      }),
    );
  });

  test.each([SMALL, PAGE])(
    'a block freed in the name of a holder that was free already (%s words)',
    async (size) => {
      await explore(
        model(`freed twice ${size}`, 2, publishing(size), {
          preemptionBound: 1,
          check: (world) => assert.equal(world.freed, 2),
          mutate:
            size === SMALL
              ? {
                  file: BLOCKS,
                  find: 'if (Atomics.compareExchange(this.#words, address - 1, state, FREE) !== state) return false;',
                  replace: 'Atomics.store(this.#words, address - 1, FREE);',
                  expectFailure: true,
                }
              : {
                  file: BLOCKS,
                  find: '!this.#pages.move(page, state, this.#token)) return false;',
                  replace: '!this.#pages.move(page, state, this.#token)) {}',
                  expectFailure: true,
                },
        }),
      );
    },
  );
});
