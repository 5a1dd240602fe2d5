/** Storages that stand in a module and have a name there, for a thread must find its own. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { portable, type ThreadPoolExecutor } from '../../../src/index.ts';

export const trace: AsyncLocalStorage<{ id: string }> = portable(
  import.meta,
  new AsyncLocalStorage<{ id: string }>(),
  'trace',
);
export const otherTrace: AsyncLocalStorage<number> = portable(
  import.meta,
  new AsyncLocalStorage<number>(),
  'otherTrace',
);

/** As AsyncContext.Variable is proposed. */
export class Variable {
  readonly #storage = new AsyncLocalStorage<string>();
  run<R>(value: string, fn: () => R): R {
    return this.#storage.run(value, fn);
  }
  get(): string | undefined {
    return this.#storage.getStore();
  }
}
export const variable: Variable = portable(import.meta, new Variable(), 'variable');

const functions = {
  async read(): Promise<({ id: string } | undefined)[]> {
    const before = trace.getStore();
    await new Promise((resolve) => setTimeout(resolve, 1));
    return [before, trace.getStore()];
  },

  readNow(_item: number): string | undefined {
    return trace.getStore()?.id;
  },

  readBoth(): [{ id: string } | undefined, number | undefined] {
    return [trace.getStore(), otherTrace.getStore()];
  },

  async pass(pool: ThreadPoolExecutor): Promise<({ id: string } | undefined)[]> {
    return await pool.with({ context: [trace] }).submit(contextJobs.read);
  },

  /** Has other jobs run while it waits, in one way or another. */
  async surround(pool: ThreadPoolExecutor, way: 'await' | 'sync' | 'in place' | 'map'): Promise<unknown[]> {
    return await trace.run({ id: 'of one job' }, async () => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      if (way === 'await') return [await pool.submit(contextJobs.readNow, 1)];
      if (way === 'sync') return [pool.submitSync(contextJobs.readNow, 1)];
      if (way === 'in place') return [pool.submit(contextJobs.readNow, 1).resultSync()];
      const seen: unknown[] = [];
      for await (const one of pool.map(contextJobs.readNow, [1, 2])) seen.push(one);
      return seen;
    });
  },

  enter(): void {
    trace.enterWith({ id: 'entered' });
  },

  async enterLater(): Promise<void> {
    await undefined;
    trace.enterWith({ id: 'entered' });
    await new Promise((resolve) => setTimeout(resolve, 1));
  },

  readVariable(): string | undefined {
    return variable.get();
  },
};

export const contextJobs: typeof functions = portable(import.meta, functions);
