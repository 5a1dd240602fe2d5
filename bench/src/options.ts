/** The command line of `npm run bench`. */
import { parseArgs } from 'node:util';
import {
  type Group,
  groups,
  type Measurement,
  measurements,
  type Peer,
  peers,
  takesPart,
} from './catalogue.ts';

export interface Options {
  readonly groups: readonly Group[];
  readonly peers: readonly Peer[];
  readonly reps: number;
  readonly quick: boolean;
  /** Paths or command names; the first is the one that runs this by default. */
  readonly nodes: readonly string[];
  /** Where the table goes, if given. */
  readonly output: string | undefined;
  /** Samples of earlier runs: these are reported, and nothing is measured. */
  readonly reports: readonly string[];
  /** Everything, with all repetitions: figures worth publishing. */
  readonly whole: boolean;
}

/** A command line that cannot be understood. The message says what to do. */
export class UsageError extends Error {}

export const help: string = `npm run bench -- [options]

  --only <groups>   of ${groups.join(', ')}
  --peers <names>   of ${peers.map((peer) => peer.name).join(', ')}
  --reps <n>        repetitions, interleaved peer by peer (5; 3 with --quick)
  --quick           measure for a third of the time: figures to look at, not to publish
  --node <path>     the Node to measure with; may be given more than once (this one)
  --report <file>   report the samples of an earlier run; may be given more than once, for runs of different groups
  --output <file>   where the table goes (bench/RESULTS.md for a whole run, else bench/results/<time>.md)
  --help

Lists are separated by commas. A whole run has all groups and peers and at least 5 repetitions, and takes
about seventeen minutes per Node on two cores.`;

/** @returns `undefined` if help is asked for. @throws {UsageError} */
export function parseOptions(args: readonly string[]): Options | undefined {
  const values = parse(args);
  if (values.help) return undefined;
  const quick = values.quick ?? false;
  const reps = repetitions(values.reps, quick ? 3 : 5);
  const nodes = values.node ?? [process.execPath];
  if (nodes.includes('')) throw new UsageError('Cannot run the benchmarks: --node needs a path');
  return {
    groups: choose('--only', values.only, groups, (group) => group),
    peers: choose('--peers', values.peers, peers, (peer) => peer.name),
    reps,
    quick,
    nodes: [...new Set(nodes)],
    output: values.output,
    reports: values.report ?? [],
    whole: !quick && reps >= 5 && values.only === undefined && values.peers === undefined,
  };
}

/** The measurements, and the peers that take part in each on a Node of that version. */
export function plan(
  options: Options,
  version: string,
): { measurement: Measurement; peers: readonly Peer[] }[] {
  return measurements
    .filter((measurement) => options.groups.includes(measurement.group))
    .map((measurement) => ({
      measurement,
      peers: options.peers.filter((peer) => takesPart(peer, measurement, version)),
    }));
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        only: { type: 'string', multiple: true },
        peers: { type: 'string', multiple: true },
        reps: { type: 'string' },
        quick: { type: 'boolean' },
        node: { type: 'string', multiple: true },
        report: { type: 'string', multiple: true },
        output: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    throw new UsageError(
      `Cannot run the benchmarks: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

function repetitions(given: string | undefined, usual: number): number {
  if (given === undefined) return usual;
  const reps = Number(given);
  if (/^\d+$/.test(given) && reps >= 1 && reps <= 1000) return reps;
  throw new UsageError(
    `Cannot run the benchmarks: --reps must be an integer from 1 to 1000, received "${given}"`,
  );
}

/** The items named, in the order of the catalogue. */
function choose<T>(
  option: string,
  given: readonly string[] | undefined,
  from: readonly T[],
  nameOf: (item: T) => string,
): readonly T[] {
  if (given === undefined) return from;
  const names = given.flatMap((list) => list.split(',')).map((name) => name.trim());
  for (const name of names) {
    if (!from.some((item) => nameOf(item) === name)) {
      const known = from.map(nameOf).join(', ');
      throw new UsageError(`Cannot run the benchmarks: ${option} does not know "${name}", only ${known}`);
    }
  }
  return from.filter((item) => names.includes(nameOf(item)));
}
