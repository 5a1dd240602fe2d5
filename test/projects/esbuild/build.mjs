import { build } from 'esbuild';
import { heddle } from 'heddle/bundler';

const options = {
  entryPoints: ['src/main.ts'],
  bundle: true,
  platform: 'node',
  target: 'node20',
  sourcemap: true,
  plugins: [heddle.esbuild()],
};
await build({ ...options, format: 'esm', splitting: true, minify: true, outdir: 'dist' });
await build({ ...options, outfile: 'cjs/main.cjs' });
