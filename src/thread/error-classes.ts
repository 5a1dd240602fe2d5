/**
 * Finding the class of a user's error again in another thread: by the module in which it is written.
 *
 * The main thread loads no module for it, whose top level might do anything, or be waiting for this very error: it looks among
 * what it has (`function/seen-classes.ts`). Other threads import the module, as they do for a job; but not the program.
 */
import { type ErrorClass, isKnownEverywhere } from '../core/error-wire.ts';
import { type AnyFunction, namesOf, registry } from '../function/registry.ts';
import { seenClass, writtenAt } from '../function/seen-classes.ts';
import { commonJsExports, importModule, isProgram, loadedModules } from '../platform/modules.ts';
import { runtimeName } from '../platform/runtime.ts';
import { isMainThread } from '../platform/thread-identity.ts';

const modules = new WeakMap<AnyFunction, string>();
/** Those that were found, by module and name. */
const known = new Map<string, ErrorClass>();

/** The module from which other threads can get the class of this error; `undefined` if it is not known. */
export function moduleOfClass(error: Error): string | undefined {
  const type = error.constructor as AnyFunction;
  if (typeof type !== 'function' || isKnownEverywhere(type)) return undefined;
  let url = modules.get(type);
  if (url === undefined) {
    url =
      registry.classes.get(type.prototype as object)?.url ?? loadedModuleOf(type) ?? writtenAt(type) ?? '';
    modules.set(type, url);
  }
  return url === '' ? undefined : url;
}

function loadedModuleOf(type: AnyFunction): string | undefined {
  for (const [url, module] of loadedModules())
    if (classIn(module, type.name) === (type as unknown)) return url;
  return undefined;
}

/** The class of that name, if this thread has the module, or may load it. */
export function findClass(
  url: string,
  name: string,
): ErrorClass | undefined | Promise<ErrorClass | undefined> {
  const found = registeredClass(url, name) ?? known.get(`${url}#${name}`) ?? classHere(url, name);
  if (found !== undefined || !mayImport(url)) return found;
  return importModule(url).then(
    () => registeredClass(url, name) ?? classHere(url, name),
    () => undefined,
  );
}

function mayImport(url: string): boolean {
  if (isProgram(url) || loadedModules().has(url)) return false;
  // Elsewhere the functions of a module do not tell what it has; who has registered some is loaded.
  return !isMainThread || (runtimeName !== 'node' && namesOf(url).length > 0);
}

function classHere(url: string, name: string): ErrorClass | undefined {
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
