import { checkFunction, checkName, show } from '../core/arguments.ts';
import { runtimeName } from '../platform/runtime.ts';
import { type AnyFunction, registry } from './registry.ts';
import { type ContextStorage, isContextStorage, runOf } from './storage.ts';

/**
 * Marks a function so that any thread finds it: by the module in which it stands, and its name there. A thread that
 * receives such a function imports the module, whose top level registers it, exported or not.
 *
 * Use it for functions that use other things of their module: imports, constants, other functions. A function that
 * uses nothing but its arguments and globals needs no mark.
 *
 * - Gives back the same function, to be called in place as ever.
 * - Call it at the top level of the module: a thread that imports the module must come by.
 * - The module's top level runs in each thread that imports it: guard what only the program should do with
 *   `if (isMainThread)`.
 *
 * @param meta The module: `import.meta`, or its URL.
 * @param name The name to be found by; by default the function's own.
 * @throws {TypeError} The function has no name and none was given; another function of the module has that name; or
 *   `meta` is not a module's.
 *
 * @example
 * ```ts
 * import { isMainThread, portable, toThread } from 'heddle';
 *
 * const WIDTH = 20;
 * const pad = portable(import.meta, function pad(text: string): string {
 *   return text.padStart(WIDTH);
 * });
 *
 * if (isMainThread) console.log(await toThread(pad, 'on the right'));
 * ```
 */
export function portable<F extends AnyFunction>(meta: ImportMeta | string | URL, fn: F, name?: string): F;
/**
 * Marks all functions of a record, by the names that they have in it.
 *
 * @example
 * ```ts
 * import { isMainThread, portable, toThread } from 'heddle';
 *
 * export const { double, half } = portable(import.meta, {
 *   double: (n: number): number => n * 2,
 *   half: (n: number): number => n / 2,
 * });
 *
 * if (isMainThread) console.log(await toThread(double, 21));
 * ```
 */
export function portable<R extends Record<string, AnyFunction>>(
  meta: ImportMeta | string | URL,
  functions: R,
): R;
/**
 * Names a storage of context, such as an AsyncLocalStorage, so that jobs in other threads can be given its value: see
 * `SubmitOptions.context`. In each thread the value is put into the storage that the module makes there.
 *
 * @example
 * ```ts
 * import { AsyncLocalStorage } from 'node:async_hooks';
 * import { isMainThread, portable, ThreadPoolExecutor } from 'heddle';
 *
 * const request = portable(import.meta, new AsyncLocalStorage<string>(), 'request');
 *
 * const log = portable(import.meta, function log(text: string): string {
 *   return `[${request.getStore()}] ${text}`;
 * });
 *
 * if (isMainThread) {
 *   await using pool = new ThreadPoolExecutor({ threads: 1 });
 *   const traced = pool.with({ context: [request] });
 *   console.log(await request.run('7f3a', () => traced.submit(log, 'done'))); // [7f3a] done
 * }
 * ```
 */
export function portable<S extends ContextStorage>(
  meta: ImportMeta | string | URL,
  storage: S,
  name: string,
): S;
export function portable(
  meta: ImportMeta | string | URL,
  functions: AnyFunction | Record<string, AnyFunction> | ContextStorage,
  name?: string,
): AnyFunction | Record<string, AnyFunction> | ContextStorage {
  const module = moduleOf(meta);
  // A record has no name: so one of functions called `run` and `get` is not taken for a storage.
  if (name !== undefined && typeof functions === 'object') {
    if (!isContextStorage(functions))
      throw new TypeError(
        `storage must be an AsyncLocalStorage, or have run and get, received ${show(functions)}; a record of functions takes no name`,
      );
    register(module, runOf(functions), checkName(name)!);
    return functions;
  }
  if (typeof functions === 'function') {
    if (name !== undefined && typeof name !== 'string')
      throw new TypeError(`name must be a string, received ${show(name)}`);
    checkNoClass(functions);
    register(module, functions, name ?? functions.name);
    return functions;
  }
  if (typeof functions !== 'object' || functions === null || Array.isArray(functions))
    throw new TypeError(`fn must be a function or a record of functions, received ${show(functions)}`);
  const entries = Object.entries(functions);
  if (entries.length === 0)
    throw new TypeError(
      `functions must have at least one function, received ${show(functions)}; a storage of context needs a name: portable(import.meta, storage, name)`,
    );
  for (const [key, fn] of entries) {
    checkFunction(fn, `functions.${key}`);
    checkNoClass(fn);
    register(module, fn, key);
  }
  return functions;
}

function checkNoClass(fn: AnyFunction): void {
  if (!/^class\b/.test(Function.prototype.toString.call(fn))) return;
  throw new TypeError(
    `Cannot register function "${fn.name}": it is a class, which a job cannot call; register it with registerClass(import.meta, ${fn.name || 'type'}), so that its objects can be sent`,
  );
}

/** Makes the module and name of a function, or class, known. @throws {TypeError} another has that name, or it has none. */
export function register({ url, copy }: Module, fn: AnyFunction, name: string): void {
  if (name === '') {
    throw new TypeError(
      'Cannot register function: it has no name; give one with portable(import.meta, fn, name)',
    );
  }
  const key = `${url}#${name}`;
  const known = registry.functions.get(key);
  // Another file of a bundle has the module too, with names that a minifier chose: what is in use already goes on to be.
  if (known !== undefined && copy !== undefined && copy !== registry.copies.get(key)) {
    registry.marks.set(fn, { url, name });
    return;
  }
  // The same module may be evaluated twice (a hot reload, a query in its URL): the same text is the same function.
  if (known !== undefined && known !== fn && String(known) !== String(fn)) {
    throw new TypeError(
      `Cannot register function "${name}": another function of ${url} is registered by that name; give one of them another with portable(import.meta, fn, name)`,
    );
  }
  registry.functions.set(key, fn);
  if (copy !== undefined) registry.copies.set(key, copy);
  registry.marks.set(fn, { url, name });
}

/** A module, as the code that is written in it names it. */
export interface Module {
  readonly url: string;
  /** In a bundle, which may have copies of it: an object of this one's own. The plugin for bundlers writes it. */
  readonly copy: unknown;
}

/** The module that `meta` means. @throws {TypeError} It means none. */
export function moduleOf(meta: unknown): Module {
  const copy = typeof meta === 'object' && meta !== null && 'copy' in meta ? meta.copy : undefined;
  const url = typeof meta === 'object' && meta !== null && 'url' in meta ? meta.url : meta;
  const text = url instanceof URL ? url.href : url;
  // A drive letter makes a Windows path look like a URL: a scheme has two letters at least.
  if (
    typeof text === 'string' &&
    /^[a-z][a-z\d+.-]+:/i.test(text) &&
    URL.canParse(text) &&
    !(url === meta && isUnloadable(text))
  ) {
    return { url: text.replace(/#.*$/s, ''), copy };
  }
  throw new TypeError(
    `Cannot register function: expected the module's import.meta or its URL, received ${show(meta)}; pass import.meta`,
  );
}

/** Not said of the URL that a module has itself: whatever has loaded it can do so again. */
function isUnloadable(url: string): boolean {
  return runtimeName !== 'deno' && /^https?:/i.test(url);
}
