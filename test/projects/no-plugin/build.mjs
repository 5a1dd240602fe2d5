import { build } from 'esbuild';
import { rolldown } from 'rolldown';
import webpack from 'webpack';

const options = { entryPoints: ['src/main.js'], bundle: true, platform: 'node', logLevel: 'error' };
await build({ ...options, format: 'esm', outfile: 'dist/esbuild.mjs' });
await build({ ...options, outfile: 'dist/esbuild.cjs' });
const bundle = await rolldown({ input: 'src/main.js', platform: 'node' });
await bundle.write({ dir: 'dist', entryFileNames: 'rolldown.mjs' });
webpack(
  {
    mode: 'none',
    target: 'node20',
    entry: './src/main.js',
    output: { path: `${import.meta.dirname}/dist`, filename: 'webpack.cjs' },
  },
  (error, stats) => {
    if (error) throw error;
    if (stats.hasErrors()) throw new Error(stats.toString());
  },
);
