/**
 * The threads of the deep stack test. `deep` dives until its stack overflows and makes a call at every depth on the
 * way back; its partners use the same lock meanwhile, blocked and on their loop.
 */
import { parentPort, workerData } from 'node:worker_threads';
import {
  DeadlockError,
  fromToken,
  type Guard,
  Lock,
  OwnerDiedError,
  TimeoutError,
  toToken,
} from '../../src/index.ts';
import { CALLS, type Call, type DeepData, type DiveRequest, type DiveResult } from './deep-calls.ts';

const { role, token, words } = workerData as DeepData;
const lock = fromToken<Lock>(token);

/** What calls have left, to be settled where there is stack. */
let guards: Guard[] = [];
let promises: Promise<unknown>[] = [];
let made: Lock[] = [];
let wrong: string[] = [];
let overflows: unknown[] = [];
let others = 0;
let enough = 0;
let held: Guard[] = [];

const calls: Record<Call, () => void> = {
  tryAcquire: () => {
    const guard = lock.tryAcquire();
    if (guard !== undefined) guards.push(guard);
    guard?.release();
  },
  acquireSync: () => {
    const guard = lock.acquireSync({ timeout: 200 });
    guards.push(guard);
    guard.release();
  },
  acquire: () => {
    promises.push(lock.acquire({ timeout: 200 }));
  },
  // Of a guard that was got where there was stack.
  release: () => {
    const guard = held.at(-1);
    if (guard === undefined) return;
    guard.release();
    held.pop();
  },
  runSync: () => lock.runSync(() => {}, { timeout: 200 }),
  run: () => {
    promises.push(lock.run(() => {}, { timeout: 200 }));
  },
  enter: () => {
    const fresh = new Lock({ name: 'deep' });
    made.push(fresh);
    toToken(fresh);
  },
  statistics: () => {
    lock.statistics();
  },
  // Long enough for the looks of a blocked thread.
  timed: () => {
    lock.acquireSync({ timeout: 300 }).release();
  },
  dispose: () => {
    made.at(-1)?.[Symbol.dispose]();
    made.pop();
  },
};

function isOverflow(error: unknown): boolean {
  return error instanceof RangeError && error.message.includes('call stack');
}

function failed(error: unknown): void {
  if (isOverflow(error)) {
    overflows.push(error);
    return;
  }
  others++;
  if (error instanceof TimeoutError || error instanceof DeadlockError) return;
  if (error instanceof OwnerDiedError) guards.push(error.guard as Guard);
  wrong.push(String((error as Error).stack).slice(0, 2000));
}

/** Before it begins to dive everything has been called once: nothing is compiled for the first time in the depth. */
function dive(call: () => void): void {
  try {
    dive(call);
  } catch (error) {
    if (!isOverflow(error)) throw error;
  }
  if (others >= enough) return;
  try {
    call();
    others++;
  } catch (error) {
    if (isOverflow(error)) overflows.push(error);
    else failed(error);
  }
}

/** Begins so many words deeper: arguments lie on the stack. */
function padded(words: number, then: (...rest: unknown[]) => void): void {
  then(...new Array(words));
}

async function answer({ call, pad, enough: limit }: DiveRequest): Promise<DiveResult> {
  overflows = [];
  others = 0;
  wrong = [];
  enough = limit;
  if (call === 'release') {
    held = [];
    const guard = await lock.acquire();
    held.push(guard);
  }
  if (call === 'dispose')
    for (let n = 0; n < limit + 1000; n++) {
      made.push(new Lock());
      toToken(made.at(-1)!);
    }
  padded(pad, () => dive(calls[call]));
  await settle();
  return { overflows: overflows.length, others, wrong, where: places() };
}

/** Where it overflowed: the innermost frames, and how often. */
function places(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const error of overflows) {
    const place = String((error as Error).stack)
      .split('\n')
      .slice(1, 6)
      .map((line) => line.replace(/^ *at /, '').replace(/ \(.*\//, ' ('))
      .join(' < ');
    counts[place] = (counts[place] ?? 0) + 1;
  }
  return counts;
}

async function settle(): Promise<void> {
  for (const outcome of await Promise.allSettled(promises)) {
    if (outcome.status === 'rejected') failed(outcome.reason);
    else (outcome.value as Guard | undefined)?.release();
  }
  promises = [];
  for (const guard of [...guards, ...held]) {
    try {
      if (!guard.released) guard.release();
    } catch (error) {
      wrong.push(`release afterwards: ${(error as Error).stack}`);
    }
  }
  guards = [];
  held = [];
  for (const fresh of made) fresh[Symbol.dispose]();
  made = [];
}

function stopped(): boolean {
  return Atomics.load(words, 0) === 1;
}

if (role === 'deep') {
  for (const call of CALLS) {
    if (call !== 'timed') calls[call]();
    await settle();
  }
  parentPort!.on('message', (request: DiveRequest | 'end') => {
    if (request === 'end') parentPort!.close();
    else void answer(request).then((result) => parentPort!.postMessage(result));
  });
  parentPort!.postMessage('ready');
} else if (role === 'blocks') {
  while (!stopped()) {
    const guard = lock.acquireSync();
    Atomics.add(words, 1, 1);
    guard.release();
    // So that the lock is free at times.
    Atomics.wait(words, 0, 0, 0.05);
  }
} else if (role === 'awaits') {
  while (!stopped()) {
    const guard = await lock.acquire({ keepAlive: true });
    Atomics.add(words, 2, 1);
    guard.release();
    await new Promise(setImmediate);
  }
} else {
  const guard = lock.acquireSync();
  Atomics.store(words, 3, 1);
  while (!stopped()) await new Promise((resolve) => setTimeout(resolve, 20));
  guard.release();
}
