/**
 * Builds `dist/` from a clean folder. The JavaScript goes into few files: each one that is imported costs the start of
 * the program, and that of every thread, its share. Declarations are emitted one to one.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { type ChunkingContext, rolldown } from 'rolldown';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');

/**
 * What is imported from outside or found by an address. It all lies in one folder, and so do the files that it shares: a
 * source that looks for `./heddle-thread.js` beside itself finds that from whichever file its code has gone to.
 */
const entries = {
  index: 'index.ts',
  testing: 'testing/index.ts',
  bundler: 'bundler/plugin.ts',
  cli: 'cli/main.ts',
  // Found by these names, which `platform/own-files.ts` knows.
  'heddle-thread': 'thread/entry.ts',
  'heddle-custodian': 'memory/custodian-entry.ts',
  'block-worker': 'cli/map/block-worker.ts',
  prepare: 'cli/map/prepare.ts',
  // For the benchmarks, which encode values and count blocks.
  item: 'codec/item.ts',
  heap: 'memory/heap.ts',
};

/**
 * The files that entries share. A module is in the first one of which a root imports it: so what a file needs is in
 * itself or in those before it. Left to itself, the bundler would make ten of the first, for each set of entries one.
 */
const shared = [
  // What every thread loads before its first job.
  { name: 'thread', roots: ['thread/entry.ts', 'memory/custodian-entry.ts'] },
  // What a thread loads when it gets its first shared object.
  { name: 'shared', roots: ['thread/parcels.ts'] },
  { name: 'library', roots: ['index.ts'] },
];

rmSync(dist, { recursive: true, force: true });
await bundle();
const typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'));
execFileSync(
  process.execPath,
  [join(typescript, 'bin', 'tsc'), '-p', 'tsconfig.build.json', '--emitDeclarationOnly'],
  { cwd: root, stdio: 'inherit' },
);
chmodSync(join(dist, 'cli.js'), 0o755);

async function bundle(): Promise<void> {
  const made = await rolldown({
    cwd: root,
    input: Object.fromEntries(Object.entries(entries).map(([name, path]) => [name, source(path)])),
    platform: 'node',
    external: /^(?!\w:)[\w@]/,
    resolve: { conditionNames: ['heddle-source'] },
    // Nothing is left out, for modules are imported for what they do as well; and no function is rewritten: with this on,
    // variables that are used once are folded into what uses them, which made a direct `eval` of an indirect one.
    treeshake: false,
  });
  await made.write({
    dir: dist,
    chunkFileNames: '[name].js',
    codeSplitting: {
      groups: shared.map(({ name, roots }) => ({
        debugName: name,
        name: (id, graph) => (isImported(id, graph) && roots.some(reaches(id, graph)) ? name : null),
      })),
    },
    minify: false,
    minifyInternalExports: false,
    comments: { jsdoc: false },
    sourcemap: true,
    sourcemapExcludeSources: true,
  });
  await made.close();
}

/** Whether other modules import this one. An entry that none imports does its work as soon as it is loaded. */
function isImported(id: string, graph: ChunkingContext): boolean {
  return graph.getModuleInfo(id)?.importers.length !== 0;
}

/** Whether `root` is the module `id`, or imports it when it is loaded, directly or not. */
function reaches(id: string, graph: ChunkingContext): (root: string) => boolean {
  const seen = new Set<string>();
  const visit = (module: string): boolean => {
    if (module === id) return true;
    if (seen.has(module)) return false;
    seen.add(module);
    return graph.getModuleInfo(module)?.importedIds.some(visit) ?? false;
  };
  return (root) => visit(source(root));
}

function source(path: string): string {
  return join(root, 'src', path);
}
