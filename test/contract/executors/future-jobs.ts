/** What other threads do with futures. */
import { type Future, portable } from '../../../src/index.ts';
import { BEGUN, blockUntil, GO_ON, raise } from './jobs.ts';

export interface Resolvers {
  future: Future<unknown>;
  resolve(value: unknown): boolean;
  reject(error: unknown): boolean;
}

/** How somebody learns what a future came to. */
export const READINGS = ['await', 'result', 'resultSync', 'error', 'errorSync', 'poll', 'callback'] as const;
export type Reading = (typeof READINGS)[number];

/** What it came to: `value …`, or `error …` with its message. */
export async function read(future: Future<unknown>, reading: Reading): Promise<string> {
  const show = (error: unknown): string =>
    `error ${error instanceof Error ? `${error.name}: ${error.message}` : error}`;
  try {
    switch (reading) {
      case 'await':
        return `value ${await future}`;
      case 'result':
        return `value ${await future.result({ timeout: 10_000 })}`;
      case 'resultSync':
        return `value ${future.resultSync({ timeout: 10_000 })}`;
      case 'error': {
        const error = await future.error({ timeout: 10_000 });
        return error === undefined ? `value ${future.tryResult()?.value}` : show(error);
      }
      case 'errorSync': {
        const error = future.errorSync({ timeout: 10_000 });
        return error === undefined ? `value ${future.tryResult()?.value}` : show(error);
      }
      case 'poll':
        for (;;) {
          const there = future.tryResult();
          if (there !== undefined) return `value ${there.value}`;
          await new Promise((resolve) => setImmediate(resolve));
        }
      case 'callback':
        await new Promise<void>((resolve) => future.addDoneCallback(() => resolve()));
        return `value ${future.tryResult()?.value}`;
    }
  } catch (error) {
    return show(error);
  }
}

let kept: Resolvers | undefined;

const functions = {
  async readThere(future: Future<unknown>, reading: Reading, words: Int32Array): Promise<string> {
    raise(words, BEGUN);
    return await read(future, reading);
  },

  statusOf(future: Future<unknown>): string {
    return future.status;
  },

  cancel(future: Future<unknown>, reason: unknown): boolean {
    return future.cancel(reason);
  },

  resolve({ resolve }: Resolvers, value: unknown): boolean {
    return resolve(value);
  },

  reject({ reject }: Resolvers, error: unknown): boolean {
    return reject(error);
  },

  /** Each of several threads tries to be the first. */
  race({ resolve }: Resolvers, words: Int32Array, value: number): boolean {
    raise(words, BEGUN);
    blockUntil(words, GO_ON);
    return resolve(value);
  },

  resolveThenable({ resolve }: Resolvers): string {
    try {
      return String(resolve(Promise.resolve(1)));
    } catch (error) {
      return (error as Error).name;
    }
  },

  /** Keeps the right to settle it, and ends with its thread. */
  keep(resolvers: Resolvers): void {
    kept = resolvers;
  },

  /** Disposes of what has come. */
  giveUp({ future, resolve, reject }: Resolvers): void {
    for (const one of [future, resolve, reject]) (one as unknown as Disposable)[Symbol.dispose]();
  },

  keeps(): boolean {
    return kept !== undefined;
  },

  /** Gives a future of its own, which it settles later. */
  async makeFuture(words: Int32Array): Promise<{ future: Future<string> }> {
    const { Future } = await import('../../../src/index.ts');
    const { future, resolve } = Future.withResolvers<string>();
    setTimeout(() => {
      blockUntil(words, GO_ON);
      resolve('from there');
    });
    return { future };
  },

  sameObject(list: Future<unknown>[]): boolean {
    return list.every((one) => one === list[0]);
  },
};

export const futureJobs: typeof functions = portable(import.meta, functions);
