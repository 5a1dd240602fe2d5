import { join } from 'node:path';
import { defineConfig, type ViteUserConfig } from 'vitest/config';

/** A folder for the counts of tests as JSON; `.ci/run` names one. */
const results = process.env['HEDDLE_RESULTS'];

// Sources are compiled anew in each thread that a test starts: kept, they load three times as fast.
process.env['NODE_COMPILE_CACHE'] ??= join(import.meta.dirname, 'node_modules/.cache/compile');

const SLOW = [
  '**/node_modules/**',
  'test/cli/**',
  'test/contract/{executors,values}/**',
  'test/exploration/**',
  'test/stress/**',
  'test/smoke/**',
  'test/projects/**',
];

const config: ViteUserConfig = defineConfig({
  resolve: { conditions: ['heddle-source'] },
  ssr: { resolve: { conditions: ['heddle-source'] } },
  test: {
    projects: [
      // What `npm run check` runs, and what only `npm test` adds.
      { extends: true, test: { name: 'fast', include: ['test/**/*.test.ts'], exclude: SLOW } },
      {
        extends: true,
        test: {
          name: 'slow',
          include: ['test/{cli,contract/executors,contract/values,exploration,stress}/**/*.test.ts'],
        },
      },
    ],
    setupFiles: ['test/setup/no-leaks.ts'],
    reporters:
      results === undefined
        ? ['default']
        : ['default', ['json', { outputFile: join(results, 'vitest.json') }]],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 20_000,
    execArgv: ['--conditions=heddle-source', '--expose-gc'],
    // The explorer is loaded by the runtime itself: through the test runner it is slower.
    server: { deps: { external: [/\/test\/model\/(?!.*\.test\.ts)/] } },
    typecheck: { enabled: false },
  },
});
export default config;
