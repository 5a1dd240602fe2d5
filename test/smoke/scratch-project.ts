/** A project of a user: a folder outside the repository, with heddle installed from the packed package. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const root = join(import.meta.dirname, '..', '..');

/** Packs heddle as publishing would, its build included. Returns the path of the tarball. */
export function pack(into: string): string {
  npm(['pack', '--pack-destination', into], root);
  const tarball = readdirSync(into).find((name) => name.endsWith('.tgz'));
  if (tarball === undefined) throw new Error(`Cannot test the package: npm pack wrote no tarball to ${into}`);
  return join(into, tarball);
}

/**
 * Makes the project, with the smoke program and the projects of `test/projects` in it. Besides heddle it has what the
 * tsc project needs to be built, in the versions that the repository has; the npm cache has those already.
 */
export function createProject(tarball: string | undefined): string {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-smoke-'));
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ name: 'smoke', private: true, type: 'module' }, undefined, 2),
  );
  const heddle = tarball === undefined ? pack(folder) : resolve(tarball);
  const tools = ['typescript', '@types/node'].map((name) => `${name}@${installedVersion(name)}`);
  npm(
    ['install', heddle, ...tools, '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'],
    folder,
  );
  cpSync(join(import.meta.dirname, 'program'), join(folder, 'program'), { recursive: true });
  cpSync(join(root, 'test', 'projects'), join(folder, 'projects'), { recursive: true });
  return folder;
}

export function removeProject(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

function installedVersion(name: string): string {
  const manifest = readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}

/** Runs npm; its own output goes to stderr only if it fails. */
function npm(args: readonly string[], cwd: string): void {
  try {
    execFileSync('npm', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 300_000 });
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`Cannot test the package: npm ${args[0]} failed\n${stdout}${stderr}`, { cause: error });
  }
}
