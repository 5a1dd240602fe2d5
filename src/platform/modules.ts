/**
 * Importing modules on behalf of jobs: by URL, or as if written in another file, with TypeScript wherever the main
 * thread can have it.
 */

import { existsSync, realpathSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import module, { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import vm from 'node:vm';
import { createAmbient } from './ambient.ts';
import { loadsTypeScript, runtimeName } from './runtime.ts';
import { isMainThread } from './thread-identity.ts';

/** A module's exports. */
export type Module = Record<string, unknown>;

/** What a thread must be told of the way in which the thread that starts it loads modules. */
export interface LoaderSettings {
  /** Whether the program runs under tsx, which resolves and compiles more than Node itself does. */
  readonly tsx: boolean;
  /** The file of the program, if there is one. */
  readonly program: string | undefined;
}

/** In a Worker the runtime says here which file that runs. */
let program: string | undefined = process.argv[1];
let tsxWanted = false;
/** Whether tsx could be switched on in this thread, once that was tried. */
let tsxRegistered: Promise<boolean> | undefined;

/** How this thread loads modules, to be handed to {@link applyLoaderSettings} in each thread that it starts. */
export function loaderSettings(): LoaderSettings {
  return { tsx: tsxWanted || tsxRegistered !== undefined || runsUnderTsx(), program };
}

/** Makes this thread load modules as the one did whose settings these are. Costs nothing before the first import. */
export function applyLoaderSettings(settings: LoaderSettings): void {
  tsxWanted = settings.tsx;
  program = settings.program;
}

/** `--import tsx` and its kin, which the tsx command passes too. */
function runsUnderTsx(): boolean {
  if (runtimeName !== 'node') return false;
  const flags = [...process.execArgv, ...(process.env['NODE_OPTIONS'] ?? '').split(/\s+/)];
  return flags.some((flag) => /(?:^|[\\/=])tsx(?:$|[\\/])/.test(flag));
}

const SCHEME = 'heddle-import:';

/** A URL for {@link importModule} that stands for `import(specifier)` written in the file `base`. */
export function specifierUrl(specifier: string, base: string): string {
  return `${SCHEME}${encodeURIComponent(specifier)}?from=${encodeURIComponent(base)}`;
}

/** What a reader knows the module at `url` by. */
export function moduleName(url: string): string {
  const { specifier, base } = readSpecifierUrl(url) ?? {};
  return specifier === undefined ? url : `"${specifier}" (imported from ${base})`;
}

function readSpecifierUrl(url: string): { specifier: string; base: string } | undefined {
  if (!url.startsWith(SCHEME)) return undefined;
  const [specifier = '', base = ''] = url.slice(SCHEME.length).split('?from=');
  return { specifier: decodeURIComponent(specifier), base: decodeURIComponent(base) };
}

const loaded = new Map<string, Module>();

/** The modules that `importModule` has loaded in this thread, by URL. */
export function loadedModules(): ReadonlyMap<string, Module> {
  return loaded;
}

let required: NodeJS.Require['cache'] | undefined;

/** What `require` gave for the file at `url`, if it has loaded it; nothing is loaded for it. */
export function commonJsExports(url: string): unknown {
  if (!url.startsWith('file:')) return undefined;
  // All files have one.
  required ??= createRequire(url).cache;
  return required[fileURLToPath(url)]?.exports;
}

const importing: string[] = [];

/** The URL of the module that this thread is importing on behalf of a job: the last, if there are several. */
export function importingModule(): string | undefined {
  return importing.at(-1);
}

/** Which module, imported on behalf of a job, has begun the code that runs now; Bun does not tell. */
const begunBy = createAmbient<string>();

/**
 * Whether the code that runs now is the top level of the module at `url`, which this thread is importing on behalf of a job; or
 * was begun by the top level of any such module, and that one is the program itself.
 */
export function isTopLevelOf(url: string): boolean {
  const module = begunBy.get() ?? (runtimeName === 'bun' ? importingModule() : undefined);
  if (module === undefined) return false;
  return (module === url && importing.includes(url)) || isProgram(url);
}

/** Whether the file at `url` is that of the program. */
export function isProgram(url: string): boolean {
  if (program === undefined || !url.startsWith('file:')) return false;
  const path = fileURLToPath(url.replace(/[?#].*$/s, ''));
  return path === program || (existsSync(program) && realpathSync(program) === path);
}

async function tracked(url: string, load: () => Promise<Module>): Promise<Module> {
  importing.push(url);
  try {
    return await (isMainThread ? load() : begunBy.run(url, load));
  } finally {
    importing.splice(importing.lastIndexOf(url), 1);
  }
}

/**
 * Imports the module at `url`. What its top level throws comes through as it is.
 *
 * @throws {TypeError} There is no such module.
 */
export function importModule(url: string): Promise<Module> {
  const written = readSpecifierUrl(url);
  if (written !== undefined) return importFrom(written.specifier, written.base);
  return tracked(url, async () => {
    await prepareFor(url);
    const found = sourceOf(url) ?? url;
    try {
      const module = (await import(/* @vite-ignore */ found)) as Module;
      loaded.set(url, module);
      return module;
    } catch (error) {
      throw isMissing(error, found) ? noSuchModule(url, error) : error;
    }
  });
}

/**
 * `import(specifier, options)` as if it stood in the file `base`: relative to it, with the packages that it sees.
 * Without a base, packages are those of the working directory.
 */
export function importFrom(specifier: string, base: string | undefined, options?: unknown): Promise<Module> {
  return tracked(specifier, async () => {
    if (base === undefined && /^\.{1,2}(?:$|\/)/.test(specifier)) {
      throw new TypeError(
        `Cannot import "${specifier}": the file in which the function was written is not known; use portable(import.meta, fn) or an absolute URL`,
      );
    }
    const from = base ?? workingDirectory();
    await prepareFor(specifier.startsWith('.') ? new URL(specifier, from).href : from, specifier);
    return withoutWarning(() => importerFor(from)(specifier, options));
  });
}

/** `require` as it is in the file `base`; without a base, packages are those of the working directory. */
export function requireOf(base: string | undefined): (specifier: string) => unknown {
  return createRequire(base ?? workingDirectory());
}

type Importer = (specifier: string, options: unknown) => Promise<Module>;

const importers = new Map<string, Importer>();

function importerFor(base: string): Importer {
  let importer = importers.get(base);
  if (importer === undefined) {
    importer = makeImporter(base);
    importers.set(base, importer);
  }
  return importer;
}

/** A function that stands in the file `base` as far as import() can tell. Resolution is the runtime's own. */
function makeImporter(base: string): Importer {
  return vm.compileFunction('return import(specifier, options)', ['specifier', 'options'], {
    // Node takes a URL as well, Bun only a path.
    filename: base.startsWith('file:') ? fileURLToPath(base) : base,
    importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  }) as Importer;
}

let warned = runtimeName !== 'node';

/**
 * Node calls the default loader for compiled functions experimental, once per thread, at the first import: no news for
 * our users.
 */
function withoutWarning<T>(fn: () => T): T {
  if (warned) return fn();
  warned = true;
  return quietly(fn);
}

function quietly<T>(fn: () => T): T {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return fn();
  } finally {
    process.emitWarning = emitWarning;
  }
}

/** Sees to it that the module at `url`, and what it imports, can be read as TypeScript if it has to be. */
async function prepareFor(url: string, specifier: string = url): Promise<void> {
  if (runtimeName !== 'node') return;
  // Node itself strips types, but knows no JSX.
  const foreign = loadsTypeScript ? /\.[jt]sx$/ : /\.(?:[cm]?ts|[jt]sx)$/;
  const name = specifier.replace(/[?#].*$/s, '');
  const required = foreign.test(name) || foreign.test(sourceOf(url) ?? '');
  if (!required && !tsxWanted) return;
  // Where Node strips types, its threads also inherit tsx from the program's own flags.
  if (loadsTypeScript && runsUnderTsx()) return;
  if ((await useTsx(url)) || !required) return;
  throw new TypeError(
    `Cannot import ${url}: Node ${process.version} does not load ${/\.[jt]sx$/.test(name) ? 'JSX' : 'TypeScript'} by itself; run npm install tsx${loadsTypeScript ? '' : ', or use Node 22.18 or later'}`,
  );
}

/**
 * Switches tsx on in this thread, and in those that it starts: the one that the module at `url` sees, or the program,
 * or else the one that came with heddle. False if there is none.
 */
export async function useTsx(url: string): Promise<boolean> {
  tsxRegistered ??= registerTsx(url);
  const found = await tsxRegistered;
  if (!found) tsxRegistered = undefined;
  return found;
}

/** Not written where they are resolved: bundlers would look into tsx, and do not understand it. */
const TSX: readonly string[] = ['tsx/esm/api', 'tsx/cjs/api'];

async function registerTsx(url: string): Promise<boolean> {
  const cwd = workingDirectory();
  for (const base of new Set([url.startsWith('file:') ? url : cwd, cwd, import.meta.url])) {
    try {
      createRequire(base).resolve(TSX[0]!);
    } catch {
      continue; // not visible from there
    }
    const load = importerFor(base);
    for (const api of TSX) {
      const { register } = (await withoutWarning(() => load(api, undefined))) as { register(): unknown };
      register();
    }
    return true;
  }
  return false;
}

/** The working directory as the base of what is resolved there. */
function workingDirectory(): string {
  return pathToFileURL(join(process.cwd(), '/')).href;
}

/**
 * The text of the module in a file, as JavaScript, with the lines where they were.
 *
 * @throws {TypeError} There is none, or it is TypeScript and nothing here can strip its types.
 */
export async function sourceText(url: string): Promise<{ readonly url: string; readonly text: string }> {
  const found = sourceOf(url) ?? url;
  if (!found.startsWith('file:') || !exists(found))
    throw noSuchModule(url, new Error(`${found} is no file that is there`));
  const text = await readFile(fileURLToPath(found.replace(/[?#].*$/s, '')), 'utf8');
  if (!/\.[cm]?ts(?:[?#].*)?$/s.test(found)) return { url: found, text };
  return { url: found, text: await withoutTypes(found, text) };
}

async function withoutTypes(url: string, text: string): Promise<string> {
  const { stripTypeScriptTypes: strip } = module as { stripTypeScriptTypes?: (code: string) => string };
  if (strip !== undefined) return quietly(() => strip(text));
  const compile = (await esbuildOf(url))?.transformSync;
  if (compile !== undefined)
    return compile(text, { loader: 'ts', target: 'es2022', keepNames: false, supported: { using: true } })
      .code;
  throw new TypeError(
    `Cannot read ${url}: this runtime does not strip types by itself; use Node 22.18 or later, or run npm install tsx`,
  );
}

interface Esbuild {
  transformSync(code: string, options: object): { readonly code: string };
}

/** What tsx compiles with. */
async function esbuildOf(url: string): Promise<Esbuild | undefined> {
  for (const base of [url, import.meta.url]) {
    try {
      const tsx = createRequire(base).resolve(TSX[0]!);
      return createRequire(tsx)('esbuild') as Esbuild;
    } catch {
      // Not visible from there.
    }
  }
  return undefined;
}

/** The URL of the TypeScript file for that of a JavaScript file which does not exist. */
function sourceOf(url: string): string | undefined {
  const match = /^(file:[^?#]*\.[cm]?)js(x?)([?#].*)?$/s.exec(url);
  if (match === null || exists(url)) return undefined;
  const [, stem, x = '', rest = ''] = match;
  for (const extension of x === '' ? ['ts', 'tsx'] : ['tsx']) {
    const candidate = `${stem}${extension}${rest}`;
    if (exists(candidate)) return candidate;
  }
  return undefined;
}

function exists(url: string): boolean {
  return existsSync(fileURLToPath(url.replace(/[?#].*$/s, '')));
}

/** Whether it is this very module that was not found, and not one that it imports. */
function isMissing(error: unknown, url: string): boolean {
  if (url.startsWith('file:')) return !exists(url);
  return (
    url.startsWith('node:') && (error as { code?: unknown } | null)?.code === 'ERR_UNKNOWN_BUILTIN_MODULE'
  );
}

function noSuchModule(url: string, cause: unknown): TypeError {
  return new TypeError(
    `Cannot import module ${url}: there is no such module; check the path, and that its extension is that of the file`,
    { cause },
  );
}
