import { transform } from 'esbuild';
import { heddle } from 'heddle/bundler';

/** Stands for a plugin of one's choice. */
const typescript = {
  name: 'typescript',
  resolveId(specifier, importer) {
    if (specifier === '#greeting') return this.resolve('./greeting.ts', importer);
    if (specifier === '@project/units') return this.resolve('../packages/units/src/index.ts', importer);
    return null;
  },
  transform(code, id) {
    if (id.endsWith('.json')) return `export default ${code};`;
    if (!id.endsWith('.ts')) return null;
    return transform(code, { loader: 'ts', target: 'node20', sourcemap: 'external', sourcefile: id });
  },
};

export default {
  input: 'src/main.ts',
  external: /^node:/,
  plugins: [heddle.rollup(), typescript],
  output: [
    { dir: 'dist', format: 'es', sourcemap: true },
    {
      dir: 'cjs',
      format: 'cjs',
      sourcemap: true,
      entryFileNames: '[name].cjs',
      chunkFileNames: '[name].cjs',
    },
  ],
};
