/** What vite's module runner, and so vitest, makes of the functions that it serves: their text is not as written. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const DYNAMIC_IMPORT = /^__(?:vite|vi|vitest)_(?:ssr_)?(?:dynamic_)?import__$/;
const STATIC_IMPORT = /^__(?:vite|vi|vitest)_(?:ssr_)?import_\d+__$/;
const IMPORT_META = /^(?:__vite_ssr_import_meta__|(?:define_)?import_meta(?:_default)?\d*)$/;

/** Whether a function of this name is what a build tool made of `import()`. */
export function isRewrittenImport(name: string): boolean {
  return DYNAMIC_IMPORT.test(name);
}

/** Whether a variable of this name holds the module of a rewritten `import … from`. */
export function isRewrittenStaticImport(name: string): boolean {
  return STATIC_IMPORT.test(name) || /^import_\w+$/.test(name);
}

/** Whether a variable of this name stands for `import.meta`. */
export function isRewrittenMeta(name: string): boolean {
  return IMPORT_META.test(name);
}

/** Whether a function of this name is what loads the module of a rewritten `import … from`. */
export function isImportCall(name: string): boolean {
  return /^__(?:vite|vi|vitest)_(?:ssr_)?import__$/.test(name);
}

/** Whether a function of this name is told of each export: its name, and a function that gives it. */
export function isExportCall(name: string): boolean {
  return name === '__vite_ssr_exportName__';
}

/** Whether a variable of this name is the object of a module's exports. */
export function isExportsObject(name: string): boolean {
  return name === '__vite_ssr_exports__';
}

/** Whether the module at `url` is one of tests, which only the test runner itself can load. */
export function isTestFile(url: string): boolean {
  const { __vitest_worker__: worker } = globalThis as { __vitest_worker__?: { filepath?: unknown } };
  return typeof worker?.filepath === 'string' && pathToFileURL(worker.filepath).href === url;
}

/** The specifier that a rewritten import means: served paths such as `/src/a.ts` and `/@fs/tmp/a.ts` are files. */
export function servedSpecifier(specifier: string): string {
  if (specifier.startsWith('/@fs/')) return pathToFileURL(specifier.slice('/@fs'.length)).href;
  if (specifier.startsWith('/@id/')) return specifier.slice('/@id/'.length).replace('__x00__', '');
  if (!specifier.startsWith('/')) return specifier;
  const path = specifier.replace(/\?.*$/s, '');
  const served = join(servedRoot(), path);
  return pathToFileURL(existsSync(served) || !existsSync(path) ? served : path).href;
}

function servedRoot(): string {
  const { __vitest_worker__: worker } = globalThis as {
    __vitest_worker__?: { config?: { root?: unknown } };
  };
  return typeof worker?.config?.root === 'string' ? worker.config.root : process.cwd();
}
