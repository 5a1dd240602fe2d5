import { heddle } from 'heddle/bundler';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  // As in the configuration of an application, which its tests share.
  plugins: [heddle.vite()],
  test: {
    projects: [
      { extends: true, test: { name: 'threads', pool: 'threads' } },
      { extends: true, test: { name: 'forks', pool: 'forks' } },
    ],
  },
});
