/** A project of a user: a folder outside the repository, with heddle installed from the packed package. */
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

const root = join(import.meta.dirname, '..', '..');

/** Packs heddle as publishing would, its build included. Returns the path of the tarball. */
export function pack(into: string): string {
  npm(['pack', '--pack-destination', into], root);
  const tarball = readdirSync(into).find((name) => name.endsWith('.tgz'));
  if (tarball === undefined) throw new Error(`Cannot test the package: npm pack wrote no tarball to ${into}`);
  return join(into, tarball);
}

/** What the projects are built and tested with, in the versions that the repository has. */
const TOOLS: readonly (readonly [folder: string, names: readonly string[]])[] = [
  ['', ['@types/node', 'esbuild', 'rolldown', 'typescript', 'unplugin', 'vite', 'vitest']],
  [join('test', 'smoke', 'runtimes'), ['rollup', 'webpack']],
];

/** Makes the project, with the smoke program and the projects of `test/projects` in it, and what those are built with. */
export function createProject(tarball: string | undefined): string {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-smoke-'));
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ name: 'smoke', private: true, type: 'module' }, undefined, 2),
  );
  const heddle = tarball === undefined ? pack(folder) : resolve(tarball);
  npm(['install', heddle, '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'], folder);
  for (const [from, names] of TOOLS) {
    for (const name of names) {
      link(join(root, from, 'node_modules', name), join(folder, 'node_modules', name));
    }
  }
  cpSync(join(import.meta.dirname, 'program'), join(folder, 'program'), { recursive: true });
  createProjects(folder);
  return folder;
}

/** Each kind of project: the common program, and over it what is its own. */
function createProjects(folder: string): void {
  const projects = join(root, 'test', 'projects');
  for (const name of ['strip', ...readdirSync(projects)]) {
    if (name === 'program') continue;
    const project = join(folder, 'projects', name);
    const own = join(projects, name);
    if (!existsSync(join(own, 'src'))) cpSync(join(projects, 'program'), project, { recursive: true });
    if (existsSync(own)) cpSync(own, project, { recursive: true });
    // As the installation of a workspace leaves it.
    const packages = join(project, 'packages');
    for (const one of existsSync(packages) ? readdirSync(packages) : []) {
      link(join(packages, one), join(project, 'node_modules', '@project', one));
    }
  }
}

/** Nothing if it is there: some of them heddle brings along. */
function link(target: string, path: string): void {
  if (existsSync(path)) return;
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(target, path, 'junction');
}

export function removeProject(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
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
