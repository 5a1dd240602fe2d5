/**
 * A promise whose reactions run on the simulated loop of the thread that made it, in an order the explorer knows.
 * Transformed modules find it under the name `Promise`.
 */
import { current, type LoopOfThread } from './operations.ts';

type Reaction = (value: unknown, throws: boolean) => void;
type Callback = ((value: never) => unknown) | null | undefined;

export class ModelPromise<T> {
  /** Rejected promises that nobody has handled yet; a schedule that ends with one has failed. */
  static readonly unhandled: Set<ModelPromise<unknown>> = new Set();

  readonly #thread: LoopOfThread = current;
  #state: 'pending' | 'fulfilled' | 'rejected' = 'pending';
  #resolved = false;
  #value: unknown;
  #reactions: Reaction[] | undefined;
  #handled = false;

  constructor(executor?: (resolve: (value?: T) => void, reject: (error: unknown) => void) => void) {
    if (executor === undefined) return;
    try {
      executor(
        (value) => this.resolve(value as T),
        (error) => this.reject(error),
      );
    } catch (error) {
      this.reject(error);
    }
  }

  static resolve<T>(value?: T): ModelPromise<T> {
    if (value instanceof ModelPromise) return value;
    const promise = new ModelPromise<T>();
    promise.resolve(value as T);
    return promise;
  }

  static reject(error: unknown): ModelPromise<never> {
    const promise = new ModelPromise<never>();
    promise.reject(error);
    return promise;
  }

  /** What it was rejected with. */
  get reason(): unknown {
    return this.#state === 'rejected' ? this.#value : undefined;
  }

  /** Fulfils the promise, or lets it follow another promise or thenable; nothing if it is resolved already. */
  resolve(value: T): void {
    if (this.#resolved) return;
    this.#resolved = true;
    const then = typeof value === 'object' && value !== null && (value as { then?: unknown }).then;
    if (value instanceof ModelPromise) {
      value.subscribe((outcome, throws) => this.#settle(throws ? 'rejected' : 'fulfilled', outcome));
    } else if (typeof then === 'function') this.#follow(value, then as (...args: unknown[]) => unknown);
    else this.#settle('fulfilled', value);
  }

  reject(error: unknown): void {
    if (this.#resolved) return;
    this.#resolved = true;
    this.#settle('rejected', error);
  }

  /** Calls `reaction` when settled, at once if it is already; it must only enqueue. */
  subscribe(reaction: Reaction): void {
    this.#handled = true;
    if (this.#state === 'pending') {
      this.#reactions ??= [];
      this.#reactions.push(reaction);
    } else {
      ModelPromise.unhandled.delete(this as ModelPromise<unknown>);
      reaction(this.#value, this.#state === 'rejected');
    }
  }

  then(onFulfilled?: Callback, onRejected?: Callback): ModelPromise<unknown> {
    const thread = current;
    const next = new ModelPromise<unknown>();
    this.subscribe((value, throws) => {
      const callback = (throws ? onRejected : onFulfilled) as
        | ((value: unknown) => unknown)
        | null
        | undefined;
      thread.enqueue({ task: undefined, callback: callback ?? undefined, settles: next, value, throws });
    });
    return next;
  }

  catch(onRejected?: Callback): ModelPromise<unknown> {
    return this.then(undefined, onRejected);
  }

  #settle(state: 'fulfilled' | 'rejected', value: unknown): void {
    this.#state = state;
    this.#value = value;
    if (state === 'rejected' && !this.#handled) ModelPromise.unhandled.add(this as ModelPromise<unknown>);
    const reactions = this.#reactions;
    this.#reactions = undefined;
    if (reactions !== undefined) for (const reaction of reactions) reaction(value, state === 'rejected');
  }

  #follow(thenable: unknown, then: (...args: unknown[]) => unknown): void {
    const inner = new ModelPromise<unknown>();
    inner.subscribe((outcome, throws) => this.#settle(throws ? 'rejected' : 'fulfilled', outcome));
    const callback = (): unknown =>
      then.call(
        thenable,
        (value: unknown) => inner.resolve(value),
        (error: unknown) => inner.reject(error),
      );
    this.#thread.enqueue({ task: undefined, callback, settles: undefined, value: undefined, throws: false });
  }
}
