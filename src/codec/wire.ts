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
  /** Never present: it ties the wire form to its type. */
  readonly [carries]?: T;
}

declare const carries: unique symbol;

export type Special =
  | { readonly standIn: object; readonly kind: 'error'; readonly error: ErrorWire }
  | { readonly standIn: object; readonly kind: 'function'; readonly reference: unknown }
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
}
