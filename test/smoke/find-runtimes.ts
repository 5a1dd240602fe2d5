/** Which JavaScript runtimes there are on this machine to run the smoke suite on. */
import { execFileSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

export type RuntimeKind = 'node' | 'bun' | 'deno';

export interface Runtime {
  /** What reports and `--only` call it: `node22`. */
  readonly name: string;
  readonly kind: RuntimeKind;
  readonly version: string;
  readonly path: string;
}

/** The runtimes found, and of those that are missing, why. */
export interface FoundRuntimes {
  readonly found: readonly Runtime[];
  readonly missing: readonly string[];
}

const runtimesFolder = join(import.meta.dirname, 'runtimes');
const INSTALL = 'test/smoke/runtimes is not installed: run npm ci --prefix test/smoke/runtimes';

interface Candidate {
  readonly name: string;
  readonly kind: RuntimeKind;
  readonly path: string | undefined;
  /** What to say when it is not there or does not run. */
  readonly hint: string;
}

export function findRuntimes(): FoundRuntimes {
  const installed = (path: string): string => join(runtimesFolder, 'node_modules', path);
  const candidates: readonly Candidate[] = [
    { name: 'node20', kind: 'node', path: systemNode(20), hint: 'the node on PATH is not Node 20' },
    { name: 'node22', kind: 'node', path: installed('node22/bin/node'), hint: INSTALL },
    { name: 'node24', kind: 'node', path: process.execPath, hint: 'this program does not run on Node 24' },
    { name: 'node26', kind: 'node', path: installed('node26/bin/node'), hint: INSTALL },
    { name: 'bun', kind: 'bun', path: installed('.bin/bun'), hint: INSTALL },
    { name: 'deno', kind: 'deno', path: installed('.bin/deno'), hint: INSTALL },
  ];
  const found: Runtime[] = [];
  const missing: string[] = [];
  for (const { name, kind, path, hint } of candidates) {
    const version = path === undefined ? undefined : versionOf(path);
    const right = version !== undefined && (kind !== 'node' || name === `node${version.split('.')[0]}`);
    if (right) found.push({ name, kind, version, path: path! });
    else missing.push(`${name}: ${hint}`);
  }
  return { found, missing };
}

/** The first `node` of this major version on PATH that does not belong to a package: npm puts those in front. */
function systemNode(major: number): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders
    .filter((folder) => !/[\\/]node_modules[\\/]/.test(folder))
    .map((folder) => join(folder, process.platform === 'win32' ? 'node.exe' : 'node'))
    .find((path) => isExecutable(path) && versionOf(path)?.startsWith(`${major}.`));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** `undefined` if there is no such program, or it does not run. */
function versionOf(path: string): string | undefined {
  if (!isExecutable(path)) return undefined;
  try {
    const text = execFileSync(path, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return /\d+\.\d+\.\d+/.exec(text)?.[0];
  } catch {
    return undefined;
  }
}
