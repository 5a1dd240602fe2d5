/**
 * The projects of `test/projects`, as their users build and run them. Each is the program of `test/projects/program`, with
 * what its kind needs beside it; some have sources of their own.
 */
import { join } from 'node:path';
import type { Runtime } from './find-runtimes.ts';
import type { CheckResult } from './program-run.ts';
import { runBounded } from './run-bounded.ts';

/** What the program prints when all is well. */
const EXPECTED = `portable 25
alone true
inline 49
capture 119
outside there
default 6
json 19
alias hello you
map 1,4,9
copies 4,^^16,9
import true
shared 1,2,3
imported default 9
imported builtin b
workspace 6.21 miles
error true jobs.ts 15
`;
const ALIASES_EXPECTED = 'portable 25\ninline 49\nalias 64\nmap 1,4,9\nthread true\n';
const REFUSED = 'lock true\nERR_HEDDLE_INVALID_STATE true\nERR_HEDDLE_INVALID_STATE true\n';
/** A cold start of tsx on a busy machine takes seconds. */
const SILENCE = 60_000;

/** Arguments of a runtime; a first word in brackets is a package's program, such as `[vite/bin/vite.js]`. */
type Arguments = readonly string[];

interface Project {
  readonly name: string;
  /** Run on the Node of development: what is tested is the program. */
  readonly build?: readonly Arguments[];
  readonly runs: readonly Run[];
}

interface Run {
  readonly check: string;
  /** By their names; `oldest` is Node 20, or the oldest Node there is. */
  readonly on: readonly string[];
  readonly args: Arguments;
  /** What it prints; without it, its exit code says all. */
  readonly prints?: string;
  /** How that begins: evaluated code has other lines than its source. */
  readonly begins?: string;
}

const MAPS = '--enable-source-maps';

const projects: readonly Project[] = [
  {
    name: 'strip',
    runs: [
      {
        check: 'a project without a build runs by type stripping',
        on: ['node24'],
        args: ['src/main.ts'],
        prints: EXPECTED,
      },
      { check: 'a project in TypeScript runs', on: ['bun'], args: ['src/main.ts'], prints: EXPECTED },
      {
        check: 'a project in TypeScript runs',
        on: ['deno'],
        args: ['run', '--allow-all', '--quiet', 'src/main.ts'],
        prints: EXPECTED,
      },
      {
        check: 'a project runs under tsx',
        on: ['oldest'],
        args: ['[tsx/dist/cli.mjs]', 'src/main.ts'],
        prints: EXPECTED,
      },
    ],
  },
  {
    name: 'aliases',
    runs: [
      {
        check: 'a project runs under tsx with paths of its tsconfig, dep.js meaning dep.ts',
        on: ['oldest'],
        args: ['[tsx/dist/cli.mjs]', 'src/main.ts'],
        prints: ALIASES_EXPECTED,
      },
    ],
  },
  {
    name: 'tsc',
    build: [
      ['[typescript/bin/tsc]', '-p', 'packages/units'],
      ['[typescript/bin/tsc]', '-p', '.'],
    ],
    runs: [
      {
        check: 'a project built by tsc runs',
        on: ['oldest'],
        args: [MAPS, 'dist/main.js'],
        prints: EXPECTED,
      },
    ],
  },
  {
    name: 'vitest',
    runs: [
      {
        check: 'tests of a project run in worker pools of vitest, threads and forks',
        on: ['node24'],
        args: ['[vitest/vitest.mjs]', 'run'],
      },
    ],
  },
  bundled('vite', ['[vite/bin/vite.js]', 'build', '--logLevel', 'warn'], {
    'dist/main.js': ['oldest', 'node24'],
  }),
  bundled('rolldown', ['[rolldown/bin/cli.mjs]', '-c'], {
    'dist/main.js': ['node24'],
    'cjs/main.cjs': ['node24'],
  }),
  bundled('rollup', ['[rollup/dist/bin/rollup]', '-c', '--silent'], {
    'dist/main.js': ['node24'],
    'cjs/main.cjs': ['node24'],
  }),
  bundled('esbuild', ['build.mjs'], { 'dist/main.js': ['node24'], 'cjs/main.cjs': ['oldest'] }),
  bundled('webpack', ['build.mjs'], { 'dist/main.js': ['node24'], 'cjs/bin/main.cjs': ['node24'] }, [
    {
      check: 'a project bundled by webpack for development runs',
      on: ['node24'],
      args: ['development/main.cjs'],
      begins: EXPECTED.slice(0, EXPECTED.indexOf('error')),
    },
  ]),
  {
    name: 'no-plugin',
    build: [['build.mjs']],
    runs: ['esbuild.mjs', 'esbuild.cjs', 'rolldown.mjs', 'webpack.cjs'].map((file) => ({
      check: `a project bundled without the plugin says what to do when it needs a thread: ${file}`,
      on: ['node24'],
      args: [`dist/${file}`],
      prints: REFUSED,
    })),
  },
];

/** A project that is built by a bundler with heddle's plugin; `outputs` says on what each file is run. */
function bundled(
  name: string,
  build: Arguments,
  outputs: Readonly<Record<string, readonly string[]>>,
  more: readonly Run[] = [],
): Project {
  const runs = Object.entries(outputs).map(([file, on]) => ({
    check: `a project bundled by ${name} runs: ${file}`,
    on,
    args: [MAPS, file],
    prints: EXPECTED,
  }));
  return { name, build: [build], runs: [...runs, ...more] };
}

/** The outcome of the build of each project, which is the same for all runtimes. */
const built = new Map<string, Promise<string | undefined>>();

/** Runs what belongs to this runtime. `oldest`: whether it is the oldest Node. */
export async function runProjects(
  runtime: Runtime,
  oldest: boolean,
  scratch: string,
  only: string | undefined,
  onResult: (result: CheckResult) => void,
): Promise<void> {
  for (const project of projects) {
    for (const run of project.runs) {
      if (only !== undefined && !run.check.includes(only)) continue;
      if (!run.on.includes(runtime.name) && !(oldest && run.on.includes('oldest'))) continue;
      const began = performance.now();
      const detail = (await build(project, scratch)) ?? (await runOne(runtime, project, run, scratch));
      const ms = performance.now() - began;
      const result = { name: run.check, ms };
      onResult(detail === undefined ? { ...result, status: 'ok' } : { ...result, status: 'FAIL', detail });
    }
  }
}

function build(project: Project, scratch: string): Promise<string | undefined> {
  const known = built.get(project.name);
  if (known !== undefined) return known;
  const outcome = buildNow(project, scratch);
  built.set(project.name, outcome);
  return outcome;
}

async function buildNow({ name, build = [] }: Project, scratch: string): Promise<string | undefined> {
  for (const args of build) {
    const { failure } = await start(process.execPath, args, name, scratch);
    if (failure !== undefined) return failure;
  }
  return undefined;
}

/** What is wrong with a run; `undefined` if nothing is. */
async function runOne(
  runtime: Runtime,
  { name }: Project,
  { args, prints, begins = '' }: Run,
  scratch: string,
): Promise<string | undefined> {
  const { failure, stdout, stderr } = await start(runtime.path, args, name, scratch);
  if (failure !== undefined || (stdout === (prints ?? stdout) && stdout.startsWith(begins))) return failure;
  return `printed ${JSON.stringify(stdout)}: ${stderr}`;
}

async function start(
  command: string,
  args: Arguments,
  project: string,
  scratch: string,
): Promise<{ failure: string | undefined; stdout: string; stderr: string }> {
  const found = args.map((arg) =>
    arg.replace(/^\[(.*)\]$/, (_, path) => join(scratch, 'node_modules', path)),
  );
  const ended = await runBounded(command, found, {
    cwd: join(scratch, 'projects', project),
    silence: SILENCE,
  });
  const { hung, code, stdout, stderr } = ended;
  const what = args.join(' ');
  if (hung) return { failure: `${what} hung and was killed`, stdout, stderr };
  if (code === 0) return { failure: undefined, stdout, stderr };
  return { failure: `${what} ended with code ${code}: ${stdout}${stderr}`, stdout, stderr };
}
