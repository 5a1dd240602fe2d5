/**
 * `npm run explore [-- names]`: the models of test/exploration, the whole way: a million schedules and more for each
 * algorithm, some minutes each. `npm test` goes a part of it.
 */
import { spawnSync } from 'node:child_process';

const vitest = new URL('../node_modules/vitest/vitest.mjs', import.meta.url).pathname;
const names = process.argv.slice(2);
const files =
  names.length === 0 ? ['test/exploration'] : names.map((name) => `test/exploration/${name}.test.ts`);
const { status } = spawnSync(process.execPath, [vitest, 'run', '--project', 'slow', ...files], {
  stdio: 'inherit',
  env: { ...process.env, HEDDLE_EXPLORE: 'whole' },
});
process.exitCode = status ?? 1;
