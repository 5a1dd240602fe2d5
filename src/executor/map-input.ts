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

/** Tells an input that nobody reads on, in the scope that is to wait for what it does then, and cuts none of that off. */
export function closeInput(input: MapInput, scope: Scope | undefined): Promise<unknown> {
  return ambient.run(scope, () => shield(() => input.return?.()));
}

export function isPromiseLike(value: unknown): value is PromiseLike<never> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}
