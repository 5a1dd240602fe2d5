/** How a function is named so that another thread can find it; and finding it there. */

import { show } from '../core/arguments.ts';
import { CaptureError } from '../core/errors.ts';
import { callerPlace, callerPosition, moduleUrlOf } from '../platform/call-site.ts';
import { scriptUrl, surroundingsOf } from '../platform/inspector.ts';
import { importModule, isProgram, moduleName } from '../platform/modules.ts';
import { exportOfRuntime } from '../platform/runtime-exports.ts';
import { isMainThread } from '../platform/thread-identity.ts';
import { BoundedCache } from './bounded-cache.ts';
import { capture } from './capture.ts';
import { captureError } from './capture-error.ts';
import { withHelpers } from './compiler-helpers.ts';
import { exportSeenBy, findExport, type WrittenIn, writtenIn } from './found-export.ts';
import { type InlineSource, isNativeText, readInline } from './inline.ts';
import { evaluateInline, noteSent } from './inline-evaluation.ts';
import { printOf } from './inline-text.ts';
import { pathOfNative } from './native-paths.ts';
import { type AnyFunction, namesOf, registry } from './registry.ts';
import { functionSentFrom, noteSentFrom } from './seen-classes.ts';
import { placeOf } from './written-places.ts';

/** The name of a function: plain data, which goes through a structured clone. */
export type FunctionReference =
  /** An export of a module. */
  | {
      readonly kind: 'export';
      readonly url: string;
      readonly name: string;
      /** What its text must be there; not given where that is another in each thread. */
      readonly print?: string;
    }
  /** Registered by `portable` when the module at `url` is imported. */
  | { readonly kind: 'portable'; readonly url: string; readonly name: string }
  /** An expression, evaluated as if it stood in the file `base`; `values` are those of `capture`. */
  | {
      readonly kind: 'inline';
      readonly source: string;
      readonly base: string | undefined;
      readonly name: string;
      readonly values?: object;
      /** The URL of its source map, while the process is being debugged. */
      readonly map?: string;
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

/** Has `fn` known by `reference`: it is nothing else, such as a function of a module that is not loaded here. */
export function noteReference(fn: AnyFunction, reference: FunctionReference): void {
  references.set(fn, reference);
}

/**
 * The name of a function that is given as text, such as one from a command line. `base` is the URL of the file, or
 * folder with a slash at its end, from which its imports resolve.
 *
 * @throws {CaptureError} It uses more than its parameters and globals.
 * @throws {TypeError} The text is not that of a function.
 */
export function referenceToSource(text: string, base: string | undefined, name = ''): FunctionReference {
  const source = text.trim().replace(/;+$/, '');
  const { expression, free } = readInline(source, name);
  if (free.length > 0)
    throw captureError({
      text: source,
      name,
      free,
      api: '',
      place: undefined,
      written: undefined,
      canGo: () => true,
    });
  return { kind: 'inline', source: expression, base, name };
}

function makeReference(fn: AnyFunction, site: AnyFunction): FunctionReference {
  const mark = registry.marks.get(fn);
  if (mark !== undefined) return { kind: 'portable', ...mark };
  const bundle = registry.captures.get(fn);
  const inner = bundle?.fn ?? fn;
  const { name } = fn;
  const text = Function.prototype.toString.call(inner);
  const native = bundle === undefined && isNativeText(text) ? nativeReference(fn) : undefined;
  if (native !== undefined) return native;
  const read = readInline(text, name);
  const inline = read.free.length === 0 ? read : withHelpers(read, inner);
  // A copy would not have what was added to the function itself.
  if (bundle === undefined && (inline.free.length > 0 || Object.keys(fn).length > 0)) {
    const written = writtenIn(fn);
    const found = written === undefined ? exportOfRuntime(fn) : findExport(fn, written);
    if (found !== undefined) {
      if (found.url.startsWith('node:')) return { kind: 'export', ...found };
      noteSentFrom(found.url, fn);
      // What a build tool has altered on its way is another text in a thread.
      return { kind: 'export', ...found, ...(!written?.served && !read.counted && { print: printOf(text) }) };
    }
    if (inline.free.length > 0) throw refusal(text, name, inline, site, written);
  } else if (inline.free.length > 0) throw refusal(text, name, inline, site, writtenIn(inner));
  if (inline.usesObject) {
    const place = callPlace(site);
    throw new CaptureError(
      `Cannot send method "${name}" to another thread: it uses "this", and its object does not go with it${place === undefined ? '' : ` (${place})`}; send the values that it needs as arguments, or call it in an arrow function, (object) => object.${name}(…), with an object whose class is registered by registerClass`,
      ['this'],
    );
  }
  const map = noteSent(inner, inline);
  const base = inline.imports ? writerUrl(inner, text, site) : undefined;
  const reference = {
    kind: 'inline',
    source: inline.expression,
    base,
    name,
    ...(map !== undefined && { map }),
  } as const;
  return bundle === undefined ? reference : { ...reference, values: bundle.values };
}

/** Of a function of the language, or one that the runtime exports. */
function nativeReference(fn: AnyFunction): FunctionReference | undefined {
  const source = pathOfNative(fn);
  if (source !== undefined) return { kind: 'inline', source, base: undefined, name: fn.name };
  const found = exportOfRuntime(fn);
  return found && { kind: 'export', ...found };
}

function refusal(
  text: string,
  name: string,
  { free }: InlineSource,
  site: AnyFunction,
  written: WrittenIn | undefined,
): CaptureError {
  const place = callPlace(site);
  const canGo = (fn: AnyFunction): boolean => canBeSent(fn, site);
  return captureError({
    text,
    name,
    free,
    api: site.name,
    place: place ?? placeWritten(written),
    written,
    canGo,
  });
}

function callPlace(site: AnyFunction): string | undefined {
  const position = callerPosition(site);
  return position && `at ${position.file}:${position.line}:${position.column}`;
}

/** Whether that is being asked of a function: some use one another. */
let isAsked = false;

function canBeSent(fn: AnyFunction, site: AnyFunction): boolean {
  if (isAsked) return true; // this message nobody reads
  isAsked = true;
  try {
    referenceTo(fn, site);
    return true;
  } catch {
    return false;
  } finally {
    isAsked = false;
  }
}

function placeWritten(written: WrittenIn | undefined): string | undefined {
  const place = written && placeOf(written.around);
  return place && `written at ${place}`;
}

/** By text and by the place where it is given: a function that is made again and again is looked up a few times. */
const writers = new BoundedCache<string, Writer>(1000);

interface Writer {
  url: string | undefined;
  looks: number;
  /** Whether functions of the same text, given at the same place, are written in several files. */
  isMixed: boolean;
}

/** After so many functions that are all from one file. */
const CERTAIN = 3;

/** The file in which `fn` is written: that of its caller, as far as the runtime does not know better. */
function writerUrl(fn: AnyFunction, text: string, site: AnyFunction): string | undefined {
  const caller = callerPlace(site);
  const key = `${caller?.url}\0${caller?.at}\0${text}`;
  const writer = writers.getOrMake(key, () => ({ url: undefined, looks: 0, isMixed: false }));
  if (writer.looks >= CERTAIN && !writer.isMixed) return writer.url;
  const around = surroundingsOf(fn);
  const script = around && scriptUrl(around.script);
  const url = (script === undefined ? undefined : moduleUrlOf(script)) ?? caller?.url;
  if (writer.looks++ > 0 && url !== writer.url) writer.isMixed = true;
  writer.url = url;
  return url;
}

const evaluated = new BoundedCache<string, AnyFunction>(1000);
/** Exports that were met, with what their text was last compared to. */
const exported = new Map<string, { readonly fn: AnyFunction; print: string | undefined }>();

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
      return exportedHere(reference) ?? importExport(reference);
  }
}

function resolveInline(reference: FunctionReference & { kind: 'inline' }): AnyFunction {
  const { source, base, name, values, map } = reference;
  const fn = evaluated.getOrMake(`${base}\0${name}\0${source}\0${map}`, () =>
    evaluateInline(source, base, name, map),
  );
  // It may be sent on from here, with its values.
  return values === undefined ? fn : capture(values, fn as (values: object) => unknown);
}

async function importPortable({ url, name }: { url: string; name: string }): Promise<AnyFunction> {
  await importModule(url);
  const fn = registry.functions.get(`${url}#${name}`);
  if (fn !== undefined) return fn;
  const names = namesOf(url);
  throw new TypeError(
    `Cannot find portable function "${name}": module ${url} was imported but registers ${names.length === 0 ? 'none' : names.join(', ')}; call portable, or registerClass, at the top level of the module`,
  );
}

function exportedHere({ url, name, print }: FunctionReference & { kind: 'export' }): AnyFunction | undefined {
  const known = exported.get(`${url}#${name}`);
  if (known === undefined) return undefined;
  if (print !== known.print) {
    checkPrint(known.fn, url, name, print);
    known.print = print;
  }
  return known.fn;
}

async function importExport({
  url,
  name,
  print,
}: FunctionReference & { kind: 'export' }): Promise<AnyFunction> {
  const module = exportSeenHere(url, name) ?? exportsOf(await importModule(url), name, print !== undefined);
  const value = Object.hasOwn(module, name) ? module[name] : undefined;
  if (typeof value === 'function') {
    checkPrint(value as AnyFunction, url, name, print);
    exported.set(`${url}#${name}`, { fn: value as AnyFunction, print });
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

/**
 * An export of the program, which cannot be imported here while its top level awaits what may be this very answer: as a
 * function of its that was sent, or could be, sees it.
 */
function exportSeenHere(url: string, name: string): Record<string, unknown> | undefined {
  if (!isMainThread || !isProgram(url)) return undefined;
  const fn = functionSentFrom(url);
  const value = fn && exportSeenBy(fn, name);
  return value === undefined ? undefined : { [name]: value };
}

/**
 * A module that was compiled to CommonJS shows its exports as those of its default export; any CommonJS module may, with one
 * of that name if that was `found` there.
 */
function exportsOf(module: Record<string, unknown>, name: string, found: boolean): Record<string, unknown> {
  const inner = module['default'] as Record<string, unknown> | null | undefined;
  if (typeof inner !== 'object' || inner === null) return module;
  if (inner['__esModule'] === true) return inner;
  // Rolldown does not mark its files for what they are.
  if (name === 'default' && typeof inner['default'] === 'function') return inner;
  return found && !Object.hasOwn(module, name) && Object.hasOwn(inner, name) ? inner : module;
}

function checkPrint(fn: AnyFunction, url: string, name: string, print: string | undefined): void {
  if (print === undefined || printOf(Function.prototype.toString.call(fn)) === print) return;
  throw new TypeError(
    `Cannot call export "${name}" of ${moduleName(url)}: this thread has another function there than the one that was sent. Export the same in every thread, or mark the function with portable(import.meta, fn)`,
  );
}
