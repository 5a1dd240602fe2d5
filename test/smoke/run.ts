/**
 * `npm run smoke`: the built and packed package, installed in a project outside the repository, on every runtime that
 * can be found.
 *
 *     npm run smoke -- [--only node20,bun] [--check text] [--package heddle.tgz] [--keep]
 *
 * `--check` runs only the checks whose names contain the text; `--keep` leaves the project there to look into. With
 * HEDDLE_RESULTS naming a folder, the counts are also written to `smoke.json` in it.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { findRuntimes, type Runtime } from './find-runtimes.ts';
import { type CheckResult, runProgram } from './program-run.ts';
import { runProjects } from './projects-run.ts';
import { createProject, removeProject } from './scratch-project.ts';

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    check: { type: 'string' },
    package: { type: 'string' },
    keep: { type: 'boolean', default: false },
  },
});
const counts = { passed: 0, failed: 0, skipped: 0 };
const failures: string[] = [];

const { found, missing } = findRuntimes();
const wanted = options.only?.split(',');
const runtimes = found.filter(({ name }) => wanted?.includes(name) ?? true);
for (const text of missing) console.log(`missing ${text}`);
// Only the Node of the system may be another one: .ci/run installs the rest.
if (process.env['CI'] !== undefined && wanted === undefined) {
  for (const text of missing) {
    const name = text.split(':')[0]!;
    count(name, { name: 'is installed', status: name === 'node20' ? 'skip' : 'FAIL', detail: text });
  }
}

const project = createProject(options.package);
try {
  for (const runtime of runtimes) await testOn(runtime);
} finally {
  if (options.keep) console.log(`\nThe project is kept in ${project}`);
  else removeProject(project);
}

if (counts.passed + counts.failed === 0) {
  counts.failed++;
  failures.push('nothing ran');
}
for (const failure of failures) console.log(`FAIL ${failure}`);
console.log(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
const results = process.env['HEDDLE_RESULTS'];
if (results !== undefined) {
  mkdirSync(results, { recursive: true });
  writeFileSync(join(results, 'smoke.json'), JSON.stringify(counts));
}
process.exitCode = counts.failed === 0 ? 0 : 1;

async function testOn(runtime: Runtime): Promise<void> {
  console.log(`\n${runtime.name} (${runtime.version})`);
  const onResult = (result: CheckResult): void => {
    console.log(line(result));
    count(runtime.name, result);
  };
  await runProgram(runtime, project, options.check, onResult);
  const oldest = runtimes.find(({ kind }) => kind === 'node');
  await runProjects(runtime, runtime === oldest, project, options.check, onResult);
}

function count(runtime: string, { name, status, detail }: CheckResult): void {
  if (status === 'ok') counts.passed++;
  else if (status === 'skip') counts.skipped++;
  else {
    counts.failed++;
    failures.push(`${runtime}: ${name}: ${detail?.split('\n')[0] ?? ''}`);
  }
}

function line({ name, status, detail, ms }: CheckResult): string {
  const time = ms === undefined ? '' : ` (${Math.round(ms)} ms)`;
  const text = detail === undefined ? '' : `: ${detail.trimEnd().replaceAll('\n', '\n       ')}`;
  return `  ${status.padEnd(4)} ${name}${time}${text}`;
}
