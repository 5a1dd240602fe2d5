/** What cannot be sent, and the path to it. */
import { className, show } from '../core/arguments.ts';
import { SendError } from '../core/errors.ts';
import { isMap, isProxy, isSet } from '../platform/serialize.ts';
import { isStackOverflow, tooDeep } from './too-deep.ts';
import type { Special, Wire } from './wire.ts';

/**
 * Why structured clone refused a message: finds the value, in the arguments or the result, that it does not accept.
 * Called only after a failure, so it may try the parts one by one. `copy` is what failed.
 */
export function explainCloneFailure(
  value: unknown,
  path: string,
  cause: unknown,
  copy: (value: unknown) => unknown = structuredClone,
): SendError {
  if (isStackOverflow(cause)) return tooDeep(path, cause);
  try {
    const culprit = findRefused(value, path, copy, new Set());
    if (culprit !== undefined) return unsendable(culprit.path, describe(culprit.value), undefined, cause);
  } catch {
    // A getter that throws, or a stack that is too short for looking: the cause says enough.
  }
  return new SendError(`${path} cannot be sent to a thread: ${(cause as Error).message}`, path, { cause });
}

/** Where what an object was made into stands in the value, for what structured clone finds in it. */
const places = new WeakMap<Special, string>();

export function notePlace(special: Special, path: string): void {
  places.set(special, path);
}

/** As `explainCloneFailure`, of a wire. */
export function explainWireFailure(
  { value, specials }: Wire<unknown>,
  path: string,
  cause: unknown,
  copy: (value: unknown) => unknown = structuredClone,
): SendError {
  for (const special of specials ?? []) {
    const place = places.get(special);
    if (place === undefined || !('data' in special) || accepts(special.data, copy)) continue;
    return explainCloneFailure(special.data, place, cause, copy);
  }
  return explainCloneFailure(value, path, cause, copy);
}

/** Looks at each part once: what has parts is refused for one of them. */
function findRefused(
  value: unknown,
  path: string,
  copy: (value: unknown) => unknown,
  seen: Set<object>,
): { path: string; value: unknown } | undefined {
  if (typeof value !== 'object' || value === null)
    return typeof value === 'symbol' || typeof value === 'function' ? { path, value } : undefined;
  if (seen.has(value)) return undefined;
  seen.add(value);
  if (isProxy(value)) return { path, value };
  const parts = partsOf(value, path);
  // The fields of a class instance are its own affair: it is the instance that cannot be sent.
  if (parts === undefined) return accepts(value, copy) ? undefined : { path, value };
  for (const [innerPath, item] of parts) {
    const found = findRefused(item, innerPath, copy, seen);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** With their paths; `undefined` if that is nothing that only holds others. */
function partsOf(value: object, path: string): Iterable<readonly [string, unknown]> | undefined {
  if (isMap(value))
    return Array.from(entriesOf(value), ([key, item], index) => [
      [`${path}.keys()[${index}]`, key] as const,
      [`${path}.get(${describeKey(key)})`, item] as const,
    ]).flat();
  if (isSet(value))
    return Array.from(itemsOf(value), (item, index) => [`${path}.values()[${index}]`, item] as const);
  const inArray = Array.isArray(value);
  if (!inArray && (className(value) !== 'Object' || isPlatformObject(value))) return undefined;
  return Object.entries(value).map(([key, item]) => [join(path, key, inArray), item] as const);
}

function accepts(value: unknown, copy: (value: unknown) => unknown): boolean {
  try {
    copy(value);
    return true;
  } catch {
    return false;
  }
}

export function unsendable(
  path: string,
  what: string,
  owner?: { path: string; name: string },
  cause?: unknown,
): SendError {
  const options = cause === undefined ? {} : { cause };
  if (owner === undefined)
    return new SendError(`${shortened(path)}: ${what} cannot be sent to a thread`, path, options);
  return new SendError(
    `${shortened(owner.path)}: ${owner.name} cannot be sent to a thread, for ${shortened(path)} is ${what}`,
    owner.path,
    options,
  );
}

/** Of a path that is too long to read, its beginning and its end. */
export function shortened(path: string): string {
  return path.length <= 200 ? path : `${path.slice(0, 120)} … ${path.slice(-60)}`;
}

function describe(value: unknown): string {
  if (isProxy(value)) return 'Proxy';
  return typeof value === 'object' && value !== null ? className(value) : show(value);
}

export function join(path: string, key: string, inArray: boolean): string {
  if (inArray && /^\d+$/.test(key)) return `${path}[${key}]`;
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key)
    ? `${path}.${key}`
    : `${path}[${JSON.stringify(key)}]`;
}

export function describeKey(key: unknown): string {
  return typeof key === 'string' ? JSON.stringify(key) : show(key);
}

/** What the platform made, and is more than its fields. Not so what only says that it is something, and has fields. */
export function isPlatformObject(value: object): boolean {
  if (Object.prototype.toString.call(value) === '[object Object]') return false;
  return !(Symbol.toStringTag in value) || Object.keys(value).length === 0;
}

const mapEntries = Map.prototype.entries;
const setValues = Set.prototype.values;

/** What is in it, and not what a subclass says. */
export function entriesOf(map: Map<unknown, unknown>): Iterable<[unknown, unknown]> {
  return mapEntries.call(map);
}

export function itemsOf(set: Set<unknown>): Iterable<unknown> {
  return setValues.call(set);
}
