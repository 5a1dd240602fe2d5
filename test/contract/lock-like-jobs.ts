/** What the contract of lock-likes has done in other threads; and the shared memory by which it is told what to do. */
import { type Guard, OwnerDiedError, portable } from '../../src/index.ts';
import { implementationOf, type LockLike } from './lock-like.ts';

export type Form = 'async' | 'sync' | 'try';
/** How the thread of a holder ends. */
export type End = 'exit' | 'throw' | 'terminate';

/** What an actor is told, and tells: three words each, after one that counts how often the lock was got. */
export const GOT = 1;
export const GO_ON = 2;
export const COUNT = 0;

export interface Part {
  readonly implementation: string;
  readonly object: Disposable;
  readonly form: Form;
  readonly words: Int32Array;
  /** Where its words begin. */
  readonly at: number;
  readonly timeout?: number;
  readonly permits?: number;
}

/** Has the lock from `GOT` until `GO_ON`. Gives what became of it: `'got'`, or the code of the error. */
async function hold(part: Part): Promise<string> {
  let guard: Guard;
  let outcome = 'got';
  try {
    guard = await get(lockOf(part), part);
  } catch (error) {
    if (!(error instanceof OwnerDiedError)) return codeOf(error);
    guard = error.guard!;
    outcome = error.code;
  }
  sayGot(part);
  if (part.form === 'sync') Atomics.wait(part.words, part.at + GO_ON, 0);
  else await raised(part.words, part.at + GO_ON);
  guard.release();
  return outcome;
}

/** Has the lock from `GOT` on; its thread ends with it after `GO_ON`. */
async function holdAndEnd(part: Part, end: End): Promise<void> {
  const guard = await get(lockOf(part), part);
  guard.keep();
  sayGot(part);
  if (part.form === 'sync') Atomics.wait(part.words, part.at + GO_ON, 0);
  else await raised(part.words, part.at + GO_ON);
  endThread(end);
  await new Promise(() => {});
}

/** Waits in the line; its thread ends there after `GO_ON`. */
async function waitAndEnd(part: Part, end: End): Promise<void> {
  void get(lockOf(part), part);
  await raised(part.words, part.at + GO_ON);
  endThread(end);
  await new Promise(() => {});
}

/** Has the lock until somebody waits for it; then releases it, or ends its thread. */
async function holdUntilWaited(part: Part, end?: End): Promise<void> {
  const lock = lockOf(part);
  const guard = await get(lock, part);
  sayGot(part);
  while (lock.statistics().waiting === 0) Atomics.wait(part.words, part.at + GO_ON, 0, 1);
  if (end === undefined) {
    guard.release();
    return;
  }
  guard.keep();
  endThread(end);
  await new Promise(() => {});
}

/** Adds 1 to `words[0]`, in two steps, so many times. */
async function count(part: Part, rounds: number): Promise<void> {
  const lock = lockOf(part);
  const { words } = part;
  const add = (): void => {
    const before = words[COUNT]!;
    // Long enough for others to come between, if they could.
    for (let i = 0; i < 50; i++) Atomics.load(words, part.at);
    words[COUNT] = before + 1;
  };
  for (let round = 0; round < rounds; round++) {
    if (part.form === 'sync') lock.runSync(add);
    else if (part.form === 'async') await lock.run(add);
    else if (!tryCount(lock, add)) round--;
  }
}

function tryCount(lock: LockLike, add: () => void): boolean {
  const guard = lock.tryAcquire();
  if (guard === undefined) return false;
  add();
  guard.release();
  return true;
}

/**
 * Takes and gives back by turns, so many times, and counts what is held in `words[0]`: never more than `most`. Each
 * time another of the amounts, in an order that the part's place determines; every fourth time briefly, so that some
 * waits are given up. Gives how often it got what it wanted.
 */
async function juggle(part: Part, rounds: number, amounts: readonly number[], most: number): Promise<number> {
  const lock = lockOf(part);
  const { words } = part;
  let got = 0;
  for (let round = 0; round < rounds; round++) {
    const permits = amounts[(part.at + round) % amounts.length]!;
    const briefly = round % 4 === 3 ? { timeout: 1 } : {};
    let guard: Guard;
    try {
      guard = await get(lock, { ...part, permits, ...briefly });
    } catch (error) {
      if (codeOf(error) === 'ERR_HEDDLE_TIMEOUT') continue;
      throw error;
    }
    const held = Atomics.add(words, COUNT, permits) + permits;
    if (held > most) throw new Error(`${held} are held at the same time`);
    for (let i = 0; i < 50; i++) Atomics.load(words, part.at);
    if (part.form === 'async' && round % 8 === 0) await undefined;
    Atomics.sub(words, COUNT, permits);
    guard.release();
    got++;
  }
  return got;
}

/** Whether it can be had at once. */
function canBeHad(part: Part): boolean {
  const guard = lockOf(part).tryAcquire(part.permits === undefined ? {} : { permits: part.permits });
  guard?.release();
  return guard !== undefined;
}

interface Jobs {
  readonly hold: typeof hold;
  readonly holdAndEnd: typeof holdAndEnd;
  readonly waitAndEnd: typeof waitAndEnd;
  readonly holdUntilWaited: typeof holdUntilWaited;
  readonly count: typeof count;
  readonly juggle: typeof juggle;
  readonly canBeHad: typeof canBeHad;
}

export const jobs: Jobs = portable(import.meta, {
  hold,
  holdAndEnd,
  waitAndEnd,
  holdUntilWaited,
  count,
  juggle,
  canBeHad,
});

function lockOf({ implementation, object }: Part): LockLike {
  return implementationOf(implementation).as(object);
}

function get(lock: LockLike, { form, timeout, permits }: Part): Promise<Guard> | Guard {
  const amount = permits === undefined ? {} : { permits };
  const options = timeout === undefined ? amount : { timeout, ...amount };
  if (form === 'async') return lock.acquire(options);
  if (form === 'sync') return lock.acquireSync(options);
  const guard = lock.tryAcquire(amount);
  if (guard === undefined) throw new Error('taken');
  return guard;
}

function sayGot({ words, at }: Part): void {
  Atomics.store(words, at + GOT, Atomics.add(words, COUNT, 1) + 1);
  Atomics.notify(words, at + GOT);
}

function endThread(end: End): void {
  if (end === 'exit') process.exit(3);
  if (end === 'throw')
    setImmediate(() => {
      throw new Error('on purpose');
    });
}

export function codeOf(error: unknown): string {
  return (error as { code?: string }).code ?? String(error);
}

type WaitAsync = (words: Int32Array, index: number, value: number) => { async: boolean; value: unknown };

/** Resolves when the word is not 0 any more. */
export async function raised(words: Int32Array, index: number): Promise<number> {
  const { waitAsync } = Atomics as unknown as { waitAsync: WaitAsync };
  for (;;) {
    const seen = Atomics.load(words, index);
    if (seen !== 0) return seen;
    await waitAsync(words, index, 0).value;
  }
}

export function raise(words: Int32Array, index: number): void {
  Atomics.store(words, index, 1);
  Atomics.notify(words, index);
}
