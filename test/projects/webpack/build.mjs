import { heddle } from 'heddle/bundler';
import webpack from 'webpack';

const options = {
  mode: 'production',
  target: 'node20',
  devtool: 'source-map',
  entry: './src/main.ts',
  module: { rules: [{ test: /\.ts$/, loader: './typescript-loader.cjs' }] },
  plugins: [heddle.webpack()],
};
const module = {
  ...options,
  experiments: { outputModule: true },
  output: { path: `${import.meta.dirname}/dist`, filename: 'main.js', module: true },
};
const commonjs = { ...options, output: { path: `${import.meta.dirname}/cjs`, filename: 'bin/[name].cjs' } };
// As a build for development is by default: modules are evaluated.
const development = {
  ...options,
  mode: 'development',
  devtool: 'eval',
  output: { path: `${import.meta.dirname}/development`, filename: 'main.cjs' },
};

webpack([module, commonjs, development], (error, stats) => {
  if (error) throw error;
  console.log(stats.toString());
  process.exitCode = stats.hasErrors() || stats.hasWarnings() ? 1 : 0;
});
