/**
 * What is pulled from, and the scope of its own in which that runs: so what its code waits for ends when nobody wants the next
 * item any more.
 *
 * It is pulled ahead. So when its reader leaves it may be in the midst of the next item, which nobody would have asked for had it
 * been read here; and the code of an async generator cannot be closed before it has come to its next `yield`. Waits of heddle in
 * it end then; one for something else may never end, and is left behind after `LEFT_AFTER` milliseconds.
 */
import { startSystemTimer } from '../core/clock.ts';
import { captureContext } from '../platform/context.ts';
import { ambient, currentScope, Scope } from '../scope/scope.ts';

/** What is pulled from. */
export interface Pulled {
  next(): unknown;
  /** `reason` is that of the reader, if it gave one. */
  return?(reason?: unknown): unknown;
}

/** So long it may take to end the pull of an item that nobody wants, in milliseconds; longer if it waits for blocks or jobs. */
const LEFT_AFTER = 1000;

class PullScope extends Scope {
  constructor(shielded: boolean) {
    super(currentScope(), { loose: true, shielded });
  }

  /** Ends it, when what its code has started has ended. */
  async end(): Promise<void> {
    this.functionEnded();
    await this.join();
    this.close();
  }
}

/** Whether the code that runs now is that of an iterable whose items nobody wants. */
export function isPulledInVain(): boolean {
  for (let scope = currentScope(); scope !== undefined && !scope.shielded; scope = scope.parent)
    if (scope instanceof PullScope) return scope.cancellation !== undefined;
  return false;
}

export class Pull {
  readonly #open: () => Pulled;
  readonly #inContext = captureContext();
  #pulled: Pulled | undefined;
  #scope: PullScope | undefined;
  /** The pull of an item that goes on. */
  #asked: Promise<unknown> | undefined;
  #leave: (() => void) | undefined;

  constructor(open: () => Pulled) {
    this.#open = open;
  }

  /** The next item; `undefined` if `leave` was called meanwhile. */
  next(): Promise<IteratorResult<unknown> | undefined> {
    return new Promise((resolve, reject) => {
      this.#leave = () => resolve(undefined);
      const asked = this.#ask();
      this.#asked = asked;
      asked.then(
        (next) => {
          this.#asked = undefined;
          resolve(next);
        },
        (error: unknown) => {
          this.#asked = undefined;
          reject(error);
        },
      );
    });
  }

  /** Does not wait for the next item any more. */
  leave(): void {
    this.#leave?.();
  }

  /** Closes it, unless it has ended by itself. */
  async close(reason?: unknown): Promise<void> {
    if (this.#scope === undefined) this.#begin();
    const scope = this.#scope!;
    const pulled = this.#pulled;
    const asked = this.#asked;
    this.#pulled = undefined;
    if (pulled === undefined) return scope.end();
    const closing = this.#inContext(() => new PullScope(true));
    if (asked !== undefined) scope.cancel('nobody reads on');
    const closed = this.#in(closing, async () => void (await pulled.return?.(reason)));
    try {
      if (asked === undefined) await closed;
      else if (await isLeft(Promise.all([closed, asked.catch(() => {})]), [scope, closing])) return;
      await Promise.all([scope.end(), closing.end()]);
    } finally {
      closing.close();
      scope.close();
    }
  }

  #begin(): void {
    this.#scope = this.#inContext(() => new PullScope(false));
    this.#pulled = this.#in(this.#scope, this.#open);
  }

  async #ask(): Promise<IteratorResult<unknown>> {
    let next: unknown;
    try {
      if (this.#scope === undefined) this.#begin();
      next = await this.#in(this.#scope!, () => this.#pulled!.next());
    } catch (error) {
      // What fails by itself is over.
      this.#pulled = undefined;
      throw error;
    }
    if (typeof next !== 'object' || next === null)
      throw new TypeError('Cannot read iterable: its next() gave no object');
    if ((next as IteratorResult<unknown>).done === true) this.#pulled = undefined;
    return next as IteratorResult<unknown>;
  }

  #in<T>(scope: Scope, fn: () => T): T {
    return this.#inContext(() => ambient.run(scope, fn));
  }
}

/** Whether it has not ended in time, though nothing is open in its scopes. */
async function isLeft(closed: Promise<unknown>, scopes: readonly Scope[]): Promise<boolean> {
  let late!: () => void;
  const isLate = new Promise<boolean>((resolve) => {
    late = () => resolve(true);
  });
  const timer = startSystemTimer(LEFT_AFTER, late);
  const ended = closed.then(() => false);
  try {
    if (!(await Promise.race([ended, isLate]))) return false;
    if (!scopes.some(({ busy }) => busy)) return true;
    return await Promise.race([ended, Promise.all(scopes.map((scope) => scope.join())).then(() => true)]);
  } finally {
    timer.stop();
  }
}
