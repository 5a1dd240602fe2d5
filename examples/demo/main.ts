/**
 * Minifies every JavaScript file of a few published packages, on one thread and then on all, and compares the outputs.
 *
 *     npm run demo
 *     npm run demo -- rxjs vitest --threads 4    # other installed packages, another number of threads
 */
import { createHash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { isCancelled, run, ThreadPoolExecutor } from 'heddle';
import { type DemoOptions, readArguments } from './arguments.ts';
import { type Minified, minifyFile } from './minify.ts';
import { findFiles, type PackageFile } from './packages.ts';
import { showProgress } from './progress.ts';
import { count, packageTable, threadsText, timeTable } from './tables.ts';

/** All files, minified once. */
export interface Pass {
  readonly threads: number;
  readonly seconds: number;
  /** Of all cores together: one thread keeps more than one core busy, for the engine collects garbage on others. */
  readonly cpuSeconds: number;
  /** In the order of the files. */
  readonly results: readonly Minified[];
  readonly hash: string;
}

/** The exit code. */
async function demo({ packages, limit, threads }: DemoOptions): Promise<number> {
  const files = await findFiles(packages, limit);
  console.log(`Minifying ${count(files.length)} JavaScript files of ${packages.join(', ')} with terser`);
  const alone = await minifyAll(files, 1);
  const together = await minifyAll(files, threads ?? availableParallelism());

  console.log(packageTable(files, together));
  console.log(timeTable([alone, together]));
  for (const [index, { refusal }] of together.results.entries()) {
    if (refusal !== undefined) console.log(`refused: ${files[index]!.path}: ${refusal}`);
  }
  if (alone.hash !== together.hash) {
    console.error('The outputs differ: that must not happen');
    return 1;
  }
  console.log(`Both outputs are the same bytes: sha256 ${alone.hash}`);
  return 0;
}

/** One pass over all files: this is where heddle does its work. */
async function minifyAll(files: readonly PackageFile[], threads: number): Promise<Pass> {
  const results: Minified[] = [];
  const totalBytes = files.reduce((sum, { bytes }) => sum + bytes, 0);
  const progress = showProgress(`on ${threadsText(threads)}`, totalBytes);
  const started = performance.now();
  const cpuBefore = process.cpuUsage();
  // A minifier does not look at signals: on Ctrl-C its threads are terminated.
  const pool = new ThreadPoolExecutor({ threads, onCancel: 'terminate' });
  try {
    const paths = files.map(({ path }) => path);
    // As they come, each with its place, so that a large file holds nobody up.
    for await (const { index, value } of pool.map(minifyFile, paths, { ordered: false, entries: true })) {
      results[index] = value;
      progress.advance(value.bytesIn);
    }
  } finally {
    progress.stop();
    await pool.shutdown();
  }
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  console.log(`on ${threadsText(threads)}: ${seconds.toFixed(1)} s`);
  return { threads, seconds, cpuSeconds: (user + system) / 1e6, results, hash: hashOf(results) };
}

/** One hash over everything: each file's code with its length, and the refusals. */
function hashOf(results: readonly Minified[]): string {
  const hash = createHash('sha256');
  for (const { code, refusal } of results) hash.update(JSON.stringify([code, refusal]));
  return hash.digest('hex');
}

const options = readArguments(process.argv.slice(2));
try {
  process.exitCode = await run(() => demo(options));
} catch (error) {
  if (isCancelled(error)) throw error; // by Ctrl-C: the process ends with 130 and prints nothing
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
