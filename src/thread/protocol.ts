/**
 * Every message between the keeper of a pool and its threads, in one union each way. All of it is plain, cloneable data. Jobs
 * go through shared memory (`jobs/`); here goes how threads begin and end, and what only a message can carry.
 */
import type { Wire } from '../codec/wire.ts';
import type { FunctionReference } from '../function/reference.ts';
import type { BufferMessage } from '../jobs/message-buffers.ts';

export type ToThread =
  | BufferMessage
  /** Run jobs of that pool, which the parcel holds. */
  | { readonly type: 'begin'; readonly pool: number; readonly parcel: number }
  /** The arguments of a job that were fetched. */
  | { readonly type: 'arguments'; readonly job: number; readonly args: Wire<unknown> }
  /** They are not to be had any more. */
  | { readonly type: 'gone'; readonly job: number }
  /** Run what was begun, and end. */
  | { readonly type: 'stop' };

export type FromThread =
  | BufferMessage
  /** The thread takes jobs: its initializer, if any, has returned. `token` stands for it in shared memory, `record` holds the pool. */
  | { readonly type: 'ready'; readonly token: number; readonly record: number }
  /** The initializer threw: the thread takes no jobs. */
  | { readonly type: 'unfit'; readonly error: Wire<unknown> }
  /** It ends now, as it was told to, and was busy for so long. */
  | { readonly type: 'ending'; readonly busyMs: number }
  /** It exits, by itself or by an error, whatever it is doing. */
  | { readonly type: 'exiting'; readonly code: number }
  /** Send the arguments of a job. */
  | { readonly type: 'fetch'; readonly job: number }
  /** The result of a job that has not ended yet, or just has. */
  | { readonly type: 'value'; readonly job: number; readonly value: Wire<unknown> };

/** Outcomes of consecutive items: a value for each, and for each that failed its index among them with the error. */
export interface ItemOutcomes {
  readonly values: readonly unknown[];
  readonly errors: readonly (readonly [index: number, error: unknown])[];
}

/** A shared object of the main thread, which it never gives up. */
export interface MainLoop {
  readonly object: number;
  readonly id: number;
}

/** What a thread is given when it starts. */
export interface ThreadSettings {
  readonly id: number;
  readonly name: string;
  readonly loader: unknown;
  /** The runtime's number of the thread that keeps the pool, and what stands for it in shared memory. */
  readonly owner: number;
  readonly keeper: number;
  /** Jobs at once, and microseconds of looking for the next before it waits. */
  readonly concurrency: number;
  readonly spin: number;
  /** Whether it has a list of its own for the jobs that it puts while it runs others. */
  readonly keepsOwn: boolean;
  /** Whether the pool is the loop of this thread. */
  readonly isLoop: boolean;
  /** Debug mode: after so many milliseconds a callback is reported. */
  readonly slowMs?: number;
  readonly mainLoop?: MainLoop;
  readonly initializer?: Wire<FunctionReference>;
}
