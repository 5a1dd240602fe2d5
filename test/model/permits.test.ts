import { describe, expect, test } from 'vitest';
import { explore } from './explorer.ts';
import { withoutAllocator } from './fixtures/heap-model.ts';
import {
  type Actor,
  abandoner,
  adder,
  limiter,
  type PermitsModel,
  type PermitsOptions,
  permitsModel,
  successor,
  taker,
  user,
} from './fixtures/permits-model.ts';

const PERMITS = 'src/sync/permits.ts';
const REAPER = 'src/memory/reaper.ts';
const LAYOUT = 'src/memory/layout.ts';

const BOUND_1 = { preemptionBound: 1, transformed: withoutAllocator };
const BOUND_2 = { preemptionBound: 2, transformed: withoutAllocator };
const WITH_LAYOUT = {
  preemptionBound: 1,
  transformed: (path: string) => withoutAllocator(path) || path.endsWith('/layout.ts'),
};
const DEATH = { deaths: 1 };
const RWLOCK = { rwlock: true };

type Case = readonly [actors: readonly Actor[], options: PermitsOptions, more: Partial<PermitsModel>];

// More of them, and further: test/exploration/permits.test.ts.
describe('Permits are never more than there are, go to each in turn, and come back from the dead', () => {
  const models = [
    permitsModel([user('blocked', 2), user('loop', 1), user('impatient', 2)], {}, BOUND_1),
    permitsModel([user('blocked', 2), user('impatient loop', 2), user('loop', 1)], {}, BOUND_1),
    permitsModel([taker('blocked', 1), taker('loop', 2), adder(1, 2)], { max: 3, free: 0 }, BOUND_1),
    permitsModel([user('blocked', 1), user('loop', 1), limiter(1, 3)], {}, BOUND_1),
    permitsModel([abandoner('blocked', 2), user('blocked', 1), user('loop', 1)], RWLOCK, BOUND_1),
    permitsModel([user('blocked', 2), user('loop', 1)], DEATH, BOUND_1),
    permitsModel([user('blocked', 2), user('blocked', 1)], { ...RWLOCK, ...DEATH }, BOUND_1),
  ];
  test.each(models.map((model) => [model.name, model] as const))('%s', async (_, model) => {
    expect((await explore(model)).exhausted).toBe(true);
  });
});

describe('The models of permits notice', () => {
  const THREE: Case = [[user('blocked', 2), user('impatient', 2), user('loop', 1)], {}, BOUND_2];
  const TWO_DIE: Case = [[user('blocked', 2), user('loop', 1)], DEATH, BOUND_1];
  const WRITER_DIES: Case = [[user('blocked', 2), user('blocked', 1)], { ...RWLOCK, ...DEATH }, BOUND_1];
  test.each<readonly [what: string, model: Case, file: string, find: string, replace: string]>([
    [
      'one who gave up and did not serve who stood behind it',
      [[taker('blocked', 1), user('impatient', 2), taker('loop', 1)], {}, BOUND_1],
      PERMITS,
      'this.queue.remove(node);\n    this.serve();',
      'this.queue.remove(node);',
    ],
    [
      'a waiter that did not look again once it stood in the line',
      THREE,
      PERMITS,
      'this.queue.append(node);\n    this.serve();',
      'this.queue.append(node);',
    ],
    [
      'permits that are given before the cell is set',
      THREE,
      PERMITS,
      `        if (Atomics.compareExchange(words, cell + CELL_STATE, WAITING, node) === WAITING) {
          set = cell;
          words[object + PERMITS_FREE]! -= count;`,
      `        words[object + PERMITS_FREE]! -= count;
        if (Atomics.compareExchange(words, cell + CELL_STATE, WAITING, node) === WAITING) {
          set = cell;`,
    ],
    [
      'a newcomer that overtakes',
      THREE,
      PERMITS,
      'words[object + LISTS + LIST_HEAD] === 0 && words[object + PERMITS_FREE]! >= count',
      'words[object + PERMITS_FREE]! >= count',
    ],
    [
      'a later one that is served since it wants fewer',
      [[user('blocked', 1), user('blocked', 2), user('loop', 1)], {}, BOUND_1],
      PERMITS,
      '        node = 0;\n      } else {',
      '        node = words[node + NODE_NEXT]!;\n      } else {',
    ],
    [
      'a giver back that does not serve',
      THREE,
      PERMITS,
      '    } else if (waiting) {\n      this.serve();\n    }',
      '    }',
    ],
    [
      'more that were added, and nobody served',
      [[taker('blocked', 1), adder(1)], { free: 0 }, BOUND_1],
      PERMITS,
      '    if (waiting) this.serve();\n    return room;',
      '    return room;',
    ],
    [
      'more added than there may be',
      [[user('blocked', 1), adder(1)], {}, BOUND_1],
      PERMITS,
      'words[object + PERMITS_MAX]! - words[object + PERMITS_HELD]! - words[object + PERMITS_FREE]!',
      'words[object + PERMITS_MAX]! - words[object + PERMITS_FREE]!',
    ],
    [
      'a limit that is raised, and nobody served',
      [[taker('blocked', 1), taker('loop', 1), limiter(2)], { max: 1 }, BOUND_1],
      PERMITS,
      `      Atomics.notify(words, object + SECTION);
    }
    this.serve();
  }

  /** Who ended`,
      `      Atomics.notify(words, object + SECTION);
    }
  }

  /** Who ended`,
    ],
    [
      'a limit that is lowered, and what is free stays',
      [[user('blocked', 1), user('loop', 1), limiter(1, 3)], {}, BOUND_1],
      PERMITS,
      'words[object + PERMITS_FREE]! += max - words[object + PERMITS_MAX]!;',
      'words[object + PERMITS_FREE] = max;',
    ],
    [
      'what the dead left, and nobody served',
      TWO_DIE,
      PERMITS,
      'settleSection(this.#heap, this.object);\n    this.serve();',
      'settleSection(this.#heap, this.object);',
    ],
    [
      'what the dead held, and nobody took back',
      TWO_DIE,
      REAPER,
      '      kindOf(words[object + KIND]!)?.reclaim?.(heap, object, block, dead);\n',
      '',
    ],
    [
      'what the dead held, taken back twice',
      [[user('blocked', 2), user('blocked', 2)], { deaths: 1, menders: 2 }, { ...BOUND_1, mortal: ['a'] }],
      PERMITS,
      '    words[record + HELD] = 0;\n',
      '',
    ],
    [
      'a slow reaper that takes from a successor',
      [[user('blocked', 2), successor(1)], { deaths: 1, menders: 2 }, { ...BOUND_2, mortal: ['a'] }],
      PERMITS,
      'words[record - 1] === dead && ',
      '',
    ],
    [
      'one who died while giving, after which nobody knows for whom it was',
      [[user('blocked', 2), user('blocked', 1)], DEATH, WITH_LAYOUT],
      LAYOUT,
      'NODE_SETTER: number = NODE_PREVIOUS',
      'NODE_SETTER: number = 12',
    ],
    [
      'a death of which two learn, who waited',
      [
        [user('blocked', 2), user('blocked', 1), user('blocked', 1)],
        { ...RWLOCK, ...DEATH },
        { ...BOUND_1, mortal: ['a'] },
      ],
      PERMITS,
      `          words[object + PERMITS_AFTER_DEATH] = 0;
        }`,
      '        }',
    ],
    [
      'a death of which two learn, who came later',
      WRITER_DIES,
      PERMITS,
      '      words[object + PERMITS_AFTER_DEATH] = 0;\n      taken',
      '      taken',
    ],
    [
      'a death of which nobody learns',
      WRITER_DIES,
      PERMITS,
      'words[object + PERMITS_AFTER_DEATH] = 1;\n      words[object + PERMITS_DIED] = thread;',
      'words[object + PERMITS_DIED] = thread;',
    ],
    [
      'a task that ended with all, of which nobody learns',
      [[abandoner('blocked', 2), user('blocked', 1), user('loop', 1)], RWLOCK, BOUND_1],
      PERMITS,
      'if (died !== 0 && words[object + KIND] === RWLOCK',
      'if (died > 0 && words[object + KIND] === RWLOCK',
    ],
    [
      'a reader that is given one after a writer died',
      WRITER_DIES,
      PERMITS,
      'const count = afterDeath ? words[object + PERMITS_MAX]! : words[node + NODE_WANT]!;',
      'const count = words[node + NODE_WANT]!;',
    ],
  ])('%s', async (_, [actors, options, more], file, find, replace) => {
    const mutate = { file, find, replace, expectFailure: true } as const;
    await explore(permitsModel(actors, options, { ...more, mutate }));
  });
});
