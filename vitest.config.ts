import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['heddle-source'] },
  ssr: { resolve: { conditions: ['heddle-source'] } },
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['**/node_modules/**', 'test/smoke/**', 'test/projects/**'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 20_000,
    execArgv: ['--conditions=heddle-source', '--expose-gc'],
    typecheck: { enabled: false },
  },
});
