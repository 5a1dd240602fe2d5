/**
 * Values that are more than data, and cross all the same: signals, iterables, streams, callbacks, tables. A **carrier** takes
 * one apart into values that can be sent, and makes one again of these in the other thread.
 *
 * What such values look like is known here, for every thread must know that something is one of them; how they are taken
 * apart needs shared objects, and is loaded with these.
 */
import type { Companion } from './wire.ts';

export interface TakenApart {
  /** Values that can be sent. */
  readonly data: unknown;
  /** What stays here. */
  readonly companion?: Companion;
}

export interface Carrier<V extends object = object> {
  /** By which the other thread finds it. */
  readonly name: string;
  /** @throws {Error} It cannot be sent; the message says why. */
  takeApart(value: V): TakenApart;
  make(data: unknown): unknown;
}

/** A carrier that this thread has not loaded: once it has (`CarrierMissing.load`), the value can be encoded. */
export class CarrierMissing extends Error {}

const carriers = new Map<string, Carrier>();
/** By prototype: objects of exactly that class. */
const names = new Map<unknown, string>([[AbortSignal.prototype, 'signal']]);
if (typeof ReadableStream === 'function') names.set(ReadableStream.prototype, 'stream');
/** By value, for those that no class tells. */
const marked = new WeakMap<object, string>();

export function provideCarrier<V extends object>(carrier: Carrier<V>, type?: { prototype: object }): void {
  carriers.set(carrier.name, carrier as unknown as Carrier);
  if (type !== undefined) names.set(type.prototype, carrier.name);
}

/** Has that very object, or function, go by the carrier of that name. */
export function markCarried(value: object, name: string): void {
  marked.set(value, name);
}

/** `undefined` if this thread has not loaded it. */
export function carrierNamed(name: string): Carrier | undefined {
  return carriers.get(name);
}

/** The name of the carrier of a function; `undefined` for nearly all. */
export function carrierOfFunction(fn: object): string | undefined {
  return marked.get(fn);
}

/** The name of the carrier of an object; `undefined` for nearly all. */
export function carrierOfObject(value: object): string | undefined {
  const name = names.get(Object.getPrototypeOf(value)) ?? marked.get(value);
  if (name !== undefined) return name;
  // What can be written to as well is more than what comes out of it: a socket.
  if (Symbol.asyncIterator in value) return isFunction(value, 'write') ? 'two-way' : 'async-iterable';
  return Symbol.iterator in value && isFunction(value, 'next') ? 'iterator' : undefined;
}

function isFunction(value: object, key: string): boolean {
  return typeof (value as Record<string, unknown>)[key] === 'function';
}
