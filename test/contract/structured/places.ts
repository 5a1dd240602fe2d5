/** Where the work of a task is done: a promise about tasks is asked of all places. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, vi } from 'vitest';
import {
  EventLoopThread,
  type Executor,
  type Task,
  TaskGroup,
  TaskGroupError,
  ThreadPoolExecutor,
} from '../../../src/index.ts';
import { failure } from '../../fixtures/awaiting.ts';
import { jobs, until } from '../executors/jobs.ts';
import { raised } from '../executors/stand.ts';

export interface Place {
  readonly name: string;
  readonly inThread: boolean;
  /** The executor there; none on this loop. */
  readonly executor: Executor | undefined;
  /** Does the work there, as a part of the current task. */
  run<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): PromiseLike<Awaited<R>>;
}

const HERE: Place = {
  name: 'on this loop',
  inThread: false,
  executor: undefined,
  run: async <A extends unknown[], R>(fn: (...args: A) => R, ...args: A): Promise<Awaited<R>> =>
    await fn(...args),
};

/** So many jobs run at once in each place. */
export const WIDTH = 4;

interface Owned {
  readonly executor: Executor;
  end(): Promise<void>;
}

const ALL = { cancelPending: true, cancelRunning: true };

const THREADS: readonly { readonly name: string; start(): Promise<Owned> }[] = [
  {
    name: 'in a pool thread',
    start: async () => {
      const executor = new ThreadPoolExecutor({ threads: WIDTH });
      return { executor, end: () => executor.shutdown(ALL) };
    },
  },
  {
    name: 'in an event loop thread',
    start: async () => {
      const executor = await EventLoopThread.start();
      return { executor, end: () => executor.stop(ALL) };
    },
  },
];

const started = new Map<string, Owned>();

afterAll(async () => {
  await Promise.all([...started.values()].map((one) => one.end()));
});

/** One `describe` for each place in a thread; what is there lives from the first test of the file to the last. */
export function eachThread(body: (place: () => Place & { readonly executor: Executor }) => void): void {
  for (const { name, start } of THREADS)
    describe(name, () => {
      beforeAll(async () => {
        if (started.has(name)) return;
        const owned = await start();
        started.set(name, owned);
        // Threads that are there already: no test waits for their start.
        await Promise.all(Array.from({ length: WIDTH }, () => owned.executor.submit(jobs.addLater, 1, 1)));
      });
      body(() => {
        const { executor } = started.get(name)!;
        return { name, inThread: true, executor, run: (fn, ...args) => executor.submit(fn, ...args) };
      });
    });
}

/** One `describe` for each place. */
export function eachPlace(body: (place: () => Place, inThread: boolean) => void): void {
  describe(HERE.name, () => body(() => HERE, false));
  eachThread((place) => body(place, true));
}

/** Adds a task that does the work there, and resolves once it has begun. */
export async function begin<A extends unknown[], R>(
  group: TaskGroup,
  place: Place,
  fn: (words: Int32Array, ...args: A) => R,
  words: Int32Array,
  ...args: A
): Promise<{ readonly task: Task<Awaited<R>> }> {
  const task = group.spawn(() => place.run(fn, words, ...args));
  await raised(words);
  // Wrapped, for a promise would adopt it.
  return { task };
}

export async function groupFailure(running: PromiseLike<unknown>): Promise<TaskGroupError> {
  const error = await failure(running);
  expect(error).toBeInstanceOf(TaskGroupError);
  return error as TaskGroupError;
}

/** Resolves once the task has settled, however; not a wait of the task that asks. */
export function settled(...tasks: readonly Task<unknown>[]): Promise<void> {
  return until(() => tasks.every(({ status }) => status !== 'pending'), 'the end of the tasks');
}

/** A promise of the language that the test settles. */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(error: unknown): void;
}

export function deferred<T = void>(): Deferred<T> {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

/** Runs the body in a task, and gives that task once it has ended; wrapped, for a promise would adopt it. */
export async function taskOf<T>(
  body: (self: () => Task<T>, group: TaskGroup) => T | PromiseLike<T>,
): Promise<{ readonly task: Task<T> }> {
  let task!: Task<T>;
  await TaskGroup.run((group) => {
    task = group.spawn(() => body(() => task, group));
  }).catch(() => {});
  return { task };
}

/** In each test of the file time stands still until `pass` is called. Turns of the loop go on. */
export function useVirtualClock(): void {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });
}

export function pass(ms: number): void {
  vi.advanceTimersByTime(ms);
}

/** Some turns of the loop: whatever is ready has happened by then. */
export async function turns(count = 5): Promise<void> {
  for (let n = 0; n < count; n++) await new Promise((resolve) => setImmediate(resolve));
}

/** Waits for its cancellation, with no wait of heddle's. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
