/** What `using` and `await using` of a block have to dispose of. */
import type { Steps } from './steps.ts';

interface Resource {
  readonly value: unknown;
  readonly key: symbol;
  readonly isAsync: boolean;
  readonly site: number;
}

type Invoke = (site: number, of: Record<PropertyKey, unknown>, key: PropertyKey, args: unknown[]) => Steps;

export class Disposables {
  readonly #resources: Resource[] = [];
  #error: { readonly error: unknown } | undefined;

  /** For what vite writes. */
  set e(error: unknown) {
    this.fail(error);
  }

  use(value: unknown, isAsync: boolean, site: number): unknown {
    if (value === null || value === undefined) {
      if (isAsync) this.#resources.push({ value: undefined, key: Symbol.asyncDispose, isAsync, site });
      return value;
    }
    const of = value as Record<symbol, unknown>;
    const key = isAsync && of[Symbol.asyncDispose] !== undefined ? Symbol.asyncDispose : Symbol.dispose;
    if (typeof of[key] !== 'function') throw new TypeError('What is given to using has no Symbol.dispose');
    this.#resources.push({ value, key, isAsync, site });
    return value;
  }

  fail(error: unknown): void {
    this.#error = this.#error === undefined ? { error } : { error: suppressed(error, this.#error.error) };
  }

  /** The last first. @throws what has failed, in the block and here. */
  *dispose(invoke: Invoke): Steps {
    for (const { value, key, isAsync, site } of this.#resources.reverse()) {
      try {
        const given = value === undefined ? undefined : yield* invoke(site, value as never, key, []);
        if (isAsync) yield { kind: 'wait', site, promise: Promise.resolve(given), blocks: false };
      } catch (error) {
        this.fail(error);
      }
    }
    if (this.#error !== undefined) throw this.#error.error;
    return undefined;
  }
}

/** `SuppressedError`, which Node 20 has not. */
function suppressed(error: unknown, before: unknown): Error {
  const type = (globalThis as { SuppressedError?: new (error: unknown, suppressed: unknown) => Error })
    .SuppressedError;
  if (type !== undefined) return new type(error, before);
  const made = new Error('An error was suppressed during disposal');
  return Object.assign(made, { name: 'SuppressedError', error, suppressed: before });
}
