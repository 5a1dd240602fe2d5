import { join } from 'node:path';
import { defineConfig, type ViteUserConfig } from 'vitest/config';

/** A folder for the counts of tests as JSON; `.ci/run` names one. */
const results = process.env['HEDDLE_RESULTS'];

const config: ViteUserConfig = defineConfig({
  resolve: { conditions: ['heddle-source'] },
  ssr: { resolve: { conditions: ['heddle-source'] } },
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['**/node_modules/**', 'test/smoke/**', 'test/projects/**'],
    setupFiles: ['test/setup/no-leaks.ts'],
    reporters:
      results === undefined
        ? ['default']
        : ['default', ['json', { outputFile: join(results, 'vitest.json') }]],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 20_000,
    execArgv: ['--conditions=heddle-source', '--expose-gc'],
    typecheck: { enabled: false },
  },
});
export default config;
