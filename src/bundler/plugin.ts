import { createUnplugin, type UnpluginInstance, type UnpluginOptions } from 'unplugin';
import { setUpEsbuild } from './esbuild.ts';
import { HEDDLE, SOURCE } from './rewrite.ts';
import { ThreadChunks } from './rollup.ts';
import { SPEAKS } from './source-places.ts';
import { type Compiler, type LoaderContext, ThreadEntries } from './webpack.ts';

/**
 * The plugin for bundlers: the modules that threads import stay files of their own, which a thread can import without running
 * the program.
 *
 * - These modules are: those that call `portable(import.meta, …)`; those named in `pool.import(() => import('./x.js'))` and
 *   `pool.import(new URL('./x.js', import.meta.url))`; and those that an inline function imports.
 * - heddle itself stays outside of the bundle: it is installed beside the program, as in development.
 * - Functions keep the names by which threads find them, whatever a minifier does. Lines of source maps stay right.
 * - With Vite, Rollup and Rolldown these files share their modules with the program's. With webpack, and with esbuild unless
 *   it splits, each has its own copies: what a module holds in variables is then not the same in both.
 *
 * `heddle.vite()`, `.rollup()`, `.rolldown()`, `.esbuild()` and `.webpack()` are the plugin for each. It needs the package
 * `unplugin`, which is not installed with heddle.
 *
 * @throws {Error} The bundler is another one.
 *
 * @example
 * ```ts no-run: a configuration
 * // vite.config.ts
 * import { heddle } from 'heddle/bundler';
 * import { defineConfig, type UserConfig } from 'vite';
 *
 * const config: UserConfig = defineConfig({ plugins: [heddle.vite()], build: { ssr: 'src/main.ts' } });
 * export default config;
 * ```
 */
export const heddle: UnpluginInstance<undefined, false> = createUnplugin<undefined, false>(
  (_options, meta) => {
    switch (meta.framework) {
      case 'rollup':
      case 'rolldown':
      case 'vite':
        return rollupPlugin();
      case 'esbuild':
        return {
          name: 'heddle',
          esbuild: { setup: (build) => setUpEsbuild(build as unknown as Parameters<typeof setUpEsbuild>[0]) },
        };
      case 'webpack':
        return webpackPlugin();
      default:
        throw new Error(
          `Cannot use heddle's plugin with ${meta.framework}: use it with vite, rollup, rolldown, esbuild or webpack`,
        );
    }
  },
);

function rollupPlugin(): UnpluginOptions {
  const chunks = new ThreadChunks();
  const hooks = {
    resolveFileUrl: (file: Parameters<ThreadChunks['resolveFileUrl']>[0]) => chunks.resolveFileUrl(file),
  };
  return {
    name: 'heddle',
    enforce: 'pre',
    resolveId: { filter: { id: HEDDLE }, handler: (id) => ({ id, external: true }) },
    transform: {
      filter: { id: SOURCE, code: SPEAKS },
      handler(this: unknown, code: string, id: string) {
        return chunks.transform(this as Parameters<ThreadChunks['transform']>[0], code, id);
      },
    },
    rollup: hooks,
    rolldown: hooks,
    vite: { ...hooks, apply: 'build' },
  };
}

function webpackPlugin(): UnpluginOptions {
  let entries: ThreadEntries;
  return {
    name: 'heddle',
    // What other loaders made of it: comments that are for webpack get past them so.
    enforce: 'post',
    webpack(compiler) {
      entries = new ThreadEntries(compiler as unknown as Compiler);
    },
    transform: {
      filter: { id: SOURCE, code: SPEAKS },
      handler(code, id) {
        const native = this.getNativeBuildContext?.() as { loaderContext: LoaderContext };
        return entries.transform(native.loaderContext, code, id);
      },
    },
  };
}
