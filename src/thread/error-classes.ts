/**
 * Finding the class of a user's error again in another thread: by the module that exports it.
 *
 * A module is looked into only where it is loaded anyway, for loading it runs its top level: here, modules that jobs
 * were loaded from, and those that registered a portable function.
 */
import type { ErrorClass } from '../core/error-wire.ts';
import { namesOf, registry } from '../function/registry.ts';
import { importModule, loadedModules, type Module } from '../platform/modules.ts';

/** The module from which other threads can get the class of this error; `undefined` if it is not known. */
export function moduleOfClass(error: Error): string | undefined {
  const type: unknown = error.constructor;
  if (typeof type !== 'function') return undefined;
  const registered = registry.classes.get(type.prototype as object);
  if (registered !== undefined) return registered.url;
  for (const [url, module] of loadedModules()) {
    if (Object.hasOwn(module, type.name) && module[type.name] === type) return url;
  }
  return undefined;
}

/** The class of that name, if this thread has the module. */
export function findClass(
  url: string,
  name: string,
): ErrorClass | undefined | Promise<ErrorClass | undefined> {
  const registered = registeredClass(url, name);
  if (registered !== undefined) return registered;
  const loaded = loadedModules().get(url);
  if (loaded !== undefined) return classIn(loaded, name);
  if (namesOf(url).length === 0) return undefined;
  return importModule(url).then(
    (module) => registeredClass(url, name) ?? classIn(module, name),
    () => undefined,
  );
}

/** It may be registered by another name than its own. */
function registeredClass(url: string, name: string): ErrorClass | undefined {
  for (const key of namesOf(url)) {
    const found = registry.functions.get(`${url}#${key}`) as unknown as ErrorClass;
    if (found.name === name && found.prototype instanceof Error) return found;
  }
  return undefined;
}

function classIn(module: Module, name: string): ErrorClass | undefined {
  const found = Object.hasOwn(module, name) ? module[name] : undefined;
  return typeof found === 'function' && found.prototype instanceof Error
    ? (found as unknown as ErrorClass)
    : undefined;
}
