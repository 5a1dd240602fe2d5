/**
 * Locks under threads that die at any moment: blocked threads and tasks, with time-outs and aborted waits. There are
 * never two owners, whoever dies with a lock is told of, nobody hangs, and at the end no block of memory is left.
 */
import { OwnerDiedError } from '../../src/core/errors.ts';
import type { Guard } from '../../src/core/guard.ts';
import { Lock } from '../../src/sync/lock.ts';
import { shared, toToken } from '../../src/thread/tokens.ts';
import { Arena } from './arena.ts';
import { bundle } from './bundle.ts';
import { dumpHeap, nothingLeft, recordsInUse, usedBlocks } from './heap-watch.ts';
import type { LockWork } from './lock-chaos-thread.ts';
import { Mortals } from './mortals.ts';
import { seeded } from './random.ts';

export interface LockChaosOptions {
  readonly threads: number;
  readonly locks: number;
  /** Every so many of the threads block, the others have tasks; 0 for none. */
  readonly blockingEvery: number;
  readonly tasks: number;
  readonly plain: boolean;
  readonly lifetime: number;
}

export interface LockChaosReport {
  readonly seed: number;
  readonly terminations: number;
  readonly deaths: Readonly<Record<string, number>>;
  readonly operations: number;
}

/** Some block, some have a few tasks, with all that can end a wait. */
export const MIXED: LockChaosOptions = {
  threads: 8,
  locks: 3,
  blockingEvery: 2,
  tasks: 4,
  plain: false,
  lifetime: 40,
};

/** Thousands of tasks in a few threads wait for one lock that is handed round. */
export const RELAY: LockChaosOptions = {
  threads: 4,
  locks: 1,
  blockingEvery: 0,
  tasks: 1000,
  plain: true,
  lifetime: 1500,
};

export async function lockChaos(
  seed: number,
  milliseconds: number,
  options: LockChaosOptions = MIXED,
  atMost: number = Infinity,
): Promise<LockChaosReport> {
  const random = seeded(seed);
  // Entries of names stay for ever.
  for (let name = 0; name <= 3; name++) shared(`stress/${name}`, () => new Lock())[Symbol.dispose]();
  const before = usedBlocks();
  const records = recordsInUse();
  const arena = Arena.make(options.threads, options.locks);
  const locks = Array.from({ length: options.locks }, (_, index) => new Lock({ name: `stress ${index}` }));
  const tokens = locks.map(toToken);
  using thread = await bundle(new URL('./lock-chaos-thread.ts', import.meta.url));
  const mortals = new Mortals<LockWork>({
    arena,
    random,
    file: thread.file,
    lifetime: options.lifetime,
    work: (slot) => ({
      locks: tokens,
      mode: options.blockingEvery > 0 && slot % options.blockingEvery === 0 ? 'sync' : 'async',
      tasks: options.tasks,
      plain: options.plain,
    }),
  });
  try {
    await mortals.goOn(milliseconds, atMost);
  } finally {
    await mortals.stop();
  }
  for (const [index, lock] of locks.entries()) acquireAtLast(lock, index, arena);
  const fault = arena.describeFault();
  if (fault !== undefined) throw new Error(`${fault}\n${dumpHeap()}`);
  for (const lock of locks) lock[Symbol.dispose]();
  await nothingLeft(before, records);
  const operations = Array.from({ length: options.threads }, (_, slot) => arena.done(slot));
  return {
    seed,
    terminations: mortals.count,
    deaths: mortals.deaths,
    operations: operations.reduce((sum, n) => sum + n, 0),
  };
}

/** Nobody is left who could have it, or wait for it. */
function acquireAtLast(lock: Lock, thing: number, arena: Arena): void {
  const { waiting } = lock.statistics();
  if (waiting !== 0) throw new Error(`${waiting} wait for lock ${thing}, and nobody is left\n${dumpHeap()}`);
  let guard: Guard;
  try {
    guard = lock.acquireSync({ timeout: 5000 });
  } catch (error) {
    if (!(error instanceof OwnerDiedError))
      throw new Error(`Lock ${thing} is lost\n${dumpHeap()}`, { cause: error });
    arena.mend(thing);
    guard = error.guard as Guard;
  }
  arena.enter(thing, 0, 0);
  arena.leave(thing, 0, 0);
  guard.release();
}
