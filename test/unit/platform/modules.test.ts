import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { importFrom, importingModule, importModule } from '../../../src/platform/modules.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** A program that has a thread import modules for it, from the built library, and prints what came of each. */
const files: Readonly<Record<string, string>> = {
  'package.json': '{ "type": "module" }',
  'node_modules/dual/package.json': '{ "exports": { "import": "./import.js", "require": "./require.cjs" } }',
  'node_modules/dual/import.js': 'export const out = "as imported";',
  'node_modules/dual/require.cjs': 'exports.out = "as required";',
  'main.js': `
    import { Worker } from 'node:worker_threads';
    import { loaderSettings } from 'DIST/platform/modules.js';
    const worker = new Worker(new URL('./thread.js', import.meta.url), { workerData: loaderSettings() });
    worker.on('message', (message) => console.log(JSON.stringify(message)));`,
  'thread.js': `
    import { parentPort, workerData } from 'node:worker_threads';
    import { applyLoaderSettings, importFrom, importModule } from 'DIST/platform/modules.js';
    applyLoaderSettings(workerData);
    const here = (path) => new URL(path, import.meta.url).href;
    const jobs = {
      typescript: () => importModule(here('./folder/types.ts')),
      enums: () => importModule(here('./folder/enums.ts')),
      jsx: () => importModule(here('./folder/view.tsx')),
      javascript: () => importModule(here('./folder/types.js')),
      relative: () => importFrom('./types.ts', here('./folder/other.ts')),
      package: () => importFrom('dual', here('./folder/other.ts')),
    };
    const results = {};
    for (const [name, job] of Object.entries(jobs)) {
      results[name] = await job().then(({ out }) => out, (error) => error.name + ': ' + error.message);
    }
    parentPort.postMessage(results);`,
  'folder/types.ts': 'export const out: string = "typed";',
  'folder/dep.ts': 'export const dep: string = "dep";',
  'folder/enums.ts':
    'import { dep } from "./dep.js"; enum E { A = "enum of " } export const out: string = E.A + dep;',
  'folder/view.tsx': 'const h = (tag: string): string => tag; /** @jsx h */ export const out = <b />;',
};

let folder = '';

function run(...args: string[]): Record<string, string> {
  const { stdout, stderr } = spawnSync(process.execPath, [...args, join(folder, 'main.js')], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  expect(stderr).toBe('');
  return JSON.parse(stdout) as Record<string, string>;
}

beforeAll(() => {
  folder = mkdtempSync(join(realpathSync(tmpdir()), 'heddle-modules-'));
  const dist = join(folder, 'dist');
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const options = ['-p', join(root, 'tsconfig.build.json'), '--outDir', dist, '--declaration', 'false'];
  spawnSync(process.execPath, [
    tsc,
    ...options,
    '--declarationMap',
    'false',
    '--isolatedDeclarations',
    'false',
  ]);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text.replaceAll('DIST', pathToFileURL(dist).href));
  }
  for (const name of ['acorn', 'tsx']) {
    symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name));
  }
}, 60_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a thread imports TypeScript', () => {
  test('where Node strips types, as the main thread would', () => {
    expect(run()).toMatchObject({
      typescript: 'typed',
      javascript: 'typed',
      relative: 'typed',
      package: 'as imported',
      jsx: 'b',
    });
  });

  test('where Node does not, through tsx', () => {
    expect(run('--no-experimental-strip-types')).toEqual({
      typescript: 'typed',
      enums: 'enum of dep',
      jsx: 'b',
      javascript: 'typed',
      relative: 'typed',
      package: 'as imported',
    });
  });

  test.each([[[]], [['--no-experimental-strip-types']]])(
    'as tsx does where the program runs under it (%s)',
    (flags) => {
      expect(run(...flags, '--import', pathToFileURL(createRequire(root).resolve('tsx')).href)).toEqual({
        typescript: 'typed',
        enums: 'enum of dep',
        jsx: 'b',
        javascript: 'typed',
        relative: 'typed',
        package: 'as imported',
      });
    },
  );

  test('or is told to install tsx where Node needs it and there is none', () => {
    const tsx = join(folder, 'node_modules/tsx');
    rmSync(tsx);
    try {
      const without = run('--no-experimental-strip-types');
      const advice =
        /^TypeError: Cannot import file:.* does not load TypeScript by itself; run npm install tsx, or use Node/;
      expect(without['typescript']).toMatch(advice);
      expect(without['javascript']).toMatch(advice);
      expect(without['package']).toBe('as imported');
      expect(run()['jsx']).toMatch(/does not load JSX by itself; run npm install tsx$/);
    } finally {
      symlinkSync(join(root, 'node_modules/tsx'), tsx);
    }
  });
});

describe('importModule()', () => {
  const data = (source: string): string => `data:text/javascript,${encodeURIComponent(source)}`;

  test('rejects a module that does not exist with an error that names it and says what to check', async () => {
    const url = new URL('./no-such-module.ts', import.meta.url).href;
    await expect(importModule(url)).rejects.toThrow(
      `Cannot import module ${url}: there is no such module; check the path`,
    );
    await expect(importModule(url)).rejects.toBeInstanceOf(TypeError);
  });

  test('leaves the errors of the module as they are', async () => {
    await expect(importModule(data('throw new RangeError("mine")'))).rejects.toThrow(new RangeError('mine'));
    await expect(importModule(data('import "node:nothing"'))).rejects.not.toThrow(
      'Cannot import module data:',
    );
  });

  test('tells which module is being imported while its top level runs, and not after', async () => {
    const probe = globalThis as { heddleProbe?: () => void };
    const seen: (string | undefined)[] = [];
    probe.heddleProbe = () => seen.push(importingModule());
    const url = data('await null; heddleProbe();');
    await importModule(url);
    await importModule(data('throw 1')).catch(() => {});
    seen.push(importingModule());
    expect(seen).toEqual([url, undefined]);
    delete probe.heddleProbe;
  });
});

describe('importFrom()', () => {
  const base = import.meta.url;

  test('resolves relative to the base, packages from it, and takes everything that import() takes', async () => {
    expect(await importFrom('../../../src/core/clock.ts', base)).toHaveProperty('now');
    expect(await importFrom('node:path', base)).toHaveProperty('join');
    expect(await importFrom('acorn', base)).toHaveProperty('parse');
    expect(await importFrom(new URL('../../../src/core/clock.ts', base).href, undefined)).toHaveProperty(
      'now',
    );
    const json = await importFrom('../../../package.json', base, { with: { type: 'json' } });
    expect(json['default']).toMatchObject({ name: 'heddle' });
  });

  test('takes packages from the working directory without a base', async () => {
    expect(await importFrom('acorn', undefined)).toHaveProperty('parse');
  });

  test('refuses a relative specifier without a base', async () => {
    await expect(importFrom('./a.ts', undefined)).rejects.toThrow(
      'the file in which the function was written is not known',
    );
  });
});
