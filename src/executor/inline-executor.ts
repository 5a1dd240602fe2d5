import { checkBoolean, checkName, checkOneOf, checkOptions } from '../core/arguments.ts';
import { bindToLoop } from '../core/unsendable.ts';
import { adopt } from '../scope/run.ts';
import type { OwnedExecutor, ShutdownOptions } from './executor.ts';
import { asForThreads, uncopied } from './inline-calls.ts';
import { InlineJobs } from './inline-jobs.ts';
import type { JobOptions } from './job.ts';
import { JobExecutor } from './job-executor.ts';
import { defaultJobOptions } from './job-options.ts';

export interface InlineExecutorOptions {
  /** Whether what threads would refuse is refused, and arguments, results and errors are copied. Default `false`. */
  readonly strict?: boolean | undefined;
  /** What messages call it. Default `inline`. */
  readonly name?: string | undefined;
  /** What disposing does with jobs that are not done: `'drain'` (the default) finishes them. */
  readonly onDispose?: 'drain' | 'cancel' | undefined;
}

/**
 * An executor that starts no thread: it runs jobs on the loop of whoever submits.
 *
 * Use it in the place of a pool where threads do not pay, or must not be: in tests, to step through a job with a debugger, for
 * a handful of small jobs. It does not make anything faster. For code that must not block this loop, use a pool.
 *
 * - **Functions.** Any: closures, methods, bound ones; arguments, results and errors are passed as they are, uncopied. With
 *   `strict: true` the rules of threads hold: what a pool would refuse is refused, the rest is copied as on the way to a
 *   thread, so that a test shows what would go wrong there. Module variables are shared with the job all the same.
 * - **Scope**: this loop. It cannot be sent to another thread.
 * - **Ordering**: jobs begin in the order of their submit, in a microtask and never within `submit()`; after some hundred the
 *   loop goes round first. `priority` changes nothing. Async ones overlap, as many as there are; a `limiter` bounds them.
 * - **Blocking forms.** `submitSync()` and `mapSync()` run a synchronous function at once. What waits for something cannot go
 *   on while the loop is blocked: `DeadlockError`, and the job is cancelled.
 * - **Context.** A job is a task of its own, and runs in the context of its submit: every AsyncLocalStorage has the values that
 *   it had there.
 * - **Cancellation** as in a pool, and a synchronous function sees none: nobody else runs meanwhile. No code can be ended by
 *   force: `onCancel: 'terminate'` abandons the job after `grace`.
 * - **Cost**: some microseconds for a job.
 *
 * @example
 * ```ts
 * import { type Executor, InlineExecutor } from 'heddle';
 *
 * async function total(executor: Executor, lists: number[][]): Promise<number> {
 *   let sum = 0;
 *   const add = (list: number[]): number => list.reduce((a, b) => a + b, 0);
 *   for await (const one of executor.map(add, lists)) sum += one;
 *   return sum;
 * }
 *
 * await using executor = new InlineExecutor({ strict: true });
 * console.log(await total(executor, [[1, 2], [3]])); // 6
 * ```
 */
export class InlineExecutor extends JobExecutor implements OwnedExecutor {
  protected override readonly sink: InlineJobs;
  protected override readonly jobOptions: JobOptions = defaultJobOptions;
  readonly #name: string;
  readonly #cancelsOnDispose: boolean;
  readonly #disown: () => void;

  /** @throws TypeError for an option of the wrong kind. */
  constructor(options?: InlineExecutorOptions) {
    super();
    const { strict, name, onDispose } = checkOptions(options);
    this.#name = checkName(name) ?? 'inline';
    this.#cancelsOnDispose = checkOneOf(onDispose ?? 'drain', 'onDispose', ['drain', 'cancel']) === 'cancel';
    const jobs = new InlineJobs(this.#name, checkBoolean(strict, 'strict') ? asForThreads : uncopied);
    this.sink = jobs;
    this.#disown = adopt({
      shutdown: ({ cancelRunning }) => this.shutdown({ cancelPending: cancelRunning, cancelRunning }),
      terminate: async () => jobs.abandonAll(),
      describe: () => jobs.describe(),
    });
  }

  get name(): string {
    return this.#name;
  }

  /** Whether new jobs are refused. */
  get isShutDown(): boolean {
    return this.sink.isShutDown;
  }

  /**
   * Refuses new jobs with `ShutDownError`, runs those that wait, and resolves when all have ended; those that were cancelled
   * with `'abandon'` are not waited for, nor is a job that calls this itself. May be called again, also to cancel after all.
   */
  async shutdown(options?: ShutdownOptions): Promise<void> {
    const { cancelPending, cancelRunning } = checkOptions(options);
    await this.sink.shutdown(
      checkBoolean(cancelPending, 'cancelPending'),
      checkBoolean(cancelRunning, 'cancelRunning'),
    );
    this.#disown();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const cancel = this.#cancelsOnDispose;
    await this.shutdown({ cancelPending: cancel, cancelRunning: cancel });
  }
}

bindToLoop(InlineExecutor, 'an InlineExecutor');
