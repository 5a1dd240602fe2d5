/** Jobs that settle futures, wait for them, and die over it. */
import { type Future, portable, sleep } from '../../src/index.ts';

/** Both ways to settle a future, from wherever they were sent. */
export interface Rights {
  readonly resolve: ((value: number) => boolean) & Disposable;
  readonly reject: ((error: unknown) => boolean) & Disposable;
}

export type How = 'resolve' | 'reject' | 'exit' | 'nothing';
export type Form = 'await' | 'block';

const functions = {
  async settle({ resolve, reject }: Rights, how: How, value: number, ms: number): Promise<string> {
    try {
      if (ms > 0) await sleep(ms);
      if (how === 'exit') process.exit(1);
      if (how === 'resolve') resolve(value);
      if (how === 'reject') reject(new Error(`planned ${value}`));
      return how;
    } finally {
      // Not when the garbage is collected: who waits would wait for that.
      resolve[Symbol.dispose]();
      reject[Symbol.dispose]();
    }
  },

  /** What came of the future, as who waits for it sees it. */
  async wait(future: Future<number>, form: Form): Promise<string> {
    try {
      return `value ${form === 'await' ? await future : future.resultSync()}`;
    } catch (error) {
      return nameOf(error);
    }
  },

  async cancel(future: Future<number>, ms: number): Promise<boolean> {
    await sleep(ms);
    return future.cancel('chaos');
  },

  async exit(ms: number): Promise<never> {
    await sleep(ms);
    process.exit(1);
  },
};

export function nameOf(error: unknown): string {
  const { name, message } = error as Error;
  return message.startsWith('planned') ? message : name;
}

export const jobs: typeof functions = portable(import.meta, functions);
