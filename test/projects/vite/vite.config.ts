import { heddle } from 'heddle/bundler';
import { defineConfig } from 'vite';

export default defineConfig({
  plugins: [heddle.vite()],
  build: { ssr: 'src/main.ts', target: 'node20', sourcemap: true },
});
