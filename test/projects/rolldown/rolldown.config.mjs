import { heddle } from 'heddle/bundler';

export default {
  input: 'src/main.ts',
  platform: 'node',
  plugins: [heddle.rolldown()],
  output: { dir: 'dist', sourcemap: true },
};
