/** Finding the module that `pool.import(() => import('./image.js'))` means, without importing it here. */

import { show } from '../core/arguments.ts';
import { callerUrl } from '../platform/call-site.ts';
import { servedSpecifier } from '../platform/dev-server.ts';
import { specifierUrl } from '../platform/modules.ts';
import { type ImportedModule, readInline } from './inline.ts';
import type { AnyFunction } from './registry.ts';

/**
 * The URL, for `importModule`, of the module that `load` imports. `site` is the public function of ours, on the stack
 * now, in whose caller's file `load` is written.
 *
 * @throws {TypeError} `load` does not say which module it imports.
 */
export function moduleUrl(load: (() => Promise<object>) | URL | string, site: AnyFunction): string {
  if (load instanceof URL) return load.href;
  if (typeof load === 'string') {
    if (isUrl(load)) return load;
    throw new TypeError(`Cannot import ${show(load)}: expected a URL; ${wayOut(load)}`);
  }
  if (typeof load !== 'function')
    throw new TypeError(`load must be a function or a URL, received ${show(load)}`);
  const { specifier, served } = importedBy(load);
  const meant = served ? servedSpecifier(specifier) : specifier;
  if (isUrl(meant)) return meant;
  const base = callerUrl(site);
  if (base === undefined) {
    throw new TypeError(
      `Cannot import "${specifier}": the file in which that is written is not known; ${wayOut(specifier)}`,
    );
  }
  if (/^(?:\.{0,2}\/|\.{1,2}$)/.test(meant)) return new URL(meant, base).href;
  return specifierUrl(meant, base);
}

function importedBy(load: AnyFunction): ImportedModule {
  const modules = readInline(String(load), load.name).modules;
  const [only] = modules;
  if (modules.length === 1 && only !== undefined) return only;
  throw new TypeError(
    `Cannot tell which module ${String(load).slice(0, 200)} imports: expected one import() of a literal; ${wayOut('./image.js')}`,
  );
}

/** A drive letter makes a Windows path look like a URL: a scheme has two letters at least. */
function isUrl(text: string): boolean {
  return /^[a-z][a-z\d+.-]+:/i.test(text) && URL.canParse(text);
}

function wayOut(specifier: string): string {
  const path = /^(?:\.|\/|[a-z]:)/i.test(specifier) ? specifier : './image.js';
  return `pass new URL('${path}', import.meta.url)`;
}
