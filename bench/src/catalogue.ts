/** Who is measured, and what: the one list that the options, the suite and the report read. */

/** A library, or a reference (`raw`, `bare`), with a module of that name in `measured/peers/`. */
export interface Peer {
  readonly name: string;
  /** The package whose version is reported; none for the references. */
  readonly package?: string;
  /** The groups it takes part in. */
  readonly groups: readonly Group[];
  /** The first Node that has it, as major and minor version; any if not given. */
  readonly since?: readonly [number, number];
  readonly note: string;
}

export const groups = [
  'tasks',
  'latency',
  'payload',
  'cpu',
  'blocked',
  'cold',
  'memory',
  'sync',
  'many',
  'forks',
  'groups',
  'locks',
  'queues',
  'primitives',
  'codec',
] as const;
export type Group = (typeof groups)[number];

const pool: readonly Group[] = ['tasks', 'latency', 'payload', 'cpu', 'cold', 'memory'];

/** In the order of the tables. The ratios are those to the first. */
export const peers: readonly Peer[] = [
  {
    name: 'raw',
    groups: [...pool, 'blocked', 'sync', 'many', 'groups', 'locks', 'queues', 'primitives', 'codec'],
    note: 'the reference, by hand: message ports, one message per task or item, no batching, no error handling; for groups `Promise.all`, for locks a futex of three states, for other primitives bare words, for values `structuredClone`',
  },
  {
    name: 'batched',
    groups: ['queues'],
    note: 'a message port by hand, 64 items in each message',
  },
  {
    name: 'bare',
    groups: ['cold', 'memory'],
    note: 'a Worker that only starts: the floor for cold start and memory',
  },
  {
    name: 'heddle',
    package: 'heddle',
    groups: [...pool, 'blocked', 'sync', 'many', 'forks', 'groups', 'locks', 'queues', 'primitives', 'codec'],
    note: '`ThreadPoolExecutor`, portable functions; `toThreadSync`, `EventLoopThread`; `TaskGroup`; `Lock`, `Queue` and the other primitives',
  },
  {
    name: 'heddle-spin',
    package: 'heddle',
    groups: ['tasks', 'latency'],
    note: 'with `spin: 50`: threads look for work for 50 µs before they sleep',
  },
  {
    name: 'heddle-stealing',
    package: 'heddle',
    groups: ['forks'],
    note: "with `scheduling: 'stealing'`",
  },
  { name: 'piscina', package: 'piscina', groups: [...pool, 'blocked'], note: 'as it comes' },
  {
    name: 'piscina-best',
    package: 'piscina',
    groups: ['tasks', 'blocked', 'many'],
    note: "its fastest settings: `concurrentTasksPerWorker: 1024`, `atomics: 'async'`, `FixedQueue`",
  },
  { name: 'tinypool', package: 'tinypool', groups: pool, note: 'as it comes' },
  { name: 'workerpool', package: 'workerpool', groups: pool, note: "`workerType: 'thread'`" },
  { name: 'poolifier', package: 'poolifier', groups: pool, note: '`FixedThreadPool`, as it comes' },
  {
    name: 'multithreading',
    package: 'multithreading',
    groups: [...pool, 'locks', 'queues', 'primitives'],
    note: 'it moves buffers, so the 10 MB are copied by the caller before; its channels always have a bound; needs two polyfills on Node 20',
  },
  {
    name: 'comlink',
    package: 'comlink',
    groups: pool,
    note: 'no pool of its own: one Worker per thread, in turn',
  },
  {
    name: 'async-mutex',
    package: 'async-mutex',
    groups: ['locks', 'queues', 'primitives'],
    note: 'its `Mutex` and `Semaphore`, which are for one loop',
  },
  {
    name: 'web-locks',
    groups: ['locks', 'primitives'],
    since: [24, 5],
    note: '`navigator.locks`, on one loop; each acquisition is a callback whose promise is settled to release',
  },
  { name: 'p-queue', package: 'p-queue', groups: ['queues'], note: 'functions of one loop, so many at once' },
  { name: 'synckit', package: 'synckit', groups: ['sync'], note: 'blocking calls only' },
  { name: 'v8', groups: ['codec'], note: '`serialize` and `deserialize` of `node:v8`' },
  { name: 'json', groups: ['codec'], note: 'to a string and back' },
  { name: 'json-bytes', groups: ['codec'], note: 'the same to bytes and back' },
  {
    name: 'msgpackr',
    package: 'msgpackr',
    groups: ['codec'],
    note: '`structuredClone: true`: all that it can keep; buffers are copied',
  },
  {
    name: 'msgpackr-plain',
    package: 'msgpackr',
    groups: ['codec'],
    note: 'plain data only, keys known to both ends (`structures`)',
  },
  { name: 'cbor-x', package: 'cbor-x', groups: ['codec'], note: 'as msgpackr' },
  { name: 'cbor-x-plain', package: 'cbor-x', groups: ['codec'], note: 'as msgpackr-plain' },
];

export type Unit = 'per second' | 'ns' | 'µs' | 'ms' | 'MB' | 'bytes' | 'blocks' | 'times' | '%';

/** What heddle is to reach on a quiet machine, by the median: a figure in the metric's unit, unless beside something. */
export interface Bar {
  readonly bound: 'at least' | 'at most';
  readonly value: number;
  /** The peer whose median `value` is a multiple of. */
  readonly of?: string;
  /** Then `value` is what is added to that median, in the metric's unit, instead of a multiple. */
  readonly added?: boolean;
  /** Another measurement, by its id: `value` is how many times as fast as there, compared within each repetition. */
  readonly beside?: string;
  /** Who is to reach it; `heddle` if not given. */
  readonly peer?: string;
  /** The major versions of Node that it is for: from this one on, and before that one. */
  readonly since?: number;
  readonly before?: number;
}

/** One figure of a measurement. */
export interface Metric {
  /** Its name in what the child prints. */
  readonly field: string;
  readonly title: string;
  readonly unit: Unit;
  /** False where the ratio to the reference would say nothing. */
  readonly compared?: boolean;
  readonly bars?: readonly Bar[];
}

/** What one child process does. */
export interface Measurement {
  readonly id: string;
  readonly group: Group;
  /** Those of the group that can do it, by name; all if not given. */
  readonly peers?: readonly string[];
  /** Where it takes long and varies little: not repeated more often than this. */
  readonly mostReps?: number;
  /** Milliseconds after which it counts as hung; 20 s if not given. */
  readonly limit?: number;
  /** Handed to `measured/child.mjs`, with the peer. */
  readonly spec: {
    /** Which of `measured/measurements.mjs`, for groups without a folder of their own. */
    readonly what: Group | 'million' | 'sequence' | 'idle';
    readonly threads: number;
    /** Milliseconds of measuring; a quick run takes a third. */
    readonly window: number;
    readonly inFlight?: number;
    readonly payload?: 'object' | 'string' | 'buffer' | 'moved';
    /** Whether another process burns a core meanwhile. */
    readonly busy?: boolean;
    /** Which of `measured/groups/measurements.mjs`. */
    readonly groups?: string;
    /** Which of `measured/locks/measurements.mjs`. */
    readonly locks?: string;
    /** Whether another thread has the lock too. */
    readonly shared?: boolean;
    /** Which of `measured/queues/measurements.mjs`. */
    readonly queues?: string;
    readonly direction?: 'threadToLoop' | 'loopToThread' | 'loopToLoop';
    /** Whether the one side answers only once the other waits. */
    readonly asleep?: boolean;
    /** Which of `measured/primitives/measurements.mjs`. */
    readonly primitives?: string;
    readonly colour?: 'blocking' | 'awaited';
    /** Which of `measured/codec/measurements.mjs`, and the names of the values in `cases.mjs`. */
    readonly codec?: 'speed' | 'fidelity';
    readonly values?: readonly string[];
  };
  readonly metrics: readonly Metric[];
}

/** Of rates with so many trivial tasks outstanding; one at a time, nothing but the second thread has a bar. */
function taskBars(threads: number, inFlight: number): readonly Bar[] {
  if (threads > 1) return [{ bound: 'at least', value: 1, beside: `tasks-1-${inFlight}` }];
  if (inFlight === 1) return [];
  const aboveRaw: readonly Bar[] =
    inFlight === 64
      ? [
          { bound: 'at least', value: 1.5, of: 'raw', before: 22 },
          { bound: 'at least', value: 2, of: 'raw', since: 22 },
        ]
      : [{ bound: 'at least', value: 2, of: 'raw' }];
  return [
    ...aboveRaw,
    { bound: 'at least', value: 8, of: 'piscina-best' },
    { bound: 'at least', value: 3, of: 'raw', peer: 'heddle-spin', since: 24 },
  ];
}

const tasks = [1, 2].flatMap((threads) =>
  [1, 64, 1024].map(
    (inFlight): Measurement => ({
      id: `tasks-${threads}-${inFlight}`,
      group: 'tasks',
      spec: { what: 'tasks', threads, inFlight, window: 300 },
      metrics: [
        {
          field: 'rate',
          title: `${inFlight} in flight`,
          unit: 'per second',
          bars: taskBars(threads, inFlight),
        },
      ],
    }),
  ),
);

const latencies: readonly Measurement[] = [
  {
    id: 'latency',
    group: 'latency',
    spec: { what: 'latency', threads: 1, window: 400 },
    metrics: [
      { field: 'p50', title: 'p50', unit: 'µs', bars: [{ bound: 'at most', value: 0.7, of: 'raw' }] },
      { field: 'p99', title: 'p99', unit: 'µs', bars: [{ bound: 'at most', value: 1.5, of: 'raw' }] },
    ],
  },
  {
    id: 'latency-busy',
    group: 'latency',
    peers: ['raw', 'heddle', 'heddle-spin', 'piscina'],
    spec: { what: 'latency', threads: 1, busy: true, window: 800 },
    metrics: [
      { field: 'p50', title: 'p50', unit: 'µs' },
      { field: 'p99', title: 'p99', unit: 'µs', bars: [{ bound: 'at most', value: 2, of: 'raw' }] },
    ],
  },
];

const payloads = (
  [
    ['object', '0.7 KB object, there and back', 0.9],
    ['string', '100 KB string, there and back', 1],
    ['buffer', '10 MB ArrayBuffer, copied there', 0.5],
    ['moved', '10 MB ArrayBuffer, moved there', 1],
  ] as const
).map(
  ([payload, title, value]): Measurement => ({
    id: `payload-${payload}`,
    group: 'payload',
    spec: { what: 'payload', threads: 1, payload, window: 300 },
    metrics: [{ field: 'time', title, unit: 'µs', bars: [{ bound: 'at most', value, of: 'raw' }] }],
  }),
);

const cpu = [1, 2].map(
  (threads): Measurement => ({
    id: `cpu-${threads}`,
    group: 'cpu',
    spec: { what: 'cpu', threads, window: 400 },
    metrics: [
      {
        field: 'time',
        title: threads === 1 ? '1 thread' : `${threads} threads`,
        unit: 'ms',
        bars: threads === 1 ? [] : [{ bound: 'at least', value: 1.9, beside: 'cpu-1' }],
      },
    ],
  }),
);

const blocked: Measurement = {
  id: 'blocked',
  group: 'blocked',
  spec: { what: 'blocked', threads: 2, window: 1000 },
  metrics: [
    { field: 'free', title: 'each second, the loop free', unit: 'per second' },
    { field: 'blocked', title: 'the loop blocked', unit: 'per second' },
    {
      field: 'part',
      title: 'blocked, in parts of free',
      unit: '%',
      compared: false,
      bars: [{ bound: 'at least', value: 95 }],
    },
  ],
};

const forks: readonly Measurement[] = [1, 2].map(
  (threads): Measurement => ({
    id: `forks-${threads}`,
    group: 'forks',
    spec: { what: 'forks', threads, window: 2000 },
    metrics: [
      {
        field: 'rate',
        title: `${threads === 1 ? '1 thread' : `${threads} threads`}, jobs`,
        unit: 'per second',
      },
      { field: 'queued', title: '… most in the queue', unit: 'blocks', compared: false },
    ],
  }),
);

const sync: Measurement = {
  id: 'sync',
  group: 'sync',
  spec: { what: 'sync', threads: 1, window: 500 },
  metrics: [
    { field: 'p50', title: 'p50', unit: 'µs', bars: [{ bound: 'at most', value: 0.75, of: 'synckit' }] },
    { field: 'p99', title: 'p99', unit: 'µs' },
  ],
};

/** That nothing piles up: what memory has grown by, in MB. */
function flat(rss: string, heap: string): readonly Metric[] {
  return [
    {
      field: 'rssGrowth',
      title: rss,
      unit: 'MB',
      compared: false,
      bars: [{ bound: 'at most', value: 10 }],
    },
    {
      field: 'heapGrowth',
      title: heap,
      unit: 'MB',
      compared: false,
      bars: [{ bound: 'at most', value: 1 }],
    },
  ];
}

/** The rate, and the memory after 10, 50 and 100 %. */
const tenMillion: readonly Metric[] = [
  { field: 'rate', title: 'each second (more is better)', unit: 'per second' },
  { field: 'rss10', title: 'resident after 10 %', unit: 'MB' },
  { field: 'rss50', title: 'after 50 %', unit: 'MB' },
  { field: 'rss100', title: 'after 100 %', unit: 'MB' },
  { field: 'heap10', title: 'heaps of both threads after 10 %', unit: 'MB' },
  { field: 'heap50', title: 'after 50 %', unit: 'MB' },
  { field: 'heap100', title: 'after 100 %', unit: 'MB' },
  ...flat('resident, grown from 10 % to 100 %', 'heaps, grown from 10 % to 100 %'),
];

const many: readonly Measurement[] = [
  {
    id: 'many-waiting',
    group: 'many',
    peers: ['raw', 'heddle'],
    mostReps: 2,
    limit: 120_000,
    spec: { what: 'million', threads: 1, window: 0 },
    metrics: [
      { field: 'submit', title: 'submitting, each', unit: 'ns' },
      { field: 'rss', title: 'resident, each that waits', unit: 'bytes' },
      { field: 'heap', title: 'heap, each that waits', unit: 'bytes' },
      { field: 'left', title: 'heap left when done', unit: 'MB', compared: false },
      ...flat('resident, grown by a second million', 'heap, grown by a second million'),
    ],
  },
  {
    id: 'many-in-sequence',
    group: 'many',
    peers: ['heddle'],
    mostReps: 2,
    limit: 120_000,
    spec: { what: 'sequence', threads: 1, window: 0 },
    metrics: tenMillion,
  },
  {
    id: 'many-idle',
    group: 'many',
    mostReps: 3,
    limit: 60_000,
    spec: { what: 'idle', threads: 1, window: 0 },
    metrics: [
      { field: 'start', title: 'until it waits, each', unit: 'µs' },
      { field: 'rss', title: 'resident, each', unit: 'bytes' },
      { field: 'heapThere', title: 'heap of its thread, each', unit: 'bytes' },
      { field: 'heap', title: 'heap of the submitter, each', unit: 'bytes' },
    ],
  },
];

const taskGroups: readonly Measurement[] = [
  {
    id: 'groups-tasks',
    group: 'groups',
    limit: 60_000,
    spec: { what: 'groups', groups: 'tasks', threads: 0, window: 0 },
    metrics: [
      {
        field: 'time',
        title: 'each task',
        unit: 'ns',
        bars: [{ bound: 'at most', value: 2, of: 'raw', since: 24 }],
      },
      ...flat('resident, grown from 10 % to 100 %', 'heap, grown from 10 % to 100 %'),
    ],
  },
  {
    id: 'groups-cancel',
    group: 'groups',
    peers: ['heddle'],
    limit: 60_000,
    spec: { what: 'groups', groups: 'cancel', threads: 2, window: 0 },
    metrics: [
      {
        field: 'time',
        title: 'until the group has ended',
        unit: 'ms',
        bars: [{ bound: 'at most', value: 1000 }],
      },
      { field: 'longest', title: 'longest', unit: 'ms' },
    ],
  },
];

/** Those whose locks reach other threads. */
const acrossThreads = ['raw', 'heddle', 'multithreading'];

function lockMeasurement(
  id: string,
  spec: { readonly locks: string; readonly shared?: boolean; readonly window?: number },
  metrics: readonly Metric[],
  able: readonly string[] = acrossThreads,
): Measurement {
  return {
    id,
    group: 'locks',
    peers: able,
    spec: { what: 'locks', threads: 1, window: 300, ...spec },
    metrics,
  };
}

const locks: readonly Measurement[] = [
  lockMeasurement('lock-sync-shared', { locks: 'pairsSync', shared: true }, [
    { field: 'time', title: 'blocking, another thread has it too', unit: 'ns' },
  ]),
  lockMeasurement('lock-sync', { locks: 'pairsSync', shared: false }, [
    { field: 'time', title: 'blocking, never shared', unit: 'ns' },
  ]),
  lockMeasurement('lock-async-shared', { locks: 'pairs', shared: true }, [
    { field: 'time', title: 'awaited, another thread has it too', unit: 'ns' },
  ]),
  lockMeasurement(
    'lock-async',
    { locks: 'pairs', shared: false },
    [{ field: 'time', title: 'awaited, never shared', unit: 'ns' }],
    [...acrossThreads, 'async-mutex', 'web-locks'],
  ),
  lockMeasurement('lock-fight-sync', { locks: 'fightSync', window: 500 }, [
    { field: 'time', title: 'both blocking', unit: 'ns' },
  ]),
  lockMeasurement('lock-fight', { locks: 'fight', window: 500 }, [
    { field: 'time', title: 'both on their loops', unit: 'ns' },
  ]),
  lockMeasurement('lock-wake', { locks: 'wakeUp' }, [
    { field: 'p50', title: 'round trip between a task and a blocked thread, p50', unit: 'µs' },
    { field: 'p99', title: 'p99', unit: 'µs' },
  ]),
  lockMeasurement(
    'lock-wake-many',
    { locks: 'wakeMany' },
    [{ field: 'time', title: 'each of 1,000 tasks in line', unit: 'µs' }],
    [...acrossThreads, 'async-mutex', 'web-locks'],
  ),
  lockMeasurement(
    'lock-made',
    { locks: 'made' },
    [
      { field: 'time', title: 'made and dropped', unit: 'ns' },
      { field: 'each', title: 'heap for each while kept', unit: 'bytes' },
      { field: 'left', title: 'heap left when collected', unit: 'MB', compared: false },
    ],
    [...acrossThreads, 'async-mutex'],
  ),
  lockMeasurement(
    'lock-sent',
    { locks: 'sent' },
    [
      { field: 'time', title: 'sent and disposed', unit: 'µs' },
      { field: 'blocks', title: 'left of 100,000 disposed', unit: 'blocks' },
      { field: 'forgotten', title: 'left of 20,000 collected', unit: 'blocks' },
    ],
    ['raw', 'heddle'],
  ),
  lockMeasurement('lock-crowded', { locks: 'crowded' }, [
    { field: 'p50', title: 'p50', unit: 'ms' },
    { field: 'max', title: 'longest of 20', unit: 'ms' },
  ]),
];

const million: Bar = { bound: 'at least', value: 1_000_000 };
const aboveMessages: readonly Bar[] = [
  { bound: 'at least', value: 3, of: 'raw' },
  { bound: 'at least', value: 1, of: 'batched' },
];
const nearDoorbell: readonly Bar[] = [{ bound: 'at most', value: 1.3, of: 'raw' }];

function queueMeasurement(
  id: string,
  spec: Omit<Measurement['spec'], 'what' | 'threads'>,
  metrics: readonly Metric[],
  able: readonly string[],
  mostReps = Number.POSITIVE_INFINITY,
): Measurement {
  return {
    id,
    group: 'queues',
    peers: able,
    mostReps,
    spec: { what: 'queues', threads: 1, ...spec },
    metrics,
  };
}

const items: readonly Metric[] = [
  { field: 'numbers', title: 'numbers', unit: 'per second', bars: [million] },
  { field: 'numbersBounded', title: 'numbers, capacity 1,000', unit: 'per second', bars: [million] },
  { field: 'objects', title: 'small objects', unit: 'per second', bars: [million, ...aboveMessages] },
  {
    field: 'objectsBounded',
    title: 'small objects, capacity 1,000',
    unit: 'per second',
    bars: [million, ...aboveMessages],
  },
];

const iterated: readonly Metric[] = [
  { field: 'iterated', title: 'small objects, `for await`', unit: 'per second', bars: [million] },
  {
    field: 'iteratedBounded',
    title: 'small objects, `for await`, capacity 1,000',
    unit: 'per second',
    bars: [million],
  },
];

const queues: readonly Measurement[] = [
  ...(
    [
      ['queue-thread-loop', 'threadToLoop', [...items, ...iterated]],
      ['queue-loop-thread', 'loopToThread', items],
      ['queue-loop-loop', 'loopToLoop', items],
    ] as const
  ).map(([id, direction, metrics]) =>
    queueMeasurement(
      id,
      { queues: 'stream', direction, window: 150 },
      metrics,
      ['raw', 'batched', 'heddle', 'multithreading'],
      3,
    ),
  ),
  queueMeasurement(
    'queue-trip',
    { queues: 'trip', window: 300 },
    [
      { field: 'p50', title: 'a loop and a blocked thread, p50', unit: 'µs', bars: nearDoorbell },
      { field: 'p99', title: 'p99', unit: 'µs' },
    ],
    acrossThreads,
  ),
  queueMeasurement(
    'queue-trip-asleep',
    { queues: 'trip', asleep: true, window: 300 },
    [
      {
        field: 'p50',
        title: 'the same, answered once the loop waits, p50',
        unit: 'µs',
        bars: nearDoorbell,
      },
      { field: 'p99', title: 'p99', unit: 'µs' },
    ],
    acrossThreads,
  ),
  queueMeasurement(
    'queue-trip-threads',
    { queues: 'tripOfThreads', window: 300 },
    [
      { field: 'p50', title: 'two blocked threads, p50', unit: 'µs', bars: nearDoorbell },
      { field: 'p99', title: 'p99', unit: 'µs' },
    ],
    acrossThreads,
  ),
  queueMeasurement(
    'queue-one-loop',
    { queues: 'oneLoop', window: 200 },
    [{ field: 'rate', title: 'numbers, capacity 1,000', unit: 'per second' }],
    acrossThreads,
  ),
  queueMeasurement(
    'queue-limited',
    { queues: 'limited', window: 200 },
    [{ field: 'time', title: 'each task', unit: 'µs' }],
    [...acrossThreads, 'async-mutex', 'p-queue'],
  ),
  {
    ...queueMeasurement('queue-millions', { queues: 'millions', window: 0 }, tenMillion, ['heddle'], 2),
    limit: 120_000,
  },
  queueMeasurement(
    'queue-idle',
    { queues: 'idle', window: 3000 },
    [
      {
        field: 'time',
        title: 'CPU time in each second',
        unit: 'ms',
        bars: [{ bound: 'at most', value: 5 }],
      },
    ],
    acrossThreads,
    2,
  ),
];

function primitiveMeasurement(
  id: string,
  spec: Omit<Measurement['spec'], 'what' | 'threads'>,
  metrics: readonly Metric[],
  able: readonly string[],
  mostReps = Number.POSITIVE_INFINITY,
): Measurement {
  return {
    id,
    group: 'primitives',
    peers: able,
    mostReps,
    spec: { what: 'primitives', threads: 1, ...spec },
    metrics,
  };
}

const had: readonly Metric[] = [
  { field: 'semaphore', title: 'Semaphore', unit: 'ns' },
  { field: 'limiter', title: 'CapacityLimiter', unit: 'ns' },
  { field: 'rlock', title: 'RLock', unit: 'ns' },
  { field: 'read', title: 'RWLock, read', unit: 'ns' },
  { field: 'write', title: 'RWLock, write', unit: 'ns' },
];

const handByHand = ['raw', 'heddle'];
const soon: readonly Bar[] = [{ bound: 'at most', value: 100 }];

const primitives: readonly Measurement[] = [
  ...[true, false].flatMap((shared) =>
    (['blocking', 'awaited'] as const).map((colour) =>
      primitiveMeasurement(
        `primitives-${colour}${shared ? '-shared' : ''}`,
        { primitives: 'pairs', colour, shared, window: 300 },
        colour === 'blocking' ? [...had, { field: 'latch', title: 'Latch, counted down', unit: 'ns' }] : had,
        shared || colour === 'blocking' ? acrossThreads : [...acrossThreads, 'async-mutex', 'web-locks'],
      ),
    ),
  ),
  primitiveMeasurement(
    'event-many',
    { primitives: 'many', window: 0 },
    [
      { field: 'time', title: '100,000 tasks, set by their loop', unit: 'ms', bars: soon },
      { field: 'far', title: '100,000 tasks, set by another thread', unit: 'ms', bars: soon },
    ],
    handByHand,
    3,
  ),
  primitiveMeasurement(
    'event-crowds',
    { primitives: 'crowds', window: 0 },
    [{ field: 'time', title: '1,000 tasks on each of two loops', unit: 'ms', bars: soon }],
    handByHand,
  ),
  primitiveMeasurement(
    'event-wake-thread',
    { primitives: 'wakeSync', window: 300 },
    [
      { field: 'p50', title: 'a blocked thread, p50', unit: 'µs' },
      { field: 'p99', title: 'p99', unit: 'µs' },
    ],
    handByHand,
  ),
  primitiveMeasurement(
    'event-wake-loop',
    { primitives: 'wake', window: 300 },
    [
      { field: 'p50', title: 'a task, p50', unit: 'µs' },
      { field: 'p99', title: 'p99', unit: 'µs' },
    ],
    handByHand,
  ),
  primitiveMeasurement(
    'condition-turns',
    { primitives: 'turns', window: 300 },
    [
      { field: 'p50', title: 'p50', unit: 'µs' },
      { field: 'p99', title: 'p99', unit: 'µs' },
    ],
    acrossThreads,
  ),
  primitiveMeasurement(
    'barrier',
    { primitives: 'barrier', window: 200 },
    [
      { field: 'blocking', title: 'blocked threads', unit: 'per second' },
      { field: 'loops', title: 'tasks of two loops', unit: 'per second' },
    ],
    acrossThreads,
  ),
];

/** The values that one process encodes and decodes, by their names in `cases.mjs`; those that JSON can say first. */
const codecValues = {
  primitives: [
    ['number', 'whole number'],
    ['float', 'fraction'],
    ['string', '10 ASCII characters'],
    ['wide', '10 others'],
  ],
  objects: [
    ['small', 'object of 5 fields'],
    ['object1', '1 KB of records'],
    ['object100', '100 KB of records'],
  ],
  many: [
    ['records', '100,000 small objects'],
    ['numbers', '10,000 fractions'],
  ],
  buffers: [
    ['bytes1', 'Uint8Array, 1 KB'],
    ['bytes100', '100 KB'],
    ['bytes10m', '10 MB'],
    ['doubles', 'Float64Array, 8 KB'],
  ],
  rich: [
    ['map', 'Map of 20 objects'],
    ['set', 'Set of 20 objects'],
    ['dates', '20 objects with a Date'],
    ['crossed', '17 objects that refer to each other'],
  ],
  errors: [['error', 'object with an Error']],
} as const;
const codecParts = [
  ['both', 'encoded and decoded'],
  ['encode', 'encoded'],
  ['decode', 'decoded'],
] as const;
const bothWays = ['raw', 'heddle', 'v8', 'msgpackr', 'cbor-x'];
const anyWay = [...bothWays, 'json', 'json-bytes', 'msgpackr-plain', 'cbor-x-plain'];

function codecMeasurement(values: keyof typeof codecValues, able: readonly string[]): Measurement {
  const bars = ['raw', 'v8', 'json', 'msgpackr']
    .filter((peer) => able.includes(peer))
    .map((of): Bar => ({ bound: 'at most', value: 1.2, of }));
  return {
    id: `codec-${values}`,
    group: 'codec',
    peers: able,
    limit: 120_000,
    spec: {
      what: 'codec',
      codec: 'speed',
      values: codecValues[values].map(([name]) => name),
      threads: 1,
      window: 30,
    },
    metrics: codecValues[values].flatMap(([name, title]) =>
      codecParts.map(
        ([part]): Metric => ({
          field: `${name} ${part}`,
          title,
          unit: 'ns',
          bars: part === 'both' ? bars : [],
        }),
      ),
    ),
  };
}

/** A table of one part of some of them. */
function codecSection(title: string, part: string, measured: readonly (keyof typeof codecValues)[]): Section {
  return {
    title,
    better: 'less',
    measurements: measured.map((values) => `codec-${values}`),
    fields: measured.flatMap((values) => codecValues[values].map(([name]) => `${name} ${part}`)),
  };
}

const codecs: readonly Measurement[] = [
  ...(['primitives', 'objects', 'many'] as const).map((values) => codecMeasurement(values, anyWay)),
  ...(['buffers', 'rich'] as const).map((values) => codecMeasurement(values, bothWays)),
  codecMeasurement('errors', ['raw', 'heddle', 'v8']),
  {
    id: 'codec-fidelity',
    group: 'codec',
    peers: [...bothWays, 'json', 'msgpackr-plain', 'cbor-x-plain'],
    mostReps: 1,
    spec: { what: 'codec', codec: 'fidelity', threads: 1, window: 0 },
    metrics: [
      {
        field: 'kinds',
        title: 'come back as structured clone gives them',
        unit: '%',
        compared: false,
        bars: [{ bound: 'at least', value: 100 }],
      },
    ],
  },
];

export const measurements: readonly Measurement[] = [
  ...tasks,
  ...latencies,
  ...payloads,
  ...cpu,
  blocked,
  ...forks,
  {
    id: 'cold',
    group: 'cold',
    spec: { what: 'cold', threads: 1, window: 0 },
    metrics: [
      {
        field: 'time',
        title: 'cold start to the first result',
        unit: 'ms',
        bars: [{ bound: 'at most', value: 10, of: 'bare', added: true }],
      },
    ],
  },
  {
    id: 'memory',
    group: 'memory',
    spec: { what: 'memory', threads: 4, window: 0 },
    metrics: [
      {
        field: 'perThread',
        title: 'resident memory per idle thread',
        unit: 'MB',
        bars: [{ bound: 'at most', value: 1, of: 'bare', added: true }],
      },
    ],
  },
  sync,
  ...many,
  ...taskGroups,
  ...locks,
  ...queues,
  ...primitives,
  ...codecs,
];

/** Whether that peer can do it on that Node, `v24.5.0`. */
export function takesPart(peer: Peer, measurement: Measurement, version: string): boolean {
  if (!peer.groups.includes(measurement.group)) return false;
  if (measurement.peers?.includes(peer.name) === false) return false;
  if (peer.since === undefined) return true;
  const [major, minor] = majorAndMinor(version);
  return major > peer.since[0] || (major === peer.since[0] && minor >= peer.since[1]);
}

/** Whether the bar is for that Node. */
export function appliesTo({ since = 0, before = Number.POSITIVE_INFINITY }: Bar, version: string): boolean {
  const [major] = majorAndMinor(version);
  return major >= since && major < before;
}

function majorAndMinor(version: string): [number, number] {
  const [major = 0, minor = 0] = version.slice(1).split('.').map(Number);
  return [major, minor];
}

/** The tables of the report, each with its columns as measurements. */
export interface Section {
  readonly title: string;
  readonly better: 'more' | 'less';
  readonly measurements: readonly string[];
  /** Only these metrics of them, by field. */
  readonly fields?: readonly string[];
  /** A last column computed from the first two: how many times as fast the second is. */
  readonly speedUp?: string;
}

export const sections: readonly Section[] = [
  {
    title: 'Trivial tasks per second, one thread',
    better: 'more',
    measurements: ['tasks-1-1', 'tasks-1-64', 'tasks-1-1024'],
  },
  {
    title: 'Trivial tasks per second, two threads',
    better: 'more',
    measurements: ['tasks-2-1', 'tasks-2-64', 'tasks-2-1024'],
  },
  { title: 'Latency of a trivial task, one in flight', better: 'less', measurements: ['latency'] },
  {
    title: 'Latency of a trivial task, while another process burns a core',
    better: 'less',
    measurements: ['latency-busy'],
  },
  {
    title: 'A task with a payload, one in flight',
    better: 'less',
    measurements: ['payload-object', 'payload-string', 'payload-buffer', 'payload-moved'],
  },
  {
    title: 'CPU-bound: ten times the sum of squares to 5,000,000',
    better: 'less',
    measurements: ['cpu-1', 'cpu-2'],
    speedUp: 'speed-up by the second thread',
  },
  {
    title: 'CPU-bound, two threads, the submitting loop blocked for a second',
    better: 'more',
    measurements: ['blocked'],
  },
  {
    title: 'Fork and join: a tree of 8,191 jobs, each of which submits two and awaits them',
    better: 'more',
    measurements: ['forks-1', 'forks-2'],
  },
  { title: 'Cold start and memory', better: 'less', measurements: ['cold', 'memory'] },
  { title: 'A blocking call', better: 'less', measurements: ['sync'] },
  {
    title: '1,000,000 trivial tasks given at once to one thread that is busy',
    better: 'less',
    measurements: ['many-waiting'],
  },
  {
    title: '10,000,000 trivial tasks, one thread, 1,000 in flight',
    better: 'less',
    measurements: ['many-in-sequence'],
  },
  {
    title: '100,000 tasks that wait on one loop of another thread',
    better: 'less',
    measurements: ['many-idle'],
  },
  {
    title: '1,000,000 tasks, each of which awaits one resolved promise, in groups of 1,000',
    better: 'less',
    measurements: ['groups-tasks'],
  },
  {
    title: 'Cancelling a group of 10,000 tasks that wait, a quarter of them for jobs in threads',
    better: 'less',
    measurements: ['groups-cancel'],
  },
  {
    title: 'A lock acquired and released, with nobody else there',
    better: 'less',
    measurements: ['lock-sync-shared', 'lock-sync', 'lock-async-shared', 'lock-async'],
  },
  {
    title: 'Two threads fighting for a lock, each operation of either',
    better: 'less',
    measurements: ['lock-fight-sync', 'lock-fight'],
  },
  {
    title: 'Waking who waits for a lock',
    better: 'less',
    measurements: ['lock-wake', 'lock-wake-many'],
  },
  { title: 'Locks by the hundred thousand', better: 'less', measurements: ['lock-made', 'lock-sent'] },
  {
    title: 'From a release by another thread to the task that waits, among 100,000 ready ones',
    better: 'less',
    measurements: ['lock-crowded'],
  },
  {
    title: 'Items from a blocked thread to a loop, one to one',
    better: 'more',
    measurements: ['queue-thread-loop'],
  },
  {
    title: 'Items from a loop to a blocked thread, one to one',
    better: 'more',
    measurements: ['queue-loop-thread'],
  },
  {
    title: 'Items from a loop to the loop of another thread, one to one',
    better: 'more',
    measurements: ['queue-loop-loop'],
  },
  {
    title: 'One item there and back',
    better: 'less',
    measurements: ['queue-trip', 'queue-trip-asleep', 'queue-trip-threads'],
  },
  {
    title: 'Items from task to task of one loop',
    better: 'more',
    measurements: ['queue-one-loop'],
  },
  {
    title: 'Ten thousand tasks of one loop, of which eight may run at once',
    better: 'less',
    measurements: ['queue-limited'],
  },
  {
    title: '10,000,000 numbers from thread to thread, through a queue of 1,000',
    better: 'less',
    measurements: ['queue-millions'],
  },
  {
    title: 'Eight blocked threads and a hundred tasks wait for an item that does not come',
    better: 'less',
    measurements: ['queue-idle'],
  },
  {
    title: 'Primitives had and given back, blocking, another thread has them too',
    better: 'less',
    measurements: ['primitives-blocking-shared'],
  },
  {
    title: 'Primitives had and given back, blocking, never shared',
    better: 'less',
    measurements: ['primitives-blocking'],
  },
  {
    title: 'Primitives had and given back, awaited, another thread has them too',
    better: 'less',
    measurements: ['primitives-awaited-shared'],
  },
  {
    title: 'Primitives had and given back, awaited, never shared',
    better: 'less',
    measurements: ['primitives-awaited'],
  },
  {
    title: 'From the set of an event until the last of many tasks has gone on',
    better: 'less',
    measurements: ['event-many', 'event-crowds'],
  },
  {
    title: 'From the set of an event to the one who waits',
    better: 'less',
    measurements: ['event-wake-thread', 'event-wake-loop'],
  },
  {
    title: 'There and back between two blocked threads, under one lock with a condition',
    better: 'less',
    measurements: ['condition-turns'],
  },
  { title: 'Passes of a barrier for two, each second', better: 'more', measurements: ['barrier'] },
  ...codecParts.flatMap(([part, what]) => [
    codecSection(`Plain values ${what}`, part, ['primitives', 'objects', 'many']),
    codecSection(`Other values ${what}`, part, ['buffers', 'rich', 'errors']),
  ]),
  { title: 'Of 25 kinds of values', better: 'more', measurements: ['codec-fidelity'] },
];
