/** Runs the measurements: one child process each, one after the other, repetitions interleaved. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { type Measurement, measurements, type Peer } from './catalogue.ts';
import { benchFolder, type NodeBinary } from './environment.ts';
import { type Options, plan } from './options.ts';

/** What came of one child process. */
export interface Sample {
  readonly node: string;
  readonly peer: string;
  readonly measurement: string;
  readonly repetition: number;
  readonly outcome: Outcome;
}

export type Outcome =
  | { readonly values: Readonly<Record<string, number>> }
  | { readonly error: string; readonly hung: boolean };

/** Far above what a measurement takes that says nothing else, also on a loaded machine. */
const timeLimit = 20_000;

/**
 * Yields a sample as soon as it is there. All peers take their turn within a repetition, so that a slow minute of
 * the machine hits all of them, and each repetition starts with another one. What hung once is not tried again.
 */
export async function* measure(nodes: readonly NodeBinary[], options: Options): AsyncGenerator<Sample, void> {
  const hung = new Set<string>();
  for (let repetition = 1; repetition <= options.reps; repetition++) {
    for (const measurement of measurements) {
      if (repetition > (measurement.mostReps ?? Number.POSITIVE_INFINITY)) continue;
      for (const node of nodes) {
        const planned = plan(options, node.version).find((entry) => entry.measurement === measurement);
        for (const peer of rotated(planned?.peers ?? [], repetition - 1)) {
          const key = `${node.version} ${peer.name} ${measurement.id}`;
          if (hung.has(key)) continue;
          const outcome = await runChild(node, peer, measurement, options.quick);
          if ('error' in outcome && outcome.hung) hung.add(key);
          yield { node: node.version, peer: peer.name, measurement: measurement.id, repetition, outcome };
        }
      }
    }
  }
}

/** How many child processes that will be. */
export function countChildren(nodes: readonly NodeBinary[], options: Options): number {
  const each = nodes
    .flatMap((node) => plan(options, node.version))
    .map(
      ({ measurement, peers }) => peers.length * Math.min(options.reps, measurement.mostReps ?? options.reps),
    );
  return each.reduce((sum, count) => sum + count, 0);
}

function rotated<T>(items: readonly T[], by: number): T[] {
  const start = items.length === 0 ? 0 : by % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
}

function runChild(node: NodeBinary, peer: Peer, measurement: Measurement, quick: boolean): Promise<Outcome> {
  const {
    spec: { window, ...rest },
    limit = timeLimit,
  } = measurement;
  const spec = { ...rest, quick, peer: peer.name, window: quick ? Math.ceil(window / 3) : window };
  const { NODE_OPTIONS: _, ...env } = process.env;
  const child = spawn(
    node.path,
    ['--no-warnings', '--expose-gc', join(benchFolder, 'measured', 'child.mjs'), JSON.stringify(spec)],
    { cwd: benchFolder, env, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  // Without this a peer that spins would outlive a run that is broken off.
  const kill = (): boolean => child.kill('SIGKILL');
  process.once('exit', kill);
  return new Promise((resolve) => {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      kill();
    }, limit);
    child.on('error', (error) => {
      clearTimeout(timer);
      process.off('exit', kill);
      resolve({ error: error.message, hung: false });
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      process.off('exit', kill);
      const values = valuesIn(Buffer.concat(stdout).toString());
      if (values !== undefined) resolve({ values });
      else if (late) resolve({ error: `no result within ${limit / 1000} s, not tried again`, hung: true });
      else resolve({ error: reasonIn(Buffer.concat(stderr).toString(), code, signal), hung: false });
    });
  });
}

/** Peers may print lines of their own; the last object is ours. */
function valuesIn(stdout: string): Record<string, number> | undefined {
  const line = stdout.split('\n').findLast((text) => text.startsWith('{"values":'));
  if (line === undefined) return undefined;
  const { values } = JSON.parse(line) as { values: Record<string, number> };
  return Object.values(values).every((value) => Number.isFinite(value)) ? values : undefined;
}

/** The line of stderr that looks most like the message of an error. */
function reasonIn(stderr: string, code: number | null, signal: NodeJS.Signals | null): string {
  const lines = stderr.split('\n').map((line) => line.trim());
  const telling =
    lines.find((line) => /^(\w*Error|Warning)\b.*:/.test(line)) ?? lines.find((line) => line !== '');
  const end = signal === null ? `exit code ${code}` : `ended by ${signal}`;
  return telling === undefined ? end : `${telling.slice(0, 300)} (${end})`;
}
