/**
 * `scripts/ci-summary.ts <folder>`: sums up what the parts of `.ci/run` left in the folder: `<part>.code`, the exit code
 * of each, and the counts of vitest (`vitest.json`) and of the smoke suite (`smoke.json`).
 *
 * Each failed test of vitest is named, with its message. A part that failed without a failed test, was never reached,
 * or ran nothing counts as one failure, and is named.
 * The last line is `N passed, N failed`, with `, N skipped` if there were any; exits with 1 unless all is well.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** The part of vitest's JSON report that is read here. */
interface VitestReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message?: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages?: readonly string[];
    }[];
  }[];
}

const folder = process.argv[2];
if (folder === undefined) throw new TypeError('Cannot sum up: the folder of the results is not named');

const complaints: string[] = [];
const parts: readonly Counts[] = [
  checked('install', 'npm ci'),
  checked('tests', 'npm test', readVitest()),
  checked('runtimes', 'npm ci --prefix test/smoke/runtimes'),
  checked('smoke', 'npm run smoke', readJson<Counts>('smoke.json')),
];
const total = parts.reduce(add);
for (const complaint of complaints) console.log(complaint);
console.log(
  `${total.passed} passed, ${total.failed} failed${total.skipped === 0 ? '' : `, ${total.skipped} skipped`}`,
);
process.exitCode = total.failed === 0 ? 0 : 1;

/** The counts of a part, with one failure more for what they do not tell. A part without tests has no counts. */
function checked(part: string, command: string, counts?: Counts | { readonly missing: string }): Counts {
  const none: Counts = { passed: 0, failed: 0, skipped: 0 };
  const complain = (complaint: string, from: Counts = none): Counts => {
    complaints.push(`${command}: ${complaint}`);
    return add(from, { passed: 0, failed: 1, skipped: 0 });
  };
  const code = exitCode(part);
  if (code === undefined) return complain('it was not reached');
  const how = code === 124 || code === 137 ? 'it did not end in time' : `it ended with code ${code}`;
  if (counts === undefined) return code === 0 ? none : complain(how);
  if ('missing' in counts) return complain(`${how}, and left no ${counts.missing}`);
  if (counts.failed === 0 && code !== 0) return complain(`${how}, though no test failed`, counts);
  if (counts.passed + counts.failed === 0) return complain('nothing ran', counts);
  return counts;
}

function exitCode(part: string): number | undefined {
  const file = join(folder!, `${part}.code`);
  return existsSync(file) ? Number(readFileSync(file, 'utf8')) : undefined;
}

/** A file that failed as a whole (it did not load, or left a thread behind) counts as one failed test. */
function readVitest(): Counts | { readonly missing: string } {
  const report = readJson<VitestReport>('vitest.json');
  if ('missing' in report) return report;
  let counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  for (const { name, status, message, assertionResults } of report.testResults) {
    const passed = assertionResults.filter((test) => test.status === 'passed').length;
    const failures = assertionResults.filter((test) => test.status === 'failed');
    const failed = failures.length;
    for (const { fullName, failureMessages } of failures)
      complaints.push(`${name}: ${fullName}: ${failureMessages?.[0] ?? 'it failed'}`);
    const whole = status === 'failed' && failed === 0;
    if (whole) complaints.push(`${name}: ${message ?? 'the file failed'}`);
    const skipped = assertionResults.length - passed - failed;
    counts = add(counts, { passed, failed: whole ? 1 : failed, skipped });
  }
  return counts;
}

function readJson<T>(name: string): T | { readonly missing: string } {
  const file = join(folder!, name);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as T) : { missing: name };
}

function add(a: Counts, b: Counts): Counts {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped };
}
