/** Who is measured, and what: the one list that the options, the suite and the report read. */

/** A library, or a reference (`raw`, `bare`), with a module of that name in `measured/peers/`. */
export interface Peer {
  readonly name: string;
  /** The package whose version is reported; none for the references. */
  readonly package?: string;
  /** The groups it takes part in. */
  readonly groups: readonly Group[];
  readonly note: string;
}

export const groups = ['tasks', 'latency', 'payload', 'cpu', 'cold', 'memory', 'sync'] as const;
export type Group = (typeof groups)[number];

const pool: readonly Group[] = ['tasks', 'latency', 'payload', 'cpu', 'cold', 'memory'];

/** In the order of the tables. The ratios are those to the first. */
export const peers: readonly Peer[] = [
  {
    name: 'raw',
    groups: [...pool, 'sync'],
    note: 'the reference: hand-written message ports, one message per task, no batching, no error handling',
  },
  {
    name: 'bare',
    groups: ['cold', 'memory'],
    note: 'a Worker that only starts: the floor for cold start and memory',
  },
  { name: 'heddle', package: 'heddle', groups: pool, note: '`ThreadPoolExecutor`, portable functions' },
  { name: 'piscina', package: 'piscina', groups: pool, note: 'as it comes' },
  { name: 'tinypool', package: 'tinypool', groups: pool, note: 'as it comes' },
  { name: 'workerpool', package: 'workerpool', groups: pool, note: "`workerType: 'thread'`" },
  { name: 'poolifier', package: 'poolifier', groups: pool, note: '`FixedThreadPool`, as it comes' },
  {
    name: 'multithreading',
    package: 'multithreading',
    groups: pool,
    note: 'it moves buffers, so the 10 MB are copied by the caller before; needs two polyfills on Node 20',
  },
  {
    name: 'comlink',
    package: 'comlink',
    groups: pool,
    note: 'no pool of its own: one Worker per thread, in turn',
  },
  { name: 'synckit', package: 'synckit', groups: ['sync'], note: 'blocking calls only' },
];

export type Unit = 'per second' | 'µs' | 'ms' | 'MB' | 'times';

/** One figure of a measurement. */
export interface Metric {
  /** Its name in what the child prints. */
  readonly field: string;
  readonly title: string;
  readonly unit: Unit;
}

/** What one child process does. */
export interface Measurement {
  readonly id: string;
  readonly group: Group;
  /** Handed to `measured/child.mjs`, with the peer. */
  readonly spec: {
    readonly what: Group;
    readonly threads: number;
    /** Milliseconds of measuring; a quick run takes a third. */
    readonly window: number;
    readonly inFlight?: number;
    readonly payload?: 'object' | 'string' | 'buffer';
  };
  readonly metrics: readonly Metric[];
}

const tasks = [1, 2].flatMap((threads) =>
  [1, 64, 1024].map(
    (inFlight): Measurement => ({
      id: `tasks-${threads}-${inFlight}`,
      group: 'tasks',
      spec: { what: 'tasks', threads, inFlight, window: 500 },
      metrics: [{ field: 'rate', title: `${inFlight} in flight`, unit: 'per second' }],
    }),
  ),
);

const payloads = (
  [
    ['object', '0.7 KB object, there and back', 'µs'],
    ['string', '100 KB string, there and back', 'µs'],
    ['buffer', '10 MB ArrayBuffer, copied there', 'µs'],
  ] as const
).map(
  ([payload, title, unit]): Measurement => ({
    id: `payload-${payload}`,
    group: 'payload',
    spec: { what: 'payload', threads: 1, payload, window: 400 },
    metrics: [{ field: 'time', title, unit }],
  }),
);

const cpu = [1, 2].map(
  (threads): Measurement => ({
    id: `cpu-${threads}`,
    group: 'cpu',
    spec: { what: 'cpu', threads, window: 600 },
    metrics: [{ field: 'time', title: threads === 1 ? '1 thread' : `${threads} threads`, unit: 'ms' }],
  }),
);

const percentiles: readonly Metric[] = [
  { field: 'p50', title: 'p50', unit: 'µs' },
  { field: 'p99', title: 'p99', unit: 'µs' },
];

export const measurements: readonly Measurement[] = [
  ...tasks,
  {
    id: 'latency',
    group: 'latency',
    spec: { what: 'latency', threads: 1, window: 500 },
    metrics: percentiles,
  },
  ...payloads,
  ...cpu,
  {
    id: 'cold',
    group: 'cold',
    spec: { what: 'cold', threads: 1, window: 0 },
    metrics: [{ field: 'time', title: 'cold start to the first result', unit: 'ms' }],
  },
  {
    id: 'memory',
    group: 'memory',
    spec: { what: 'memory', threads: 4, window: 0 },
    metrics: [{ field: 'perThread', title: 'resident memory per idle thread', unit: 'MB' }],
  },
  { id: 'sync', group: 'sync', spec: { what: 'sync', threads: 1, window: 500 }, metrics: percentiles },
];

/** The tables of the report, each with its columns as measurements. */
export interface Section {
  readonly title: string;
  readonly better: 'more' | 'less';
  readonly measurements: readonly string[];
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
    title: 'A task with a payload, one in flight',
    better: 'less',
    measurements: ['payload-object', 'payload-string', 'payload-buffer'],
  },
  {
    title: 'CPU-bound: ten times the sum of squares to 5,000,000',
    better: 'less',
    measurements: ['cpu-1', 'cpu-2'],
    speedUp: 'speed-up by the second thread',
  },
  { title: 'Cold start and memory', better: 'less', measurements: ['cold', 'memory'] },
  { title: 'A blocking call', better: 'less', measurements: ['sync'] },
];
