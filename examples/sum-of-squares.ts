/**
 * Sums squares in several tasks at once: on threads, or by plain calls for comparison.
 *
 *     npm exec -- node examples/sum-of-squares.ts --threads 4 --tasks 10 --size 5000000
 *     npm exec -- node examples/sum-of-squares.ts --threads 0    # plain calls, one after the other
 */
import { parseArgs } from 'node:util';
import { isMainThread, portable, run, ThreadPoolExecutor } from 'heddle';

/** 1² + 2² + … + size², exactly: the sum soon outgrows what a plain number can hold. */
function sumOfSquares(size: number): bigint {
  let sum = 0n;
  for (let i = 1n; i <= size; i++) sum += i * i;
  return sum;
}

// Threads find the function by this module, which they import: hence the guard at its end.
portable(import.meta, sumOfSquares);

interface Arguments {
  readonly threads: number;
  readonly tasks: number;
  readonly size: number;
}

async function main({ threads, tasks, size }: Arguments): Promise<void> {
  console.log(`mode: ${threads === 0 ? 'plain calls' : `${threads} thread${threads === 1 ? '' : 's'}`}`);
  const sizes = Array.from({ length: tasks }, () => size);
  const started = performance.now();
  const sums = threads === 0 ? sizes.map(sumOfSquares) : await onThreads(threads, sizes);
  const elapsed = performance.now() - started;
  console.log(`sum of all tasks: ${sums.reduce((total, sum) => total + sum, 0n)}`);
  console.log(`elapsed: ${elapsed.toFixed(0)} ms`);
}

async function onThreads(threads: number, sizes: readonly number[]): Promise<bigint[]> {
  const pool = new ThreadPoolExecutor({ threads });
  try {
    return await Promise.all(sizes.map((size) => pool.submit(sumOfSquares, size)));
  } finally {
    await pool.shutdown();
  }
}

/** A wrong argument ends the process with code 2. */
function readArguments(args: readonly string[]): Arguments {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        threads: { type: 'string', default: '4' },
        tasks: { type: 'string', default: '10' },
        size: { type: 'string', default: '5000000' },
      },
    });
    return {
      threads: wholeNumber('threads', values.threads, 0),
      tasks: wholeNumber('tasks', values.tasks, 1),
      size: wholeNumber('size', values.size, 1),
    };
  } catch (error) {
    console.error((error as Error).message);
    console.error('Usage: sum-of-squares.ts [--threads 4] [--tasks 10] [--size 5000000]');
    process.exit(2);
  }
}

function wholeNumber(name: string, text: string, least: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= least) return value;
  throw new Error(`Cannot use --${name} '${text}': must be a whole number of at least ${least}`);
}

if (isMainThread) {
  const given = readArguments(process.argv.slice(2));
  await run(() => main(given));
}
