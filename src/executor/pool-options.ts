/** The options of a thread pool: what users give, and what becomes of it. */
import type { Wire } from '../codec/wire.ts';
import {
  checkFunction,
  checkInteger,
  checkOneOf,
  checkOptions,
  checkTimeout,
  show,
} from '../core/arguments.ts';
import type { FunctionReference } from '../function/reference.ts';
import { defaultThreads, type ResourceLimits } from '../platform/worker.ts';
import type { AnyFunction, OnCancel } from './executor.ts';
import type { JobOptions } from './job.ts';
import { defaultJobOptions, mergeJobOptions } from './job-options.ts';
import { knowFunction } from './known-function.ts';

export interface ThreadPoolOptions {
  /**
   * How many threads: a fixed number, which start one by one as jobs come; or at least `min`, which start at once, and at most
   * `max`, of which those above `min` end when they have nothing to do. Default: what the machine, or its container, gives
   * this process.
   */
  readonly threads?: number | { readonly min: number; readonly max: number } | undefined;
  /** Milliseconds after which an idle thread above `min` ends. Default 10,000. */
  readonly idleTimeout?: number | undefined;
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
  /**
   * How threads share jobs: `'shared'` (the default), one queue from which each takes the next; or `'stealing'`: what a job
   * submits to its own pool is taken first by its own thread, the newest first, and by the others, the oldest first, when they have
   * nothing of their own. Of what is equally urgent, that is; and one of 61 that a thread takes is the oldest of all.
   */
  readonly scheduling?: 'shared' | 'stealing' | undefined;
  /** For how many microseconds a thread without a job looks for the next before it waits, at the cost of a core. Default 0. */
  readonly spin?: number | undefined;
  /** How many threads may be started beside the others because jobs block theirs for other jobs of the pool. Default 32. */
  readonly maxSpares?: number | undefined;
}

export interface PoolSettings {
  /** At most; and so many start at once. */
  readonly threads: number;
  readonly min: number;
  /** Whether threads above `min` end when they are idle. */
  readonly elastic: boolean;
  readonly idleTimeout: number;
  readonly scheduling: 'shared' | 'stealing';
  readonly spin: number;
  readonly maxSpares: number;
  readonly name: string;
  readonly concurrency: number;
  readonly maxPending: number;
  readonly initializer: Wire<FunctionReference> | undefined;
  readonly resourceLimits: ResourceLimits | undefined;
  readonly env: NodeJS.ProcessEnv | undefined;
  readonly execArgv: readonly string[] | undefined;
  readonly onDispose: 'drain' | 'cancel';
  readonly jobOptions: JobOptions;
  /** Whether it is an event loop: one thread, which is not replaced. */
  readonly isLoop: boolean;
  /** Whether its loop is watched, in debug mode, and after how many milliseconds a callback is slow. */
  readonly slowMs: number | undefined;
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
  const { min, max } = readThreads(given.threads);
  return {
    threads: max,
    min,
    elastic: typeof given.threads === 'object',
    idleTimeout: checkTimeout(given.idleTimeout ?? 10_000, 'idleTimeout'),
    scheduling: checkOneOf(given.scheduling ?? 'shared', 'scheduling', ['shared', 'stealing']),
    spin: checkTimeout(given.spin ?? 0, 'spin'),
    maxSpares: checkInteger(given.maxSpares ?? 32, 'maxSpares', { min: 0, infinite: true }),
    name: given.name === undefined ? `pool-${++unnamed}` : String(given.name),
    concurrency: checkInteger(concurrency, 'concurrency', { min: 1 }),
    maxPending: checkInteger(maxPending, 'maxPending', { min: 0, infinite: true }),
    initializer: initializer && knowFunction(initializer, site as unknown as AnyFunction).reference,
    resourceLimits: given.resourceLimits,
    env: given.env,
    execArgv: given.execArgv,
    onDispose: checkOneOf(given.onDispose ?? 'drain', 'onDispose', ['drain', 'cancel']),
    isLoop: false,
    slowMs: undefined,
    jobOptions: mergeJobOptions(defaultJobOptions, { onCancel, grace }),
  };
}

/** The settings of a loop in a thread of its own. */
export function loopSettings(
  name: string,
  initializer: Wire<FunctionReference> | undefined,
  slowMs: number | undefined,
): PoolSettings {
  return {
    threads: 1,
    min: 1,
    elastic: false,
    idleTimeout: Infinity,
    scheduling: 'shared',
    spin: 0,
    maxSpares: 0,
    name,
    concurrency: Infinity,
    maxPending: Infinity,
    initializer,
    resourceLimits: undefined,
    env: undefined,
    execArgv: undefined,
    onDispose: 'drain',
    isLoop: true,
    slowMs,
    jobOptions: defaultJobOptions,
  };
}

function readThreads(threads: ThreadPoolOptions['threads']): { readonly min: number; readonly max: number } {
  if (typeof threads !== 'object' || threads === null)
    return { min: 0, max: checkThreads(threads === undefined ? defaultThreads() : threads) };
  const max = checkThreads(threads.max);
  const min = checkInteger(threads.min, 'threads.min', { min: 0 });
  if (min > max) throw new RangeError(`threads.min must be at most threads.max, received ${min} and ${max}`);
  return { min, max };
}

/** @throws TypeError, RangeError unless it is a whole number of at least 1. */
export function checkThreads(threads: unknown): number {
  if (typeof threads !== 'number') {
    throw new TypeError(`threads must be a whole number of at least 1, received ${show(threads)}`);
  }
  return checkInteger(threads, 'threads', { min: 1 });
}
