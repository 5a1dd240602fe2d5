/**
 * Measures, on this machine, from where on threads pay: how long a function must run before two threads beat calling it in
 * place, what it costs to send a payload, what a thread costs, and how late a loop is that computes by itself.
 *
 *     npm exec -- node examples/crossover.ts                      # some seconds
 *     npm exec -- node examples/crossover.ts --repetitions 30     # on a busy machine: some are not disturbed
 */
import { setImmediate, setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Barrier, isMainThread, portable, run, ThreadPoolExecutor, transfer } from 'heddle';

const THREADS = 2;
/** How long the function runs, in microseconds. */
const DURATIONS = [2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000];
const PAYLOADS = [1_000, 100_000, 10_000_000];
/** How long a piece of work keeps a loop from all else, in milliseconds. */
const PIECES = [1, 10, 50];
/** So much memory is copied to see whether two threads copy faster: more than any cache holds. */
const LARGE = 64_000_000;

/** Computes for a while: rounds and not a time, for a thread that is not running must not get on with it. */
function compute(rounds: number): number {
  let x = 1;
  for (let i = 0; i < rounds; i++) x = (Math.imul(x, 1_664_525) + 1_013_904_223) | 0;
  return x;
}

// Threads find these by this module, which they import: hence the guard at its end.
portable(import.meta, compute);
const { sizeOf, lengthOf, copy, meet } = portable(import.meta, {
  sizeOf: (bytes: Uint8Array): number => bytes.length,
  lengthOf: (list: readonly unknown[]): number => list.length,
  copy: (from: Uint8Array, to: Uint8Array): void => to.set(from),
  meet: (barrier: Barrier): number => barrier.waitSync(),
});

interface Scale {
  /** How often each thing is measured. */
  readonly repetitions: number;
  /** Milliseconds of work in one measurement of durations: few, so that on a busy machine some are not disturbed. */
  readonly work: number;
}

async function main(scale: Scale): Promise<void> {
  const pool = new ThreadPoolExecutor({ threads: THREADS, name: 'measured' });
  const roundsPerMicrosecond = calibrate();
  await warmUp(pool, roundsPerMicrosecond);
  await measureThreads(scale); // before anything leaves memory behind that they would find
  await compareDurations(pool, roundsPerMicrosecond, scale);
  await comparePayloads(pool, scale);
  await compareCopying(pool, scale);
  await compareLateness(pool, roundsPerMicrosecond);
  await pool.shutdown();
}

/** How many rounds take a microsecond. */
function calibrate(): number {
  const rounds = 1_000_000;
  const times = Array.from({ length: 7 }, () => {
    const began = performance.now();
    compute(rounds);
    return performance.now() - began;
  });
  return rounds / (Math.min(...times) * 1000);
}

/** All threads are there, and they and this one have compiled what they will run. */
async function warmUp(pool: ThreadPoolExecutor, roundsPerMicrosecond: number): Promise<void> {
  const rounds = Math.round(5000 * roundsPerMicrosecond) | 0;
  for (let n = 0; n < 3; n++) {
    inPlace(4, rounds);
    inPlace(1000, 1000);
    inPlace(1, 1, Math.abs); // a second function: so neither is compiled into its caller, and both are called as in a thread
    await inThreads(pool, 4 * THREADS, rounds);
    await inThreads(pool, 1000, 1000);
    await mapped(pool, 1000, 1000);
  }
}

async function compareDurations(
  pool: ThreadPoolExecutor,
  roundsPerMicrosecond: number,
  scale: Scale,
): Promise<void> {
  const rows: string[][] = [];
  for (const duration of DURATIONS) {
    const calls = Math.max(4, Math.round((scale.work * 1000) / duration));
    const rounds = Math.round(duration * roundsPerMicrosecond) | 0;
    const few = Math.min(calls, 20); // each is a trip
    const here: number[] = [];
    const submit: number[] = [];
    const map: number[] = [];
    const each: number[] = [];
    for (let n = 0; n < scale.repetitions * 3; n++) {
      here.push(await timed(() => inPlace(calls, rounds)));
      submit.push(await timed(() => inThreads(pool, calls, rounds)));
      map.push(await timed(() => mapped(pool, calls, rounds)));
      each.push((await timed(() => oneByOne(pool, few, rounds))) * (calls / few));
    }
    const gain = (list: readonly number[]): string =>
      `${(best(here) / best(list)).toFixed(2)} (${(median(here) / median(list)).toFixed(2)})`;
    rows.push([time(best(here) / calls), `${calls}`, gain(submit), gain(map), gain(each)]);
  }
  console.log(
    `How many times as fast as in place, by ${THREADS} threads: the best of each, and in brackets the medians`,
  );
  console.log(table(['it runs', 'calls', 'submit', 'map, auto', 'each awaited'], rows));
}

function inPlace(calls: number, rounds: number, fn: (rounds: number) => number = compute): void {
  for (let n = 0; n < calls; n++) fn(rounds);
}

async function inThreads(pool: ThreadPoolExecutor, calls: number, rounds: number): Promise<void> {
  await Promise.all(Array.from({ length: calls }, () => pool.submit(compute, rounds)));
}

async function mapped(pool: ThreadPoolExecutor, calls: number, rounds: number): Promise<void> {
  const items = Array.from({ length: calls }, () => rounds);
  for await (const _ of pool.map(compute, items, { chunkSize: 'auto', ordered: false }));
}

async function oneByOne(pool: ThreadPoolExecutor, calls: number, rounds: number): Promise<void> {
  for (let n = 0; n < calls; n++) await pool.submit(compute, rounds);
}

async function comparePayloads(pool: ThreadPoolExecutor, { repetitions }: Scale): Promise<void> {
  const rows: string[][] = [];
  for (const size of PAYLOADS) {
    const bytes = new Uint8Array(size);
    const objects = records(size);
    const trips = Math.max(3, Math.min(50, 5_000_000 / size)) * repetitions;
    const copied: number[] = [];
    const here: number[] = [];
    const moved: number[] = [];
    const listed: number[] = [];
    for (let n = 0; n < trips; n++) {
      const began = performance.now();
      const future = pool.submit(sizeOf, bytes);
      here.push(performance.now() - began);
      await future;
      copied.push(performance.now() - began);
      const fresh = new Uint8Array(size);
      moved.push(await timed(() => pool.submit(sizeOf, transfer(fresh))));
      if (n < Math.min(3, repetitions)) listed.push(await timed(() => pool.submit(lengthOf, objects)));
    }
    rows.push([bytesOf(size), ...[copied, here, moved, listed].map((list) => time(median(list)))]);
  }
  console.log('To send a payload and wait for a short answer (less is better)');
  console.log(table(['payload', 'copied', 'of that, here', 'moved', 'plain objects'], rows));
}

/** Objects whose JSON has about `size` bytes. */
function records(
  size: number,
): readonly { readonly id: number; readonly name: string; readonly price: number }[] {
  return Array.from({ length: Math.ceil(size / 50) }, (_, id) => ({
    id,
    name: `article number ${id}`,
    price: id / 4,
  }));
}

/** Work that hardly computes, only moves memory about. */
async function compareCopying(pool: ThreadPoolExecutor, { repetitions }: Scale): Promise<void> {
  const from = new Uint8Array(new SharedArrayBuffer(LARGE)).fill(1);
  const to = new Uint8Array(new SharedArrayBuffer(LARGE)).fill(2);
  const part = LARGE / THREADS;
  const parts = Array.from({ length: THREADS }, (_, n) => [n * part, (n + 1) * part] as const);
  const here: number[] = [];
  const there: number[] = [];
  for (let n = 0; n < repetitions; n++) {
    here.push(await timed(() => copy(from, to)));
    there.push(
      await timed(() =>
        Promise.all(parts.map(([a, z]) => pool.submit(copy, from.subarray(a, z), to.subarray(a, z)))),
      ),
    );
  }
  const ratio = (median(here) / median(there)).toFixed(2);
  console.log(
    `Copying ${bytesOf(LARGE)} of shared memory: ${time(median(here))} in place, ${ratio} × by two threads\n`,
  );
}

async function compareLateness(pool: ThreadPoolExecutor, roundsPerMicrosecond: number): Promise<void> {
  const rows: string[][] = [];
  for (const piece of PIECES) {
    const rounds = Math.round(piece * 1000 * roundsPerMicrosecond);
    const pieces = Math.ceil(100 / piece) + 3;
    const here = await lateness(pieces, piece, () => compute(rounds));
    const there = await lateness(pieces, piece, () => pool.submit(compute, rounds));
    rows.push([
      `${piece} ms`,
      ...[here, there].flatMap((late) => [time(median(late)), time(Math.max(...late))]),
    ]);
  }
  console.log('How late a timer of 2 ms is while the program is busy half of the time (less is better)');
  console.log(table(['pieces of', 'in place: half', 'longest', 'in a thread: half', 'longest'], rows));
}

/** Milliseconds by which a timer is late, again and again, while work is done. */
async function lateness(pieces: number, pause: number, work: () => unknown): Promise<readonly number[]> {
  const late: number[] = [];
  let over = false;
  const ticking = (async () => {
    while (!over) {
      const due = performance.now() + 2;
      await setTimeout(2);
      late.push(Math.max(0, performance.now() - due));
    }
  })();
  for (let n = 0; n < pieces; n++) {
    await setTimeout(pause);
    await work();
    await setImmediate();
  }
  over = true;
  await ticking;
  return late;
}

async function measureThreads({ repetitions }: Scale): Promise<void> {
  const before = process.memoryUsage.rss();
  const pool = new ThreadPoolExecutor({ threads: 4 });
  const barrier = new Barrier(4); // a job in each thread
  await Promise.all(Array.from({ length: 4 }, () => pool.submit(meet, barrier)));
  const each = (process.memoryUsage.rss() - before) / 4;
  await pool.shutdown();
  const starts: number[] = [];
  for (let n = 0; n < Math.min(repetitions, 5); n++) {
    const pool = new ThreadPoolExecutor({ threads: 1 });
    starts.push(await timed(() => pool.submit(compute, 1)));
    await pool.shutdown();
  }
  console.log(
    `A thread: ${time(median(starts))} until its first result, ${bytesOf(each)} of resident memory while idle\n`,
  );
}

/** Milliseconds until `fn` is done. */
async function timed(fn: () => unknown): Promise<number> {
  const began = performance.now();
  await fn();
  return performance.now() - began;
}

function best(list: readonly number[]): number {
  return Math.min(...list);
}

function median(list: readonly number[]): number {
  return list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)]!;
}

function time(milliseconds: number): string {
  const [value, unit] = milliseconds < 0.9995 ? [milliseconds * 1000, 'µs'] : [milliseconds, 'ms'];
  return `${value < 99.95 ? value.toPrecision(3) : value.toFixed(0)} ${unit}`;
}

function bytesOf(bytes: number): string {
  return bytes < 1e6 ? `${Math.round(bytes / 1e3)} KB` : `${Math.round(bytes / 1e6)} MB`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]!.length)),
  );
  const line = (cells: readonly string[]): string =>
    `  ${cells.map((cell, column) => cell.padStart(widths[column]!)).join('   ')}`;
  return `${[head, ...rows].map(line).join('\n')}\n`;
}

/** A wrong argument ends the process with code 2. */
function readArguments(args: readonly string[]): Scale {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        repetitions: { type: 'string', default: '5' },
        work: { type: 'string', default: '5' },
      },
    });
    return {
      repetitions: wholeNumber('repetitions', values.repetitions),
      work: wholeNumber('work', values.work),
    };
  } catch (error) {
    console.error((error as Error).message);
    console.error('Usage: crossover.ts [--repetitions 5] [--work 5]');
    process.exit(2);
  }
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= 1) return value;
  throw new Error(`Cannot use --${name} '${text}': must be a whole number of at least 1`);
}

if (isMainThread) {
  const scale = readArguments(process.argv.slice(2));
  await run(() => main(scale));
}
