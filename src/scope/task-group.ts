import {
  checkFunction,
  checkInteger,
  checkOneOf,
  checkOptions,
  checkSignal,
  checkTimeout,
} from '../core/arguments.ts';
import { startTimer } from '../core/clock.ts';
import { InvalidStateError, TaskGroupError, TimeoutError } from '../core/errors.ts';
import { bindToLoop } from '../core/unsendable.ts';
import { onAbort } from './abort.ts';
import { type Outcome, runBlock } from './call.ts';
import { addCause } from './causes.ts';
import type { WaitOptions } from './interruptible.ts';
import { currentScope, Scope } from './scope.ts';
import { beginTask, createTask, type Task, type TaskOwner } from './task.ts';
import { rejectedByCancellation } from './waiter.ts';

/** How `TaskGroup.run()` is to treat its tasks. */
export interface TaskGroupOptions extends WaitOptions {
  /** For messages and reports. */
  readonly name?: string;
  /** How many tasks run at once, at most; the others wait for their turn in the order of `spawn`. Default: no limit. */
  readonly limit?: number;
  /** What the first failure does: cancels the others (default), or lets them finish and collects all errors. */
  readonly onFailure?: 'cancel-siblings' | 'collect';
}

/** What `TaskGroup.spawn()` can be told. */
export interface SpawnOptions {
  /** For messages and reports; by default the name of the function. */
  readonly name?: string;
}

const SOON = Promise.resolve();

/** What the members of one group share; kept apart so that the constructor of the public class takes nothing. */
interface GroupInit {
  readonly scope: Scope;
  readonly name: string;
  readonly limit: number;
  readonly cancelOnFailure: boolean;
}

/**
 * Tasks that begin and end together: the group ends when all its tasks have.
 *
 * - **Failure.** The first failure, of a task or of the body, cancels the rest; when all have ended, `run` rejects with
 *   a `TaskGroupError` that holds the failures in order. With `onFailure: 'collect'` nothing is cancelled.
 * - **Cancellation.** A task cancelled by itself is no failure. Cancelled from outside, the group cancels its tasks,
 *   awaits them, and the `CancelledError` goes on up. `group.cancel()` ends the group without an error.
 * - **Time-out and signal** cancel the group; `run` then rejects with `TimeoutError` or `signal.reason`.
 * - **Ordering.** Tasks begin in the order of `spawn`, before the next macrotask, or later if `limit` holds them back.
 *
 * @example
 * ```ts
 * import { sleep, TaskGroup } from 'heddle';
 *
 * const total = await TaskGroup.run(
 *   async (group) => {
 *     const parts = [1, 2, 3].map((n) => group.spawn(async () => (await sleep(1), n * n)));
 *     let sum = 0;
 *     for (const part of parts) sum += await part;
 *     return sum;
 *   },
 *   { limit: 2, timeout: 5_000 },
 * );
 * console.log(total); // 14
 * ```
 */
export class TaskGroup {
  readonly name: string;
  readonly #scope: Scope;
  readonly #limit: number;
  readonly #cancelOnFailure: boolean;
  readonly #tasks = new Set<Task<unknown>>();
  readonly #queued = new Map<Task<unknown>, () => void>();
  readonly #errors: unknown[] = [];
  readonly #owner: TaskOwner = {
    failed: (error) => this.#failed(error),
    ended: (task) => this.#ended(task),
  };
  #slotsTaken = 0;
  #spawned = 0;
  /** What a time-out or a signal makes of the group. */
  #interruption: { readonly error: unknown } | undefined;
  /** Whether the body or a task ended without its result, by a cancellation. */
  #cutOff = false;

  private constructor(init: GroupInit) {
    this.name = init.name;
    this.#scope = init.scope;
    this.#limit = init.limit;
    this.#cancelOnFailure = init.cancelOnFailure;
  }

  /**
   * Calls `body` at once with a new group, and resolves to its value when body and tasks have ended; to `undefined` if
   * the body was cut off by `group.cancel()`.
   *
   * @throws {TaskGroupError} if a task or the body failed.
   * @throws {TimeoutError} if `timeout` ran out before the end.
   * @throws {CancelledError} if the task around was cancelled.
   */
  static run<T>(body: (group: TaskGroup) => T | PromiseLike<T>, options?: TaskGroupOptions): Promise<T> {
    let timeout: number;
    let signal: AbortSignal | undefined;
    let init: Omit<GroupInit, 'scope'>;
    try {
      checkFunction(body, 'body');
      const checked = checkOptions(options);
      timeout = checkTimeout(checked.timeout);
      signal = checkSignal(checked.signal);
      init = {
        name: String(checked.name ?? 'group'),
        limit: checkInteger(checked.limit ?? Infinity, 'limit', { min: 1, infinite: true }),
        cancelOnFailure:
          checkOneOf(checked.onFailure ?? 'cancel-siblings', 'onFailure', ['cancel-siblings', 'collect']) ===
          'cancel-siblings',
      };
    } catch (error) {
      return Promise.reject(error);
    }
    if (signal?.aborted) return Promise.reject(signal.reason);
    const outer = currentScope();
    if (outer?.cancellation !== undefined) return rejectedByCancellation(outer.cancellation);
    const group = new TaskGroup({ ...init, scope: new Scope(outer, { limited: timeout !== Infinity }) });
    return group.#run(body, timeout, signal);
  }

  /** Aborted when the group is cancelled, for whatever reason. */
  get signal(): AbortSignal {
    return this.#scope.signal;
  }

  /** The tasks that have not ended yet, in the order of `spawn`. */
  get tasks(): ReadonlySet<Task<unknown>> {
    return this.#tasks;
  }

  /**
   * Adds a task. `fn` is not called here but before the next macrotask, as soon as `limit` allows; cancelled before, it
   * is never called. On a cancelled group the task is cancelled already.
   *
   * @throws {InvalidStateError} if the group has ended.
   */
  spawn<T>(fn: (signal: AbortSignal) => T | PromiseLike<T>, options?: SpawnOptions): Task<T> {
    checkFunction(fn, 'fn');
    const name = checkOptions(options).name;
    if (this.#scope.closed)
      throw new InvalidStateError(
        `Cannot spawn in task group "${this.name}": the group has ended. Spawn before its body and all its tasks have`,
      );
    this.#spawned++;
    const task = createTask(fn, {
      name: String(name ?? (fn.name || `${this.name}-${this.#spawned}`)),
      parent: this.#scope,
      owner: this.#owner,
    });
    if (task.status !== 'pending') return task;
    this.#tasks.add(task);
    if (this.#slotsTaken < this.#limit) this.#schedule(task);
    else this.#queue(task);
    return task;
  }

  /** Cancels all tasks and the body. The group ends without an error of its own. Cancelling twice does nothing. */
  cancel(reason?: unknown): void {
    this.#scope.cancel(reason);
  }

  #run<T>(body: (group: TaskGroup) => T | PromiseLike<T>, timeout: number, signal?: AbortSignal): Promise<T> {
    const forgetSignal = signal && onAbort(signal, (reason) => this.#interrupt(reason));
    const expire = (): void =>
      this.#interrupt(
        new TimeoutError(
          `Cannot finish task group "${this.name}": ${timeout} ms have passed, ${this.#tasks.size} of ${this.#spawned} tasks unfinished`,
        ),
      );
    const timer = timeout > 0 ? startTimer(timeout, expire) : undefined;
    const promise = runBlock<T, T>(this.#scope, () => body(this), {
      functionEnded: (outcome) => this.#bodyEnded(outcome),
      conclude: (outcome) => {
        timer?.stop();
        forgetSignal?.();
        return this.#conclude(outcome);
      },
    });
    if (timeout === 0 && !this.#scope.closed) expire();
    return promise;
  }

  /** The body is the first member of the group: its failure counts as a task's does. */
  #bodyEnded(outcome: Outcome<unknown>): void {
    if (outcome.ok) return;
    this.#cutOff = true;
    if (!this.#scope.isCancellation(outcome.error)) this.#failed(outcome.error);
  }

  #conclude<T>(outcome: Outcome<T>): Outcome<T> {
    const outer = this.#scope.parent?.cancellation;
    if (this.#errors.length > 0) {
      const error = new TaskGroupError(this.#errors);
      if (this.#interruption !== undefined) addCause(error, this.#interruption.error);
      return { ok: false, error };
    }
    if (outer !== undefined) return { ok: false, error: outer };
    if (this.#interruption !== undefined && this.#cutOff)
      return { ok: false, error: this.#interruption.error };
    return outcome.ok ? outcome : { ok: true, value: undefined as T };
  }

  #interrupt(error: unknown): void {
    if (this.#scope.cancel(error)) this.#interruption = { error };
  }

  #schedule(task: Task<unknown>): void {
    this.#slotsTaken++;
    // As queueMicrotask() does, but without a resource of its own for async_hooks: a tenth of a small task.
    void SOON.then(() => beginTask(task));
  }

  /** In the context in which it was spawned, not in that of the task that makes room for it. */
  #queue(task: Task<unknown>): void {
    const turn = new Promise<void>((resolve) => this.#queued.set(task, resolve));
    void turn.then(() => beginTask(task));
  }

  #failed(error: unknown): void {
    if (!this.#errors.includes(error)) this.#errors.push(error);
    if (this.#cancelOnFailure) this.#scope.cancel(error);
  }

  #ended(task: Task<unknown>): void {
    if (task.status === 'cancelled' && this.#scope.cancellation !== undefined) this.#cutOff = true;
    // Born cancelled, it was never added.
    if (!this.#tasks.delete(task)) return;
    if (this.#queued.delete(task)) return;
    this.#slotsTaken--;
    for (const [next, begin] of this.#queued) {
      if (this.#slotsTaken >= this.#limit) return;
      this.#queued.delete(next);
      this.#slotsTaken++;
      begin();
    }
  }
}

bindToLoop(TaskGroup, 'a task group');
