import { heddle } from 'heddle/bundler';

const options = { input: 'src/main.ts', platform: 'node', plugins: [heddle.rolldown()] };

export default [
  { ...options, output: { dir: 'dist', sourcemap: true } },
  {
    ...options,
    output: {
      dir: 'cjs',
      format: 'cjs',
      sourcemap: true,
      entryFileNames: '[name].cjs',
      chunkFileNames: '[name]-[hash].cjs',
    },
  },
];
