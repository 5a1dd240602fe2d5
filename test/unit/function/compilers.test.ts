/** Inline functions as compilers leave them: the real ones, and what they make runs in a real thread. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as swc from '@swc/core';
import * as esbuild from 'esbuild';
import { minify } from 'terser';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CaptureError, ThreadPoolExecutor } from '../../../src/index.ts';
import { importFrom } from '../../../src/platform/modules.ts';
import type { cases as Cases } from '../../fixtures/modern.ts';

const root = join(import.meta.dirname, '../../..');
const fixture = join(root, 'test/fixtures/modern.ts');
const source = readFileSync(fixture, 'utf8');
/** Within the project, so that what the compilers made finds its packages. */
const cache = join(root, 'node_modules/.cache');
mkdirSync(cache, { recursive: true });
const folder = mkdtempSync(join(cache, 'compiled-'));
/** No runtime has decorators of its own yet: where a compiler leaves them as they are, there is nothing to run. */
const plain = join(folder, 'modern.ts');
writeFileSync(plain, source.replace(/^\s*@twice$/m, ''));
const names = [...source.matchAll(/^ {2}'?([\w ,]+)'?: \[$/gm)].map(([, name]) => name!);

let pool: ThreadPoolExecutor;
beforeAll(() => {
  pool = new ThreadPoolExecutor({ threads: 1 });
});
afterAll(async () => {
  await pool.shutdown();
  rmSync(folder, { recursive: true });
});

interface Compiled {
  readonly code: string;
  readonly extension: 'mjs' | 'cjs';
}

interface Compiler {
  readonly title: string;
  /** Whether it gives the helpers other names. */
  readonly renames?: boolean;
  readonly compile: () => Compiled | Promise<Compiled>;
}

const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc');

function byTypeScript(target: string, module: 'esnext' | 'commonjs', importHelpers: boolean): Compiler {
  return {
    title: `tsc, ${target}, ${module}${importHelpers ? ', helpers of tslib' : ''}`,
    compile: () => {
      const out = mkdtempSync(join(folder, 'tsc-'));
      const flags = ['--target', target, '--module', module, '--importHelpers', String(importHelpers)];
      const library = ['--lib', 'esnext', '--types', 'node', '--moduleResolution', 'bundler', '--strict'];
      execFileSync(
        process.execPath,
        [tsc, '--ignoreConfig', '--outDir', out, ...flags, ...library, target === 'esnext' ? plain : fixture],
        { cwd: root, stdio: 'pipe', encoding: 'utf8' },
      );
      return {
        code: readFileSync(join(out, 'modern.js'), 'utf8'),
        extension: module === 'commonjs' ? 'cjs' : 'mjs',
      };
    },
  };
}

function byEsbuild(target: string, options: esbuild.TransformOptions = {}): Compiler {
  return {
    title: `esbuild, ${target}, ${JSON.stringify(options)}`,
    compile: async () => {
      const { code } = await esbuild.transform(source, { loader: 'ts', format: 'esm', target, ...options });
      return { code, extension: options.format === 'cjs' ? 'cjs' : 'mjs' };
    },
  };
}

function bySwc(target: swc.JscTarget, module: 'es6' | 'commonjs', externalHelpers: boolean): Compiler {
  return {
    title: `swc, ${target}, ${module}${externalHelpers ? ', helpers of @swc/helpers' : ''}`,
    compile: async () => {
      const { code } = await swc.transform(source, {
        jsc: {
          target,
          externalHelpers,
          parser: { syntax: 'typescript', decorators: true },
          transform: { decoratorVersion: '2022-03' },
        },
        module: { type: module },
        configFile: false,
        swcrc: false,
      });
      return { code, extension: module === 'commonjs' ? 'cjs' : 'mjs' };
    },
  };
}

function byTerser(compiler: Compiler): Compiler {
  return {
    title: `terser after ${compiler.title}`,
    compile: async () => {
      const { code, extension } = await compiler.compile();
      const minified = await minify(code, { compress: true, mangle: true });
      return { code: minified.code!, extension };
    },
  };
}

describe.each<Compiler>([
  byTypeScript('es2015', 'esnext', false),
  byTypeScript('es2017', 'esnext', false),
  byTypeScript('es2017', 'commonjs', false),
  byTypeScript('es2017', 'esnext', true),
  byTypeScript('es2017', 'commonjs', true),
  byTypeScript('es2018', 'esnext', false),
  byTypeScript('es2022', 'esnext', false),
  byTypeScript('es2022', 'commonjs', true),
  byTypeScript('esnext', 'esnext', false),
  byEsbuild('es2016'),
  byEsbuild('es2016', { keepNames: true, format: 'cjs' }),
  byEsbuild('es2018', { keepNames: true }),
  byEsbuild('es2022', { minifySyntax: true, minifyWhitespace: true }),
  { ...byEsbuild('node20', { keepNames: true, minify: true }), renames: true },
  bySwc('es2015', 'es6', false),
  bySwc('es2015', 'es6', true),
  bySwc('es2017', 'commonjs', false),
  bySwc('es2022', 'es6', false),
  byTerser(byTypeScript('es2017', 'commonjs', false)),
  byTerser(byEsbuild('es2018')),
])('compiled by $title', ({ compile, renames }) => {
  let cases: typeof Cases;

  beforeAll(async () => {
    const { code, extension } = await compile();
    const path = join(mkdtempSync(join(folder, 'module-')), `modern.${extension}`);
    writeFileSync(path, code);
    const module = await importFrom(pathToFileURL(path).href, undefined);
    cases = (module['cases'] ?? (module['default'] as { cases: unknown }).cases) as typeof Cases;
  }, 60_000);

  test.each(names)('%s does in a thread what it does here', async (name) => {
    const [fn, ...args] = cases[name]!;
    const future = pool.submit(fn, ...(args as never[]));
    if (renames && /disposal|decorators/.test(name)) await expect(future).rejects.toThrow(CaptureError);
    else expect(await future).toEqual(await fn(...(args as never[])));
  });
});
