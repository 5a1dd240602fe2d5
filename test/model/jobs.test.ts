import { describe, expect, test } from 'vitest';
import { explore } from './explorer.ts';
import {
  type Actor,
  breaker,
  changer,
  dozer,
  ender,
  idler,
  inTurn,
  type JobModel,
  type JobOptions,
  jobModel,
  killer,
  mortal,
  putter,
  retirer,
  runner,
  taker,
  withAllocator,
  withoutValues,
} from './fixtures/job-model.ts';

const STORE = 'src/jobs/job-store.ts';
const BLOCK = 'src/jobs/job-block.ts';
const REMOVAL = 'src/jobs/job-removal.ts';
const MEND = 'src/jobs/job-mend.ts';
const REAPER = 'src/memory/reaper.ts';
const BOUND_0 = { preemptionBound: 0, transformed: withoutValues };
const BOUND_2 = { preemptionBound: 2, transformed: withoutValues };
const ALLOCATING = { preemptionBound: 0, transformed: withAllocator };
const BOUND_1 = { preemptionBound: 1, transformed: withoutValues };
const AT_RANDOM = { transformed: withoutValues, sample: { schedules: 50_000, seed: 1 } };
const DEATH = { deaths: 1 };
/** It is the number of schedules that is bounded, not the time that they take. */
const SLOW_MACHINE = 120_000;

const STEALING_DIES = { stealing: true, ...DEATH };

type Case = readonly [actors: readonly Actor[], options: JobOptions, more: Partial<JobModel>];

/** Three jobs of one thread, which dies: all are put again. */
const THRICE: Case = [
  [putter('loop', ...[1, 2, 3].map(() => ({ temper: 'async', again: true }) as const)), runner(3), runner()],
  DEATH,
  { ...BOUND_0, mortal: ['b'] },
];

// More of them, and further: test/exploration/jobs.test.ts.
describe('Jobs of a pool run once, end once, are told once, and leave nothing behind', () => {
  const models = [
    jobModel([putter('loop', {}), runner()], {}, BOUND_2),
    jobModel([putter('blocked', {}), runner()], { wakes: 1 }, BOUND_1),
    jobModel([putter('loop', { priority: 1 }, {}, { priority: 1 }, {}), runner()], {}, BOUND_1),
    jobModel([putter('loop', {}), putter('blocked', { priority: -1 }), runner()], {}, BOUND_1),
    jobModel([putter('loop', { temper: 'stuck' }, {}), runner(), runner()], {}, BOUND_1),
    jobModel(
      [putter('loop', { temper: 'async' }, { temper: 'stuck' }, {}), runner(2), runner()],
      {},
      BOUND_1,
    ),
    jobModel(
      [putter('loop', {}, { withdrawn: true }, { withdrawn: 'with reason', temper: 'async' }), runner()],
      {},
      BOUND_1,
    ),
    jobModel([killer(), taker(), runner()], {}, BOUND_1),
    jobModel([putter('loop', {}, {}), runner(1, 1), runner()], {}, BOUND_1),
    jobModel([putter('blocked', { inPlace: true }), runner()], {}, BOUND_2),
    jobModel([putter('loop', {}, { patient: true }), runner()], { maxPending: 0 }, BOUND_1),
    jobModel([putter('loop', { temper: 'given' }, {}), runner()], {}, BOUND_1),
    jobModel([putter('loop', {}, {}), runner(), breaker], {}, BOUND_1),
    jobModel([mortal(), ender()], DEATH, { ...BOUND_1, mortal: ['a'] }),
    jobModel([mortal({ parts: true }), ender()], { parcels: 1, ...DEATH }, BOUND_0),
    jobModel([putter('blocked', { parts: true }), runner()], { parcels: 1, ...DEATH }, BOUND_0),
    jobModel([putter('loop', {}), runner(), breaker], DEATH, BOUND_0),
    jobModel([idler(), idler(), changer()], {}, BOUND_2),
    jobModel([putter('loop', {}), dozer()], {}, BOUND_2),
    jobModel([putter('blocked', {}), dozer()], {}, BOUND_1),
    jobModel([putter('loop', { temper: 'stuck' }, {}), dozer(), runner()], {}, BOUND_1),
    jobModel([putter('loop', {}), dozer(), retirer(1)], {}, BOUND_1),
    jobModel([putter('loop', {}), dozer(), dozer()], DEATH, BOUND_0),
    jobModel([idler(), idler(), changer()], DEATH, { ...BOUND_0, mortal: ['b'] }),
    jobModel([putter('loop', { again: true }), runner(), runner()], DEATH, BOUND_0),
    jobModel(...THRICE),
    jobModel([putter('loop', { temper: 'fork' }, {}), runner()], { stealing: true }, BOUND_1),
    jobModel([putter('loop', { temper: 'unfork' }), runner(), runner()], { stealing: true }, BOUND_1),
    jobModel([putter('loop', { temper: 'unfork' }, {}), runner()], { stealing: true }, BOUND_1),
    jobModel([putter('loop', { temper: 'fork' }), runner()], { stealing: true, ...DEATH }, BOUND_0),
    jobModel([putter('loop', { temper: 'unfork' }), runner(), runner()], STEALING_DIES, {
      ...BOUND_0,
      mortal: ['b'],
    }),
  ];
  test.each(models.map((model) => [model.name, model] as const))(
    '%s',
    { timeout: SLOW_MACHINE },
    async (_, model) => {
      expect((await explore(model)).exhausted).toBe(true);
    },
  );
});

describe('The models of pools notice', () => {
  const ONE: Case = [[putter('loop', {}), runner()], {}, BOUND_1];
  const BLOCKED: Case = [[putter('blocked', {}), runner()], {}, BOUND_1];
  const TWO: Case = [[putter('loop', {}, {}), runner(), runner()], {}, BOUND_1];
  const RUNS: Case = [[putter('loop', { priority: 1 }, {}, { priority: 1 }, {}), runner()], {}, BOUND_1];
  const KILLED: Case = [[killer(), taker(), runner()], {}, BOUND_1];
  const STUCK: Case = [[putter('loop', { temper: 'stuck' }, {}), runner(), runner()], {}, BOUND_1];
  const RETIRING: Case = [[putter('loop', {}), runner(), runner(), retirer(1, 2)], {}, BOUND_1];
  const ROOM: Case = [[putter('loop', {}, { patient: true }), runner()], { maxPending: 0 }, BOUND_1];
  const GIVEN: Case = [
    [putter('loop', { temper: 'blocked' }), putter('loop', { patient: true }), runner()],
    { maxPending: 0 },
    BOUND_1,
  ];
  const ORPHAN: Case = [[mortal(), ender()], DEATH, { ...BOUND_2, mortal: ['a'] }];
  const WITHDRAWN: Case = [
    [putter('loop', { withdrawn: 'with reason', temper: 'async' }), runner()],
    DEATH,
    BOUND_1,
  ];
  const DYING: Case = [[putter('loop', {}), runner()], DEATH, BOUND_1];
  const IN_PARTS: Case = [[putter('loop', { parts: true }), runner()], DEATH, BOUND_0];
  const WITH_PARCELS: Case = [[putter('loop', {}), runner()], { parcels: 1, ...DEATH }, BOUND_0];
  const IDLE_DIES: Case = [[putter('loop', {}), runner(), runner()], DEATH, BOUND_0];
  const WOKEN_DIES: Case = [[idler(), idler(), changer()], DEATH, { ...BOUND_0, mortal: ['b'] }];
  const STEALING: Case = [
    [putter('loop', { temper: 'fork' }, {}), runner(), runner()],
    { stealing: true },
    BOUND_1,
  ];
  const UNFORK: Case = [[putter('loop', { temper: 'unfork' }, {}), runner()], { stealing: true }, BOUND_1];
  const FORK_DIES: Case = [[putter('loop', { temper: 'fork' }), runner()], STEALING_DIES, BOUND_0];
  const UNFORK_DIES: Case = [
    [putter('loop', { temper: 'unfork' }), runner(), runner()],
    STEALING_DIES,
    BOUND_0,
  ];
  const TORN: Case = [
    [putter('loop', { priority: 1 }, {}), putter('loop', {}), runner()],
    { deaths: 1 },
    BOUND_0,
  ];

  test.each<readonly [what: string, model: Case, file: string, find: string, replace: string]>([
    [
      'a job that is put, and nobody woken',
      ONE,
      STORE,
      '    if (!wakes) return put;\n    this.wakeOne();',
      '    if (!wakes) return put;',
    ],
    [
      'a job that is put before those of its priority',
      RUNS,
      STORE,
      'if (order < 0 || (order === 0 && !again)) break;',
      'if (order < 0) break;',
    ],
    [
      'a job that is put behind less urgent ones',
      [[putter('loop', { priority: 5e-324 }, {}), runner()], {}, BOUND_1],
      STORE,
      'const order = byHigh !== 0 ? byHigh : words[before + JOB_LOW]! - low;',
      'const order = byHigh !== 0 ? byHigh : 0;',
    ],
    ['a run whose ends do not know each other', RUNS, STORE, '      words[end + JOB_OTHER_END] = job;\n', ''],
    [
      'a run that lost its first, and does not know',
      RUNS,
      STORE,
      '        words[heir + JOB_OTHER_END] = end;\n        words[end + JOB_OTHER_END] = heir;\n      }\n',
      '      }\n',
    ],
    [
      'a job that is withdrawn from a run',
      [[putter('loop', {}, { withdrawn: true }, {}), runner()], {}, BOUND_1],
      REMOVAL,
      'const heir = isFirst ? next : previous;',
      'const heir = isFirst ? previous : next;',
    ],
    [
      'more jobs than there is room for',
      ROOM,
      STORE,
      'else if (free <= 0 && !again)',
      'else if (free < 0 && !again)',
    ],
    [
      'room that is made, and nobody served',
      ROOM,
      STORE,
      '    if (serves) this.serveRoom();\n    return job;',
      '    return job;',
    ],
    [
      'who waits for room and did not look again',
      ROOM,
      STORE,
      'if (this.room.isEmpty() || (this.read(POOL_STATE) === OPEN && !this.hasRoom())) return;',
      'if (this.read(POOL_STATE) === OPEN) return;',
    ],
    ['a slot that is given away, and nobody served', GIVEN, STORE, '    if (given) this.serveRoom();\n', ''],
    [
      'a thread that takes a job and does not hold a slot',
      ONE,
      STORE,
      '      words[record + HELD]! += 1;\n      words[object + POOL_TAKEN]',
      '      words[object + POOL_TAKEN]',
    ],
    [
      'a thread that rests, and wakes nobody',
      STUCK,
      STORE,
      '    words[record + RESERVED] = 0;\n    const wakes =',
      '    words[record + RESERVED] = 0;\n    const wakes = me === 0 &&',
    ],
    [
      'a thread that has looked for jobs, and still seems to have been woken for one',
      TWO,
      STORE,
      '    words[object + POOL_WAKING] = 0;\n',
      '',
    ],
    [
      'a thread that was woken and died, and still seems to come',
      WOKEN_DIES,
      MEND,
      '    words[object + POOL_WAKING] = 0;\n',
      '',
    ],
    [
      'a job that is put again, before one that was put before it',
      THRICE,
      STORE,
      'while (joinsAfter && again &&',
      'while (joinsAfter && again && me === 0 &&',
    ],
    [
      'a job that is put again between two, and taken for an end',
      THRICE,
      STORE,
      'if (!joinsBefore || !joinsAfter) {',
      'if (job !== 0) {',
    ],
    [
      'a thread that stops, and passes no wake-up on',
      RETIRING,
      STORE,
      '    const wakes =\n      job === 0 &&',
      '    const wakes =\n      job < 0 &&',
    ],
    [
      'a thread that seems to look for jobs, and stands idle',
      TWO,
      STORE,
      'const drains = job !== 0 || (looks && !condemned) ? 1 : 0;',
      'const drains = 1;',
    ],
    [
      'a job that begins in a thread that is ended for another',
      KILLED,
      STORE,
      'if (wants && !condemned) job',
      'if (wants) job',
    ],
    [
      'a thread that is ended for a job that has ended',
      KILLED,
      STORE,
      'if (done !== 0) words[done + JOB_STATE] = -me;',
      '',
    ],
    [
      'a job that is withdrawn though it runs',
      WITHDRAWN,
      REMOVAL,
      'words[job + JOB_STATE] === QUEUED &&',
      'words[job + JOB_STATE] !== MADE &&',
    ],
    [
      'a job that is evicted and runs',
      [[putter('loop', {}), runner(), breaker], {}, BOUND_1],
      REMOVAL,
      'words[job + JOB_STATE] = me;',
      'words[job + JOB_STATE] = 1;',
    ],
    [
      'a pool that is broken and takes a job',
      [[putter('loop', {}), breaker], {}, BOUND_1],
      STORE,
      'if (!isOpen) put = REFUSED;',
      'if (state > 5) put = REFUSED;',
    ],
    [
      'an owner that sleeps, and is not woken',
      BLOCKED,
      BLOCK,
      '  if (sleeps) wakeThread(words, owner);\n',
      '',
    ],
    [
      'an owner that is told before the last look at the job',
      [BLOCKED[0], {}, BOUND_2],
      BLOCK,
      '  const sleeps = Atomics.load(words, job + CELL_ASYNC) === 0;\n  parking.tell(job, owner, true);\n',
      '  parking.tell(job, owner, true);\n  const sleeps = Atomics.load(words, job + CELL_ASYNC) === 0;\n',
    ],
    [
      'a job that seems to be of who ran the one before',
      [[inTurn('loop', {}, {}), runner()], DEATH, BOUND_1],
      BLOCK,
      '  words[job + JOB_ENDER] = 0;\n',
      '',
    ],
    ['who ends a job, and is not seen telling', DYING, BLOCK, '  parking.beginTelling();\n', ''],
    [
      'a part that is in no list yet',
      IN_PARTS,
      BLOCK,
      '  words[part + PART_NEXT] = words[job + JOB_PARTS]!;\n  // Should this thread die before it is in the list, it is found here.\n  words[job + JOB_INTENT] = part;\n',
      '  words[part + PART_NEXT] = words[job + JOB_PARTS]!;\n',
    ],
    [
      'a part that is in no list any more',
      [IN_PARTS[0], DEATH, ALLOCATING],
      BLOCK,
      '    words[job + JOB_INTENT] = part;\n    Atomics.store(words, job + JOB_PARTS, words[part + PART_NEXT]!);\n',
      '    Atomics.store(words, job + JOB_PARTS, words[part + PART_NEXT]!);\n',
    ],
    [
      'a handle that is no longer in its job, and not yet in hand',
      WITH_PARCELS,
      BLOCK,
      '    Atomics.store(words, parcel + PARCEL_TO, me);\n    words[job + JOB_PARCELS] = next;\n    objects',
      '    words[job + JOB_PARCELS] = next;\n    objects',
    ],
    [
      'a handle that is still in its job when it is gone',
      [[putter('loop', { withdrawn: true })], { parcels: 2, ...DEATH }, ALLOCATING],
      BLOCK,
      '    words[job + JOB_PARCELS] = next;\n    dropParcel(heap, parcel, me);\n',
      '    dropParcel(heap, parcel, me);\n    words[job + JOB_PARCELS] = next;\n',
    ],
    ['a job that went with who ran it', DYING, MEND, 'complete(parking, job, DIED);', '{}'],
    [
      'a job that two end who mend',
      [DYING[0], { deaths: 1, menders: 2 }, { ...AT_RANDOM, mortal: ['b'] }],
      MEND,
      'Atomics.compareExchange(words, job + JOB_ENDER, dead, me) === dead)',
      'Atomics.load(words, job + JOB_ENDER) === dead && Atomics.store(words, job + JOB_ENDER, me) !== 0)',
    ],
    [
      'a job of the dead that stays in the queue',
      [[putter('loop', {})], DEATH, BOUND_1],
      MEND,
      'if (state === QUEUED) {',
      'if (state === dead) {',
    ],
    [
      'an orphan that nobody frees',
      ORPHAN,
      BLOCK,
      '    Atomics.store(words, UNREAPED, 1);\n    return;',
      '    return;',
    ],
    [
      'a job that is buried under who tells',
      ORPHAN,
      MEND,
      '  if (!isMade && !nobodyIsTelling(words)) {',
      '  if (isMade && !nobodyIsTelling(words)) {',
    ],
    ['a job that is buried though it runs', ORPHAN, MEND, '  if (!hasEnded) return false;\n', ''],
    [
      'a dead owner that is forgotten while its job runs',
      ORPHAN,
      REAPER,
      '  if (isOver) Atomics',
      '  Atomics',
    ],
    [
      'a job that two bury',
      [IN_PARTS[0], { deaths: 1, menders: 2 }, { ...AT_RANDOM, mortal: ['a'] }],
      MEND,
      'JOB_OWNER, owner, -me) === owner)',
      'JOB_OWNER, owner, owner) === owner)',
    ],
    [
      'a job of one who died over burying it',
      [[mortal()], { deaths: 2, menders: 2, menderDies: true, parcels: 1 }, ALLOCATING],
      MEND,
      'if (Math.abs(owner) !== dead) return true;',
      'if (owner !== dead) return true;',
    ],
    [
      'a reason that died with its owner',
      [
        [mortal({ withdrawn: 'with reason' }), ender()],
        DEATH,
        { ...ALLOCATING, preemptionBound: 1, mortal: ['a'] },
      ],
      MEND,
      'reason > NO_REASON && heap.blocks.stateOf(reason) === SHARED - job ?',
      'reason > NO_REASON ?',
    ],
    [
      'slots that went with who held them',
      DYING,
      MEND,
      '    words[object + POOL_RUNNING]! -= words[record + HELD]!;\n',
      '',
    ],
    [
      'slots that are taken back twice',
      [DYING[0], { deaths: 1, menders: 2 }, { ...AT_RANDOM, mortal: ['b'] }],
      MEND,
      '    words[record + HELD] = 0;\n',
      '',
    ],
    [
      'who was woken and died, and nobody else was',
      IDLE_DIES,
      MEND,
      '  if (isDue && Atomics.load(words, object + LISTS + LIST_HEAD) !== 0) store.wakeOne();\n',
      '',
    ],
    [
      'a list that is made anew without its end',
      TORN,
      MEND,
      '  words[object + POOL_LAST] = jobs.at(-1) ?? 0;\n',
      '  words[object + POOL_LAST] = 0;\n',
    ],
    [
      'a list that is made anew the wrong way round',
      TORN,
      MEND,
      'if (high !== 0) return high;',
      'if (high !== 0) return -high;',
    ],
    [
      'runs that are made anew with ends that do not know each other',
      TORN,
      MEND,
      '    words[first + JOB_OTHER_END] = job;\n',
      '',
    ],
    [
      'a job of a thread that another has stolen, and is still in its list',
      STEALING,
      STORE,
      'if (newer === 0) words[home + OWN_NEWEST] = older;',
      'if (newer === 0 && home === record) words[home + OWN_NEWEST] = older;',
    ],
    [
      'a job that a thread takes before more urgent ones, for it is its own',
      STEALING,
      STORE,
      '        words[own + JOB_HIGH] === words[job + JOB_HIGH] &&\n',
      '',
    ],
    [
      'an own job that is taken out of the middle as if it were the first',
      UNFORK,
      STORE,
      '      if (previous === 0) words[object + POOL_FIRST] = next;',
      '      if (previous >= 0) words[object + POOL_FIRST] = next;',
    ],
    [
      'an own job that is not the newest in its list',
      UNFORK,
      STORE,
      '        words[record + OWN_NEWEST] = job;\n',
      '        if (older === 0) words[record + OWN_NEWEST] = job;\n',
    ],
    [
      'an own job that is withdrawn, and whose neighbour does not know',
      UNFORK,
      REMOVAL,
      '      else words[newer + JOB_OLDER] = older;\n      if (older !== 0) words[older + JOB_NEWER] = newer;\n      words[job + JOB_HOME] = 0;\n      words[job + JOB_RAN] = 0;\n    }\n  }\n  const serves',
      '      if (older !== 0) words[older + JOB_NEWER] = newer;\n      words[job + JOB_HOME] = 0;\n      words[job + JOB_RAN] = 0;\n    }\n  }\n  const serves',
    ],
    [
      'an own job of the dead that stays in their list',
      FORK_DIES,
      MEND,
      '      if (newer === 0) words[home + OWN_NEWEST] = older;\n',
      '      if (newer === 0 && home === 0) words[home + OWN_NEWEST] = older;\n',
    ],
    ['lists of threads that are not made anew', UNFORK_DIES, MEND, '  relinkOwn(words, jobs);\n', ''],
    [
      'lists of threads that are made anew the wrong way round',
      [UNFORK_DIES[0], STEALING_DIES, { ...AT_RANDOM, mortal: ['c'] }],
      MEND,
      '(words[a + JOB_TICKET]! - words[b + JOB_TICKET]!) | 0);\n  for',
      '(words[b + JOB_TICKET]! - words[a + JOB_TICKET]!) | 0);\n  for',
    ],
  ])('%s', { timeout: SLOW_MACHINE }, async (_, [actors, options, more], file, find, replace) => {
    const mutate = { file, find, replace, expectFailure: true } as const;
    await explore(jobModel(actors, options, { maxSchedules: 20_000, ...more, mutate }));
  });
});
