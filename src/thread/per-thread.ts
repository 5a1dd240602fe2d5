import { checkFunction, checkOptions } from '../core/arguments.ts';
import { DeadlockError, InvalidStateError } from '../core/errors.ts';
import { outsideContext } from '../platform/no-context.ts';
import { report } from '../platform/report.ts';
import { isThenable } from '../scope/call.ts';
import { interruptible } from '../scope/interruptible.ts';
import { ambient, currentScope, Scope } from '../scope/scope.ts';
import { beforeThreadEnd } from './end-hooks.ts';

export interface PerThreadOptions<T> {
  /**
   * Called with the value before its thread ends; what it returns is awaited. Default: the value's own `[Symbol.asyncDispose]`
   * or `[Symbol.dispose]`, if it has one.
   */
  readonly dispose?: ((value: T) => unknown) | undefined;
}

/** A value of each thread, made when it is first asked for there. */
export interface PerThread<T> {
  /** The value of this thread. Rejects with the error of `create`; then the next who asks has it called again. */
  (): Promise<T>;
  /**
   * The value of this thread, without waiting.
   *
   * @throws InvalidStateError if `create` is async and has not finished; or the error of `create`.
   */
  sync(): T;
}

/**
 * A value that each thread makes once, when it is first asked for, and gives up when it ends: a connection, a compiled
 * grammar, a cache. Call it at the top level of the module in which the jobs stand that use it: each thread that imports the
 * module has a value of its own, the main thread as well.
 *
 * - **Sharing.** All jobs of a thread get the same value; those who ask while an async `create` is under way await the same one.
 *   It is called outside any task and context, for it belongs to none of them.
 * - **Failure.** An error of `create` goes to those who wait for it; the next who asks has it called again.
 * - **Cancellation** of a task ends its wait, and `create` goes on for the others.
 * - **End.** In a thread of a pool the value is disposed after the last job, and `shutdown()` awaits that; the last made goes
 *   first. In the main thread, when the loop has run out of work. By `process.exit()` or an uncaught error `dispose` is called,
 *   but cannot be awaited. A thread that is terminated disposes of nothing. An error of `dispose` is reported.
 * - For one object that all threads share, see `shared()`.
 *
 * @throws TypeError if `create`, or `dispose`, is no function.
 * @example
 * ```ts
 * import { isMainThread, perThread, portable, ThreadPoolExecutor } from 'heddle';
 *
 * const decoder = perThread(() => new TextDecoder('utf-16le'));
 *
 * const decode = portable(import.meta, function decode(bytes: Uint8Array): string {
 *   return decoder.sync().decode(bytes);
 * });
 *
 * if (isMainThread) {
 *   await using pool = new ThreadPoolExecutor({ threads: 1 });
 *   console.log(await pool.submit(decode, new Uint8Array([104, 0, 105, 0]))); // hi
 * }
 * ```
 */
export function perThread<T>(create: () => T | PromiseLike<T>, options?: PerThreadOptions<T>): PerThread<T> {
  checkFunction(create, 'create');
  const { dispose } = checkOptions(options) as PerThreadOptions<T>;
  if (dispose !== undefined) checkFunction(dispose, 'dispose');
  const value = new OwnValue(create, dispose ?? disposeOwn);
  return Object.assign(() => value.get(), { sync: () => value.getSync() });
}

// state      | left by
// none       | `#begin` → creating
// creating   | `create` gives a value → there; fails → none
// there      | the end of the thread → disposing
// disposing  | `dispose` is done → none: on the main thread work may begin anew
type State<T> =
  | { readonly kind: 'none' | 'disposing' }
  | { readonly kind: 'creating'; readonly scope: Scope; promise: Promise<T> | undefined; awaited: boolean }
  | { readonly kind: 'there'; readonly value: T };

const NONE = { kind: 'none' } as const;

class OwnValue<T> {
  readonly #create: () => T | PromiseLike<T>;
  readonly #dispose: (value: T) => unknown;
  readonly #atEnd = (mayWait: boolean): unknown => this.#end(mayWait);
  #state: State<T> = NONE;

  constructor(create: () => T | PromiseLike<T>, dispose: (value: T) => unknown) {
    this.#create = create;
    this.#dispose = dispose;
  }

  get(): Promise<T> {
    try {
      return interruptible(this.#promise(), undefined, () => 'Cannot get the value of this thread in time');
    } catch (error) {
      return Promise.reject(error);
    }
  }

  getSync(): T {
    if (this.#state.kind === 'none') this.#begin();
    if (this.#state.kind === 'there') return this.#state.value;
    throw new InvalidStateError(
      this.#state.kind === 'disposing'
        ? DISPOSING
        : 'Cannot get the value of this thread: its create is async and has not finished; await it',
    );
  }

  #promise(): Promise<T> {
    if (this.#state.kind === 'none') this.#begin();
    const state = this.#state as State<T>;
    if (state.kind === 'there') return Promise.resolve(state.value);
    if (state.kind !== 'creating') throw new InvalidStateError(DISPOSING);
    if (isWithin(state.scope) || state.promise === undefined)
      throw new DeadlockError('Cannot get the value of this thread: its own create waits for it');
    state.awaited = true;
    return state.promise;
  }

  /** @throws what `create` throws at once. */
  #begin(): void {
    const creating: State<T> & { kind: 'creating' } = {
      kind: 'creating',
      scope: new Scope(undefined),
      promise: undefined,
      awaited: false,
    };
    this.#state = creating;
    let made: T | PromiseLike<T>;
    try {
      made = outsideContext(() => ambient.run(creating.scope, this.#create));
    } catch (error) {
      this.#failed(creating.scope);
      throw error;
    }
    if (!isThenable(made)) {
      this.#made(creating.scope, made as T);
      return;
    }
    // If the thread ends meanwhile.
    beforeThreadEnd(this.#atEnd);
    creating.promise = Promise.resolve(made).then(
      (value) => {
        this.#made(creating.scope, value);
        return value;
      },
      (error: unknown) => {
        this.#failed(creating.scope);
        if (!creating.awaited)
          report('HEDDLE_UNAWAITED_ERROR', 'Nobody awaited the create of perThread, which failed', error);
        throw error;
      },
    );
    creating.promise.catch(() => {});
  }

  #made(scope: Scope, value: T): void {
    scope.close();
    this.#state = { kind: 'there', value };
    // After those that it was made of: they are disposed of later.
    beforeThreadEnd(this.#atEnd);
  }

  #failed(scope: Scope): void {
    scope.close();
    this.#state = NONE;
  }

  #end(mayWait: boolean): unknown {
    const state = this.#state;
    if (state.kind === 'creating' && mayWait)
      return state.promise!.then(
        () => this.#end(true),
        () => {},
      );
    if (state.kind !== 'there') return undefined;
    this.#state = { kind: 'disposing' };
    const done = (): void => {
      this.#state = NONE;
    };
    const disposed = new Promise((resolve) => resolve(this.#dispose(state.value)));
    return disposed.finally(done);
  }
}

const DISPOSING = 'Cannot get the value of this thread: it is being disposed of, for the thread ends';

function isWithin(creation: Scope): boolean {
  for (let scope = currentScope(); scope !== undefined; scope = scope.parent)
    if (scope === creation) return true;
  return false;
}

function disposeOwn(value: unknown): unknown {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return undefined;
  const own = value as Partial<AsyncDisposable & Disposable>;
  return Symbol.asyncDispose in own ? own[Symbol.asyncDispose]!() : own[Symbol.dispose]?.();
}
