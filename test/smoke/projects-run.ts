/** The projects of `test/projects`, as their users run them: built by tsc, and by tsx without a build. */
import { join } from 'node:path';
import type { Runtime } from './find-runtimes.ts';
import type { CheckResult } from './program-run.ts';
import { type Ended, runBounded } from './run-bounded.ts';

/** What both programs print when all is well. */
const EXPECTED = 'portable 25\ninline 49\nmap 1,4,9\nthread true\n';
/** A cold start of tsx on a busy machine takes seconds. */
const SILENCE = 60_000;

interface Step {
  readonly command: string;
  readonly args: readonly string[];
}

interface Project {
  readonly name: string;
  readonly check: string;
  readonly steps: (runtime: Runtime, modules: string) => readonly Step[];
}

const projects: readonly Project[] = [
  {
    name: 'tsc',
    check: 'a project built by tsc runs portable and inline functions in threads',
    steps: (runtime, modules) => [
      // The compiler runs on the Node of development: what is tested is the program.
      { command: process.execPath, args: [join(modules, 'typescript', 'bin', 'tsc'), '-p', '.'] },
      { command: runtime.path, args: ['dist/main.js'] },
    ],
  },
  {
    name: 'tsx',
    check: 'a project under tsx runs portable and inline functions in threads, dep.js meaning dep.ts',
    steps: (runtime, modules) => [
      { command: runtime.path, args: [join(modules, 'tsx', 'dist', 'cli.mjs'), 'src/main.ts'] },
    ],
  },
];

export async function runProjects(
  runtime: Runtime,
  scratch: string,
  only: string | undefined,
  onResult: (result: CheckResult) => void,
): Promise<void> {
  for (const { name, check, steps } of projects) {
    if (only !== undefined && !check.includes(only)) continue;
    const began = performance.now();
    const cwd = join(scratch, 'projects', name);
    const detail = await firstFailure(steps(runtime, join(scratch, 'node_modules')), cwd);
    const ms = performance.now() - began;
    onResult(
      detail === undefined ? { name: check, status: 'ok', ms } : { name: check, status: 'FAIL', detail, ms },
    );
  }
}

/** Runs the steps in order; the last one's output has to be as expected. */
async function firstFailure(steps: readonly Step[], cwd: string): Promise<string | undefined> {
  let last: Ended | undefined;
  for (const { command, args } of steps) {
    last = await runBounded(command, args, { cwd, silence: SILENCE });
    if (last.hung) return `${args[0]} hung and was killed`;
    if (last.code !== 0) return `${args[0]} ended with code ${last.code}: ${last.stdout}${last.stderr}`;
  }
  return last?.stdout === EXPECTED ? undefined : `printed ${JSON.stringify(last?.stdout)}: ${last?.stderr}`;
}
