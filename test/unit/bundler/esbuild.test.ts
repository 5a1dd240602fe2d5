import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type BuildOptions, build, context } from 'esbuild';
import { afterEach, expect, test } from 'vitest';
import { heddle } from '../../../src/bundler/plugin.ts';

const JOBS =
  "import { portable } from 'heddle';\nexport const job = portable(import.meta, function job() {});\n";

let folder = '';
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function project(files: Readonly<Record<string, string>>): void {
  folder = mkdtempSync(join(tmpdir(), 'heddle-esbuild-'));
  write(files);
}

function write(files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

function options(more: BuildOptions = {}): BuildOptions {
  return {
    absWorkingDir: folder,
    entryPoints: ['main.ts'],
    bundle: true,
    platform: 'node',
    format: 'esm',
    outdir: 'dist',
    logLevel: 'silent',
    plugins: [heddle.esbuild()],
    ...more,
  };
}

const threadFiles = (): string[] =>
  readdirSync(join(folder, 'dist')).filter((name) => /^heddle-.*\.js$/.test(name));

test('a module for threads that only another one names has a file too', async () => {
  project({
    'main.ts':
      "import { defaultPool } from 'heddle';\ndefaultPool().import(new URL('./a.js', import.meta.url));",
    'a.ts':
      "import { toThread } from 'heddle';\nexport const a = () => toThread(async () => (await import('./b.ts')).b);",
    'b.ts': 'export const b = 1;',
  });
  await build(options());
  expect(threadFiles()).toEqual([
    expect.stringMatching(/^heddle-a-[\da-f]{8}\.js$/),
    expect.stringMatching(/^heddle-b-[\da-f]{8}\.js$/),
  ]);
});

test('a pool may come from another module, and a function go by its name', async () => {
  project({
    'main.ts':
      "import { pool } from './pool.ts';\nconst job = async () => (await import('./b.ts')).b;\npool.import(() => import('./a.ts'));\npool.submit(job);",
    'pool.ts': "import { ThreadPoolExecutor } from 'heddle';\nexport const pool = new ThreadPoolExecutor();",
    'a.ts': 'export const a = () => 1;',
    'b.ts': 'export const b = 1;',
  });
  await build(options());
  expect(threadFiles()).toHaveLength(2);
});

test('a program without such modules is built as if the plugin were not there', async () => {
  project({ 'main.ts': "import { run } from 'heddle';\nawait run(() => {});" });
  await build(options({ entryNames: '[name]-[hash]' }));
  expect(readdirSync(join(folder, 'dist'))).toEqual([expect.stringMatching(/^main-\w+\.js$/)]);
});

test('names with a hash are refused, for they are not known while they are written', async () => {
  project({ 'main.ts': JOBS });
  await expect(build(options({ entryNames: '[name]-[hash]' }))).rejects.toThrow(
    /entryNames is "\[name\]-\[hash\]"/,
  );
});

test('a file in a folder of its own is refused if it names files for threads', async () => {
  project({ 'app/main.ts': "import '../jobs.ts';", 'cli/main.ts': "import '../jobs.ts';", 'jobs.ts': JOBS });
  await expect(build(options({ entryPoints: ['app/main.ts', 'cli/main.ts'] }))).rejects.toThrow(
    /has to lie in .*dist itself/,
  );
});

test('a folder of chunks is refused by the name of its option', async () => {
  project({ 'main.ts': JOBS, 'cli.ts': "import { job } from './main.ts';\nconsole.log(job);" });
  const more = { entryPoints: ['main.ts', 'cli.ts'], splitting: true, chunkNames: 'chunks/[name]-[hash]' };
  await expect(build(options(more))).rejects.toThrow(/give chunkNames no folder: "\[name\]-\[hash\]"/);
});

test('a module that is named for the first time in a later build is refused', async () => {
  project({ 'main.ts': "import './jobs.ts';", 'jobs.ts': JOBS, 'late.ts': JOBS });
  const builds = await context(options());
  try {
    await builds.rebuild();
    write({ 'main.ts': "import './jobs.ts';\nimport './late.ts';" });
    await expect(builds.rebuild()).rejects.toThrow(/late\.ts for threads: .* begin it again/);
  } finally {
    await builds.dispose();
  }
});

test('other plugins hear of one end, and what they resolve and load is found', async () => {
  project({ 'main.ts': "import 'virtual:jobs';", 'jobs.ts': JOBS });
  let ends = 0;
  await build(
    options({
      plugins: [
        heddle.esbuild(),
        {
          name: 'other',
          setup({ onEnd, onResolve }) {
            onEnd(() => {
              ends++;
            });
            onResolve({ filter: /^virtual:/ }, () => ({ path: join(folder, 'jobs.ts') }));
          },
        },
      ],
    }),
  );
  expect(ends).toBe(1);
  expect(threadFiles()).toEqual([expect.stringMatching(/^heddle-jobs-/)]);
});

test('what is wrong with the program is told once, by the build itself', async () => {
  project({ 'main.ts': `${JOBS}import './absent.ts';` });
  await expect(build(options())).rejects.toThrow(/1 error[\s\S]*absent/);
});
