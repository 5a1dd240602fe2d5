/**
 * esbuild: modules for threads are further entry points, which have to be known before the build begins. So they are
 * looked for first, in a build of which nothing is written.
 */
import { readFile } from 'node:fs/promises';
import { basename, dirname, extname, resolve } from 'node:path';
import { type Build, listed, type Message, type Metafile, type Options } from './esbuild-build.ts';
import { findModules, Paths } from './esbuild-search.ts';
import { HEDDLE, importByRequire, type Naming, rewrite, SOURCE } from './rewrite.ts';
import { threadFile } from './thread-file.ts';

/** Sets the plugin up for a build. */
export async function setUpEsbuild(build: Build): Promise<void> {
  const { initialOptions: options } = build;
  build.onResolve({ filter: HEDDLE }, ({ path }) => ({ path, external: true }));
  if (options.bundle !== true) return;
  const root = options.absWorkingDir ?? process.cwd();
  const modules = await findModules(build, root);
  if (modules.size === 0) return;
  checkNames(options);
  useFolder(options);
  options.entryPoints = [
    ...listed(options.entryPoints),
    ...Array.from(modules, (path) => ({ in: entryFor(path, options), out: threadFile(path, root) })),
  ];
  options.metafile = true;
  const files = new ThreadFiles(build, root, modules);
  build.onResolve({ filter: /^\.\/heddle-/ }, ({ path }) =>
    files.isFile(path) ? { path, external: true } : undefined,
  );
  build.onLoad({ filter: SOURCE, namespace: 'file' }, ({ path }) => files.load(path));
  build.onResolve({ filter: new RegExp(`^${JSON_ENTRY}:`) }, ({ path }) => ({
    path: path.slice(JSON_ENTRY.length + 1),
    namespace: JSON_ENTRY,
  }));
  build.onLoad({ filter: /./, namespace: JSON_ENTRY }, async ({ path }) => ({
    contents: `module.exports = require(${JSON.stringify(path)});`,
    loader: 'js',
    resolveDir: dirname(path),
  }));
  build.onEnd(({ metafile }) => metafile && files.check(metafile));
}

/** Stands before the path of JSON that is an entry point: by itself, esbuild gives that no exports in CommonJS. */
const JSON_ENTRY = 'heddle-json';

function entryFor(path: string, { format }: Options): string {
  return format !== 'esm' && path.endsWith('.json') ? `${JSON_ENTRY}:${path}` : path;
}

/** What files are called has to be known while they are written. */
function checkNames({ entryNames = '[dir]/[name]' }: Options): void {
  if (entryNames !== '[name]' && entryNames !== '[dir]/[name]') {
    throw new Error(
      `Cannot bundle for heddle's threads: entryNames is "${entryNames}", so the names of their files are not known; leave it out`,
    );
  }
}

/** More than one entry point needs a folder to go to. */
function useFolder(options: Options): void {
  const { outfile } = options;
  if (outfile === undefined) return;
  delete options.outfile;
  const extension = extname(outfile);
  options.outdir = dirname(outfile);
  options.outExtension = { ...options.outExtension, '.js': extension };
  const [entry] = listed(options.entryPoints);
  if (entry === undefined) {
    throw new Error(
      "Cannot bundle for heddle's threads: they need files beside the program's; give it an entry point",
    );
  }
  const path = typeof entry === 'string' ? entry : entry.in;
  options.entryPoints = [{ in: path, out: basename(outfile, extension) }];
}

/** The names of the files for threads, as the modules of a build write them. */
class FileNaming implements Naming {
  readonly #paths: Paths;
  readonly #files: ThreadFiles;

  constructor(paths: Paths, files: ThreadFiles) {
    this.#paths = paths;
    this.#files = files;
  }

  async url(specifier: string | undefined): Promise<string | undefined> {
    const path = specifier === undefined ? this.#paths.path : await this.#paths.resolve(specifier);
    return path === undefined ? undefined : `new URL(${this.#files.name(path)}, ${this.#files.here}).href`;
  }

  async import(specifier: string, sent: boolean): Promise<string | undefined> {
    // Where chunks are shared, an entry point that is imported stays a file, and esbuild says which.
    if (!sent || this.#files.areShared) return undefined;
    const path = await this.#paths.resolve(specifier);
    if (path === undefined) return undefined;
    const file = this.#files.name(path);
    return this.#files.areModules ? `import(${file})` : importByRequire('require', file);
  }
}

class ThreadFiles {
  /** The URL of the file in which this is written. */
  readonly here: string;
  readonly areShared: boolean;
  readonly areModules: boolean;
  readonly #build: Build;
  readonly #root: string;
  readonly #extension: string;
  readonly #names = new Map<string, string>();
  /** The modules in whose text something was changed. */
  readonly #rewritten = new Set<string>();

  constructor(build: Build, root: string, modules: ReadonlySet<string>) {
    const { format, outExtension, splitting = false } = build.initialOptions;
    this.#build = build;
    this.#root = root;
    this.#extension = outExtension?.['.js'] ?? '.js';
    this.areModules = format === 'esm';
    this.here = this.areModules ? 'import.meta.url' : "require('node:url').pathToFileURL(__filename)";
    this.areShared = splitting;
    for (const path of modules) this.#names.set(path, `./${threadFile(path, root)}${this.#extension}`);
  }

  isFile(specifier: string): boolean {
    return [...this.#names.values()].includes(specifier);
  }

  /** What is written for the file of the module at `path`, in quotes. */
  name(path: string): string {
    const name = this.#names.get(path);
    if (name === undefined) {
      throw new Error(
        `Cannot bundle ${path} for threads: nothing named it when the build began; begin it again`,
      );
    }
    return JSON.stringify(name);
  }

  async load(path: string): Promise<{ contents: string; loader: string; resolveDir: string } | undefined> {
    const naming = new FileNaming(new Paths(this.#build, path), this);
    const contents = await rewrite(await readFile(path, 'utf8'), path, naming);
    if (contents === undefined) return undefined;
    this.#rewritten.add(path);
    const extension = extname(path);
    const loader = this.#build.initialOptions.loader?.[extension] ?? extension.replace(/^\.[cm]?/, '');
    return { contents, loader, resolveDir: dirname(path) };
  }

  /** The files for threads are named as neighbours: so what names them has to lie beside them. */
  check({ outputs }: Metafile): { errors: Message[] } {
    const { chunkNames = '' } = this.#build.initialOptions;
    const folder = resolve(this.#root, this.#build.initialOptions.outdir ?? '.');
    const errors = Object.entries(outputs)
      .filter(([file]) => !file.endsWith('.map') && dirname(resolve(this.#root, file)) !== folder)
      .filter(([, { inputs }]) =>
        Object.keys(inputs).some((path) => this.#rewritten.has(resolve(this.#root, path))),
      )
      .map(([file, { entryPoint }]) => ({
        text: `Cannot bundle ${file} for heddle's threads: it has to lie in ${folder} itself; ${
          entryPoint === undefined
            ? `it is shared by others, so give chunkNames no folder: "${basename(chunkNames)}"`
            : 'name its entry point with { in, out }, without a folder'
        }`,
      }));
    return { errors };
  }
}
