/** Finding out, for a function without any mark, which module exports it and by which name. */

import { isTestFile } from '../platform/dev-server.ts';
import { type Surroundings, scriptOf, surroundingsOf, variableIn } from '../platform/inspector.ts';
import { commonJsExports } from '../platform/modules.ts';
import { exportOfRuntime } from '../platform/runtime-exports.ts';
import { BoundedCache } from './bounded-cache.ts';
import type { AnyFunction } from './registry.ts';
import { namesOfScript, type ScriptNames } from './script-names.ts';

/** The file in which a function is written, as far as the runtime tells. */
export interface WrittenIn extends ScriptNames {
  readonly url: string;
  readonly around: Surroundings;
}

/** An export of a module, which every thread can import. */
export interface FoundExport {
  readonly url: string;
  readonly name: string;
}

/** By script: each is read once. */
const scripts = new BoundedCache<string, ScriptNames & { readonly url: string }>(1000);

/** `undefined` where the runtime does not tell. What it costs: see `platform/inspector.ts`. */
export function writtenIn(fn: AnyFunction): WrittenIn | undefined {
  const around = surroundingsOf(fn);
  if (around === undefined) return undefined;
  const script = scripts.getOrMake(around.script, () => {
    const source = scriptOf(around.script);
    return { url: source?.url ?? '', ...namesOfScript(source) };
  });
  return { url: script.url, exports: script.exports, imports: script.imports, served: script.served, around };
}

/** The export that is this very function now; `undefined` if there is none. */
export function findExport(fn: AnyFunction, { url, exports, around }: WrittenIn): FoundExport | undefined {
  if (url.startsWith('node:')) return exportOfRuntime(fn);
  // Functions that were evaluated have the address of a file with a fragment; some have none.
  if (!/^[a-z][a-z\d+.-]+:[^#]+$/i.test(url) || isTestFile(url)) return undefined;
  for (const { name, local, from, to } of exports) {
    const found =
      local === undefined
        ? from !== undefined && to !== undefined && isWithin(around, from, to)
        : variableIn(around.scopes, local)?.[0] === fn;
    if (found) return { url, name };
  }
  const name = nameAmong(commonJsExports(url), fn);
  return name === undefined ? undefined : { url, name };
}

/** What `fn`, written in a module, sees of an export of it now; `undefined` if it has no value yet, or is not known. */
export function exportSeenBy(fn: AnyFunction, name: string): unknown {
  const written = writtenIn(fn);
  const local = written?.exports.find((one) => one.name === name)?.local;
  return local === undefined ? undefined : variableIn(written!.around.scopes, local)?.[0];
}

interface Place {
  readonly line: number;
  readonly column: number;
}

function isWithin(place: Place, from: Place, to: Place): boolean {
  const after = place.line > from.line || (place.line === from.line && place.column >= from.column);
  return after && (place.line < to.line || (place.line === to.line && place.column < to.column));
}

/** `module.exports = fn` is what an import calls the default. */
function nameAmong(exports: unknown, fn: AnyFunction): string | undefined {
  if (exports === fn) return 'default';
  if ((typeof exports !== 'object' && typeof exports !== 'function') || exports === null) return undefined;
  for (const name of Object.keys(exports)) {
    try {
      if ((exports as Record<string, unknown>)[name] === fn) return name;
    } catch {
      // A getter of an export that is not there yet: compilers write such.
    }
  }
  return undefined;
}
