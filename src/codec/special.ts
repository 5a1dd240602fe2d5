/** Looking for what is special in a value: most have nothing, and are sent as they are. */
import { isError } from '../core/error-wire.ts';
import { boundToLoop } from '../core/unsendable.ts';
import { kindOfHandle } from '../memory/kinds.ts';
import { isHostObject, isMap, isProxy, isSet } from '../platform/serialize.ts';
import { sharedBufferOf } from './buffer-stand-ins.ts';
import { carrierOfObject } from './carriers.ts';
import type { EncodeHooks } from './encode.ts';
import { entriesOf, itemsOf } from './refusal.ts';
import { standardClassOf } from './standard-values.ts';
import { isMarked } from './transfers.ts';
import type { Wire } from './wire.ts';

/** Whether there is something in a wire, made for a message, that bytes would carry wrongly or not at all. */
export function isForMessageOnly({ value, specials }: Wire<unknown>, hooks: EncodeHooks): boolean {
  // The stand-ins say nothing, and what they stand for is plain data.
  return hasSpecial([value, specials], undefined, hooks);
}

/** Whether structured clone alone, or a serialization to bytes alone, would refuse or damage the value. */
export function hasSpecial(value: unknown, seen: Set<object> | undefined, hooks: EncodeHooks): boolean {
  if (typeof value === 'function' || typeof value === 'symbol') return true;
  if (typeof value !== 'object' || value === null) return false;
  // First, for it can do anything when it is looked at.
  if (isProxy(value)) return true;
  if (hooks.transfers !== undefined && isMarked(value)) return true;
  const toBytes = hooks.shareBuffer !== undefined;
  if (isLeaf(value)) return toBytes && sharedBufferOf(value) !== undefined;
  if (isError(value) || isOurs(value, hooks) || (toBytes && isHostObject(value))) return true;
  seen ??= new Set();
  if (seen.has(value)) return false;
  seen.add(value);
  if (isMap(value)) {
    for (const [key, item] of entriesOf(value))
      if (hasSpecial(key, seen, hooks) || hasSpecial(item, seen, hooks)) return true;
    return false;
  }
  if (isSet(value)) {
    for (const item of itemsOf(value)) if (hasSpecial(item, seen, hooks)) return true;
    return false;
  }
  let keys: readonly string[];
  if (Array.isArray(value)) {
    const { length } = value;
    let holes = 0;
    let index = 0;
    for (; index < length && (holes < MANY || holes < index / 2); index++) {
      const item: unknown = value[index];
      if (item === undefined) holes++;
      else if (isCompound(item) && hasSpecial(item, seen, hooks)) return true;
    }
    // What else it has. Long ones are not asked, which takes longer than all this; but nor is every hole looked at.
    if (index === length && length > MANY) return false;
    keys = Object.keys(value).slice(Math.max(0, index - holes));
  } else keys = Object.keys(value);
  for (const key of keys) {
    const item = (value as Record<string, unknown>)[key];
    if (isCompound(item) && hasSpecial(item, seen, hooks)) return true;
  }
  return false;
}

/** So many elements are many for an array. */
const MANY = 1000;

/** Handles of shared objects, objects of registered classes, what a carrier takes, what travels as its data, and what cannot leave its loop. */
function isOurs(value: object, hooks: EncodeHooks): boolean {
  if (isContainer(value)) return false;
  if (carrierOfObject(value) !== undefined) return true;
  if (Object.getPrototypeOf(value) === Object.prototype) return false;
  return (
    kindOfHandle(value) !== undefined ||
    boundToLoop(value) !== undefined ||
    hooks.registeredClass?.(value) !== undefined ||
    standardClassOf(value) !== undefined
  );
}

/** Arrays, maps and sets themselves, though not what extends them. */
export function isContainer(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Array.prototype || prototype === Map.prototype || prototype === Set.prototype;
}

function isCompound(value: unknown): boolean {
  return typeof value === 'object' || typeof value === 'function' || typeof value === 'symbol';
}

/** Objects that structured clone carries whole and that have no user values inside. */
export function isLeaf(value: object): boolean {
  return (
    ArrayBuffer.isView(value) ||
    value instanceof ArrayBuffer ||
    value instanceof SharedArrayBuffer ||
    value instanceof Date ||
    value instanceof RegExp
  );
}
