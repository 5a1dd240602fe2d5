import { defineConfig, type ViteUserConfig } from 'vitest/config';

const config: ViteUserConfig = defineConfig({
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
export default config;
