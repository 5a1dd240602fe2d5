/**
 * `scripts/check-lock.ts [--fix] [folder…]`: every optional dependency that a package in a `package-lock.json` names has
 * an entry there. `npm ci` refuses a lock file without them, and `npm install` leaves out those that it could not
 * fetch: with a registry that has not all of the packages for other platforms, it writes a lock that installs nowhere.
 *
 * `--fix` adds the missing ones, with the platform that their names tell. They are fetched only on that platform.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

interface LockedPackage {
  version?: string;
  dev?: boolean;
  optional?: boolean;
  os?: readonly string[];
  cpu?: readonly string[];
  libc?: readonly string[];
  optionalDependencies?: Readonly<Record<string, string>>;
}

interface Lock {
  packages: Record<string, LockedPackage>;
}

const SYSTEMS = [
  'aix',
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'openharmony',
  'sunos',
  'win32',
];
const PROCESSORS: Readonly<Record<string, string>> = {
  aarch64: 'arm64',
  arm: 'arm',
  arm64: 'arm64',
  ia32: 'ia32',
  loong64: 'loong64',
  mips64el: 'mips64el',
  ppc64: 'ppc64',
  riscv64: 'riscv64',
  s390x: 's390x',
  wasm32: 'wasm32',
  x64: 'x64',
};

const args = process.argv.slice(2);
const fix = args.includes('--fix');
const given = args.filter((arg) => arg !== '--fix');
const root = join(import.meta.dirname, '..');
const folders =
  given.length > 0 ? given : ['', 'bench', 'test/smoke/runtimes'].map((name) => join(root, name));

for (const folder of folders) {
  const file = join(folder, 'package-lock.json');
  const lock = JSON.parse(readFileSync(file, 'utf8')) as Lock;
  const missing = missingPackages(lock);
  if (missing.size === 0) continue;
  console.log(`${file}: ${fix ? 'added' : 'lacks'} ${[...missing.keys()].join(', ')}`);
  if (fix) writeFileSync(file, `${JSON.stringify(completed(lock, missing), undefined, 2)}\n`);
  else process.exitCode = 1;
}
if (process.exitCode === 1) console.log('npm ci would refuse this: run node scripts/check-lock.ts --fix');

/** Entries for the optional dependencies that have none, by their keys. */
function missingPackages({ packages }: Lock): ReadonlyMap<string, LockedPackage> {
  const missing = new Map<string, LockedPackage>();
  for (const [key, { optionalDependencies = {}, dev }] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(optionalDependencies)) {
      if (isLocked(packages, key, name)) continue;
      missing.set(`node_modules/${name}`, {
        version,
        ...(dev && { dev }),
        optional: true,
        ...platformOf(name),
      });
    }
  }
  return missing;
}

/** Whether the package at `key` would find `name`, in its own folder or in one around it. */
function isLocked(packages: Lock['packages'], key: string, name: string): boolean {
  for (let folder = key; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))) {
    if (packages[`${folder === '' ? '' : `${folder}/`}node_modules/${name}`] !== undefined) return true;
    if (folder === '') return false;
  }
}

function platformOf(name: string): Pick<LockedPackage, 'os' | 'cpu' | 'libc'> {
  const words = (name.split('/').at(-1) as string).split('-');
  const os =
    words.find((word) => SYSTEMS.includes(word)) ?? (words.includes('windows') ? 'win32' : undefined);
  const cpu = words.map((word) => PROCESSORS[word]).find((word) => word !== undefined);
  const c = words.some((word) => word.startsWith('musl'))
    ? 'musl'
    : words.some((word) => /^(?:gnu|glibc)/.test(word))
      ? 'glibc'
      : undefined;
  return { ...(cpu && { cpu: [cpu] }), ...(os === 'linux' && c && { libc: [c] }), ...(os && { os: [os] }) };
}

/** As npm sorts them, the project itself first. */
function completed(lock: Lock, missing: ReadonlyMap<string, LockedPackage>): Lock {
  const entries = [...Object.entries(lock.packages), ...missing];
  const sorted = entries.sort(([a], [b]) => a.localeCompare(b, 'en'));
  return { ...lock, packages: Object.fromEntries(sorted) };
}
