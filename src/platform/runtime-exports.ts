/** The functions that the modules of the runtime export: `gzipSync` of `node:zlib`. Any thread can import them. */
import { createRequire } from 'node:module';

export interface RuntimeExport {
  readonly url: string;
  readonly name: string;
}

/** Those whose functions one calls with values; loading any of them has no effect. */
const MODULES: readonly string[] =
  `path util url zlib crypto fs fs/promises os querystring buffer child_process dns dns/promises timers timers/promises assert
  console process perf_hooks v8 vm events stream stream/promises readline async_hooks worker_threads module net tls http
  https path/posix path/win32 util/types`.split(/\s+/);

let known: Map<unknown, RuntimeExport> | undefined;

/**
 * The module that exports the function, and by what name; `undefined` if none does.
 *
 * **Cost.** The first time some 40 ms, for it loads those modules that are not loaded yet.
 */
export function exportOfRuntime(fn: unknown): RuntimeExport | undefined {
  known ??= collect();
  return known.get(fn);
}

function collect(): Map<unknown, RuntimeExport> {
  const found = new Map<unknown, RuntimeExport>();
  const require = createRequire(import.meta.url);
  for (const url of MODULES.map((module) => `node:${module}`)) {
    for (const [name, { value }] of exportsOf(require, url))
      if (typeof value === 'function' && !found.has(value)) found.set(value, { url, name });
  }
  return found;
}

function exportsOf(require: NodeJS.Require, url: string): [string, PropertyDescriptor][] {
  try {
    return Object.entries(Object.getOwnPropertyDescriptors(require(url) as object));
  } catch {
    return []; // a runtime that has no such module
  }
}
