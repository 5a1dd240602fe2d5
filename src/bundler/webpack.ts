/**
 * webpack: modules for threads are further entry points, added when the program's own modules are known. webpack shares no
 * code between entry points by itself: so each of their files has what it needs.
 */
import { isBuiltin } from 'node:module';
import { basename, extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { candidates, HEDDLE, importByRequire, type Naming, rewrite } from './rewrite.ts';
import { threadFile } from './thread-file.ts';

interface Module {
  /** What a module is kept with in webpack's cache. */
  readonly buildInfo?: { heddleModules?: readonly string[] };
}

/** What is used here of a loader's context. */
export interface LoaderContext {
  readonly context: string;
  readonly _module: Module;
  getResolve(options: {
    dependencyType: string;
  }): (context: string, request: string) => Promise<string | false>;
}

interface EntryOptions {
  readonly name: string;
  readonly filename: string;
  readonly library: { readonly type: string };
}

interface Compilation {
  readonly modules: Iterable<Module>;
  addEntry(
    context: string,
    dependency: unknown,
    options: EntryOptions,
    callback: (error?: Error | null) => void,
  ): void;
}

type External = (
  data: { readonly request?: string },
  callback: (error?: null, result?: string) => void,
) => void;

/** What is used here of a compiler. */
export interface Compiler {
  readonly context: string;
  readonly options: {
    readonly devtool?: unknown;
    readonly output: { readonly filename?: unknown; readonly module?: boolean; readonly path?: string };
    externals?: unknown;
  };
  readonly webpack: {
    readonly EntryPlugin: { createDependency(request: string, options: { name: string }): unknown };
    readonly library: {
      readonly EnableLibraryPlugin: new (type: string) => { apply(compiler: Compiler): void };
    };
  };
  readonly hooks: {
    readonly finishMake: { tapPromise(name: string, tap: (compilation: Compilation) => Promise<void>): void };
  };
}

/** The part of the plugin that has to do with one compiler. */
export class ThreadEntries {
  readonly #compiler: Compiler;

  constructor(compiler: Compiler) {
    this.#compiler = compiler;
    const { options, webpack } = compiler;
    const external: External = ({ request }, callback) => {
      if (request !== undefined && HEDDLE.test(request)) callback(null, `${this.#external} ${request}`);
      else callback();
    };
    const { externals = [] } = options;
    options.externals = [external, ...(Array.isArray(externals) ? (externals as unknown[]) : [externals])];
    new webpack.library.EnableLibraryPlugin(this.#library).apply(compiler);
    compiler.hooks.finishMake.tapPromise('heddle', (compilation) => this.#add(compilation));
  }

  async transform(
    loader: LoaderContext,
    code: string,
    path: string,
  ): Promise<{ code: string; map: null } | null> {
    const naming = new EntryNaming(this, loader, path);
    const rewritten = await rewrite(code, path, naming);
    const { buildInfo } = loader._module;
    if (buildInfo !== undefined) buildInfo.heddleModules = [...naming.modules];
    return rewritten === undefined ? null : { code: rewritten, map: null };
  }

  /**
   * The file for the module at `path`. In the folder of the program's own, if that is always the same: what is sent to
   * threads names it as a neighbour.
   */
  file(path: string): string {
    const { filename } = this.#compiler.options.output;
    const known = typeof filename === 'string' ? filename : '';
    const extension = extname(known) || (this.isModule ? '.mjs' : '.js');
    const folder = known.includes('[') ? known.slice(0, known.indexOf('[')) : known;
    return `${folder.slice(0, folder.lastIndexOf('/') + 1)}${threadFile(path, this.#compiler.context)}${extension}`;
  }

  /**
   * How code names a file beside its own. Code that is evaluated, as for development, has no file: there the whole path is
   * written, for such a bundle goes nowhere else.
   */
  neighbour(file: string): string {
    const { devtool, output } = this.#compiler.options;
    if (typeof devtool !== 'string' || !/\beval\b/.test(devtool) || output.path === undefined)
      return `./${basename(file)}`;
    const path = resolve(output.path, file);
    return this.isModule ? pathToFileURL(path).href : path;
  }

  get isModule(): boolean {
    return this.#compiler.options.output.module === true;
  }

  get #external(): string {
    return this.isModule ? 'module' : 'commonjs';
  }

  get #library(): string {
    return this.isModule ? 'module' : 'commonjs2';
  }

  /** Adds what modules name, until those that were added name nothing new. */
  async #add(compilation: Compilation): Promise<void> {
    const added = new Set<string>();
    for (;;) {
      const named = [...compilation.modules].flatMap(({ buildInfo }) => buildInfo?.heddleModules ?? []);
      const missing = [...new Set(named)].filter((path) => !added.has(path));
      if (missing.length === 0) return;
      await Promise.all(missing.map((path) => this.#addOne(compilation, path)));
      for (const path of missing) added.add(path);
    }
  }

  #addOne(compilation: Compilation, path: string): Promise<void> {
    const name = threadFile(path, this.#compiler.context);
    const dependency = this.#compiler.webpack.EntryPlugin.createDependency(requestOf(path), { name });
    const options = { name, filename: this.file(path), library: { type: this.#library } };
    return new Promise((done, reject) => {
      compilation.addEntry(this.#compiler.context, dependency, options, (error) => {
        if (error) reject(error);
        else done();
      });
    });
  }
}

/** Whether it is in no bundle. What webpack itself makes of an import of such is not there in a thread. */
function isOutside(specifier: string): boolean {
  return HEDDLE.test(specifier) || isBuiltin(specifier);
}

function importOfOutside(specifier: string): string {
  return `import(/* webpackIgnore: true */ ${JSON.stringify(specifier)})`;
}

/** The module of an entry. What is no code gets an export: webpack would give one for each of its names, and none for it. */
function requestOf(path: string): string {
  return path.endsWith('.json')
    ? `data:text/javascript,${encodeURIComponent(`export { default } from ${JSON.stringify(path)};`)}`
    : path;
}

class EntryNaming implements Naming {
  readonly modules = new Set<string>();
  readonly #entries: ThreadEntries;
  readonly #loader: LoaderContext;
  readonly #path: string;

  constructor(entries: ThreadEntries, loader: LoaderContext, path: string) {
    this.#entries = entries;
    this.#loader = loader;
    this.#path = path;
  }

  async url(specifier: string | undefined): Promise<string | undefined> {
    if (specifier !== undefined && isOutside(specifier)) return `() => ${importOfOutside(specifier)}`;
    const path = specifier === undefined ? this.#path : await this.#resolve(specifier);
    return path === undefined
      ? undefined
      : `new URL(${JSON.stringify(this.#file(path))}, __webpack_base_uri__).href`;
  }

  async import(specifier: string, sent: boolean): Promise<string | undefined> {
    if (!sent) return undefined;
    if (isOutside(specifier)) return importOfOutside(specifier);
    const path = await this.#resolve(specifier);
    if (path === undefined) return undefined;
    const file = JSON.stringify(this.#entries.neighbour(this.#file(path)));
    return this.#entries.isModule
      ? `import(/* webpackIgnore: true */ ${file})`
      : importByRequire('__non_webpack_require__', file);
  }

  #file(path: string): string {
    this.modules.add(path);
    return this.#entries.file(path);
  }

  async #resolve(specifier: string): Promise<string | undefined> {
    const find = this.#loader.getResolve({ dependencyType: 'esm' });
    for (const candidate of candidates(specifier)) {
      try {
        const found = await find(this.#loader.context, candidate);
        if (found !== false) return found;
      } catch {
        // There is no such module; webpack says so where it is imported.
      }
    }
    return undefined;
  }
}
