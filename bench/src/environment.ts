/** Where and with what a run was made. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, platform, release, totalmem } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { peers } from './catalogue.ts';
import { UsageError } from './options.ts';

export const benchFolder: string = join(import.meta.dirname, '..');
export const rootFolder: string = join(benchFolder, '..');

/** A Node to measure with. */
export interface NodeBinary {
  readonly path: string;
  readonly version: string;
}

export interface Environment {
  readonly date: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGigabytes: number;
  readonly system: string;
  /** Of the last minute before the run: what else the machine was doing. */
  readonly load: number;
  readonly nodes: readonly NodeBinary[];
  /** By package name, the references left out. */
  readonly versions: Readonly<Record<string, string>>;
}

export function describeEnvironment(nodes: readonly NodeBinary[]): Environment {
  return {
    date: new Date().toISOString(),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGigabytes: totalmem() / 2 ** 30,
    system: `${platform()} ${release()}`,
    load: loadavg()[0] ?? 0,
    nodes,
    versions: Object.fromEntries(
      peers.flatMap((peer) =>
        peer.package === undefined ? [] : [[peer.package, describeVersion(peer.package)]],
      ),
    ),
  };
}

/** The version of a package of `bench/node_modules`, or `undefined` if it is not there. */
export function installedVersion(name: string): string | undefined {
  const file = join(benchFolder, 'node_modules', name, 'package.json');
  return existsSync(file) ? versionIn(file) : undefined;
}

/** The same Node under two names is measured once. @throws {UsageError} if one cannot be run */
export function findNodes(paths: readonly string[]): NodeBinary[] {
  const nodes: NodeBinary[] = [];
  for (const given of paths) {
    // The children run in another folder.
    const path = basename(given) === given ? given : resolve(given);
    const version = versionOf(path);
    if (!nodes.some((node) => node.version === version)) nodes.push({ path, version });
  }
  return nodes;
}

function versionOf(path: string): string {
  let version = '';
  try {
    version = execFileSync(path, ['-p', 'process.version'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  } catch {
    // No such file, or it does not run: the same answer as for a program that is something else.
  }
  if (/^v\d+\.\d+\.\d+/.test(version)) return version.trim();
  throw new UsageError(`Cannot run the benchmarks: --node "${path}" is not a Node that can be run`);
}

function describeVersion(name: string): string {
  return name === 'heddle' ? heddleVersion() : (installedVersion(name) ?? 'not installed');
}

/** With the commit, since between releases the version says little. */
function heddleVersion(): string {
  const version = versionIn(join(rootFolder, 'package.json'));
  try {
    const git = (...args: string[]): string =>
      execFileSync('git', args, {
        cwd: rootFolder,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }).trim();
    const changed = git('status', '--porcelain', '--', 'src') === '' ? '' : ', with uncommitted changes';
    return `${version} (${git('rev-parse', '--short', 'HEAD')}${changed})`;
  } catch {
    return version;
  }
}

function versionIn(file: string): string {
  const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string };
  return version;
}
