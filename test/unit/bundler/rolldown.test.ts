import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { afterEach, expect, test } from 'vitest';
import { heddle } from '../../../src/bundler/plugin.ts';

let folder = '';
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** The chunks of a build of these files, by the modules they hold, with the names that they export. */
async function chunks(files: Readonly<Record<string, string>>): Promise<Record<string, string[]>> {
  folder = mkdtempSync(join(tmpdir(), 'heddle-rolldown-'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const bundle = await rolldown({
    cwd: folder,
    input: 'main.ts',
    platform: 'node',
    plugins: [heddle.rolldown()],
    logLevel: 'silent',
  });
  const { output } = await bundle.generate({ chunkFileNames: '[name].js' });
  await bundle.close();
  return Object.fromEntries(
    output.flatMap((file) => (file.type === 'chunk' ? [[file.fileName, [...file.exports].sort()]] : [])),
  );
}

test('a module for threads is a chunk with its own exports, whatever else needs it', async () => {
  const found = await chunks({
    'main.ts': "import { a } from './jobs.ts';\nimport { toThread } from 'heddle';\nawait toThread(a);",
    'jobs.ts':
      "import { portable } from 'heddle';\nexport const { a, b } = portable(import.meta, { a() {}, b() {} });",
  });
  expect(found['jobs.js'] ?? []).toEqual(['a', 'b']);
});

test('what an inline function imports stays a file, though the program has loaded it', async () => {
  const found = await chunks({
    'main.ts':
      "import { toThread } from 'heddle';\nimport { x } from './dep.ts';\nconst job = async () => (await import('./dep.ts')).x;\nconsole.log(x, await toThread(job));",
    'dep.ts': 'export const x = 1;',
  });
  expect(Object.values(found)).toContainEqual(['x']);
});

test('modules of packages that are not bundled are left to the runtime', async () => {
  const found = await chunks({
    'main.ts': "import { defaultPool } from 'heddle';\ndefaultPool().import(() => import('node:zlib'));",
  });
  expect(Object.keys(found)).toEqual(['main.js']);
});

test('a bundler that is not known is refused by name', () => {
  expect(() => heddle.farm()).toThrow(/with farm: use it with vite, rollup, rolldown, esbuild or webpack/);
});
