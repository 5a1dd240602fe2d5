/**
 * Tables that all threads share. A lookup table lies in shared memory once, however many threads read it, and is read without any
 * lock; counters in shared memory are raised by all of them; and what must be objects is a `Shared`, decoded once in each thread.
 *
 *     npm exec -- node examples/recipes/tables.ts --words 50000 --threads 4
 */
import { parseArgs } from 'node:util';
import { isMainThread, Lock, portable, run, Shared, ThreadPoolExecutor } from 'heddle';

/** Numbers by their keys. Views of shared memory: what travels is where it lies. Never changed once it is built. */
interface Table {
  /** The keys as UTF-8, sorted by their bytes, one after the other. */
  readonly keys: Uint8Array;
  /** The index: where each key begins, and at last where the last one ends. */
  readonly starts: Uint32Array;
  readonly values: Float64Array;
}

function buildTable(entries: Iterable<readonly [key: string, value: number]>): Table {
  const sorted = Array.from(entries, ([key, value]) => ({ bytes: Buffer.from(key), value })).sort((a, b) =>
    Buffer.compare(a.bytes, b.bytes),
  );
  const size = sorted.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const table = {
    keys: new Uint8Array(new SharedArrayBuffer(size)),
    starts: new Uint32Array(new SharedArrayBuffer(4 * (sorted.length + 1))),
    values: new Float64Array(new SharedArrayBuffer(8 * sorted.length)),
  };
  let start = 0;
  for (const [at, { bytes, value }] of sorted.entries()) {
    table.keys.set(bytes, start);
    table.values[at] = value;
    start += bytes.length;
    table.starts[at + 1] = start;
  }
  return table;
}

/** The place of a key, by binary search; -1 if there is none. */
function find({ keys, starts, values }: Table, key: string): number {
  const wanted = Buffer.from(key);
  for (let low = 0, high = values.length - 1; low <= high; ) {
    const middle = (low + high) >>> 1;
    const order = Buffer.compare(wanted, keys.subarray(starts[middle]!, starts[middle + 1]!));
    if (order === 0) return middle;
    if (order < 0) high = middle - 1;
    else low = middle + 1;
  }
  return -1;
}

/** What the threads have counted. */
interface Counts {
  /** How often each key was asked for, and at last how often there was none. One number each: `Atomics` will do. */
  readonly hits: Int32Array;
  /** How many values were seen, and their sum. These two belong together, so they are changed under a lock. */
  readonly seen: Float64Array;
  readonly lock: Lock;
}

interface Grade {
  readonly name: string;
  readonly below: number;
}

/** Objects have no shared memory: these are encoded once, and decoded once in each thread, however many jobs they go to. */
type Grades = Shared<readonly Grade[]>;

// Threads find this by this module, which they import: hence the guard at its end.
const count = portable(
  import.meta,
  /** Gives how many values of each grade there are. */
  function count(
    table: Table,
    grades: Grades,
    { hits, seen, lock }: Counts,
    words: readonly string[],
  ): number[] {
    const ofGrades = grades.get(); // frozen, and the same for all jobs of this thread
    const counts = ofGrades.map(() => 0);
    let values = 0;
    let sum = 0;
    for (const word of words) {
      const at = find(table, word);
      Atomics.add(hits, at === -1 ? table.values.length : at, 1);
      if (at === -1) continue;
      const value = table.values[at]!;
      values++;
      sum += value;
      counts[ofGrades.findIndex(({ below }) => value < below)]! += 1;
    }
    // Once for all these words: a lock that each of them took would have the threads wait for each other.
    lock.runSync(() => {
      seen[0]! += values;
      seen[1]! += sum;
    });
    return counts;
  },
);

async function main(words: number, threads: number): Promise<void> {
  const table = buildTable(Array.from({ length: words }, (_, n) => [`wört ${n}`, n] as const));
  const grades: Grades = new Shared([
    { name: 'low', below: 100 },
    { name: 'high', below: 1e9 },
  ]);
  const counts: Counts = {
    hits: new Int32Array(new SharedArrayBuffer(4 * (words + 1))),
    seen: new Float64Array(new SharedArrayBuffer(16)),
    lock: new Lock({ name: 'seen' }),
  };
  const pool = new ThreadPoolExecutor({ threads });
  // Every word twice, and as many that are not in the table.
  const all = Array.from({ length: 3 * words }, (_, n) => `wört ${n < words ? n : n - words}`);
  const parts = Array.from({ length: 2 * threads }, (_, part) =>
    all.filter((_, n) => n % (2 * threads) === part),
  );
  const counted = await Promise.all(parts.map((part) => pool.submit(count, table, grades, counts, part)));
  console.log(`found: ${counts.seen[0]}, sum: ${counts.seen[1]}, missing: ${counts.hits[words]}`);
  console.log(`each twice: ${counts.hits.subarray(0, words).every((hits) => hits === 2)}`);
  const ofGrades = grades.get().map(({ name }, at) => {
    const total = counted.reduce((sum, ofPart) => sum + ofPart[at]!, 0);
    return `${name}: ${total}`;
  });
  console.log(ofGrades.join(', '));
}

if (isMainThread) {
  const { values } = parseArgs({
    options: { words: { type: 'string', default: '50000' }, threads: { type: 'string', default: '4' } },
  });
  await run(() => main(Number(values.words), Number(values.threads)));
}
