/** A thread of the lock chaos: uses locks until it is told to stop, terminated, or ends itself. */
import { parentPort, workerData } from 'node:worker_threads';
import { DeadlockError, OwnerDiedError, TimeoutError } from '../../src/core/errors.ts';
import type { Guard } from '../../src/core/guard.ts';
import { Lock } from '../../src/sync/lock.ts';
import { fromToken, shared, type Token, toToken } from '../../src/thread/tokens.ts';
import { Arena } from './arena.ts';
import type { MortalData } from './mortals.ts';
import { seeded } from './random.ts';

export interface LockWork {
  readonly locks: readonly Token[];
  readonly mode: 'sync' | 'async';
  /** How many at once, of an async thread. */
  readonly tasks: number;
  /** Whether each operation is a plain `await acquire()` that must be served: no time-outs, nothing else. */
  readonly plain: boolean;
}

const data = workerData as MortalData<LockWork>;
const { slot, thread, work } = data;
const arena = new Arena(data.arena);
const random = seeded(data.seed);
const locks = work.locks.map((token) => fromToken<Lock>(token));
let operations = 0;

class Aborted extends Error {}

/** Between operations, and while it has a lock. */
function dieIfPlanned(): void {
  if (data.death === undefined || operations < data.deathAfter || arena.stopped) return;
  arena.willDie(thread);
  if (data.death === 'exit') process.exit(77);
  setImmediate(() => {
    throw new Error('planned');
  });
  // A thread that blocks does not come to it.
  if (work.mode === 'sync') throw new Error('planned');
  operations = -Infinity;
}

function count(): void {
  arena.did(slot);
  operations++;
  if (random.chance(0.5)) dieIfPlanned();
}

/** A guard, if it was got, be it after a death; `undefined` if the wait ended otherwise. */
function after(error: unknown, thing: number): Guard | undefined {
  if (error instanceof OwnerDiedError) {
    arena.mend(thing);
    return error.guard as Guard;
  }
  if (error instanceof TimeoutError || error instanceof Aborted || error instanceof DeadlockError)
    return undefined;
  throw error;
}

function getSync(thing: number): Guard | undefined {
  const lock = locks[thing]!;
  try {
    if (random.chance(0.2)) return lock.tryAcquire();
    return lock.acquireSync(random.chance(0.3) ? { timeout: random.integer(0, 4) } : undefined);
  } catch (error) {
    return after(error, thing);
  }
}

async function get(thing: number): Promise<Guard | undefined> {
  const lock = locks[thing]!;
  try {
    if (work.plain || random.chance(0.5)) return await lock.acquire();
    if (random.chance(0.5)) return await lock.acquire({ timeout: random.integer(0, 4) });
    const controller = new AbortController();
    const abort = (): void => controller.abort(new Aborted('planned'));
    if (random.chance(0.5)) queueMicrotask(abort);
    else setImmediate(abort);
    return await lock.acquire({ signal: controller.signal });
  } catch (error) {
    return after(error, thing);
  }
}

function spin(): void {
  for (let left = random.integer(0, 300); left > 0; left--) Math.imul(left, left);
}

/** Objects that come and go, named and not. */
function churn(): void {
  const made = new Lock({ name: `churn ${random.integer(0, 5)}` });
  const token = toToken(made);
  const again = fromToken<Lock>(token);
  const guard = made.tryAcquire();
  if (again.tryAcquire() !== undefined) arena.fault(1, -1, thread);
  guard?.release();
  again[Symbol.dispose]();
  made[Symbol.dispose]();
  if (!random.chance(0.3)) return;
  const named = shared(`stress/${random.integer(0, 3)}`, () => new Lock());
  try {
    named.tryAcquire()?.release();
  } catch (error) {
    if (!(error instanceof OwnerDiedError)) throw error;
    (error.guard as Guard).release();
  }
  named[Symbol.dispose]();
}

function syncOperation(): void {
  arena.doing(slot, 1);
  if (random.chance(0.1)) churn();
  const thing = random.integer(0, locks.length - 1);
  arena.doing(slot, 10 + thing);
  const guard = getSync(thing);
  if (guard !== undefined) {
    arena.doing(slot, 20 + thing);
    arena.enter(thing, thread, 0);
    spin();
    dieIfPlanned();
    arena.leave(thing, thread, 0);
    guard.release();
  }
  count();
}

async function asyncOperation(task: number): Promise<void> {
  if (!work.plain && random.chance(0.1)) churn();
  const thing = random.integer(0, locks.length - 1);
  const guard = await get(thing);
  if (guard !== undefined) {
    arena.enter(thing, thread, task);
    dieIfPlanned();
    if (!work.plain && random.chance(0.3)) await new Promise(setImmediate);
    else if (random.chance(0.5)) await Promise.resolve();
    arena.leave(thing, thread, task);
    guard.release();
  }
  count();
  // Others come to their turn, and messages too.
  if (random.chance(0.05)) await new Promise(setImmediate);
}

async function asyncTask(task: number): Promise<void> {
  while (!arena.stopped) await asyncOperation(task);
}

arena.begin(slot, thread);
parentPort!.postMessage('ready');
// Waits of this loop do not keep it alive.
const hold = setInterval(() => {}, 2 ** 30);
if (work.mode === 'sync') {
  while (!arena.stopped) syncOperation();
} else {
  await Promise.all(Array.from({ length: work.tasks }, (_, task) => asyncTask(task)));
}
clearInterval(hold);
for (const lock of locks) if (random.chance(0.5)) lock[Symbol.dispose]();
parentPort!.close();
