/** What a job calls: its function, found in this thread, and its arguments. */
import { tookLate } from '../codec/received.ts';
import { type FunctionReference, resolveReference } from '../function/reference.ts';
import type { AnyFunction } from '../function/registry.ts';
import type { FunctionEntry } from '../jobs/functions.ts';
import type { Payloads } from '../jobs/payloads.ts';
import { ARGS_BY_PORT, WITH_FUNCTION, WITH_NAME } from '../jobs/states.ts';
import { JOB_FLAGS, JOB_FUNCTION } from '../memory/layout.ts';
import { inNextTurn } from '../park/turn.ts';
import { runtimeName } from '../platform/runtime.ts';

interface Loaded {
  readonly fn: AnyFunction;
  readonly name: string;
}

export type Call = readonly [fn: AnyFunction, name: string, args: readonly unknown[]];

export class JobCalls {
  readonly #words: Int32Array;
  readonly #payloads: Payloads;
  /** Fetches what only a message can carry. */
  readonly #fetch: (job: number) => Promise<unknown>;
  /** By the block of the function. */
  readonly #functions = new Map<number, Loaded | Promise<Loaded>>();

  constructor(words: Int32Array, payloads: Payloads, fetch: (job: number) => Promise<unknown>) {
    this.#words = words;
    this.#payloads = payloads;
    this.#fetch = fetch;
  }

  /** The function and what it is called with; without waiting when no module has to be loaded for it. */
  load(job: number): Call | Promise<Call> {
    const words = this.#words;
    const flags = words[job + JOB_FLAGS]!;
    const block = words[job + JOB_FUNCTION]!;
    const values = (flags & ARGS_BY_PORT) === 0 ? this.#argumentsOf(job) : this.#fetch(job);
    const known = block === 0 ? undefined : this.#functionOf(block);
    if (values instanceof Promise || known instanceof Promise)
      return Promise.all([values, known]).then(([v, k]) => this.#callOf(flags, v, k));
    return this.#callOf(flags, values, known);
  }

  #argumentsOf(job: number): unknown {
    if (runtimeName !== 'deno' || this.#payloads.buffersAreHere(job)) {
      tookLate();
      const values = this.#payloads.openArguments(job);
      return tookLate() ? Promise.resolve(values) : values;
    }
    return new Promise<void>(inNextTurn).then(() => this.#payloads.openArguments(job));
  }

  /** It was cancelled before it began. */
  refuse(job: number): undefined {
    this.#payloads.dropArguments(job);
  }

  #callOf(flags: number, values: unknown, known: Loaded | undefined): Call | Promise<Call> {
    if ((flags & WITH_FUNCTION) !== 0) {
      const [reference, name, args] = values as [FunctionReference, string, unknown[]];
      const fn = resolveReference(reference);
      return fn instanceof Promise ? fn.then((loaded) => [loaded, name, args]) : [fn, name, args];
    }
    if ((flags & WITH_NAME) !== 0) {
      const [name, args] = values as [string, unknown[]];
      return [known!.fn, name, args];
    }
    return [known!.fn, known!.name, values as unknown[]];
  }

  #functionOf(block: number): Loaded | Promise<Loaded> {
    const known = this.#functions.get(block);
    if (known !== undefined) return known;
    const [name, reference] = this.#payloads.openPart(block, true) as FunctionEntry;
    const fn = resolveReference(reference);
    if (!(fn instanceof Promise)) {
      this.#functions.set(block, { fn, name });
      return { fn, name };
    }
    const loading = fn.then((loaded) => ({ fn: loaded, name }));
    // Once it is there, later calls need not wait. One that failed to load stays: so do modules in the loader.
    this.#functions.set(block, loading);
    loading.then(
      (loaded) => this.#functions.set(block, loaded),
      () => {},
    );
    return loading;
  }
}
