/**
 * What a value looks like on its way to another thread: data for the structured clone algorithm, plus a list of what
 * that algorithm cannot carry (errors with their class, functions).
 *
 * Each of those is an empty object in `value`, its **stand-in**, and again in `specials` beside what it stands for.
 * Structured clone keeps the identity of objects within one message, so the receiver tells a stand-in from user data
 * without reserving any name, and shared and cyclic references come out as they went in.
 */
import type { ErrorWire } from '../core/error-wire.ts';

export interface Wire<T> {
  readonly value: unknown;
  /** Absent in nearly every message. */
  readonly specials?: readonly Special[];
  /** Never present: it ties the wire form to its type. */
  readonly [carries]?: T;
}

declare const carries: unique symbol;

export type Special =
  | { readonly standIn: object; readonly kind: 'error'; readonly error: ErrorWire }
  | { readonly standIn: object; readonly kind: 'function'; readonly reference: unknown };
