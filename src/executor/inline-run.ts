/** One job of this very loop, from its turn to its end. */
import { openWith } from '../codec/received.ts';
import { CancelledError } from '../core/errors.ts';
import { captureContext } from '../platform/context.ts';
import { isThenable } from '../scope/call.ts';
import { cancelled } from '../scope/cancelled.ts';
import { beginTask, createTask, outcomeOf, type Task } from '../scope/task.ts';
import type { Call, CallRules, PendingCall } from './inline-calls.ts';
import type { Job } from './job.ts';
import { SENT, type Work } from './work.ts';

type Chunk = Work & { readonly kind: 'each' };
type Copy = NonNullable<CallRules['copy']>;

export class InlineRun {
  readonly job: Job;
  /** The task that the job is, once it has begun. */
  task: Task<unknown> | undefined;
  /** When it began, by `performance.now()`. */
  began = 0;
  readonly #call: PendingCall;
  readonly #copy: Copy | undefined;
  readonly #over: () => void;
  /** The context of the submit. */
  readonly #inContext = captureContext();

  /** `over` is called when nothing of it goes on any more. */
  constructor(job: Job, call: PendingCall, { copy }: CallRules, over: () => void) {
    this.job = job;
    this.#call = call;
    this.#copy = copy;
    this.#over = over;
  }

  /** Runs the job, unless it has begun or ended. */
  begin(): void {
    if (this.task !== undefined || this.job.phase !== 'queued') return;
    const { job } = this;
    const { work } = job;
    // Who keeps the future does not keep the arguments.
    if (work.kind === 'call') job.work = SENT;
    this.task = createTask(() => this.#run(work), {
      name: job.name,
      parent: undefined,
      owner: { failed: () => {}, ended: (task) => this.#ended(task) },
    });
    this.began = performance.now();
    this.#inContext(() => beginTask(this.task!));
  }

  /** Tells the code of the job that its future is settled. */
  cancel(): void {
    const { withdrawal } = this.job;
    this.task?.cancel(withdrawal instanceof CancelledError ? withdrawal.cause : withdrawal);
  }

  /** It will not run. */
  discard(): void {
    this.#call.discard();
  }

  #run(work: Work): unknown {
    const call = this.#call.open();
    const run = ([fn, values]: Call): unknown =>
      work.kind === 'each' ? new ChunkRun(this.job, work, fn, values, this.#copy).run() : fn(...values);
    return call instanceof Promise ? call.then(run) : run(call);
  }

  #ended(task: Task<unknown>): void {
    const { job } = this;
    job.ranMs = performance.now() - this.began;
    const fulfil = (value: unknown): void => {
      job.resolve(value);
      this.#over();
    };
    const fail = (error: unknown): void => {
      job.reject(error);
      this.#over();
    };
    const outcome = outcomeOf(task)!;
    const copy = this.#copy;
    if (copy === undefined || job.settled) return outcome.ok ? fulfil(outcome.value) : fail(outcome.error);
    let copied: unknown;
    try {
      const [opened, received] = openWith(() =>
        outcome.ok ? copy(outcome.value, 'result') : copy(outcome.error, 'error'),
      );
      job.receives(received, !(opened instanceof Promise));
      copied = opened;
    } catch (error) {
      return fail(error);
    }
    if (copied instanceof Promise) copied.then(outcome.ok ? fulfil : fail, fail);
    else if (outcome.ok) fulfil(copied);
    else fail(copied);
  }
}

/** The items of a chunk, one after the other: without waiting, as long as none gives a promise. Each is told at once. */
class ChunkRun {
  readonly #job: Job;
  readonly #chunk: Chunk;
  readonly #fn: Call[0];
  readonly #items: readonly unknown[];
  readonly #args: readonly unknown[];
  readonly #copy: Copy | undefined;
  #next = 0;

  constructor(
    job: Job,
    chunk: Chunk,
    fn: Call[0],
    [items, args]: readonly unknown[],
    copy: Copy | undefined,
  ) {
    this.#job = job;
    this.#chunk = chunk;
    this.#fn = fn;
    this.#items = items as readonly unknown[];
    this.#args = args as readonly unknown[];
    this.#copy = copy;
  }

  run(): Promise<void> | undefined {
    const pending = this.#stretch();
    return pending && this.#rest(pending);
  }

  async #rest(pending: Promise<unknown> | undefined): Promise<void> {
    while (pending !== undefined) {
      try {
        this.#tell([await pending], []);
      } catch (error) {
        this.#tell([undefined], [[0, error]]);
      }
      pending = this.#stretch();
    }
  }

  /** Runs items until one must be waited for: gives that. */
  #stretch(): Promise<unknown> | undefined {
    const copy = this.#copy;
    while (this.#next < this.#items.length && !cancelled()) {
      try {
        const value = this.#fn(this.#items[this.#next++], ...this.#args);
        const given = isThenable(value)
          ? this.#later(value)
          : copy === undefined
            ? value
            : copy(value, 'result');
        if (given instanceof Promise) return given;
        this.#tell([given], []);
      } catch (error) {
        const copied = copy === undefined ? error : copy(error, 'error');
        if (copy !== undefined && copied instanceof Promise) return copied.then((one) => Promise.reject(one));
        this.#tell([undefined], [[0, copied]]);
      }
    }
    return undefined;
  }

  async #later(value: PromiseLike<unknown>): Promise<unknown> {
    const copy = this.#copy;
    if (copy === undefined) return value;
    try {
      return await copy(await value, 'result');
    } catch (error) {
      throw await copy(error, 'error');
    }
  }

  #tell(values: readonly unknown[], errors: readonly (readonly [number, unknown])[]): void {
    if (!this.#job.settled) this.#chunk.onPart({ values, errors });
    if (errors.length > 0 && this.#chunk.stop) this.#next = this.#items.length;
  }
}
