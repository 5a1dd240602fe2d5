import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { describe, expect, test } from 'vitest';

const src = join(import.meta.dirname, '../../src');

/**
 * The rooms of the house: each may import itself and what is listed, nothing else. After `type` stands a room of which only
 * types may be imported; a name with `.ts` is a file of `src/` itself.
 */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  core: [],
  platform: ['core'],
  memory: ['core', 'platform'],
  codec: ['core', 'platform', 'memory'],
  function: ['core', 'platform'],
  scope: ['core', 'platform'],
  park: ['core', 'platform', 'memory', 'scope'],
  sync: ['core', 'platform', 'memory', 'park', 'scope'],
  queue: ['core', 'platform', 'memory', 'park', 'sync', 'codec', 'scope'],
  jobs: ['core', 'platform', 'memory', 'park', 'codec', 'type function'],
  thread: [
    'core',
    'platform',
    'memory',
    'park',
    'sync',
    'queue',
    'codec',
    'function',
    'scope',
    'jobs',
    'all-kinds.ts',
  ],
  executor: [
    'core',
    'platform',
    'memory',
    'park',
    'sync',
    'queue',
    'codec',
    'function',
    'scope',
    'jobs',
    'thread',
  ],
  crossing: ['core', 'platform', 'memory', 'park', 'sync', 'queue', 'codec', 'scope', 'thread', 'executor'],
  cli: ['core', 'platform', 'function', 'scope', 'executor'],
  testing: [
    'core',
    'platform',
    'memory',
    'park',
    'sync',
    'queue',
    'function',
    'scope',
    'executor',
    'index.ts',
  ],
  bundler: [],
  /** `src/index.ts` and `src/all-kinds.ts`. */
  '': [
    'core',
    'platform',
    'codec',
    'park',
    'sync',
    'queue',
    'function',
    'scope',
    'thread',
    'executor',
    'crossing',
    'all-kinds.ts',
  ],
};

/** Packages, and modules of the runtime: who may name them. */
const OUTSIDE: readonly { readonly what: RegExp; readonly rooms: readonly string[] }[] = [
  { what: /^node:/, rooms: ['platform', 'cli', 'bundler'] },
  {
    what: /^#atomics$/,
    rooms: ['platform', 'memory', 'park', 'sync', 'queue', 'jobs', 'thread', 'executor', 'testing'],
  },
  { what: /^acorn$/, rooms: ['platform', 'function', 'testing'] },
  { what: /^(js-tokens|unplugin)$/, rooms: ['bundler'] },
  { what: /^(cli-progress|cli-table3|picocolors|tinyglobby)$/, rooms: ['cli'] },
];

const MAX_LINES = 400;

interface Source {
  /** Relative to `src/`, with slashes. */
  readonly file: string;
  readonly room: string;
  readonly text: string;
  /** Without comments: what is said in an example is no import. */
  readonly code: string;
}

const sources: readonly Source[] = globSync('**/*.ts', { cwd: src }).map((path) => {
  const file = path.split(sep).join('/');
  const text = readFileSync(join(src, path), 'utf8');
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
  return { file, room: file.includes('/') ? file.slice(0, file.indexOf('/')) : '', text, code };
});

interface Import {
  readonly specifier: string;
  /** Whether it is gone once types are. */
  readonly typeOnly: boolean;
}

function importsOf({ code }: Source): Import[] {
  const statements =
    /(?:^|[;}\s])(?:import|export)\b(?<typeOnly>\s+type\b)?[^;'"()]*?from\s*['"](?<specifier>[^'"]+)['"]/g;
  const bare = /^\s*import\s*['"](?<specifier>[^'"]+)['"]/gm;
  const dynamic = /\bimport\(\s*['"](?<specifier>[^'"]+)['"]/g;
  return [statements, bare, dynamic].flatMap((pattern) =>
    Array.from(code.matchAll(pattern), ({ groups }) => ({
      specifier: groups!['specifier']!,
      typeOnly: groups!['typeOnly'] !== undefined,
    })),
  );
}

/** The room that a relative import leads to, or the file of `src/` itself; `undefined` for what is not ours. */
function roomOf(source: Source, { specifier }: Import): string | undefined {
  if (!specifier.startsWith('.')) return undefined;
  const target = relative(src, join(src, dirname(source.file), specifier))
    .split(sep)
    .join('/');
  return target.split('/')[0];
}

function isAllowed(source: Source, imported: Import): boolean {
  const room = roomOf(source, imported);
  if (room === undefined || room === source.room) return true;
  const allowed = ROOMS[source.room] ?? [];
  return allowed.includes(room) || (imported.typeOnly && allowed.includes(`type ${room}`));
}

describe('the house', () => {
  test('has the rooms of the table, and no others', () => {
    expect(new Set(sources.map(({ room }) => room))).toEqual(new Set(Object.keys(ROOMS)));
  });

  test('each room imports only itself and what the table allows', () => {
    const wrong = sources.flatMap((source) =>
      importsOf(source)
        .filter((imported) => !isAllowed(source, imported))
        .map(({ specifier }) => `${source.file} imports ${specifier}`),
    );
    expect(wrong).toEqual([]);
  });

  test('the runtime and the packages are named only in their rooms', () => {
    const wrong = sources.flatMap((source) =>
      importsOf(source)
        .filter(({ specifier }) => !specifier.startsWith('.'))
        .filter(
          ({ specifier }) => !OUTSIDE.find(({ what }) => what.test(specifier))?.rooms.includes(source.room),
        )
        .map(({ specifier }) => `${source.file} imports ${specifier}`),
    );
    expect(wrong).toEqual([]);
  });

  test('only platform makes a Worker, and Atomics come through #atomics', () => {
    const wrong = sources
      .filter(({ room }) => room !== 'platform')
      .filter(({ code }) => {
        const usesAtomics = /\bAtomics\b/.test(code);
        return (
          /\bnew Worker\b|\bglobalThis\.Atomics\b/.test(code) ||
          (usesAtomics && !/from '#atomics'/.test(code))
        );
      })
      .map(({ file }) => file);
    expect(wrong).toEqual([]);
  });

  test('relative imports name the file, with .ts', () => {
    const wrong = sources.flatMap((source) =>
      importsOf(source)
        .filter(({ specifier }) => specifier.startsWith('.') && !specifier.endsWith('.ts'))
        .map(({ specifier }) => `${source.file} imports ${specifier}`),
    );
    expect(wrong).toEqual([]);
  });

  test('nothing is exported as *, and the library has no default exports', () => {
    const wrong = sources.filter(({ code }) => /^\s*export\s+(?:\*|default\b)/m.test(code));
    expect(wrong.map(({ file }) => file)).toEqual([]);
  });

  test('no source has what Node 20 cannot read', () => {
    const wrong = sources.filter(({ code }) => /^\s*(?:await\s+)?using\s+\w+\s*=/m.test(code));
    expect(wrong.map(({ file }) => file)).toEqual([]);
  });

  test(`no file is longer than ${MAX_LINES} lines`, () => {
    const long = sources.filter(({ text }) => text.trimEnd().split('\n').length > MAX_LINES);
    expect(long.map(({ file }) => file)).toEqual([]);
  });
});

describe('ARCHITECTURE.md', () => {
  const page = readFileSync(join(src, '../ARCHITECTURE.md'), 'utf8');

  test('has a row for each room', () => {
    const rows = Array.from(page.matchAll(/^\| `([a-z]+)\/`/gm), ([, room]) => room!);
    expect(rows).toEqual(Object.keys(ROOMS).filter((room) => room !== ''));
  });

  test('names only files that exist', () => {
    const named = Array.from(page.matchAll(/`((?:[\w-]+\/)*[\w-]+\.ts)`/g), ([, name]) => name!);
    const files = ['src/index.ts', 'test/architecture/imports.test.ts', ...sources.map(({ file }) => file)];
    expect(named.length).toBeGreaterThan(15);
    expect(named.filter((name) => !files.some((file) => file === name || file.endsWith(`/${name}`)))).toEqual(
      [],
    );
  });
});

describe('src/index.ts', () => {
  /** Each name with its module and whether it is a type, as the exports say. */
  const exported = publicNames(sources.find(({ file }) => file === 'index.ts')!.code);

  test('exports each symbol once', () => {
    const names = exported.map(({ name }) => name);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
    const origins = exported.map(({ original, module }) => `${module} ${original}`);
    expect(origins.filter((origin, index) => origins.indexOf(origin) !== index)).toEqual([]);
  });

  // Changed on purpose? Then: npx vitest run test/architecture -u
  test('exports the public names, and no others', async () => {
    const list = exported.map(({ name, type }) => (type ? `type ${name}` : name)).sort();
    await expect(`${list.join('\n')}\n`).toMatchFileSnapshot('public-names.txt');
  });
});

interface PublicName {
  readonly name: string;
  readonly original: string;
  readonly module: string;
  readonly type: boolean;
}

function publicNames(code: string): PublicName[] {
  const statements = code.matchAll(/^export\s+(type\s+)?\{([^}]*)\}\s*from\s*'([^']+)'/gm);
  return [...statements].flatMap(([, allTypes, list, module]) =>
    list!
      .split(',')
      .map((entry) => entry.trim())
      .filter((entry) => entry !== '')
      .map((entry) => {
        const type = allTypes !== undefined || entry.startsWith('type ');
        const [original, name = original] = entry.replace(/^type\s+/, '').split(/\s+as\s+/);
        return { name: name!, original: original!, module: module!, type };
      }),
  );
}
