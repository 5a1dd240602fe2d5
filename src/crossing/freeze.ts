/** Values that nobody changes. */
import { carrierOfObject } from '../codec/carriers.ts';

/**
 * Freezes a value that has just been decoded, and all that is in it but functions, handles, signals, streams, and what cannot be
 * frozen: the elements of typed arrays. Gives the value.
 */
export function freezeDeep(root: unknown): unknown {
  const seen = new Set<unknown>();
  const open: unknown[] = [root];
  while (open.length > 0) {
    const value = open.pop();
    if (typeof value !== 'object' || value === null || seen.has(value)) continue;
    seen.add(value);
    if (ArrayBuffer.isView(value) || Symbol.dispose in value || carrierOfObject(value) !== undefined)
      continue;
    if (value instanceof Map) for (const [key, item] of value) open.push(key, item);
    else if (value instanceof Set) for (const item of value) open.push(item);
    for (const [type, changing] of CHANGING) if (value instanceof type) close(value, type, changing);
    if (value instanceof URL) open.push(value.searchParams);
    // What the runtime keeps in them, it may change when they are read.
    if (value instanceof URL || value instanceof URLSearchParams || value instanceof Headers) continue;
    for (const key of Reflect.ownKeys(value)) open.push((value as Record<PropertyKey, unknown>)[key]);
    Object.freeze(value);
  }
  return root;
}

type Class = abstract new (...args: never[]) => object;

/** Classes whose objects have more than their properties, with the names of what changes that: methods, or accessors. */
const CHANGING: readonly (readonly [Class, RegExp])[] = [
  [Map, /^(?:set|delete|clear)$/],
  [Set, /^(?:add|delete|clear)$/],
  [Date, /^set/],
  [URL, /./],
  [URLSearchParams, /^(?:append|delete|set|sort)$/],
  [Headers, /^(?:append|delete|set)$/],
];

function close(value: object, type: Class, changing: RegExp): void {
  const refuse = (): never => {
    throw new TypeError('Cannot change a value that threads share: it is frozen; change a copy of it');
  };
  for (const [name, { value: method, get, set }] of Object.entries(
    Object.getOwnPropertyDescriptors(type.prototype as object),
  )) {
    if (name === 'constructor' || !changing.test(name)) continue;
    if (set !== undefined) Object.defineProperty(value, name, { get: () => get?.call(value), set: refuse });
    else if (method !== undefined && type !== URL) Object.defineProperty(value, name, { value: refuse });
  }
}
