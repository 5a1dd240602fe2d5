/** Every message between a pool and its threads, in one union each way. All of it is plain, cloneable data. */
import type { Wire } from '../codec/wire.ts';
import type { FunctionReference } from '../function/reference.ts';

/**
 * A function on its way to a thread. The first time it goes with its reference, later as its number alone; a thread
 * keeps the functions it was sent until `forget`. Number 0 is for a function that is used once.
 */
export type FunctionOnWire = number | { readonly id: number; readonly reference: Wire<FunctionReference> };

export type ToThread =
  /** Run a function once. */
  | {
      readonly type: 'call';
      readonly job: number;
      readonly fn: FunctionOnWire;
      readonly args: Wire<readonly unknown[]>;
      readonly name: string;
    }
  /** Run a function once for each item, in order; `args` follow the item. With `stop`, only up to the first failure. */
  | {
      readonly type: 'each';
      readonly job: number;
      readonly fn: FunctionOnWire;
      readonly items: Wire<readonly unknown[]>;
      readonly args: Wire<readonly unknown[]>;
      readonly stop: boolean;
      readonly name: string;
    }
  | { readonly type: 'cancel'; readonly job: number; readonly reason: Wire<unknown> }
  /** Drop every function sent so far. */
  | { readonly type: 'forget' }
  /** End, now that no job runs here. */
  | { readonly type: 'stop' };

export type FromThread =
  /** The thread runs, and its initializer (if any) has returned. */
  | { readonly type: 'ready' }
  /** The initializer threw: the thread takes no jobs. */
  | { readonly type: 'unfit'; readonly error: Wire<unknown> }
  | { readonly type: 'value'; readonly job: number; readonly value: Wire<unknown>; readonly ran: number }
  | {
      readonly type: 'error';
      readonly job: number;
      readonly error: Wire<unknown>;
      readonly cancelled: boolean;
      readonly ran: number;
    }
  /** Outcomes of the next items of an `each`, in the order of the items; more will follow. */
  | { readonly type: 'part'; readonly job: number; readonly outcomes: Wire<ItemOutcomes> }
  /** The last outcomes of an `each`: items without one did not run. */
  | {
      readonly type: 'done';
      readonly job: number;
      readonly outcomes: Wire<ItemOutcomes>;
      readonly ran: number;
    };

/** Outcomes of consecutive items: a value for each, and for each that failed its index among them with the error. */
export interface ItemOutcomes {
  readonly values: readonly unknown[];
  readonly errors: readonly (readonly [index: number, error: unknown])[];
}

/** What a thread is given when it starts. */
export interface ThreadSettings {
  readonly id: number;
  readonly name: string;
  /** One word: how many `cancel` messages were posted; code that never returns to its loop can look at it. */
  readonly cancels: SharedArrayBuffer;
  readonly loader: unknown;
  /** The runtime's number of the thread that the answers go to. */
  readonly owner: number;
  readonly initializer?: Wire<FunctionReference>;
}
