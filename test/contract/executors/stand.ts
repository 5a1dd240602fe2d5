/** The role "executor", who plays it, and the ways to give it work: a promise is asked of all of them. */
import { afterAll, afterEach, beforeAll, describe } from 'vitest';
import {
  EventLoopPool,
  EventLoopThread,
  type Executor,
  InlineExecutor,
  type ShutdownOptions,
  ThreadPoolExecutor,
  type ThreadPoolOptions,
} from '../../../src/index.ts';
import { endCustodian } from '../../../src/memory/custody.ts';
import { type Form, GO_ON, jobs, newFlag, raise, until } from './jobs.ts';

export interface Subject {
  readonly executor: Executor;
  end(options?: ShutdownOptions): Promise<void>;
}

export interface Implementation {
  readonly name: string;
  /** How many threads run its jobs; 0: the loop itself. */
  readonly threads: number;
  /** Any thread may be given a handle. */
  readonly shared: boolean;
  /** A thread runs any number of async jobs at once. */
  readonly overlaps: boolean;
  /** A thread takes the jobs of its jobs first. */
  readonly stealing?: boolean;
  start(): Promise<Subject>;
}

function poolOf(threads: number, scheduling: 'shared' | 'stealing'): Implementation {
  return {
    name: `ThreadPoolExecutor, ${threads} thread${threads > 1 ? 's' : ''}, ${scheduling}`,
    threads,
    shared: true,
    overlaps: false,
    stealing: scheduling === 'stealing',
    start: async () => {
      const executor = new ThreadPoolExecutor({ threads, scheduling });
      return { executor, end: (options) => executor.shutdown(options) };
    },
  };
}

export const POOL: Implementation = poolOf(2, 'shared');

export const VIEW: Implementation = {
  name: 'a view by with()',
  threads: 2,
  shared: false,
  overlaps: false,
  start: async () => {
    const pool = new ThreadPoolExecutor({ threads: 2 });
    return { executor: pool.with({ priority: 1 }), end: (options) => pool.shutdown(options) };
  },
};

export const LOOP: Implementation = {
  name: 'EventLoopThread',
  threads: 1,
  shared: true,
  overlaps: true,
  start: async () => {
    const executor = await EventLoopThread.start();
    return { executor, end: (options) => executor.stop(options) };
  },
};

export const LOOPS: Implementation = {
  name: 'EventLoopPool, 2 loops',
  threads: 2,
  shared: false,
  overlaps: true,
  start: async () => {
    const executor = await EventLoopPool.start({ loops: 2 });
    return { executor, end: (options) => executor.shutdown(options) };
  },
};

export const INLINE: Implementation = {
  name: 'InlineExecutor',
  threads: 0,
  shared: false,
  overlaps: true,
  start: async () => {
    const executor = new InlineExecutor();
    return { executor, end: (options) => executor.shutdown(options) };
  },
};

export const POOLS: readonly Implementation[] = [
  poolOf(1, 'shared'),
  POOL,
  poolOf(1, 'stealing'),
  poolOf(2, 'stealing'),
];
export const EXECUTORS: readonly Implementation[] = [...POOLS, VIEW, LOOP, LOOPS, INLINE];
/** Those that run jobs in other threads. */
export const THREADED: readonly Implementation[] = EXECUTORS.filter(({ threads }) => threads > 0);
/** Those that other threads can be given. */
export const SHARED: readonly Implementation[] = EXECUTORS.filter(({ shared }) => shared);

/** From where, and how, somebody submits. */
export interface Way {
  readonly name: string;
  readonly there: boolean;
  readonly form: Form;
}

const HERE_WAYS: readonly Way[] = [
  { name: 'submit() here', there: false, form: 'async' },
  { name: 'trySubmit() here', there: false, form: 'try' },
  { name: 'submitSync() here', there: false, form: 'sync' },
];
const THERE_WAYS: readonly Way[] = [
  { name: 'submit() in another thread', there: true, form: 'async' },
  { name: 'trySubmit() in another thread', there: true, form: 'try' },
  { name: 'submitSync() in another thread', there: true, form: 'sync' },
];

export function waysOf({ shared }: Implementation): readonly Way[] {
  return shared ? [...HERE_WAYS, ...THERE_WAYS] : HERE_WAYS;
}

const flags: Int32Array[] = [];
const pools: ThreadPoolExecutor[] = [];
const loops: EventLoopThread[] = [];
let driver: ThreadPoolExecutor | undefined;

/** Words in shared memory. After the test, whoever waits at it goes on. */
export function flag(): Int32Array {
  const made = newFlag();
  flags.push(made);
  return made;
}

/** A pool of the test's own, ended after it. */
export function pool(options: ThreadPoolOptions = {}): ThreadPoolExecutor {
  const made = new ThreadPoolExecutor({ threads: 1, ...options });
  pools.push(made);
  return made;
}

/** A loop thread of the test's own, stopped after it. */
export async function loopThread(
  options?: Parameters<typeof EventLoopThread.start>[0],
): Promise<EventLoopThread> {
  const made = await EventLoopThread.start(options);
  loops.push(made);
  return made;
}

/** Threads beside the executor under test, from which one submits. */
export function elsewhere(): ThreadPoolExecutor {
  driver ??= new ThreadPoolExecutor({ threads: 3, name: 'elsewhere' });
  return driver;
}

afterEach(async () => {
  for (const one of flags.splice(0)) raise(one, GO_ON);
  const all = { cancelPending: true, cancelRunning: true };
  await Promise.all([
    ...pools.splice(0).map((one) => one.shutdown(all)),
    // One that died has nothing to stop.
    ...loops.splice(0).map((one) => one.stop(all).catch(() => {})),
  ]);
});

// Last: some jobs are given SharedArrayBuffers by other threads, and these stay with it.
afterAll(endCustodian);

afterAll(async () => {
  await driver?.shutdown({ cancelPending: true, cancelRunning: true });
});

/** Gives `fn(...args)` to the executor, from there and in that form. */
export async function call<A extends unknown[], R>(
  { there, form }: Way,
  executor: Executor,
  fn: (...args: A) => R,
  ...args: A
): Promise<Awaited<R>> {
  if (!there) return (await jobs.submitFrom(executor, form, fn as never, args)) as Awaited<R>;
  return (await elsewhere().submit(jobs.submitFrom, executor, form, fn as never, args)) as Awaited<R>;
}

/** One `describe` for each of them; the executor is there from the first test to the last. */
export function eachExecutor(
  implementations: readonly Implementation[],
  body: (implementation: Implementation, the: () => Executor) => void,
): void {
  for (const implementation of implementations) {
    describe(implementation.name, () => {
      let subject: Subject | undefined;
      beforeAll(async () => {
        subject = await implementation.start();
      });
      afterAll(() => subject?.end({ cancelPending: true, cancelRunning: true }));
      body(implementation, () => subject!.executor);
    });
  }
}

/** One `describe` for each of them; every test starts its own, with `start`, which is ended after it. */
export function eachOwnExecutor(
  implementations: readonly Implementation[],
  body: (implementation: Implementation, start: () => Promise<Subject>) => void,
): void {
  for (const implementation of implementations) {
    describe(implementation.name, () => {
      const begun: Subject[] = [];
      afterEach(() =>
        Promise.all(begun.splice(0).map((one) => one.end({ cancelPending: true, cancelRunning: true }))),
      );
      body(implementation, async () => {
        const subject = await implementation.start();
        begun.push(subject);
        return subject;
      });
    });
  }
}

/** Resolves once the word is at least so high. */
export function raised(words: Int32Array, word = 0, least = 1): Promise<void> {
  return until(() => Atomics.load(words, word) >= least, `word ${word} at ${least}`);
}

export function goOn(words: Int32Array): void {
  raise(words, GO_ON);
}

/** Occupies every thread of the executor until the flags are raised. */
export async function occupy(
  executor: Executor,
  threads: number,
): Promise<{ release(): void; done: Promise<unknown> }> {
  const held = Array.from({ length: threads }, flag);
  // Where others still run, two might be given to one loop.
  if (executor instanceof EventLoopPool)
    await until(() => executor.statistics().loops.every(({ running }) => running === 0));
  const running = held.map((one) => executor.submit(jobs.block, one));
  await Promise.all(held.map((one) => raised(one)));
  return { release: () => held.forEach(goOn), done: Promise.all(running) };
}
