/** What all executors share: the public calls, on top of one way to start a job. */
import { checkFunction } from '../core/arguments.ts';
import { moduleUrl } from '../function/loader.ts';
import type { WaitOptions } from '../scope/interruptible.ts';
import { currentScope } from '../scope/scope.ts';
import type {
  AnyFunction,
  Executor,
  MapMethod,
  MapOptions,
  MapResults,
  Remote,
  SubmitOptions,
} from './executor.ts';
import type { Future } from './future.ts';
import type { Job, JobOptions } from './job.ts';
import { startWithContext } from './job-context.ts';
import { mergeJobOptions } from './job-options.ts';
import { mapItems } from './map.ts';
import { mapItemsSync } from './map-sync.ts';
import { rejectedFuture } from './rejected-future.ts';
import { remoteModule } from './remote.ts';
import type { Work } from './work.ts';

/** Where jobs go. */
export interface JobSink {
  /** How many jobs can run at once: what a `map` reads ahead by. */
  readonly width: number;
  /** Whether `start` would throw a `PoolFullError`. */
  readonly full: boolean;
  /** Whether jobs run in the context of their submit by themselves. */
  readonly keepsContext?: boolean;
  /** @throws ShutDownError, PoolFullError, BrokenPoolError, SendError; then there is no job. */
  start(fn: AnyFunction, site: AnyFunction, work: Work, options: JobOptions): Job;
  waitForRoom(options: WaitOptions | undefined): Promise<void>;
  /** The same, blocking, and calls `then`; of a sink that may be full. */
  waitForRoomSync?(timeout: number, then: () => void): void;
}

export abstract class JobExecutor implements Executor {
  /** The jobs' way in, and the options that jobs start from. */
  protected abstract readonly sink: JobSink;
  protected abstract readonly jobOptions: JobOptions;

  submit<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): Future<Awaited<R>> {
    return this.submitFrom(this.submit, fn, args);
  }

  trySubmit<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): Future<Awaited<R>> | undefined {
    return this.sink.full ? undefined : this.submitFrom(this.trySubmit, fn, args);
  }

  /** As `submit`, called from `site`, the public function whose caller wrote `fn`. Not for users. */
  submitFrom<A extends unknown[], R>(site: AnyFunction, fn: (...args: A) => R, args: A): Future<Awaited<R>> {
    try {
      checkFunction(fn, 'fn');
      return startInTask(this.sink, fn, site, { kind: 'call', args }, this.jobOptions).future as Future<
        Awaited<R>
      >;
    } catch (error) {
      return rejectedFuture(error, () => `job "${fn?.name ?? ''}"`);
    }
  }

  submitSync<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): Awaited<R> {
    const future = this.submitFrom(this.submitSync, fn, args);
    try {
      return future.resultSync();
    } catch (error) {
      // If it goes on, nobody else can have its result.
      future.cancel(error);
      throw error;
    }
  }

  waitForRoom(options?: WaitOptions): Promise<void> {
    return this.sink.waitForRoom(options);
  }

  mapSync<T, R>(
    fn: (item: T, ...args: never[]) => R,
    items: Iterable<T>,
    options?: MapOptions,
  ): IterableIterator<Awaited<R>> {
    return mapItemsSync({
      sink: this.sink,
      jobOptions: this.jobOptions,
      fn: fn as AnyFunction,
      items,
      options,
      site: this.mapSync,
    }) as IterableIterator<Awaited<R>>;
  }

  readonly map: MapMethod = ((
    fn: AnyFunction,
    items: Iterable<unknown>,
    options?: MapOptions,
  ): MapResults<unknown> =>
    mapItems({
      sink: this.sink,
      jobOptions: this.jobOptions,
      fn,
      items,
      options,
      site: this.map,
    })) as MapMethod;

  import<M extends object>(load: (() => Promise<M>) | URL | string): Remote<M> {
    return remoteModule<M>(moduleUrl(load, this.import), this);
  }

  with(options: SubmitOptions): Executor {
    return new ExecutorView(this.sink, mergeJobOptions(this.jobOptions, options));
  }
}

/** The same executor with other defaults for its jobs. It owns nothing. */
class ExecutorView extends JobExecutor {
  protected override readonly sink: JobSink;
  protected override readonly jobOptions: JobOptions;

  constructor(sink: JobSink, jobOptions: JobOptions) {
    super();
    this.sink = sink;
    this.jobOptions = jobOptions;
  }
}

/** Starts a job, and makes it belong to the task that submits it. */
export function startInTask(
  sink: JobSink,
  fn: AnyFunction,
  site: AnyFunction,
  work: Work,
  options: JobOptions,
): Job {
  const job =
    options.context.length === 0 || sink.keepsContext === true
      ? sink.start(fn, site, work, options)
      : startWithContext(sink, fn, site, work, options);
  job.scope = currentScope();
  job.detach = job.scope?.attach(job);
  return job;
}
