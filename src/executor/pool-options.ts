/** The options of a thread pool: what users give, and what becomes of it. */
import type { Wire } from '../codec/wire.ts';
import { checkFunction, checkInteger, checkOneOf, checkOptions, show } from '../core/arguments.ts';
import type { FunctionReference } from '../function/reference.ts';
import { defaultThreads, type ResourceLimits } from '../platform/worker.ts';
import type { AnyFunction, OnCancel } from './executor.ts';
import type { JobOptions } from './job.ts';
import { defaultJobOptions, mergeJobOptions } from './job-options.ts';
import { knowFunction } from './known-function.ts';

export interface ThreadPoolOptions {
  /** How many threads at most; default: what the machine, or its container, gives this process. */
  readonly threads?: number | undefined;
  /** What threads, messages and warnings call the pool. */
  readonly name?: string | undefined;
  /** How many async jobs a thread runs at once. Default 1. */
  readonly concurrency?: number | undefined;
  /** How many jobs may wait; beyond that, submitting fails with `PoolFullError`. Default: no limit. */
  readonly maxPending?: number | undefined;
  /** Called once in each thread before its first job. If it throws, the pool is broken. */
  readonly initializer?: (() => unknown) | undefined;
  /** Limits of each thread's heap and stack, as for `worker_threads`. */
  readonly resourceLimits?: ResourceLimits | undefined;
  readonly env?: NodeJS.ProcessEnv | undefined;
  readonly execArgv?: readonly string[] | undefined;
  /** What disposing does with jobs that are not done: `'drain'` (the default) finishes them. */
  readonly onDispose?: 'drain' | 'cancel' | undefined;
  /** What becomes of a running job that is cancelled. Default `'wait'`. */
  readonly onCancel?: OnCancel | undefined;
  /** Milliseconds before `'terminate'` does so. Default 100. */
  readonly grace?: number | undefined;
}

export interface PoolSettings {
  readonly threads: number;
  readonly name: string;
  readonly concurrency: number;
  readonly maxPending: number;
  readonly initializer: Wire<FunctionReference> | undefined;
  readonly resourceLimits: ResourceLimits | undefined;
  readonly env: NodeJS.ProcessEnv | undefined;
  readonly execArgv: readonly string[] | undefined;
  readonly onDispose: 'drain' | 'cancel';
  readonly jobOptions: JobOptions;
}

let unnamed = 0;

/** `site` is the constructor whose caller wrote the initializer. */
export function readPoolOptions(
  options: ThreadPoolOptions | undefined,
  site: abstract new (...args: never[]) => unknown,
): PoolSettings {
  const given = checkOptions(options) as ThreadPoolOptions;
  const { concurrency = 1, maxPending = Infinity, initializer, onCancel, grace } = given;
  if (initializer !== undefined) checkFunction(initializer, 'initializer');
  return {
    threads: checkThreads(given.threads === undefined ? defaultThreads() : given.threads),
    name: given.name === undefined ? `pool-${++unnamed}` : String(given.name),
    concurrency: checkInteger(concurrency, 'concurrency', { min: 1 }),
    maxPending: checkInteger(maxPending, 'maxPending', { min: 0, infinite: true }),
    initializer: initializer && knowFunction(initializer, site as unknown as AnyFunction).reference,
    resourceLimits: given.resourceLimits,
    env: given.env,
    execArgv: given.execArgv,
    onDispose: checkOneOf(given.onDispose ?? 'drain', 'onDispose', ['drain', 'cancel']),
    jobOptions: mergeJobOptions(defaultJobOptions, { onCancel, grace }),
  };
}

/** @throws TypeError, RangeError unless it is a whole number of at least 1. */
export function checkThreads(threads: unknown): number {
  if (typeof threads !== 'number') {
    throw new TypeError(`threads must be a whole number of at least 1, received ${show(threads)}`);
  }
  return checkInteger(threads, 'threads', { min: 1 });
}
