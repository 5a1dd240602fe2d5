/** What the contract of executors has done in other threads. */
import {
  cancelled,
  currentTask,
  currentThread,
  type Event,
  type Executor,
  isMainThread,
  portable,
  sleep,
} from '../../../src/index.ts';
import { ownHeap } from '../../../src/memory/heap.ts';
import { CELL, KIND, NODE_LINKED, NODE_LIST, POOL_ROOM } from '../../../src/memory/layout.ts';

/** Words of a flag. */
export const BEGUN = 0;
export const GO_ON = 1;
export const ENDED = 2;
export const COUNT = 3;
/** How a wait of the job ended: 1 by cancellation, 2 otherwise. */
export const SEEN = 4;
const WORDS = 8;
/** No job waits for longer: a test that fails leaves nobody behind. */
const LIMIT = 8_000;

export type Form = 'async' | 'sync' | 'try';

export class PartError extends Error {
  override readonly name = 'PartError';
  readonly part: string;

  constructor(message: string, part: string, options?: ErrorOptions) {
    super(message, options);
    this.part = part;
  }
}

export function newFlag(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(4 * WORDS));
}

export function raise(flag: Int32Array, word: number): void {
  Atomics.store(flag, word, 1);
  Atomics.notify(flag, word);
}

/** Blocks this thread until the word is at least so high. */
export function blockUntil(flag: Int32Array, word: number, least = 1): void {
  const deadline = performance.now() + LIMIT;
  for (;;) {
    const now = Atomics.load(flag, word);
    if (now >= least) return;
    const left = deadline - performance.now();
    if (left <= 0) throw new Error(`Word ${word} was not raised to ${least} in time: it is ${now}`);
    Atomics.wait(flag, word, now, left);
  }
}

/** The same, by turns of the loop. */
export async function until(isTrue: () => boolean, what = 'what was to happen'): Promise<void> {
  const deadline = performance.now() + LIMIT;
  while (!isTrue()) {
    if (performance.now() > deadline) throw new Error(`It did not come about in time: ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** How often this thread has been initialized. */
let initialized = 0;
let kept: unknown;

/** As shared memory shows it, for who is blocked can tell nobody. */
function isRoomWanted(): boolean {
  const { words, blocks } = ownHeap();
  for (let block = blocks.nextUsed(0); block !== 0; block = blocks.nextUsed(block)) {
    const isLinked = words[block + KIND] === CELL && words[block + NODE_LINKED] === 1;
    if (isLinked && words[block + NODE_LIST] === POOL_ROOM) return true;
  }
  return false;
}

const functions = {
  add(a: number, b: number): number {
    return a + b;
  },

  async addLater(a: number, b: number): Promise<number> {
    await sleep(1);
    return a + b;
  },

  /** All arguments, as they came. */
  gather(...all: unknown[]): unknown[] {
    return all;
  },

  nothing(): void {},

  where(): { main: boolean; id: number; name: string } {
    return { main: isMainThread, ...currentThread() };
  },

  taskName(): string | undefined {
    return currentTask()?.name;
  },

  fail(): never {
    throw new PartError('no such part', 'wheel', { cause: new RangeError('number too high') });
  },

  async failLater(): Promise<never> {
    await sleep(1);
    return functions.fail();
  },

  failWith(thrown: unknown): never {
    throw thrown;
  },

  count(flag: Int32Array): number {
    return Atomics.add(flag, COUNT, 1) + 1;
  },

  /** Blocks its thread until it may go on. */
  block(flag: Int32Array): string {
    raise(flag, BEGUN);
    blockUntil(flag, GO_ON);
    raise(flag, ENDED);
    return 'done';
  },

  /** Awaits until it may go on: a wait of its task, which cancellation ends. */
  async hold(flag: Int32Array): Promise<string> {
    raise(flag, BEGUN);
    try {
      while (Atomics.load(flag, GO_ON) === 0) await sleep(1);
      Atomics.store(flag, SEEN, 2);
      return 'done';
    } catch (error) {
      Atomics.store(flag, SEEN, (error as Error).name === 'CancelledError' ? 1 : 2);
      throw error;
    } finally {
      raise(flag, ENDED);
    }
  },

  /** Awaits until it may go on, deaf to its cancellation. */
  async holdDeaf(flag: Int32Array): Promise<string> {
    raise(flag, BEGUN);
    await until(() => Atomics.load(flag, GO_ON) !== 0, 'the word to go on');
    raise(flag, ENDED);
    return 'done';
  },

  /** Lets who waits at the flag go on, once somebody stands in the line for room in a pool. */
  async goOnWhenRoomIsWanted(flag: Int32Array): Promise<void> {
    await until(isRoomWanted, 'one who waits for room');
    raise(flag, GO_ON);
  },

  /** Maps in another pool, or in the one that runs this. */
  mapSyncIn(executor: Executor, items: readonly number[]): number[] {
    return [...executor.mapSync(jobs.add, items, { args: [1] })];
  },

  /** Computes until it sees that it is cancelled. */
  compute(flag: Int32Array): void {
    raise(flag, BEGUN);
    while (!cancelled());
    raise(flag, ENDED);
  },

  spin(flag: Int32Array): never {
    raise(flag, BEGUN);
    for (;;);
  },

  /** Blocks in a wait of heddle's, which cancellation ends. */
  waitSync(flag: Int32Array, event: Event): string {
    raise(flag, BEGUN);
    try {
      event.waitSync();
      return 'set';
    } catch (error) {
      Atomics.store(flag, SEEN, (error as Error).name === 'CancelledError' ? 1 : 2);
      throw error;
    } finally {
      raise(flag, ENDED);
    }
  },

  /** Tells what its task's signal says once it is aborted. */
  async watchSignal(flag: Int32Array): Promise<void> {
    const { signal } = currentTask()!;
    raise(flag, BEGUN);
    await until(() => signal.aborted, 'the abort of the signal');
    Atomics.store(flag, SEEN, (signal.reason as Error).name === 'CancelledError' ? 1 : 2);
    raise(flag, ENDED);
  },

  /** Ends only when so many of them are running at the same time. */
  meet(flag: Int32Array, parties: number): number {
    const rank = Atomics.add(flag, COUNT, 1) + 1;
    Atomics.notify(flag, COUNT);
    blockUntil(flag, COUNT, parties);
    return rank;
  },

  async meetLater(flag: Int32Array, parties: number): Promise<number> {
    const rank = Atomics.add(flag, COUNT, 1) + 1;
    await until(() => Atomics.load(flag, COUNT) >= parties, 'all parties');
    return rank;
  },

  exit(code: number): never {
    process.exit(code);
  },

  /** Dies the first time, and answers the second. */
  dieOnce(flag: Int32Array): string {
    if (functions.count(flag) === 1) process.exit(1);
    return 'second time';
  },

  async dieWhenToldTo(flag: Int32Array, code: number): Promise<never> {
    raise(flag, BEGUN);
    blockUntil(flag, GO_ON);
    process.exit(code);
  },

  /** Answers, and its thread ends a turn later. */
  answerAndDie(): string {
    setImmediate(() => process.exit(4));
    return 'answered';
  },

  crash(): Promise<never> {
    setImmediate(() => {
      throw new RangeError('outside of any job');
    });
    return new Promise(() => {});
  },

  exhaustMemory(): never {
    const hoard: unknown[] = [];
    for (;;) hoard.push(new Array(100_000).fill(hoard.length));
  },

  initialize(): void {
    initialized++;
  },

  timesInitialized(): number {
    return initialized;
  },

  failToInitialize(): never {
    throw new RangeError('no licence');
  },

  /** What is kept by a thread is there for its next job. */
  keep(value: unknown): unknown {
    const before = kept;
    kept = value;
    return before;
  },

  /** Submits from where it runs, in that form, and gives what came of it. */
  async submitFrom(
    executor: Executor,
    form: Form,
    fn: (...args: never[]) => unknown,
    args: unknown[],
  ): Promise<unknown> {
    const call = fn as (...args: unknown[]) => unknown;
    if (form === 'sync') return executor.submitSync(call, ...args);
    const future = form === 'try' ? executor.trySubmit(call, ...args) : executor.submit(call, ...args);
    if (future === undefined) throw new Error('There was no room');
    return await future;
  },

  /** Submits so many jobs that count, from where it runs, and gives the sum of their results. */
  async countFrom(executor: Executor, form: Form, flag: Int32Array, times: number): Promise<number> {
    let sum = 0;
    for (let time = 0; time < times; time++)
      sum += (await functions.submitFrom(executor, form, jobs.count, [flag])) as number;
    return sum;
  },
};

export const jobs: typeof functions = portable(import.meta, functions);
