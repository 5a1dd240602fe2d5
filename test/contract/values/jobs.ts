/** What the battery of values has done in other threads. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { type Executor, type Future, portable, type Queue } from '../../../src/index.ts';
import { REFUSED, type Row, TAKEN } from './battery.ts';
import { differences } from './differences.ts';

/** How a value goes: alone, inside of others, and beside what structured clone alone would not carry. */
export const FORMS: readonly ((value: unknown) => unknown)[] = [
  (value) => value,
  (value) => ({ inside: [value, new Map([['key', value]])] }),
  (value) => ({ value, error: new RangeError('beside') }),
];

const rows = new Map<string, Row>([...TAKEN, ...REFUSED].map((row) => [row.name, row]));

/** The value of a row in one of its forms, made anew. */
export function make(name: string, form: number): unknown {
  const limit = Error.stackTraceLimit;
  // So that the stack of an error is the same wherever it is made.
  Error.stackTraceLimit = 0;
  try {
    return FORMS[form]!(rows.get(name)!.make());
  } finally {
    Error.stackTraceLimit = limit;
  }
}

/** How the copy differs from structured clone's. */
export function check(copy: unknown, name: string, form: number): string[] {
  return differences(copy, structuredClone(make(name, form)));
}

export const storage: AsyncLocalStorage<unknown> = portable(
  import.meta,
  new AsyncLocalStorage<unknown>(),
  'storage',
);

const functions = {
  /** Of an argument, as it comes. */
  check: (copy: unknown, name: string, form: number): string[] => check(copy, name, form),

  give(name: string, form: number): unknown {
    return make(name, form);
  },

  throwIt(name: string, form: number): never {
    throw make(name, form);
  },

  checkStored(name: string, form: number): string[] {
    return check(storage.getStore(), name, form);
  },

  async checkGot(queue: Queue<unknown>, name: string, form: number): Promise<string[]> {
    return check((await queue.get()) as unknown, name, form);
  },

  putMade(queue: Queue<unknown>, name: string, form: number): void {
    queue.putSync(make(name, form));
  },

  async checkSettled({ future }: { future: Future<unknown> }, name: string, form: number): Promise<string[]> {
    return check(await future, name, form);
  },

  resolveMade({ resolve }: { resolve: (value: unknown) => boolean }, name: string, form: number): void {
    resolve(make(name, form));
  },

  /** Submits from where it runs, and gives what differs there and back; or the name of the error. */
  async thereAndBack(executor: Executor, name: string, form: number): Promise<string[]> {
    const there = await executor.submit(valueJobs.check, make(name, form), name, form);
    return [...there, ...check(await executor.submit(valueJobs.give, name, form), name, form)];
  },

  nothing(): void {},
};

export const valueJobs: typeof functions = portable(import.meta, functions);
