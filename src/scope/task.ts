/** A piece of async work on this loop, with a name, a status, and a way to cancel it. */
import { bindToLoop } from '../core/unsendable.ts';
import { callIn, type Outcome, type Work } from './call.ts';
import type { Holding } from './holdings.ts';
import { currentScope, pathOf, Scope, type ScopeOptions } from './scope.ts';
import { Unawaited } from './unawaited.ts';
import { rejectedByCancellation, Waiter } from './waiter.ts';

/** What a rejection handler is given: as loosely typed as that of a Promise, which this stands in for. */
type Reason = PromiseRejectedResult['reason'];

export type TaskStatus = 'pending' | 'fulfilled' | 'rejected' | 'cancelled';

/** Who started a task and wants to know how it goes. */
export interface TaskOwner {
  /** Its function failed, by an error that is not its cancellation. It has not ended yet. */
  failed(error: unknown): void;
  /** Its function has ended, and it waits for what that started. */
  waits?(): void;
  /** It has ended, with all that belongs to it. */
  ended(task: Task<unknown>): void;
  /** Called by `cancelled()` in the task: a chance to call `cancel()` because of a flag in shared memory. */
  poll?(): void;
}

/** What a task is made with. */
export interface TaskOptions {
  readonly name?: string;
  /** The scope that cancels and awaits it; by default none: a root. */
  readonly parent?: Scope | undefined;
  /** Who is told how it goes, and looks after its error. */
  readonly owner?: TaskOwner;
  /** Once `fn` has ended, cancels what it left running instead of only awaiting it. */
  readonly cancelLeftovers?: boolean;
  /** Called once when it is cancelled, also by `cancelLeftovers`. */
  readonly onCancelled?: () => void;
  /** That `fn` does not look at its signal, which then is not made. */
  readonly plain?: boolean;
}

/** Makes a task whose function has not been called yet. */
export let createTask: <T>(fn: Work<T>, init: TaskOptions) => Task<T>;
/** Calls the function of a task made by `createTask`, unless it was cancelled meanwhile. */
export let beginTask: (task: Task<unknown>) => void;
/** The scope of a task. */
export let scopeOf: (task: Task<unknown>) => Scope;
/** How the function of a task ended; the task itself may still wait for what it started. */
export let outcomeOf: <T>(task: Task<T>) => Outcome<T> | undefined;
/** Who looks after a task, if anybody does. */
export let ownerOf: (task: Task<unknown>) => TaskOwner | undefined;

let open = 0;

/** How many tasks of this thread have not ended. */
export function openTasks(): number {
  return open;
}

/**
 * A piece of async work on this loop. Tasks are made by `TaskGroup.spawn()`, `run()` and their kin; `await` one for its
 * result.
 *
 * - **Awaiting.** `await task` is a wait like any other: if the awaiting task is cancelled, it ends with that task's
 *   `CancelledError`, and the awaited task goes on.
 * - **Cancellation.** From `cancel()` on, every wait of the task rejects at once with the same `CancelledError`, whose
 *   `cause` is the reason given; so does every later one. What must wait all the same goes into `shield()`. A task that
 *   returns a value in spite of it is `'fulfilled'`.
 * - **End.** A task settles when its function has ended and so has everything it started: blocks, task groups, jobs in
 *   other threads. If the function failed, these are cancelled first.
 * - **Cost.** No AbortController unless `signal` is read or the function takes a parameter.
 *
 * A task belongs to its loop and cannot be sent to another thread.
 *
 * @example
 * ```ts
 * import { sleep, TaskGroup } from 'heddle';
 *
 * await TaskGroup.run(async (group) => {
 *   const answer = group.spawn(async () => 42, { name: 'answer' });
 *   const forever = group.spawn(() => sleep(Infinity));
 *   console.log(await answer); // 42
 *   forever.cancel('not needed any more');
 * });
 * ```
 */
export class Task<T> implements Promise<T> {
  readonly name: string;
  readonly #scope: Scope;
  readonly #owner: TaskOwner | undefined;
  readonly #cancelLeftovers: boolean;
  readonly #plain: boolean | undefined;
  readonly #onCancelled: (() => void) | undefined;
  /** Until it has been called. */
  #fn: Work<T> | undefined;
  #status: TaskStatus = 'pending';
  /** How the function ended; the task itself may still wait for what it started. */
  #outcome: Outcome<T> | undefined;
  #waiters: Set<Waiter<unknown>> | undefined;
  #awaited = false;
  #unawaited: Unawaited | undefined;

  /** One for all: a task is what a job is in its thread, and each closure of it counts. */
  static readonly #hooks: ScopeOptions = {
    onCancelled: (_error, { task }) => {
      task!.#dropUnlessBegun();
      task!.#onCancelled?.();
    },
    poll: ({ task }) => task!.#owner?.poll?.(),
  };

  static {
    createTask = (fn, init) => new Task(fn, init);
    beginTask = (task) => task.#begin();
    scopeOf = (task) => task.#scope;
    outcomeOf = (task) => task.#outcome;
    ownerOf = (task) => task.#owner;
  }

  private constructor(fn: Work<T>, init: TaskOptions) {
    open++;
    this.name = init.name ?? (fn.name || 'task');
    this.#fn = fn;
    this.#owner = init.owner;
    this.#cancelLeftovers = init.cancelLeftovers ?? false;
    this.#plain = init.plain;
    this.#onCancelled = init.onCancelled;
    this.#scope = new Scope(init.parent, Task.#hooks);
    this.#scope.task = this;
    this.#scope.isTask = true;
    if (this.#scope.cancellation !== undefined) this.#dropUnlessBegun();
  }

  /** `'pending'` until the task has ended with all that it started. */
  get status(): TaskStatus {
    return this.#status;
  }

  /** Aborted when the task is cancelled, by its `CancelledError`. For APIs that take a signal, such as `fetch`. */
  get signal(): AbortSignal {
    return this.#scope.signal;
  }

  /**
   * Asks the task to end: its waits reject with a `CancelledError` whose `cause` is `reason`. If it has not begun, it
   * never will. Returns false if the task had settled already; cancelling twice keeps the first reason.
   */
  cancel(reason?: unknown): boolean {
    if (this.#status !== 'pending') return false;
    this.#scope.cancel(reason);
    return true;
  }

  then<R1 = T, R2 = never>(
    onFulfilled?: ((value: T) => R1 | PromiseLike<R1>) | null,
    onRejected?: ((error: Reason) => R2 | PromiseLike<R2>) | null,
  ): Promise<R1 | R2> {
    return this.#wait().then(onFulfilled, onRejected);
  }

  catch<R = never>(onRejected?: ((error: Reason) => R | PromiseLike<R>) | null): Promise<T | R> {
    return this.#wait().then(undefined, onRejected);
  }

  finally(onFinally?: (() => void) | null): Promise<T> {
    return this.#wait().finally(onFinally);
  }

  get [Symbol.toStringTag](): string {
    return 'Task';
  }

  #wait(): Promise<T> {
    this.#awaited = true;
    this.#unawaited?.observed();
    const scope = currentScope();
    if (scope?.cancellation !== undefined) return rejectedByCancellation(scope.cancellation);
    if (this.#status !== 'pending') {
      const outcome = this.#outcome!;
      return outcome.ok ? Promise.resolve(outcome.value) : Promise.reject(outcome.error);
    }
    const waiter: Waiter<unknown> = new Waiter(scope, () => this.#waiters?.delete(waiter));
    waiter.what = this;
    this.#waiters ??= new Set();
    this.#waiters.add(waiter);
    return waiter.promise as Promise<T>;
  }

  #begin(): void {
    const fn = this.#fn;
    if (fn === undefined) return;
    this.#fn = undefined;
    callIn(this.#scope, fn, (outcome) => this.#functionEnded(outcome), this.#plain);
  }

  #dropUnlessBegun(): void {
    if (this.#fn === undefined) return;
    this.#fn = undefined;
    this.#functionEnded({ ok: false, error: this.#scope.cancellation });
  }

  #functionEnded(outcome: Outcome<T>): void {
    const scope = this.#scope;
    scope.functionEnded(outcome.ok ? outcome.value : undefined);
    let status: TaskStatus = 'fulfilled';
    this.#outcome = outcome;
    if (!outcome.ok && scope.isCancellation(outcome.error)) {
      status = 'cancelled';
      // However it was dressed up on the way (an AbortError, say), the task ends with its CancelledError.
      this.#outcome = { ok: false, error: scope.cancellation ?? outcome.error };
    } else if (!outcome.ok) {
      status = 'rejected';
      this.#owner?.failed(outcome.error);
    }
    if (!outcome.ok && scope.busy) scope.cancel(outcome.error);
    if (this.#cancelLeftovers) scope.cancel(`${this.name} has ended`);
    if (!scope.busy) return this.#settle(status);
    this.#owner?.waits?.();
    void scope.join().then(() => this.#settle(status));
  }

  #settle(status: TaskStatus): void {
    open--;
    const outcome = this.#outcome!;
    this.#status = status;
    if (this.#scope.holdings !== undefined) this.#abandonHoldings(this.#scope.holdings);
    this.#scope.close();
    const waiters = this.#waiters;
    this.#waiters = undefined;
    if (!outcome.ok && status === 'rejected' && this.#owner === undefined && !this.#awaited) {
      this.#unawaited = new Unawaited(() => `task "${pathOf(this.#scope)}"`, this.#scope);
      this.#unawaited.rejected(outcome.error);
    }
    for (const waiter of waiters ?? []) {
      if (outcome.ok) waiter.resolve(outcome.value);
      else waiter.reject(outcome.error);
    }
    this.#owner?.ended(this);
  }

  #abandonHoldings(holdings: Set<Holding>): void {
    this.#scope.holdings = undefined;
    for (const holding of holdings) holding.abandoned(this.name);
  }
}

/** Runs `fn` as a task, calling it before returning. An error that nobody awaits is reported once. */
export function startTask<T>(fn: Work<T>, options: TaskOptions = {}): Task<T> {
  const task = createTask(fn, options);
  beginTask(task);
  return task;
}

bindToLoop(Task, 'a task');
