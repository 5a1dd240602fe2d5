/**
 * Finding a class of errors again without loading any module: among what the functions see that this thread knows.
 *
 * A module that was imported where it is written (`import { NotFound } from './errors.ts'`) cannot be asked for by its address:
 * `import()` would run it if it is not loaded, and would never end if it waits, at its top level, for the very answer that
 * has the error. But the functions of a module see its variables, imported ones too, and those that are functions lead to
 * further modules.
 *
 * **Cost.** Until the class is found some 0.05 ms for each function that is met, and what `platform/inspector.ts` says of
 * scripts; at most `MOST_LOOKS` functions at a time. What was looked through is not looked through again. Node only.
 */
import type { ErrorClass } from '../core/error-wire.ts';
import { moduleUrlOf } from '../platform/call-site.ts';
import { isTestFile } from '../platform/dev-server.ts';
import { scriptsOf, scriptUrl, surroundingsOf } from '../platform/inspector.ts';
import { isOwnPlace } from '../platform/own-files.ts';
import { isProxy } from '../platform/serialize.ts';
import { sentInline } from './inline-evaluation.ts';
import { type AnyFunction, namesOf, registry } from './registry.ts';

const MOST_LOOKS = 500;
const AT_ONCE = 50;
/** So many names of an object are looked at: lists of exports are shorter. */
const MOST_NAMES = 1000;

/** Functions that lead on; they are not kept for that. */
const ahead: WeakRef<AnyFunction>[] = [];
/** The script of each function that was met; empty if it has none. */
const scripts = new WeakMap<AnyFunction, string>();
const lookedThrough = new Set<string>();
const classes = new Map<string, Set<ErrorClass>>();
const sent = new Map<string, WeakRef<AnyFunction>>();

/** Notes that `fn`, of the module at `url`, goes to other threads. */
export function noteSentFrom(url: string, fn: AnyFunction): void {
  sent.set(url, new WeakRef(fn));
}

/** A function of the module at `url` that other threads can be sent. */
export function functionSentFrom(url: string): AnyFunction | undefined {
  const [name] = namesOf(url);
  return name === undefined ? sent.get(url)?.deref() : registry.functions.get(`${url}#${name}`);
}

/** The class of errors of that name that is written in the module at `url`, if a function that this thread knows leads to it. */
export function seenClass(url: string, name: string): ErrorClass | undefined {
  let found = classAt(url, name);
  if (found !== undefined) return found;
  for (const fn of knownFunctions()) if (!scripts.has(fn)) ahead.push(new WeakRef(fn));
  for (let looks = 0; found === undefined && ahead.length > 0 && looks < MOST_LOOKS; looks += AT_ONCE) {
    lookAt(ahead.splice(0, AT_ONCE).flatMap((reference) => reference.deref() ?? []));
    found = classAt(url, name);
  }
  return found;
}

function* knownFunctions(): Generator<AnyFunction> {
  yield* registry.functions.values();
  for (const reference of sent.values()) {
    const fn = reference.deref();
    if (fn !== undefined) yield fn;
  }
  yield* sentInline();
}

function lookAt(functions: readonly AnyFunction[]): void {
  const found = scriptsOf(functions);
  for (const [index, fn] of functions.entries()) {
    const script = found[index] ?? '';
    scripts.set(fn, script);
    if (script === '' || lookedThrough.has(script)) continue;
    lookedThrough.add(script);
    if (isUsers(scriptUrl(script)) && !lookThroughModuleOf(fn)) {
      // It is still being evaluated: something of it has no value yet.
      lookedThrough.delete(script);
      scripts.delete(fn);
    }
  }
}

/** Packages are not looked through, only what they give to the user's own modules. */
function isUsers(url: string | undefined): boolean {
  return url !== undefined && !isOwnPlace(url) && !url.includes('/node_modules/');
}

/** False if a variable of the module has no value yet. */
function lookThroughModuleOf(fn: AnyFunction): boolean {
  // The outermost is that of the module, or of the function around it in which CommonJS, or a test runner, puts it.
  const module = surroundingsOf(fn)?.scopes.findLast(({ kind }) => kind !== 'Script');
  if (module === undefined) return true;
  let whole = true;
  for (const name of Object.keys(module.variables)) {
    try {
      note(module.variables[name]);
    } catch (error) {
      if (!(error instanceof ReferenceError)) throw error;
      whole = false;
    }
  }
  return whole;
}

function note(value: unknown): void {
  if (typeof value === 'function') noteFunction(value as AnyFunction);
  if (typeof value !== 'object' || value === null || isProxy(value)) return;
  const names = namesIn(value);
  for (const name of names.slice(0, MOST_NAMES)) {
    const inside = exportOf(value, name);
    if (typeof inside === 'function') noteFunction(inside as AnyFunction);
  }
}

/** Of modules, and of the objects that CommonJS and test runners make of them. */
function namesIn(value: object): readonly string[] {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null ? Object.getOwnPropertyNames(value) : [];
}

/** Getters are called only where a test runner has put them: those of packages may load more of them. */
function exportOf(module: object, name: string): unknown {
  try {
    const property = Object.getOwnPropertyDescriptor(module, name);
    if (property?.get === undefined) return property?.value;
    const isServed = Object.getOwnPropertyDescriptor(module, Symbol.toStringTag)?.value === 'Module';
    return isServed ? property.get.call(module) : undefined;
  } catch (error) {
    if (error instanceof ReferenceError) return undefined; // it has no value yet
    throw error;
  }
}

function noteFunction(fn: AnyFunction): void {
  if (isProxy(fn)) return;
  const name = Object.getOwnPropertyDescriptor(fn, 'name')?.value as unknown;
  const prototype = Object.getOwnPropertyDescriptor(fn, 'prototype')?.value as unknown;
  if (prototype instanceof Error && typeof name === 'string') {
    const same = classes.get(name) ?? new Set();
    classes.set(name, same.add(fn as unknown as ErrorClass));
  } else if (!scripts.has(fn)) ahead.push(new WeakRef(fn));
}

function classAt(url: string, name: string): ErrorClass | undefined {
  for (const type of classes.get(name) ?? []) if (writtenAt(type) === url) return type;
  return undefined;
}

const places = new WeakMap<object, string | null>();

/** The URL of the module in which a class is written, if other threads may load it: not that of a test. */
export function writtenAt(type: object): string | undefined {
  let place = places.get(type);
  if (place === undefined) {
    const [script] = scriptsOf([type]);
    const file = script === undefined ? undefined : scriptUrl(script);
    const url = file === undefined || isOwnPlace(file) ? undefined : moduleUrlOf(file);
    place = url === undefined || isTestFile(url) ? null : url;
    places.set(type, place);
  }
  return place ?? undefined;
}
