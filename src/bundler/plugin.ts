import { createUnplugin, type UnpluginInstance, type UnpluginOptions } from 'unplugin';
import { setUpEsbuild } from './esbuild.ts';
import { HEDDLE, SOURCE } from './rewrite.ts';
import { ThreadChunks } from './rollup.ts';
import { type Compiler, type LoaderContext, ThreadEntries } from './webpack.ts';

/**
 * The plugin for bundlers: modules whose functions run in threads stay modules which a thread can import by themselves.
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
      filter: { id: SOURCE, code: 'heddle' },
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
      filter: { id: SOURCE, code: 'heddle' },
      handler(code, id) {
        const native = this.getNativeBuildContext?.() as { loaderContext: LoaderContext };
        return entries.transform(native.loaderContext, code, id);
      },
    },
  };
}
