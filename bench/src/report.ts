/** Turns the samples of a run into the Markdown of `RESULTS.md`. Pure. */
import { judge, judged } from './bars.ts';
import {
  appliesTo,
  type Metric,
  measurements,
  type Peer,
  peers,
  type Section,
  sections,
} from './catalogue.ts';
import type { Environment } from './environment.ts';
import type { Sample } from './suite.ts';
import { formatCell, ratio, type Summary, summarize, table } from './summary.ts';

/** What the report says about how the run was made. */
export interface RunDetails {
  readonly reps: number;
  readonly quick: boolean;
  readonly whole: boolean;
  readonly seconds: number;
}

/** One run, as it was saved. */
export interface Run {
  readonly environment: Environment;
  readonly details: RunDetails;
  readonly samples: readonly Sample[];
}

export function report(environment: Environment, details: RunDetails, samples: readonly Sample[]): string {
  return reportOf([{ environment, details, samples }]);
}

/** Of several runs, each of groups of its own, by the same versions. */
export function reportOf(runs: readonly [Run, ...Run[]]): string {
  const [{ environment }] = runs;
  const samples = runs.flatMap((run) => run.samples);
  const versions = new Set(runs.flatMap((run) => run.environment.nodes.map(({ version }) => version)));
  const parts = [
    '# Benchmarks',
    ...runs.map((run) => describeRun(run, runs.length > 1)),
    howToRead,
    participants(environment, samples),
    ...[...versions].flatMap((version) => {
      const own = samples.filter((sample) => sample.node === version);
      return [
        `## Node ${version}`,
        ...sections.flatMap((section) => sectionOf(section, own)),
        ...barsOf(version, own),
        ...failures(own),
      ];
    }),
  ];
  return `${parts.join('\n\n')}\n`;
}

const howToRead = `Each cell is the median of the repetitions, in brackets the least and the most, and then the ratio to \`raw\` on the
same Node: the same work done by hand, with message ports or \`Atomics\`. In tables of rates more is better, in the others
less. Every figure comes from a process of its own; within a repetition all peers take their turn, so that a slow
minute of the machine hits all alike. Compare the ratios within one table, not the figures with those of another
machine, and take differences smaller than the ranges for noise. A dash says that a peer has no such thing.

- *Trivial tasks*: additions, with that many outstanding at any time. Before these and the latencies each peer is warmed up for
  a second and a half, before payloads for half as long.
- *A task with a payload*: means, with the collections that a payload causes; but of moved buffers the median, without
  the making of them, since what so many of them cause is the same for all.
- *CPU-bound*: the time of ten tasks given at once; the speed-up is one thread's time over that of two threads.
- *The submitting loop blocked*: tasks of a millisecond or two, counted in shared memory; they had been submitted 50 ms before
  the loop went to sleep in \`Atomics.wait\`, and before it waited as long for a timer.
- *Cold start*: from before the import of the library to the first result, without the start of Node itself.
- *Memory*: what four started, idle threads add to the resident memory of the process, divided by four.
- *1,000,000 at once*: each with its promise, in a list. Then all are done and forgotten, and a second million follows.
  *10,000,000 tasks*: memory after a collection in both threads. *100,000 that wait*: async functions that await a promise
  each. A quick run takes a small part of each.
- *Tasks in groups*: the reference is \`Promise.all\` of a thousand calls of the same async function. Memory after a collection,
  without the young generation of the heap; a quick run takes 200,000. *Cancelling*: six jobs rest in two threads, one or two poll \`cancelled()\`, the others are queued;
  the tasks of the loop wait in equal parts for time, a lock, an item, an event and a future.
- *Locks*: the reference is a mutex of one word by hand, not fair, and heddle's hands over in order. *Waking*: the
  reference is \`Atomics.waitAsync\` and \`notify\` on bare words, without a lock; the thousand queue for one lock, each
  releases it at once. *By the hundred thousand*: the reference makes plain objects of four fields, and sends shared
  buffers of one word. *Among 100,000*: each of the ready tasks awaits a free lock of its own again and again, that of
  the reference a resolved promise; where nothing else gets a turn at all, they are stopped after a second.
- *Items*: streams in bursts, from the first put until the last item was looked at. Small objects have five fields:
  \`{ id, name, ok, x, tag }\`. The references are message ports, which have no bound and nothing to iterate: their figures
  are the same in those columns. \`raw\` posts a message for each item, \`batched\` for 64.
- *There and back*: the reference is two words, with \`Atomics.wait\` in threads and \`Atomics.waitAsync\` on the loop.
- *Eight may run at once*: \`Semaphore.run\` of heddle, \`runExclusive\` of async-mutex, \`add\` of p-queue, and a counter
  with an array of promises by hand, each for functions that wait for one resolved promise.
- *10,000,000 numbers*: memory after a collection in both threads; a quick run takes 300,000.
- *Primitives*: the references are bare words, without owners, order, time-outs or cancellation. Where many tasks wait
  for one event, they all await one promise.
- *Values*: means, with the collections that the values cause, in time of processors (of all threads of the process, not by the
  clock); each case is a list of values that take turns, and one process has the cases of two to four columns. heddle writes its
  items into shared memory and reads them there, without the making of a block; the others use memory of their own, as they
  come. The reference is \`structuredClone\`, of which no halves can be seen. What \`v8\` decodes to a buffer is a view over the
  bytes, not a copy; the others copy. The table of kinds says who keeps what structured clone keeps: \`v8\` all but that two views
  have one buffer; msgpackr and cbor-x with \`structuredClone: true\` keep references, but not -0, lone surrogates, sparse
  arrays and fields of arrays, errors, boxed values and the key \`__proto__\`; cbor-x no ArrayBuffer nor DataView either; the plain
  ones keep no references, and JSON no more than plain data.
- *Bars*: what heddle is to reach on a quiet machine, by the medians.`;

function describeRun({ environment, details, samples }: Run, isPart: boolean): string {
  const { cpu, cores, memoryGigabytes, system, load, date } = environment;
  const failed = samples.filter(({ outcome }) => 'error' in outcome).length;
  const lines = [
    `- Date: ${date.slice(0, 16).replace('T', ' ')} UTC`,
    `- Machine: ${cores} cores, ${cpu}, ${memoryGigabytes.toFixed(0)} GB, ${system}; load ${load.toFixed(1)} before the run`,
    `- Run: ${details.reps} ${details.reps === 1 ? 'repetition' : 'repetitions'}, ${samples.length} processes, ${failed} failed${details.seconds > 0 ? `, ${Math.round(details.seconds)} s` : ''}`,
  ];
  if (isPart)
    lines.push(
      `- Groups: ${groupsOf(samples).join(', ')}`,
      `- heddle ${environment.versions['heddle'] ?? ''}`,
    );
  if (!details.whole && !(isPart && !details.quick && details.reps >= 5))
    lines.push('- **A partial or quick run: figures to look at, not to publish**');
  lines.push('- Made by `npm run bench`; do not edit');
  return lines.join('\n');
}

function groupsOf(samples: readonly Sample[]): string[] {
  const ids = new Set(samples.map(({ measurement }) => measurement));
  return [...new Set(measurements.filter(({ id }) => ids.has(id)).map(({ group }) => group))];
}

function participants(environment: Environment, samples: readonly Sample[]): string {
  const rows = peers
    .filter((peer) => samples.some((sample) => sample.peer === peer.name))
    .map((peer) => [
      peer.name,
      peer.package === undefined ? '' : (environment.versions[peer.package] ?? ''),
      peer.note,
    ]);
  return table(['peer', 'version', 'measured as'], rows, 'words');
}

/** What heddle is to reach, of all that was measured of it. */
function barsOf(version: string, samples: readonly Sample[]): string[] {
  const tried = (peer: string, measurement: string): boolean =>
    samples.some((sample) => sample.peer === peer && sample.measurement === measurement);
  const rows = sections.flatMap((section) =>
    columnsOf(section, samples).flatMap(({ title, measurement, metric }) =>
      (metric.bars ?? [])
        .filter(
          (bar) =>
            appliesTo(bar, version) &&
            tried(bar.peer ?? judged, measurement) &&
            (bar.of === undefined || tried(bar.of, measurement)) &&
            (bar.beside === undefined || tried(bar.peer ?? judged, bar.beside)),
        )
        .map((bar) => {
          const verdict = judge(bar, metric.unit, {
            summaryOf: (peer) => summaryOf(samples, peer, measurement, metric.field),
            timesAsFast: (other) => timesAsFast(samples, bar.peer ?? judged, metric, other, measurement),
          });
          const who = bar.peer === undefined ? '' : `, ${bar.peer}`;
          return { what: `${section.title}: ${title}${who}`, ...verdict };
        }),
    ),
  );
  if (rows.length === 0) return [];
  const missed = rows.filter((row) => !row.reached).length;
  return [
    `### Bars of ${judged}: ${rows.length - missed} of ${rows.length} reached`,
    table(
      ['what', 'bar', 'measured', ''],
      rows.map((row) => [row.what, row.bar, row.measured, row.reached ? 'reached' : '**not reached**']),
      'words',
    ),
  ];
}

interface Column {
  readonly title: string;
  readonly measurement: string;
  readonly metric: Metric;
}

function sectionOf(section: Section, samples: readonly Sample[]): string[] {
  const own = samples.filter((sample) => section.measurements.includes(sample.measurement));
  if (own.length === 0) return [];
  const columns = columnsOf(section, own);
  const speedUp = section.speedUp !== undefined && columns.length === 2 ? [section.speedUp] : [];
  const rows = peers
    .filter((peer) => own.some((sample) => sample.peer === peer.name))
    .map((peer) => [
      peer.name,
      ...columns.map((column) => cellOf(column, peer, own)),
      ...speedUp.map(() => speedUpOf(peer, columns, own)),
    ]);
  const header = ['peer', ...columns.map((column) => column.title), ...speedUp];
  return [`### ${section.title} (${section.better} is better)`, table(header, rows)];
}

function columnsOf(section: Section, samples: readonly Sample[]): Column[] {
  return measurements
    .filter(
      ({ id }) => section.measurements.includes(id) && samples.some((sample) => sample.measurement === id),
    )
    .flatMap(({ id, metrics }) =>
      metrics
        .filter(({ field }) => section.fields?.includes(field) ?? true)
        .map((metric) => ({ title: metric.title, measurement: id, metric })),
    );
}

function cellOf({ measurement, metric }: Column, peer: Peer, samples: readonly Sample[]): string {
  const tried = samples.filter((sample) => sample.peer === peer.name && sample.measurement === measurement);
  if (tried.length === 0) return '–';
  const errors = errorsOf(tried);
  const summary = summaryOf(samples, peer.name, measurement, metric.field);
  if (summary === undefined) return errors[0] === undefined ? '–' : `failed: ${shortened(errors[0], 40)}`;
  const alone = peer.name === peers[0]?.name || metric.compared === false;
  const reference = summaryOf(samples, peers[0]?.name, measurement, metric.field);
  const cell = formatCell(summary, metric.unit, alone ? undefined : ratio(summary, reference));
  return errors.length === 0 ? cell : `${cell}, ${errors.length} of ${tried.length} failed`;
}

function speedUpOf(peer: Peer, [one, two]: readonly Column[], samples: readonly Sample[]): string {
  if (one === undefined || two === undefined) return '–';
  const summary = timesAsFast(samples, peer.name, two.metric, one.measurement, two.measurement);
  return summary === undefined ? '–' : formatCell(summary, 'times', undefined);
}

/**
 * How many times as fast a peer is in one measurement as in another. Both figures of one repetition were taken within a
 * minute, so they are compared with each other.
 */
function timesAsFast(
  samples: readonly Sample[],
  peer: string,
  { field, unit }: Metric,
  first: string,
  second: string,
): Summary | undefined {
  const figures = (measurement: string): Map<number, number> =>
    new Map(
      samples
        .filter((sample) => sample.peer === peer && sample.measurement === measurement)
        .flatMap(({ repetition, outcome }) =>
          'values' in outcome ? [[repetition, outcome.values[field] ?? Number.NaN] as const] : [],
        ),
    );
  const before = figures(first);
  const times = [...figures(second)].map(([repetition, figure]) => {
    const other = before.get(repetition) ?? Number.NaN;
    return unit === 'per second' ? figure / other : other / figure;
  });
  return summarize(times.filter((value) => Number.isFinite(value)));
}

function summaryOf(
  samples: readonly Sample[],
  peer: string | undefined,
  measurement: string,
  field: string,
): Summary | undefined {
  return summarize(
    samples
      .filter((sample) => sample.peer === peer && sample.measurement === measurement)
      .flatMap(({ outcome }) => ('values' in outcome ? [outcome.values[field] ?? Number.NaN] : []))
      .filter((value) => Number.isFinite(value)),
  );
}

function errorsOf(samples: readonly Sample[]): string[] {
  return samples.flatMap(({ outcome }) => ('error' in outcome ? [outcome.error] : []));
}

function shortened(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}

/** Every failure in full, as cells have little room. */
function failures(samples: readonly Sample[]): string[] {
  const lines = new Set(
    samples.flatMap(({ peer, measurement, outcome }) =>
      'error' in outcome ? [`- ${peer}, ${measurement}: ${outcome.error.replaceAll('\n', ' ')}`] : [],
    ),
  );
  return lines.size === 0 ? [] : ['### Failures', [...lines].join('\n')];
}
