import { checkFunction, checkOptions, checkTimeout, show } from '../core/arguments.ts';
import { startTimer, type Timer } from '../core/clock.ts';
import { InvalidStateError } from '../core/errors.ts';
import { bindToLoop } from '../core/unsendable.ts';
import { importingModule, moduleName } from '../platform/modules.ts';
import { report } from '../platform/report.ts';
import {
  checkSignals,
  DEFAULT_SIGNALS,
  exitBySignal,
  exitQuietlyIfUncaught,
  onSignals,
} from '../platform/signals.ts';
import type { Work } from './call.ts';
import { checkDebug, type DebugOptions, startDebug } from './debug.ts';
import { outside } from './outside.ts';
import { currentScope, type Scope } from './scope.ts';
import { outcomeOf, scopeOf, startTask, type Task } from './task.ts';
import { reportUnawaited } from './unawaited.ts';
import { Waiter } from './waiter.ts';

/** An executor, as far as `run` knows one. */
export interface RunPool {
  submit(fn: (...args: never[]) => unknown, ...args: never[]): PromiseLike<unknown>;
}

/** How `run()` and `Runner` are to behave. */
export interface RunOptions {
  /**
   * Reports (`HEDDLE_STALLED_LOOP`) what stalls the loop while the main function runs: a callback that takes longer than
   * `slowCallback` milliseconds (default 100), with its task and where it was started; a `Sync` wait of more than 100 ms, with
   * its place. Costs several microseconds for every promise: for development. Default: false.
   */
  readonly debug?: DebugOptions | undefined;
  /** The executor that `toThread` uses inside, instead of the default pool. It is not shut down at the end. */
  readonly pool?: RunPool | undefined;
  /** Which signals cancel the main function. Default: SIGINT and SIGTERM. None in a thread: there are no signals. */
  readonly signals?: readonly NodeJS.Signals[] | undefined;
  /**
   * How many milliseconds jobs in threads have to end once they are cancelled, by a signal or at the end of `run`,
   * before their threads are terminated. Default 10,000.
   */
  readonly shutdownTimeout?: number | undefined;
  /** How many milliseconds shielded clean-up has once the main function was cancelled or has ended. Default: no limit. */
  readonly cleanupTimeout?: number | undefined;
}

/** Something with threads of its own that has to be joined at the end of `run`. */
export interface Joinable {
  shutdown(options: { cancelRunning: boolean }): Promise<void>;
  /** Ends what is left by force. Does not wait for any code of the user. */
  terminate(): Promise<void>;
  /** What still runs, for a report: `pool "images" (2 jobs)`. */
  describe(): string;
}

const DEFAULT_SHUTDOWN_TIMEOUT = 10_000;

/** The runner whose main function runs on this thread. */
let underWay: Runner | undefined;
/** The resources of a run, by its root scope. */
const resourcesOf = new WeakMap<Scope, Set<Joinable>>();
/** The executors that runs were given, by their root scopes. */
const poolOf = new WeakMap<Scope, RunPool>();

/**
 * The entry point of a program: runs `main` as the root task, and leaves nothing behind.
 *
 * - **Signals.** SIGINT and SIGTERM cancel `main`; a second one exits at once with 128 + its number. After a signal,
 *   `run` rejects with `CancelledError` unless `main` returned a value; if nobody catches that, the process ends with
 *   128 + the signal's number and prints no stack.
 * - **End.** When `main` has ended, what it left running is cancelled and awaited. Then the pools and threads made inside
 *   are shut down: running jobs are cancelled and awaited up to `shutdownTimeout`, then terminated, with a report.
 * - One at a time on a thread. In a module that threads import too, guard it with `if (isMainThread)`.
 *
 * @throws {InvalidStateError} if another `run` is under way on this thread, or a thread is importing the module.
 * @example
 * ```ts
 * import { run, TaskGroup } from 'heddle';
 *
 * await run(async () => {
 *   await TaskGroup.run((group) => {
 *     group.spawn(() => console.log('one'));
 *     group.spawn(() => console.log('two'));
 *   });
 * });
 * ```
 */
export async function run<T>(
  main: (signal: AbortSignal) => T | PromiseLike<T>,
  options?: RunOptions,
): Promise<T> {
  const runner = new Runner(options);
  return await execute(runner, main, true);
}

let execute: <T>(runner: Runner, main: Work<T>, closeAfter: boolean) => Promise<T>;

/**
 * Several main functions one after the other, with pools that live from one to the next: what `run` does, in parts.
 *
 * @example
 * ```ts
 * import { Runner } from 'heddle';
 *
 * const runner = new Runner();
 * try {
 *   console.log(await runner.run(() => 1)); // 1
 *   console.log(await runner.run(() => 2)); // 2
 * } finally {
 *   await runner.close();
 * }
 * ```
 */
export class Runner {
  readonly #signals: readonly NodeJS.Signals[];
  readonly #shutdownTimeout: number;
  readonly #cleanupTimeout: number;
  readonly #slowMs: number | undefined;
  readonly #resources = new Set<Joinable>();
  readonly #pool: RunPool | undefined;
  #closing: Promise<void> | undefined;

  static {
    execute = (runner, main, closeAfter) => runner.#execute(main, closeAfter);
  }

  constructor(options?: RunOptions) {
    const checked = checkOptions(options);
    this.#signals = checkSignals(checked.signals) ?? DEFAULT_SIGNALS;
    this.#shutdownTimeout = checkTimeout(
      checked.shutdownTimeout ?? DEFAULT_SHUTDOWN_TIMEOUT,
      'shutdownTimeout',
    );
    this.#cleanupTimeout = checkTimeout(checked.cleanupTimeout, 'cleanupTimeout');
    this.#slowMs = checkDebug(checked.debug);
    this.#pool = checkPool(checked.pool);
  }

  /** Runs `main` as `run()` does, but leaves the pools made inside for the next one. */
  async run<T>(main: (signal: AbortSignal) => T | PromiseLike<T>): Promise<T> {
    return await this.#execute(main, false);
  }

  /** Joins the pools and threads made inside. Never rejects; closing twice waits for the same end. */
  close(): Promise<void> {
    if (underWay === this)
      return Promise.reject(
        new InvalidStateError('Cannot close runner: its main function is running. Await that first'),
      );
    this.#closing ??= this.#joinResources();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #execute<T>(main: Work<T>, closeAfter: boolean): Promise<T> {
    checkFunction(main, 'main');
    const importing = importingModule();
    if (importing !== undefined)
      throw new InvalidStateError(
        `Cannot run: a thread is importing ${moduleName(importing)} for a job, and only the program itself should call run there. Guard the call with "if (isMainThread)"`,
      );
    if (underWay !== undefined)
      throw new InvalidStateError(
        'Cannot run: another run is under way on this thread. Await it first, or use a TaskGroup inside it',
      );
    if (this.#closing !== undefined)
      throw new InvalidStateError('Cannot run: the runner is closed. Make a new one');
    underWay = this;
    let received: NodeJS.Signals | undefined;
    let task: Task<T> | undefined;
    const stopSignals = onSignals(this.#signals, (signal) => {
      if (received !== undefined) exitBySignal(signal);
      received = signal;
      task?.cancel(signal);
    });
    const stopDebug = this.#slowMs === undefined ? undefined : startDebug(this.#slowMs);
    try {
      return await this.#runTask(main, (started) => {
        task = started;
      });
    } catch (error) {
      if (received !== undefined && error instanceof Error && error === cancellationOf(task))
        exitQuietlyIfUncaught(error, received);
      throw error;
    } finally {
      if (task !== undefined) reportUnawaited(scopeOf(task));
      if (closeAfter) {
        this.#closing = this.#joinResources();
        await this.#closing;
      }
      stopDebug?.();
      stopSignals();
      underWay = undefined;
    }
  }

  /** The root task's end; from its cancellation or the end of its function on, at most `cleanupTimeout` away. */
  async #runTask<T>(main: Work<T>, started: (task: Task<T>) => void): Promise<T> {
    const end = new Waiter<T>(undefined);
    let task: Task<T> | undefined;
    const timers: Timer[] = [];
    const giveUp = (): void => {
      report(
        'HEDDLE_SHUTDOWN_TIMEOUT',
        `Left behind at the end of run: ${leftOf(task!, true).join(', ')} had not ended ${this.#cleanupTimeout} ms after being told to`,
      );
      const outcome = outcomeOf(task!);
      if (outcome?.ok) end.resolve(outcome.value);
      else end.reject(outcome === undefined ? scopeOf(task!).cancellation : outcome.error);
    };
    try {
      task = startTask(
        (signal) => {
          resourcesOf.set(currentScope()!, this.#resources);
          if (this.#pool !== undefined) poolOf.set(currentScope()!, this.#pool);
          return main(signal);
        },
        {
          name: 'main',
          cancelLeftovers: true,
          onCancelled: () => {
            timers.push(
              startTimer(this.#shutdownTimeout, () => this.#endLate(task!)),
              startTimer(this.#cleanupTimeout, giveUp),
            );
          },
        },
      );
      started(task);
      const root = task;
      void outside(() =>
        root.then(
          (value) => end.resolve(value),
          (error) => end.reject(error),
        ),
      );
      return await end.promise;
    } finally {
      for (const timer of timers) timer.stop();
    }
  }

  /** Jobs that were cancelled and do not listen would keep the program for ever. What this loop itself waits for is named. */
  #endLate(task: Task<unknown>): void {
    const late = `${this.#shutdownTimeout} ms after being told to`;
    const ended = scopeOf(task).terminateMembers();
    if (ended.length > 0)
      report(
        'HEDDLE_SHUTDOWN_TIMEOUT',
        `Terminated the threads of ${ended.join(', ')} at the end of run: not ended ${late}`,
      );
    const left = leftOf(task, false);
    if (left.length > 0)
      report(
        'HEDDLE_SHUTDOWN_TIMEOUT',
        `The end of run waits for ${left.join(', ')}: not ended ${late}; cleanupTimeout would bound that`,
      );
  }

  async #joinResources(): Promise<void> {
    await outside(() => Promise.all([...this.#resources].map((one) => this.#join(one))));
  }

  async #join(resource: Joinable): Promise<void> {
    this.#resources.delete(resource);
    const waiter = new Waiter<boolean>(undefined);
    const timer = startTimer(this.#shutdownTimeout, () => waiter.resolve(false));
    resource.shutdown({ cancelRunning: true }).then(
      () => waiter.resolve(true),
      (error) => waiter.reject(error),
    );
    try {
      if (await waiter.promise) return;
      report(
        'HEDDLE_SHUTDOWN_TIMEOUT',
        `Terminated ${resource.describe()} at the end of run: it had not ended ${this.#shutdownTimeout} ms after it was told to`,
      );
      await resource.terminate();
    } catch (error) {
      report('HEDDLE_CALLBACK_ERROR', `Cannot shut down ${resource.describe()} at the end of run`, error);
    } finally {
      timer.stop();
    }
  }
}

/**
 * Has the current `run` join the resource at its end; returns what takes it out again, for when it is shut down
 * before. Outside `run` it does nothing.
 */
export function adopt(resource: Joinable): () => void {
  const root = rootScope();
  const resources = root && resourcesOf.get(root);
  resources?.add(resource);
  return () => resources?.delete(resource);
}

/** The executor that the current `run` was given. */
export function poolOfRun(): RunPool | undefined {
  const root = rootScope();
  return root && poolOf.get(root);
}

function rootScope(): Scope | undefined {
  let scope = currentScope();
  while (scope?.parent !== undefined) scope = scope.parent;
  return scope;
}

function checkPool(value: unknown): RunPool | undefined {
  if (value === undefined || typeof (value as RunPool | null)?.submit === 'function') return value as RunPool;
  throw new TypeError(`pool must be an executor such as a ThreadPoolExecutor, received ${show(value)}`);
}

/** What is still open in a task that is to end, and where it waits; `elsewhere`: also jobs in threads. */
function leftOf(task: Task<unknown>, elsewhere: boolean): string[] {
  const scope = scopeOf(task);
  if (scope.busy) return scope.describeMembers(elsewhere);
  return [`the main function${scope.describeWaits()}`];
}

function cancellationOf(task: Task<unknown> | undefined): unknown {
  return task === undefined ? undefined : scopeOf(task).cancellation;
}

bindToLoop(Runner, 'a runner');
