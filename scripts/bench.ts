/**
 * `npm run bench`: measures heddle beside other thread pools. Installs the packages of `bench/` if they are missing,
 * builds heddle if its build is missing or older than its sources, and writes the samples as JSON to
 * `bench/results/` and the table to `bench/RESULTS.md`. Timings are never tests.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import {
  benchFolder,
  describeEnvironment,
  type Environment,
  findNodes,
  installedVersion,
  type NodeBinary,
  rootFolder,
} from '../bench/src/environment.ts';
import { help, type Options, parseOptions, UsageError } from '../bench/src/options.ts';
import { type Run, type RunDetails, report, reportOf } from '../bench/src/report.ts';
import { countChildren, measure, type Sample } from '../bench/src/suite.ts';

process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));
process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  try {
    const options = parseOptions(args);
    if (options === undefined) {
      console.log(help);
      return 0;
    }
    if (options.reports.length > 0) return reportAgain(options);
    const nodes = findNodes(options.nodes);
    if (countChildren(nodes, options) === 0) {
      throw new UsageError(
        'Cannot run the benchmarks: none of these peers takes part in any of these groups',
      );
    }
    installPeers();
    if (options.peers.some((peer) => peer.package === 'heddle')) buildHeddle();
    return await runSuite(nodes, options);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${error.message}\nSee npm run bench -- --help`);
    return 2;
  }
}

/** One report of the samples of earlier runs. */
function reportAgain(options: Options): number {
  const [first, ...others] = options.reports.map(readRun);
  const output = resolve(options.output ?? join(benchFolder, 'RESULTS.md'));
  writeFileSync(output, reportOf([first!, ...others]));
  console.log(`Written to ${relative(process.cwd(), output)}`);
  return 0;
}

/** @throws UsageError if that is no file of samples. */
function readRun(file: string): Run {
  try {
    const { environment, run, samples } = JSON.parse(readFileSync(file, 'utf8')) as {
      environment: Environment;
      run: Omit<RunDetails, 'seconds'> & { readonly seconds?: number };
      samples: Sample[];
    };
    return { environment, details: { seconds: 0, ...run }, samples };
  } catch (error) {
    throw new UsageError(`Cannot read the samples in '${file}': ${(error as Error).message}`);
  }
}

async function runSuite(nodes: readonly NodeBinary[], options: Options): Promise<number> {
  const environment = describeEnvironment(nodes);
  const started = performance.now();
  const stamp = environment.date.replace(/[:.]/g, '-');
  const results = join(benchFolder, 'results');
  mkdirSync(results, { recursive: true });
  const samples: Sample[] = [];
  const total = countChildren(nodes, options);
  let repetition = 1;
  for await (const sample of measure(nodes, options)) {
    // A run that is interrupted keeps its whole repetitions.
    if (sample.repetition !== repetition) save(join(results, `${stamp}.json`), environment, options, samples);
    repetition = sample.repetition;
    samples.push(sample);
    showProgress(sample, samples.length, total);
  }
  const seconds = (performance.now() - started) / 1000;
  save(join(results, `${stamp}.json`), environment, { ...options, seconds }, samples);

  const text = report(environment, { ...options, seconds }, samples);
  const output =
    options.output === undefined
      ? join(options.whole ? benchFolder : results, options.whole ? 'RESULTS.md' : `${stamp}.md`)
      : resolve(options.output);
  writeFileSync(output, text);
  console.log(`\n${text}\nWritten to ${relative(process.cwd(), output)}`);
  return samples.some(({ outcome }) => 'values' in outcome) ? 0 : 1;
}

function save(
  file: string,
  environment: Environment,
  { reps, quick, whole, seconds }: Options & { readonly seconds?: number },
  samples: readonly Sample[],
): void {
  const run = { reps, quick, whole, seconds };
  writeFileSync(file, `${JSON.stringify({ environment, run, samples }, null, 1)}\n`);
}

/** One line, rewritten, on a terminal; failures stay. Elsewhere failures and every fiftieth sample. */
function showProgress(sample: Sample, done: number, total: number): void {
  const what = `${done}/${total} repetition ${sample.repetition}, ${sample.node} ${sample.measurement} ${sample.peer}`;
  const failure = 'error' in sample.outcome ? `: failed: ${sample.outcome.error}` : '';
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${what}${failure}${failure === '' ? '' : '\n'}`);
  else if (failure !== '' || done % 50 === 0) process.stderr.write(`${what}${failure}\n`);
  if (process.stderr.isTTY && done === total) process.stderr.write('\r\x1b[K');
}

/** `npm ci` unless exactly the versions of the lock file are there. */
function installPeers(): void {
  const lock = JSON.parse(readFileSync(join(benchFolder, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { version?: string; dependencies?: Record<string, string> }>;
  };
  const wanted = Object.keys(lock.packages['']?.dependencies ?? {});
  const missing = wanted.filter(
    (name) => installedVersion(name) !== lock.packages[`node_modules/${name}`]?.version,
  );
  if (missing.length === 0) return;
  console.error(`Installing ${missing.join(', ')} …`);
  const args = ['ci', '--prefix', benchFolder, '--no-audit', '--no-fund'];
  const npm = process.env['npm_execpath'];
  if (npm === undefined)
    execFileSync('npm', args, { stdio: ['ignore', 2, 2], shell: process.platform === 'win32' });
  else execFileSync(process.execPath, [npm, ...args], { stdio: ['ignore', 2, 2] });
}

/** Figures of an old build would pass for those of the sources beside it. */
function buildHeddle(): void {
  const built = join(rootFolder, 'dist', 'index.js');
  if (existsSync(built) && statSync(built).mtimeMs >= newestSource()) return;
  console.error('Building heddle …');
  execFileSync(process.execPath, [join(rootFolder, 'scripts', 'build.ts')], { stdio: ['ignore', 2, 2] });
}

function newestSource(): number {
  const source = join(rootFolder, 'src');
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  );
  return Math.max(...files.map((file) => statSync(join(source, file)).mtimeMs));
}
