/**
 * `npm run check`: types, style, lock files, the package's entry points and the fast tests. `npm test` is the same with
 * the slow tests, those of the command line and of stress. Runs all of them, whatever fails: a space too many is no
 * reason to know nothing of the tests. Exits with 1 and names what failed.
 */
import { spawnSync } from 'node:child_process';

const steps: readonly (readonly [name: string, command: string, ...args: readonly string[]])[] = [
  ['types', 'npm', 'run', '--silent', 'check:types'],
  ['style', 'npm', 'run', '--silent', 'check:style'],
  ['lock files', 'npm', 'run', '--silent', 'check:lock'],
  ['package', 'npm', 'run', '--silent', 'check:package'],
  ['tests', 'npm', 'run', '--silent', process.argv.includes('--all') ? 'check:all-tests' : 'check:tests'],
];

const failed: string[] = [];
for (const [name, command, ...args] of steps) {
  const began = performance.now();
  const { status } = spawnSync(command, args, { stdio: 'inherit', shell: process.platform === 'win32' });
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  console.log(`${status === 0 ? 'ok  ' : 'FAIL'} ${name} (${seconds} s)`);
  if (status !== 0) failed.push(name);
}
if (failed.length > 0) {
  console.log(`Failed: ${failed.join(', ')}`);
  process.exitCode = 1;
}
