/**
 * What a value looks like on its way to another thread: data for the structured clone algorithm, plus a list of what
 * that algorithm cannot carry (errors with their class, functions, handles; shared buffers where only bytes can travel).
 *
 * Each of those is an empty object in `value`, its **stand-in**, and again in `specials` beside what it stands for.
 * Structured clone keeps the identity of objects within one message, so the receiver tells a stand-in from user data
 * without reserving any name, and shared and cyclic references come out as they went in.
 */
import type { ErrorWire } from '../core/error-wire.ts';
import type { Transferable } from '../platform/worker.ts';

export interface Wire<T> {
  readonly value: unknown;
  /** Absent in nearly every message. */
  readonly specials?: readonly Special[];
  /**
   * Handles of shared objects, made for this wire: they hold the objects until it has been sent, and are disposed by
   * `releaseWire`. They stay with the sender; each message gets parcels in their place (`packWire`).
   */
  readonly handles?: readonly Disposable[];
  /** What is moved with the message, not copied. */
  readonly transfer?: readonly Transferable[];
  /** What this thread does for values in it while others have them; they stay with the sender, as `handles` do. */
  readonly companions?: readonly Companion[];
  /** Never present: it ties the wire form to its type. */
  readonly [carries]?: T;
}

declare const carries: unique symbol;

/** The end of a callback, or of a stream, that stays where it was made. */
export interface Companion extends Disposable {
  /** The wire was sent, or never will be. */
  [Symbol.dispose](): void;
  /** The job that it was to go with was refused: it is as if it had never been given. */
  refused?(): void;
  /** What came of the job that it went with is there, and is told right after this. */
  settling?(): void;
  /** That job has been cancelled, or is out of time, and goes on for a while: nobody wants to hear of it any more. */
  withdrawn?(): void;
  /** That job has ended. `leftWith`: it has given something which may still need this. */
  jobEnded?(leftWith: boolean): void;
  /** What only this loop can do for the job: `reads an iterable of this loop`. Who blocks for the job would wait for ever. */
  readonly needsLoop?: string;
}

export type Special =
  | { readonly standIn: object; readonly kind: 'error'; readonly error: ErrorWire }
  /** `captured`: the values of an inline function, where these are more than data; its reference has none then. */
  | {
      readonly standIn: object;
      readonly kind: 'function';
      readonly reference: unknown;
      readonly captured?: unknown;
    }
  /** Of a registered class, which `reference` names: its fields, or what its codec made of it if it is `encoded`. */
  | {
      readonly standIn: object;
      readonly kind: 'instance';
      readonly reference: unknown;
      readonly encoded: boolean;
      readonly data: unknown;
    }
  /** Made again by the carrier of that name (`carriers.ts`), of `data`. */
  | { readonly standIn: object; readonly kind: 'carried'; readonly carrier: string; readonly data: unknown }
  /** Of a standard class that structured clone does not take (`standard-values.ts`). */
  | { readonly standIn: object; readonly kind: 'standard'; readonly type: string; readonly data: unknown }
  /** Of that kind, at that address; on its way `parcel` holds it. */
  | {
      readonly standIn: object;
      readonly kind: 'handle';
      readonly type: number;
      readonly object: number;
      readonly parcel?: number;
      /** What the handle takes along (`Kind.attached`), with stand-ins inside. */
      readonly attached?: unknown;
    }
  /** A SharedArrayBuffer, by what `EncodeHooks.shareBuffer` calls it. */
  | { readonly standIn: object; readonly kind: 'buffer'; readonly id: number }
  /** A view over one: `buffer` is that one's stand-in. Without `length` the view grows with its buffer. */
  | {
      readonly standIn: object;
      readonly kind: 'view';
      readonly type: string;
      readonly buffer: object;
      readonly byteOffset: number;
      readonly length?: number;
    };

/** The handles in the wire are not needed any more: it has been sent, or never will be. */
export function releaseWire(wire: Wire<unknown>): void {
  for (const handle of wire.handles ?? []) handle[Symbol.dispose]();
  for (const companion of wire.companions ?? []) companion[Symbol.dispose]();
}
