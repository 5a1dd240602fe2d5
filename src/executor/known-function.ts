/** Functions that executors have met: each gets a number, so that a thread is sent its source or address once. */
import { checkFunction } from '../core/arguments.ts';
import { InvalidStateError } from '../core/errors.ts';
import { type FunctionReference, noteReference, referenceTo } from '../function/reference.ts';
import { registry } from '../function/registry.ts';
import type { KnownFunction } from '../jobs/functions.ts';
import { isTopLevelOf, moduleName } from '../platform/modules.ts';
import { encodeValue } from '../thread/values.ts';
import type { AnyFunction } from './executor.ts';

const byFunction = new WeakMap<AnyFunction, KnownFunction>();
const addresses = new WeakMap<AnyFunction, FunctionReference>();
const idByAddress = new Map<string, number>();
let nextId = 1;

/** Beyond this many, numbers are given anew: functions made up in a loop must not be remembered for ever. */
const MOST_ADDRESSES = 4096;

/**
 * `site` is the public method on the stack whose caller wrote the function.
 *
 * @throws TypeError, CaptureError, as `referenceTo`.
 */
export function knowFunction(fn: AnyFunction, site: AnyFunction): KnownFunction {
  checkFunction(fn, 'fn');
  const met = byFunction.get(fn);
  if (met !== undefined) return met;
  const reference = referenceTo(fn, site);
  checkGuarded(reference);
  // The values of `capture` are read at each call: they may have changed.
  if (reference.kind === 'inline' && reference.values !== undefined)
    return { ...oneUse(reference), inline: registry.captures.get(fn)?.fn ?? fn };
  const known = knowReference(reference);
  const made = reference.kind === 'inline' ? { ...known, inline: fn } : known;
  byFunction.set(fn, made);
  return made;
}

/**
 * A thread that is given a function of the program imports the program. If that is not guarded, it submits the function
 * once more there, to a thread that does the same, and so on.
 *
 * @throws InvalidStateError for a function of the program, given away at the top level of what a thread imports.
 */
function checkGuarded(reference: FunctionReference): void {
  if (reference.kind === 'inline' || !isTopLevelOf(reference.url)) return;
  throw new InvalidStateError(
    `Cannot send function "${reference.name}" to another thread: this thread imports ${moduleName(reference.url)} for a job, and only the program itself should submit jobs at its top level. Guard that with "if (isMainThread)"`,
  );
}

/** Gives a function that exists only as an address, such as a member of `import()`, to the functions known. */
export function registerReference(fn: AnyFunction, reference: FunctionReference): void {
  byFunction.set(fn, knowReference(reference));
  addresses.set(fn, reference);
  noteReference(fn, reference);
}

/** The address of a function that is nothing else. */
export function addressOf(fn: AnyFunction): FunctionReference | undefined {
  return addresses.get(fn);
}

function knowReference(reference: FunctionReference): KnownFunction {
  const address = JSON.stringify(reference);
  let id = idByAddress.get(address);
  if (id === undefined) {
    if (idByAddress.size >= MOST_ADDRESSES) idByAddress.clear();
    id = nextId++;
    idByAddress.set(address, id);
  }
  return { id, reference: { value: reference }, name: functionName(reference.name) };
}

function oneUse(reference: FunctionReference): KnownFunction {
  return { id: 0, reference: encodeValue(reference, 'captured'), name: functionName(reference.name) };
}

/** What messages call a function of that name. */
export function functionName(name: string): string {
  return name === '' ? 'anonymous function' : name;
}
