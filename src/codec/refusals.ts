/** Why a value was refused: errors that say which part of it cannot be sent, and what that is. */
import { className, show } from '../core/arguments.ts';
import { SendError } from '../core/errors.ts';
import type { Special, Wire } from './wire.ts';

/** Where what an object was made into stands in the value, for what structured clone finds in it. */
const places = new WeakMap<Special, string>();

export function notePlace(special: Special, path: string): void {
  places.set(special, path);
}

/** As `explainCloneFailure`, of a wire that could not be posted, or made into bytes. */
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
  const culprit = findRefused(value, path, copy, new Set());
  if (culprit !== undefined) return unsendable(culprit.path, describe(culprit.value), undefined, cause);
  return new SendError(`${path} cannot be sent to a thread: ${(cause as Error).message}`, path, { cause });
}

function findRefused(
  value: unknown,
  path: string,
  copy: (value: unknown) => unknown,
  seen: Set<object>,
): { path: string; value: unknown } | undefined {
  if (accepts(value, copy)) return undefined;
  if (typeof value !== 'object' || value === null || seen.has(value)) return { path, value };
  seen.add(value);
  // The fields of a class instance are its own affair: it is the instance that cannot be sent.
  if (!Array.isArray(value) && !(value instanceof Map) && className(value) !== 'Object')
    return { path, value };
  const inside: Iterable<readonly [string, unknown]> =
    value instanceof Map
      ? Array.from(value, ([key, item]) => [`${path}.get(${describeKey(key)})`, item] as const)
      : Object.entries(value).map(([key, item]) => [join(path, key, Array.isArray(value)), item] as const);
  for (const [innerPath, item] of inside) {
    const found = findRefused(item, innerPath, copy, seen);
    if (found !== undefined) return found;
  }
  return { path, value };
}

function accepts(value: unknown, copy: (value: unknown) => unknown): boolean {
  try {
    copy(value);
    return true;
  } catch {
    return false;
  }
}

/** `owner`: the outermost class instance around the value, which is what a user thinks of as unsendable. */
export function unsendable(
  path: string,
  what: string,
  owner?: { path: string; name: string },
  cause?: unknown,
): SendError {
  const options = cause === undefined ? {} : { cause };
  if (owner === undefined) return new SendError(`${path}: ${what} cannot be sent to a thread`, path, options);
  return new SendError(
    `${owner.path}: ${owner.name} cannot be sent to a thread, for ${path} is ${what}`,
    owner.path,
    options,
  );
}

function describe(value: unknown): string {
  return typeof value === 'object' && value !== null ? className(value) : show(value);
}

/** The path to what is inside. */
export function join(path: string, key: string, inArray: boolean): string {
  if (inArray && /^\d+$/.test(key)) return `${path}[${key}]`;
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key)
    ? `${path}.${key}`
    : `${path}[${JSON.stringify(key)}]`;
}

export function describeKey(key: unknown): string {
  return typeof key === 'string' ? JSON.stringify(key) : show(key);
}
