/**
 * Four threads raise one counter in shared memory, in two steps that must not be interleaved: two of them block for the
 * lock, two await it, all in one line.
 *
 *     npm exec -- node examples/shared-counter.ts --rounds 5000
 *     npm exec -- node examples/shared-counter.ts --rounds 5000 --no-lock    # what happens without
 */
import { parseArgs } from 'node:util';
import { isMainThread, Lock, portable, run, ThreadPoolExecutor } from 'heddle';

const THREADS = 4;

interface Shared {
  readonly counter: Float64Array;
  /** How many threads are ready to begin. */
  readonly ready: Int32Array;
  readonly lock: Lock | undefined;
}

/** Not one step: what another thread writes between the two is lost. */
function raise(counter: Float64Array): void {
  let next = counter[0]!;
  for (let work = 0; work < 100; work++) next += 0.01;
  counter[0] = Math.round(next);
}

/** Returns when all threads have come here. */
function waitForOthers(ready: Int32Array): void {
  if (Atomics.add(ready, 0, 1) + 1 === THREADS) Atomics.notify(ready, 0);
  for (let seen = Atomics.load(ready, 0); seen < THREADS; seen = Atomics.load(ready, 0))
    Atomics.wait(ready, 0, seen);
}

// Threads find these by this module, which they import: hence the guard at its end.
const { raiseBlocking, raiseAsync } = portable(import.meta, {
  raiseBlocking({ counter, ready, lock }: Shared, rounds: number): void {
    waitForOthers(ready);
    for (let round = 0; round < rounds; round++) {
      using _guard = lock?.acquireSync();
      raise(counter);
    }
  },

  async raiseAsync({ counter, ready, lock }: Shared, rounds: number): Promise<void> {
    waitForOthers(ready);
    for (let round = 0; round < rounds; round++) {
      using _guard = await lock?.acquire();
      raise(counter);
    }
  },
});

async function main(rounds: number, lock: Lock | undefined): Promise<void> {
  const counter = new Float64Array(new SharedArrayBuffer(8));
  const shared: Shared = { counter, ready: new Int32Array(new SharedArrayBuffer(4)), lock };
  const pool = new ThreadPoolExecutor({ threads: THREADS });
  const started = performance.now();
  await Promise.all(
    Array.from({ length: THREADS }, (_, index) =>
      pool.submit(index % 2 === 0 ? raiseBlocking : raiseAsync, shared, rounds),
    ),
  );
  const elapsed = performance.now() - started;
  await pool.shutdown();
  console.log(
    `${lock === undefined ? 'without a lock' : 'under one lock'}: ${counter[0]} of ${THREADS * rounds}`,
  );
  console.log(`elapsed: ${elapsed.toFixed(0)} ms`);
}

/** A wrong argument ends the process with code 2. */
function readArguments(args: readonly string[]): { readonly rounds: number; readonly locked: boolean } {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        rounds: { type: 'string', default: '5000' },
        'no-lock': { type: 'boolean', default: false },
      },
    });
    const rounds = Number(values.rounds);
    if (!Number.isSafeInteger(rounds) || rounds < 1)
      throw new Error(`Cannot use --rounds '${values.rounds}': must be a whole number of at least 1`);
    return { rounds, locked: !values['no-lock'] };
  } catch (error) {
    console.error((error as Error).message);
    console.error('Usage: shared-counter.ts [--rounds 5000] [--no-lock]');
    process.exit(2);
  }
}

if (isMainThread) {
  const { rounds, locked } = readArguments(process.argv.slice(2));
  await run(() => main(rounds, locked ? new Lock({ name: 'counter' }) : undefined));
}
