/**
 * The long form: `npm run stress -- [seconds] [seed] [names…]`. The seconds are shared out among the parts; locks under
 * dying threads get the most of them. A primitive alone is a part that must be named: `primitives:semaphore`, and
 * so are millions of items through one queue: `queues:bounded`, `queues:flat`; `values:1000000` is a million values; `crossing:flat` is a gigabyte through a thread and back; `signals:100` is a hundred runs with each signal.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { cleanCounters } from './counters.ts';
import { crossingChaos } from './crossing-chaos.ts';
import { deaths } from './deaths.ts';
import { CALLS } from './deep-calls.ts';
import { deepStack } from './deep-stack.ts';
import { futureChaos } from './future-chaos.ts';
import { jobChaos } from './job-chaos.ts';
import { lockChaos, MIXED, RELAY } from './lock-chaos.ts';
import { parcelChaos } from './parcel-chaos.ts';
import { poolChaos } from './pool-chaos.ts';
import { PRIMITIVES } from './primitives.ts';
import { primitivesChaos } from './primitives-chaos.ts';
import { QUEUE_KINDS, queueChaos } from './queue-chaos.ts';
import { queueFlat } from './queue-flat.ts';
import { seeded } from './random.ts';
import { ringChaos } from './ring-chaos.ts';
import { signals } from './signals.ts';
import { streamFlat } from './stream-flat.ts';
import { randomValues } from './values.ts';

setFlagsFromString('--expose-gc');
(globalThis as { gc?: unknown }).gc ??= runInNewContext('gc');

interface Part {
  /** Of the time. */
  readonly share: number;
  run(seed: number, milliseconds: number): Promise<unknown>;
}

const PARTS: Readonly<Record<string, Part>> = {
  locks: { share: 0.4, run: (seed, ms) => lockChaos(seed, ms, MIXED) },
  primitives: { share: 0.3, run: (seed, ms) => primitivesChaos(seed, ms) },
  counters: { share: 0.1, run: (seed, ms) => cleanCounters(seed, ms) },
  relay: { share: 0.1, run: (seed, ms) => lockChaos(seed, ms, RELAY) },
  parcels: { share: 0.1, run: parcelChaos },
  rings: { share: 0.1, run: ringChaos },
  pools: { share: 0.1, run: poolChaos },
  jobs: { share: 0.2, run: jobChaos },
  futures: { share: 0.1, run: futureChaos },
  crossing: { share: 0.1, run: crossingChaos },
  deaths: { share: 0.1, run: (seed, ms) => deaths(seed, ms, Infinity) },
  stack: { share: 0.1, run: dives },
  signals: { share: 0.1, run: (seed, ms) => signals(seed, ms, Infinity) },
  queues: { share: 0.2, run: dyingQueues },
  values: { share: 0.1, run: (seed, ms) => randomValues(seed, 1e9, ms) },
};

/** By name only. */
const ALONE: Readonly<Record<string, Part>> = {
  ...Object.fromEntries(
    PRIMITIVES.map((name) => [
      `primitives:${name}`,
      { share: 0.1, run: (seed: number, ms: number) => primitivesChaos(seed, ms, [name]) },
    ]),
  ),
  // However long that takes.
  ...Object.fromEntries(
    QUEUE_KINDS.map((kind) => [
      `queues:${kind}`,
      { share: 0.1, run: (seed: number) => queueChaos(seed, { kind, items: 1_000_000 }) },
    ]),
  ),
  'deaths:10000': { share: 0.1, run: (seed: number) => deaths(seed, Infinity, 10_000) },
  'signals:100': { share: 0.1, run: (seed: number) => signals(seed, Infinity, 100) },
  'values:1000000': { share: 0.1, run: (seed: number) => randomValues(seed, 1_000_000) },
  'queues:flat': { share: 0.1, run: () => queueFlat(10_000_000) },
  'crossing:flat': { share: 0.1, run: () => streamFlat(2 ** 30) },
};

/** Each kind of queue in turn. */
async function dyingQueues(seed: number, milliseconds: number): Promise<unknown> {
  const reports: unknown[] = [];
  for (const kind of QUEUE_KINDS)
    reports.push(
      await queueChaos(seed, { kind, milliseconds: milliseconds / QUEUE_KINDS.length, deaths: true }),
    );
  return reports;
}

/** Every call at random depths, until the time is up. */
async function dives(seed: number, milliseconds: number): Promise<unknown> {
  const random = seeded(seed);
  const end = performance.now() + milliseconds;
  const total = { dives: 0, overflows: 0, others: 0 };
  while (performance.now() < end) {
    const pads = Array.from({ length: 10 }, () => random.integer(0, 64));
    const call = random.pick(CALLS.filter((name) => name !== 'timed'));
    const report = await deepStack(call, random.pick(['alone', 'contended'] as const), pads);
    total.dives += report.dives;
    total.overflows += report.overflows;
    total.others += report.others;
  }
  return total;
}

function partOf(name: string): Part {
  const part = PARTS[name] ?? ALONE[name];
  if (part === undefined)
    throw new RangeError(
      `There is no part "${name}"; there are ${[...Object.keys(PARTS), ...Object.keys(ALONE)].join(', ')}`,
    );
  return part;
}

const seconds = Number(process.argv[2] ?? 60);
if (!(seconds > 0))
  throw new RangeError(`The first argument is a number of seconds, received ${process.argv[2]}`);
const seed = Number(process.argv[3] ?? Date.now() & 0x7fffffff);
const names = process.argv.length > 4 ? process.argv.slice(4) : Object.keys(PARTS);
const shares = names.reduce((sum, name) => sum + partOf(name).share, 0);
console.log(`seed ${seed}, ${seconds} s`);
for (const name of names) {
  const { share, run } = partOf(name);
  console.log(name, await run(seed, (1000 * seconds * share) / shares));
}
