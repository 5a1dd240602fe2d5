/** Reading the input of a `map`, be it sync or async. */
import { show } from '../core/arguments.ts';
import { ambient, type Scope } from '../scope/scope.ts';
import { shield } from '../scope/shield.ts';

export type MapInput = Iterator<unknown> | AsyncIterator<unknown>;

/** @throws TypeError unless `items` is iterable. */
export function openInput(items: Iterable<unknown> | AsyncIterable<unknown>): MapInput {
  if (isIterable(items, Symbol.asyncIterator)) return items[Symbol.asyncIterator]();
  if (isIterable(items, Symbol.iterator)) return items[Symbol.iterator]();
  throw new TypeError(`items must be iterable, received ${show(items)}`);
}

function isIterable<K extends symbol>(
  value: unknown,
  method: K,
): value is Record<K, () => Iterator<unknown>> {
  return typeof (value as Record<K, unknown> | null | undefined)?.[method] === 'function';
}

/**
 * Tells an input that nobody reads on, in the scope that is to wait for what it does then, and cuts none of that off. A step
 * that it is just taking is waited for: what it does at its end would be part of that, and be cut off with it.
 */
export function closeInput(
  input: MapInput,
  step: PromiseLike<unknown> | undefined,
  scope: Scope | undefined,
): Promise<unknown> {
  const close = (): unknown => input.return?.();
  return ambient.run(scope, () => shield(() => (step === undefined ? close() : step.then(close, close))));
}

export function isPromiseLike(value: unknown): value is PromiseLike<never> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}
