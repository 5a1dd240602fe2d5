/** Jobs that wait for jobs. */
import {
  currentTask,
  type Executor,
  type Future,
  portable,
  shield,
  TaskGroup,
  type ThreadPoolExecutor,
  withTimeout,
} from '../../../src/index.ts';
import { BEGUN, COUNT, jobs, raise } from './jobs.ts';

export type Join = 'await' | 'block' | 'submitSync';

async function child<A extends unknown[], R>(
  executor: Executor,
  join: Join,
  fn: (...args: A) => R,
  ...args: A
): Promise<Awaited<R>> {
  if (join === 'submitSync') return executor.submitSync(fn, ...args);
  const future = executor.submit(fn, ...args);
  return join === 'await' ? await future : future.resultSync();
}

const functions = {
  async parent(executor: Executor, join: Join, children: number): Promise<number> {
    if (join === 'submitSync') {
      let sum = 0;
      for (let n = 0; n < children; n++) sum += executor.submitSync(jobs.add, 1, 0);
      return sum;
    }
    const all = Array.from({ length: children }, () => executor.submit(jobs.add, 1, 0));
    let sum = 0;
    for (const one of all) sum += join === 'await' ? await one : one.resultSync();
    return sum;
  },

  /** Several parents, submitted by the thread that runs this. */
  async parents(executor: Executor, join: Join, n: number, children: number): Promise<number> {
    const all = Array.from({ length: n }, () => executor.submit(nested.parent, executor, join, children));
    return (await Promise.all(all)).reduce((a, b) => a + b);
  },

  async parentOfMap(
    executor: Executor,
    form: 'map' | 'mapSync',
    items: number,
    chunkSize: number,
  ): Promise<number> {
    const list = Array.from({ length: items }, (_, n) => n);
    let sum = 0;
    if (form === 'mapSync')
      for (const one of executor.mapSync(jobs.add, list, { args: [1], chunkSize })) sum += one;
    else for await (const one of executor.map(jobs.add, list, { args: [1], chunkSize })) sum += one;
    return sum;
  },

  async descend(executor: Executor, join: Join, depth: number): Promise<number> {
    if (depth === 0) return 0;
    return 1 + (await child(executor, join, nested.descend, executor, join, depth - 1));
  },

  async fibonacci(executor: Executor, join: Join, n: number): Promise<number> {
    if (n < 2) return n;
    if (join === 'submitSync') {
      const a = executor.submitSync(nested.fibonacci, executor, join, n - 1);
      return a + executor.submitSync(nested.fibonacci, executor, join, n - 2);
    }
    const [a, b] = [n - 1, n - 2].map((m) => executor.submit(nested.fibonacci, executor, join, m));
    return join === 'await' ? (await a!) + (await b!) : a!.resultSync() + b!.resultSync();
  },

  /** Not async: run in place, it blocks there for two more. */
  blockDeep(executor: Executor, depth: number): number {
    if (depth === 0) return 1;
    const below = [0, 0].map(() => executor.submit(nested.blockDeep, executor, depth - 1));
    return below.reduce((sum, one) => sum + one.resultSync(), 0);
  },

  parentOfFailure(executor: Executor, join: Join): Promise<unknown> {
    return child(executor, join, jobs.fail);
  },

  countInChild(executor: Executor, join: Join, words: Int32Array): Promise<number> {
    return child(executor, join, jobs.count, words);
  },

  /** Counts when it has begun, and awaits a child that is held. */
  async awaitHeld(executor: Executor, words: Int32Array): Promise<string> {
    Atomics.add(words, COUNT, 1);
    return await executor.submit(nested.holdUntilToldTo, words);
  },

  async holdUntilToldTo(words: Int32Array): Promise<string> {
    return await jobs.hold(words);
  },

  async awaitHeldAlone(executor: Executor, words: Int32Array): Promise<string> {
    return await executor.submit(jobs.hold, words);
  },

  /** Blocks on a job of somebody else. */
  blockOn(future: Future<unknown>, words: Int32Array): unknown {
    raise(words, BEGUN);
    return future.resultSync();
  },

  leaveChildren(executor: Executor, words: Int32Array, children: number): string {
    for (let n = 0; n < children; n++) void executor.submit(jobs.count, words);
    return 'left';
  },

  async sizeInDepth(pool: ThreadPoolExecutor, depth: number): Promise<number> {
    if (depth === 0) return pool.size;
    return pool.submit(nested.sizeInDepth, pool, depth - 1).resultSync();
  },

  /** Waits for what it is told to, where that wait is limited, or is not. */
  async waitInTime(
    given: Future<{ other: Future<string> }>,
    limit: 'withTimeout' | 'TaskGroup' | 'shield',
  ): Promise<string> {
    const { other } = await given;
    try {
      if (limit === 'withTimeout') return await withTimeout(20, async () => await other);
      if (limit === 'TaskGroup') return await TaskGroup.run(async () => await other, { timeout: 20 });
      return await withTimeout(20, () => shield(async () => await other));
    } catch (error) {
      return (error as Error).name;
    }
  },

  async waitForOther(given: Future<{ other: Future<string> }>, join: 'await' | 'block'): Promise<string> {
    const { other } = await given;
    return join === 'await' ? await other : other.resultSync();
  },

  async pingPong(a: Executor, b: Executor, join: Join, depth: number): Promise<number> {
    if (depth === 0) return 0;
    return 1 + (await child(b, join, nested.pingPong, b, a, join, depth - 1));
  },

  /** The name of the task that a child in place is: not that of its parent. */
  async tasksInPlace(pool: Executor): Promise<(string | undefined)[]> {
    const before = currentTask()?.name;
    const inside = pool.submit(jobs.taskName).resultSync();
    return [before, inside, currentTask()?.name];
  },
};

export const nested: typeof functions = portable(import.meta, functions);
