/** How a function is named so that another thread can find it; and finding it there. */

import { show } from '../core/arguments.ts';
import { CaptureError } from '../core/errors.ts';
import { callerPosition, callerUrl } from '../platform/call-site.ts';
import { importFrom, importModule, moduleName } from '../platform/modules.ts';
import { BoundedCache } from './bounded-cache.ts';
import { COVERAGE, IMPORT, type InlineSource, NAME, readInline } from './inline.ts';
import { type AnyFunction, namesOf, registry } from './registry.ts';

/** The name of a function: plain data, which goes through a structured clone. */
export type FunctionReference =
  /** An export of a module. */
  | { readonly kind: 'export'; readonly url: string; readonly name: string }
  /** Registered by `portable` when the module at `url` is imported. */
  | { readonly kind: 'portable'; readonly url: string; readonly name: string }
  /** An expression, evaluated as if it stood in the file `base`; `values` are those of `capture`. */
  | {
      readonly kind: 'inline';
      readonly source: string;
      readonly base: string | undefined;
      readonly name: string;
      readonly values?: unknown;
    };

/** References by function: the same function has the same reference, so that who sends it often can know it again. */
const references = new WeakMap<AnyFunction, FunctionReference>();

/**
 * The name of `fn` for other threads. `site` is the public function of ours, on the stack now, whose caller wrote it.
 *
 * @throws {CaptureError} It is an inline function and uses more than its parameters and globals.
 * @throws {TypeError} It is not a function, or one whose source says nothing: native, bound, a class.
 */
export function referenceTo(fn: AnyFunction, site: AnyFunction): FunctionReference {
  const known = references.get(fn);
  // It may have been marked since it was sent as an inline function.
  if (known !== undefined && (known.kind !== 'inline' || !registry.marks.has(fn))) return known;
  if (typeof fn !== 'function') throw new TypeError(`fn must be a function, received ${show(fn)}`);
  const reference = makeReference(fn, site);
  references.set(fn, reference);
  return reference;
}

/**
 * The name of a function that is given as text, such as one from a command line. `base` is the URL of the file, or
 * folder with a slash at its end, from which its imports resolve.
 *
 * @throws {CaptureError} It uses more than its parameters and globals.
 * @throws {TypeError} The text is not that of a function.
 */
export function referenceToSource(text: string, base: string | undefined, name = ''): FunctionReference {
  const inline = readInline(text.trim().replace(/;+$/, ''), name);
  if (inline.captured.length > 0) throw captureError(inline, name, undefined);
  return { kind: 'inline', source: inline.expression, base, name };
}

function makeReference(fn: AnyFunction, site: AnyFunction): FunctionReference {
  const mark = registry.marks.get(fn);
  if (mark !== undefined) return { kind: 'portable', ...mark };
  const bundle = registry.captures.get(fn);
  const { name } = fn;
  const inline = readInline(Function.prototype.toString.call(bundle?.fn ?? fn), name);
  if (inline.captured.length > 0) throw captureError(inline, name, site);
  const base = inline.imports ? callerUrl(site) : undefined;
  const reference = { kind: 'inline', source: inline.expression, base, name } as const;
  return bundle === undefined ? reference : { ...reference, values: bundle.values };
}

function captureError({ captured }: InlineSource, name: string, site: AnyFunction | undefined): CaptureError {
  const position = site && callerPosition(site);
  const place = position ? ` (at ${position.file}:${position.line}:${position.column})` : '';
  const variables = captured.filter((one) => /^[\w$]+$/.test(one) && one !== 'this' && one !== 'super');
  const object =
    variables.length > 0
      ? `{ ${variables.slice(0, 8).join(', ')}${variables.length > 8 ? ', …' : ''} }`
      : '{ … }';
  return new CaptureError(
    `Cannot send function ${name === '' ? '' : `"${name}" `}to another thread: it uses ${list(captured)} from its surroundings, which ${captured.length === 1 ? 'does' : 'do'} not exist there${place}; ` +
      `pass ${captured.length === 1 ? 'it as an argument' : 'them as arguments'}, mark the function with portable(import.meta, fn), ` +
      `send values along with capture(${object}, fn), or import inside the function: await import(…)`,
    captured,
  );
}

function list(names: readonly string[]): string {
  const parts = names.slice(0, 8).map((name) => `"${name}"`);
  if (names.length > parts.length) parts.push(`${names.length - parts.length} more`);
  return parts.length === 1 ? parts.join() : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
}

const evaluated = new BoundedCache<string, AnyFunction>(1000);
const exported = new Map<string, AnyFunction>();

/**
 * The function of that name in this thread; without waiting if it was met before.
 *
 * @throws {TypeError} The module has no such function. What its top level throws comes through as it is.
 */
export function resolveReference(reference: FunctionReference): AnyFunction | Promise<AnyFunction> {
  switch (reference.kind) {
    case 'inline':
      return resolveInline(reference);
    case 'portable':
      return registry.functions.get(`${reference.url}#${reference.name}`) ?? importPortable(reference);
    case 'export':
      return exported.get(`${reference.url}#${reference.name}`) ?? importExport(reference);
  }
}

function resolveInline(reference: FunctionReference & { kind: 'inline' }): AnyFunction {
  const { source, base, name, values } = reference;
  const fn = evaluated.getOrMake(`${base}\0${name}\0${source}`, () => evaluate(source, base, name));
  if (values === undefined) return fn;
  return (...args: unknown[]) => (fn as (...all: unknown[]) => unknown)(values, ...args);
}

/** Strict, as code in a module is, and labelled with its file, so that stacks and functions inside name it. */
function evaluate(source: string, base: string | undefined, name: string): AnyFunction {
  const address = `${base ?? 'heddle:inline'}#${encodeURIComponent(name || 'anonymous')}`;
  // biome-ignore lint/security/noGlobalEval: evaluating functions of other threads is what this is for
  const indirect = globalThis.eval;
  const make = indirect(
    `"use strict";((${IMPORT},${NAME},${COVERAGE})=>(${source}\n))\n//# sourceURL=${address}`,
  ) as (load: unknown, keepName: unknown, counters: unknown) => AnyFunction;
  const load = (specifier: unknown, options?: unknown): unknown =>
    importFrom(String(specifier), base, options);
  const fn = make(load, setName, counters);
  return fn.name === name ? fn : setName(fn, name);
}

export function setName<F extends AnyFunction>(fn: F, value: string): F {
  return Object.defineProperty(fn, 'name', { value, configurable: true });
}

/** Takes what the counters of a coverage tool do, `cov_1().s[2]++`, and keeps nothing: they count in their own thread. */
export const counters: unknown = new Proxy(() => counters, {
  get: (_target, key) => (key === Symbol.toPrimitive ? () => 0 : counters),
  set: () => true,
});

async function importPortable({ url, name }: { url: string; name: string }): Promise<AnyFunction> {
  await importModule(url);
  const fn = registry.functions.get(`${url}#${name}`);
  if (fn !== undefined) return fn;
  const names = namesOf(url);
  throw new TypeError(
    `Cannot find portable function "${name}": module ${url} was imported but registers ${names.length === 0 ? 'none' : names.join(', ')}; call portable at the top level of the module`,
  );
}

async function importExport({ url, name }: { url: string; name: string }): Promise<AnyFunction> {
  const module = exportsOf(await importModule(url));
  const value = Object.hasOwn(module, name) ? module[name] : undefined;
  if (typeof value === 'function') {
    exported.set(`${url}#${name}`, value as AnyFunction);
    return value as AnyFunction;
  }
  if (Object.hasOwn(module, name)) {
    throw new TypeError(
      `Cannot call export "${name}" of ${moduleName(url)}: it is not a function but ${show(value)}`,
    );
  }
  const names = Object.keys(module).filter((key) => typeof module[key] === 'function');
  throw new TypeError(
    `Cannot find function "${name}": module ${moduleName(url)} exports ${names.length === 0 ? 'no functions' : `the functions ${names.join(', ')}`}`,
  );
}

/** A module that was compiled to CommonJS shows its exports as those of its default export. */
function exportsOf(module: Record<string, unknown>): Record<string, unknown> {
  const inner = module['default'] as Record<string, unknown> | null | undefined;
  return typeof inner === 'object' && inner !== null && inner['__esModule'] === true ? inner : module;
}
