/**
 * Finding the class of a user's error again in another thread: by the module in which it is written.
 *
 * The main thread loads no module for it, whose top level might do anything, or be waiting for this very error: it looks among
 * what it has (`function/seen-classes.ts`). Other threads import the module, as they do for a job; but not the program.
 *
 * A thread that cannot find the class has one of the same name in its place. That one knows what it stands for: an error that goes
 * on, or back, is of the class itself where that is known. So a class of which no module tells, as one in a function, has a made-up
 * address: its thread, and a number.
 */
import { type ErrorClass, isKnownEverywhere, makeStandIn, nameOfClass } from '../core/error-wire.ts';
import { BoundedCache } from '../function/bounded-cache.ts';
import { isNativeText } from '../function/inline.ts';
import { type AnyFunction, namesOf, registry } from '../function/registry.ts';
import { seenClass, writtenAt } from '../function/seen-classes.ts';
import { commonJsExports, importModule, isProgram, loadedModules } from '../platform/modules.ts';
import { runtimeName } from '../platform/runtime.ts';
import { isMainThread } from '../platform/thread-identity.ts';
import { ownThreadId } from '../platform/worker.ts';

/** Their modules, or what stands for one. */
const modules = new WeakMap<AnyFunction, string>();
/** Those whose errors this thread has sent, by module and name; the newest of those that share them. */
const sent = new Map<string, WeakRef<AnyFunction>>();
const forgotten = new FinalizationRegistry<string>((key) => {
  if (sent.get(key)?.deref() === undefined) sent.delete(key);
});
/** The address of a class without a module is this, its thread and a number. */
const NOWHERE = 'heddle:class/';
let nowhere = 0;
/** In the place of classes that are not here, by module and name. */
const standIns = new BoundedCache<string, ErrorClass>(1000);
/** Those that were found, by module and name. */
const known = new Map<string, ErrorClass>();

/** The module from which other threads can get the class of this error, or what stands for it; `undefined` if they have the class. */
export function moduleOfClass(error: Error): string | undefined {
  const type = error.constructor as AnyFunction;
  if (typeof type !== 'function' || isKnownEverywhere(type)) return undefined;
  let url = modules.get(type);
  if (url === undefined) {
    // One of the language, in another realm.
    if (isNativeText(Function.prototype.toString.call(type))) return undefined;
    url =
      registry.classes.get(type.prototype as object)?.url ??
      loadedModuleOf(type) ??
      writtenAt(type) ??
      `${NOWHERE}${ownThreadId}/${++nowhere}`;
    modules.set(type, url);
    const key = `${url}#${nameOfClass(error)}`;
    sent.set(key, new WeakRef(type));
    forgotten.register(type, key);
  }
  return url;
}

function loadedModuleOf(type: AnyFunction): string | undefined {
  for (const [url, module] of loadedModules())
    if (classIn(module, type.name) === (type as unknown)) return url;
  return undefined;
}

/** The class of that name, if this thread has the module, or may load it; else one that stands for it. */
export function findClass(url: string, name: string): ErrorClass | Promise<ErrorClass> {
  const found =
    registeredClass(url, name) ??
    known.get(`${url}#${name}`) ??
    (sent.get(`${url}#${name}`)?.deref() as unknown as ErrorClass | undefined) ??
    classHere(url, name);
  if (found !== undefined) return found;
  const standIn = (): ErrorClass => standInFor(url, name);
  if (!mayImport(url)) return standIn();
  return importModule(url).then(
    () => registeredClass(url, name) ?? classHere(url, name) ?? standIn(),
    standIn,
  );
}

function standInFor(url: string, name: string): ErrorClass {
  return standIns.getOrMake(`${url}#${name}`, () => {
    const made = makeStandIn(name);
    modules.set(made as unknown as AnyFunction, url);
    return made;
  });
}

function mayImport(url: string): boolean {
  if (url.startsWith(NOWHERE) || isProgram(url) || loadedModules().has(url)) return false;
  // Elsewhere the functions of a module do not tell what it has; who has registered some is loaded.
  return !isMainThread || (runtimeName !== 'node' && namesOf(url).length > 0);
}

function classHere(url: string, name: string): ErrorClass | undefined {
  if (url.startsWith(NOWHERE)) return undefined;
  const found =
    classIn(loadedModules().get(url), name) ?? classIn(commonJsExports(url), name) ?? seenClass(url, name);
  if (found !== undefined) known.set(`${url}#${name}`, found);
  return found;
}

/** It may be registered by another name than its own. */
function registeredClass(url: string, name: string): ErrorClass | undefined {
  for (const key of namesOf(url)) {
    const found = registry.functions.get(`${url}#${key}`);
    if (isErrorClass(found, name)) return found;
  }
  return undefined;
}

/** It may be exported by another name than its own. */
function classIn(module: unknown, name: string): ErrorClass | undefined {
  if (typeof module !== 'object' || module === null) return undefined;
  for (const key of new Set([name, 'default', ...Object.keys(module)])) {
    const found = Object.getOwnPropertyDescriptor(module, key)?.value as unknown;
    if (isErrorClass(found, name)) return found;
  }
  return undefined;
}

function isErrorClass(value: unknown, name: string): value is ErrorClass {
  return typeof value === 'function' && value.name === name && value.prototype instanceof Error;
}
