/** Looking for the modules for threads in an esbuild of which nothing is written. */
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Build, listed, type Plugin } from './esbuild-build.ts';
import { candidates, HEDDLE, type Naming, rewrite, SOURCE } from './rewrite.ts';
import { threadFile } from './thread-file.ts';

/** The modules for threads in what the entry points import, and in what those modules import. */
export async function findModules(build: Build, root: string): Promise<ReadonlySet<string>> {
  const { initialOptions, esbuild } = build;
  const found = new Set<string>();
  for (let before = -1; before !== found.size; ) {
    before = found.size;
    const search: Plugin = {
      name: 'heddle search',
      setup(inner) {
        const naming = (path: string): Naming => new Search(inner, path, found);
        inner.onResolve({ filter: HEDDLE }, ({ path }) => ({ path, external: true }));
        inner.onLoad({ filter: SOURCE, namespace: 'file' }, async ({ path }) => {
          await rewrite(await readFile(path, 'utf8'), path, naming(path));
          return undefined;
        });
      },
    };
    const { outfile: _, ...options } = initialOptions;
    await esbuild
      .build({
        ...options,
        entryPoints: [
          ...listed(initialOptions.entryPoints),
          ...Array.from(found, (path) => ({ in: path, out: threadFile(path, root) })),
        ],
        outdir: options.outdir ?? root,
        plugins: [
          search,
          ...(initialOptions.plugins ?? []).filter(({ name }) => name !== 'heddle').map(quiet),
        ],
        logLevel: 'silent',
        metafile: false,
        sourcemap: false,
        write: false,
      })
      // Whatever is wrong is wrong in the build itself too, which says so.
      .catch(() => {});
  }
  return found;
}

/** The plugin without what it does when all is written: nothing is. */
function quiet(plugin: Plugin): Plugin {
  return {
    name: plugin.name,
    setup: (build) => plugin.setup({ ...build, onEnd: () => {}, onDispose: () => {} }),
  };
}

/** How a build and a search for modules have them: by paths. */
export class Paths {
  readonly #build: Build;
  readonly path: string;

  constructor(build: Build, path: string) {
    this.#build = build;
    this.path = path;
  }

  async resolve(specifier: string): Promise<string | undefined> {
    for (const candidate of candidates(specifier)) {
      const options = {
        kind: 'dynamic-import',
        importer: this.path,
        resolveDir: dirname(this.path),
      } as const;
      const found = await this.#build.resolve(candidate, options);
      if (found.errors.length === 0 && !found.external && found.namespace === 'file') return found.path;
    }
    return undefined;
  }
}

class Search implements Naming {
  readonly #paths: Paths;
  readonly #found: Set<string>;

  constructor(build: Build, path: string, found: Set<string>) {
    this.#paths = new Paths(build, path);
    this.#found = found;
  }

  async url(specifier: string | undefined): Promise<undefined> {
    const path = specifier === undefined ? this.#paths.path : await this.#paths.resolve(specifier);
    if (path !== undefined) this.#found.add(path);
  }

  async import(specifier: string, sent: boolean): Promise<undefined> {
    if (sent) await this.url(specifier);
  }
}
