import { checkOptions, checkSignal, checkTimeout } from '../core/arguments.ts';
import { now } from '../core/clock.ts';
import { interruptible, type WaitOptions } from './interruptible.ts';
import { checkAwaitables, watchEach } from './wait.ts';

/** An async iterator that yields promises as they are: `for await` over it types them as `P`, not as what they give. */
export interface AsyncIteratorOf<P> extends AsyncDisposable {
  next(): Promise<IteratorResult<P, undefined>>;
  return(): Promise<IteratorResult<P, undefined>>;
  [Symbol.asyncIterator](): this;
}

/**
 * Yields the awaitables themselves, in the order in which they settle; `await` what is yielded for its result or its
 * error. A duplicate comes once.
 *
 * - **Time-out** counts from the call, over the whole. Nothing is cancelled by it, nor by leaving the loop.
 * - **Cancellation** of the current task ends the wait for the next.
 *
 * @throws {TimeoutError} such as `Cannot wait: 2 of 4 unfinished after 100 ms`.
 * @example
 * ```ts
 * import { asCompleted, sleep } from 'heddle';
 *
 * const jobs = [30, 1, 10].map(async (ms) => (await sleep(ms), ms));
 * for await (const job of asCompleted(jobs)) console.log(await job); // 1, 10, 30
 * ```
 */
export function asCompleted<P extends PromiseLike<unknown>>(
  awaitables: Iterable<P>,
  options?: WaitOptions,
): AsyncIteratorOf<P> {
  const timeout = checkTimeout(checkOptions(options).timeout);
  checkSignal(options?.signal);
  return new Completions(checkAwaitables(awaitables), timeout, options?.signal);
}

// An async generator would adopt what it yields and so give the values; this hands out the objects in a promise's
// result, wrapped once in the iterator's own `{ value, done }`, which nothing adopts.
class Completions<P extends PromiseLike<unknown>> implements AsyncIteratorOf<P> {
  readonly #settled: P[] = [];
  readonly #total: number;
  readonly #timeout: number;
  readonly #due: number;
  readonly #signal: AbortSignal | undefined;
  #unfinished: number;
  /** How many have been asked for. */
  #claimed = 0;
  #closed = false;
  readonly #waiting: ((settled: { readonly one: P }) => void)[] = [];

  constructor(awaitables: readonly P[], timeout: number, signal: AbortSignal | undefined) {
    this.#total = awaitables.length;
    this.#unfinished = awaitables.length;
    this.#timeout = timeout;
    this.#due = now() + timeout;
    this.#signal = signal;
    watchEach(awaitables, (one) => {
      this.#unfinished--;
      const next = this.#waiting.shift();
      if (next === undefined) this.#settled.push(one);
      else next({ one });
    });
  }

  async next(): Promise<IteratorResult<P, undefined>> {
    if (this.#closed || this.#claimed === this.#total) return { value: undefined, done: true };
    this.#claimed++;
    try {
      return { value: (await this.#nextSettled()).one, done: false };
    } catch (error) {
      this.#closed = true;
      throw error;
    }
  }

  async return(): Promise<IteratorResult<P, undefined>> {
    this.#closed = true;
    return { value: undefined, done: true };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #nextSettled(): Promise<{ readonly one: P }> {
    const one = this.#settled.shift();
    const there =
      one !== undefined
        ? Promise.resolve({ one })
        : new Promise<{ readonly one: P }>((resolve) => this.#waiting.push(resolve));
    const timeout = Math.max(0, this.#due - now());
    return interruptible(
      there,
      { timeout, signal: this.#signal },
      () => `Cannot wait: ${this.#unfinished} of ${this.#total} unfinished after ${this.#timeout} ms`,
    );
  }
}
