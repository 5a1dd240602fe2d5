/**
 * Inline functions travel as source text, so they may use nothing of their surroundings but globals. Here a function's
 * text is read, once per text, and made into an expression that another thread can evaluate.
 */

import type { AnyNode, CallExpression, Function as FunctionNode } from 'acorn';
import { isRewrittenMeta, isRewrittenStaticImport } from '../platform/dev-server.ts';
import { parseModule } from '../platform/parser.ts';
import { BoundedCache } from './bounded-cache.ts';
import { type FreeVariables, freeVariables, freeWithOwn } from './free-variables.ts';
import { isHelperName } from './helper-names.ts';
import {
  IMPORT,
  isCounter,
  isImport,
  isProvided,
  literalText,
  type ParsedFunction,
  REQUIRE,
  type Rendered,
  renderInline,
} from './inline-text.ts';

/** What is to be known of the text of a function. */
export interface InlineSource extends Rendered {
  /** Whether it imports anything, so that it matters in which file it was written. */
  readonly imports: boolean;
  /** What it uses of its surroundings. Not empty: the function cannot travel so. */
  readonly free: readonly CapturedName[];
  /** The globals that it uses, and what the receiving thread provides. */
  readonly globals: ReadonlySet<string>;
  /** Whether a coverage tool has put its counters into it. */
  readonly counted: boolean;
  /** The modules that it imports by a literal name. */
  readonly modules: readonly ImportedModule[];
  /** Whether it is a method that uses properties of its `this`: the object stays behind. */
  readonly usesObject: boolean;
}

/** A name that a function takes from its surroundings. */
export interface CapturedName {
  /** As it stands in the text. */
  readonly name: string;
  /** As a reader would name it. */
  readonly shown: string;
  /** If it is used only as `name.member`: those. */
  readonly members: readonly string[] | undefined;
}

/** Captured names as a reader knows them, each once. */
export function shownNames(free: readonly CapturedName[]): readonly string[] {
  return [...new Set(free.map(({ shown }) => shown))];
}

/** A module as named in an import(). */
export interface ImportedModule {
  readonly specifier: string;
  /** Whether a development server rewrote it. */
  readonly served: boolean;
}

/** Globals of one runtime or another, for which portable code asks with `typeof` first. */
const FOREIGN_GLOBALS: ReadonlySet<string> = new Set([
  'Bun',
  'Deno',
  'document',
  'importScripts',
  'self',
  'window',
  'WorkerGlobalScope',
]);

const sources = new BoundedCache<string, InlineSource>(1000);

/**
 * Reads the text of a function, as `Function.prototype.toString` gives it.
 *
 * @throws {TypeError} The text is not that of a function which can be sent: a class, a getter, native code.
 */
export function readInline(text: string, name: string): InlineSource {
  try {
    return sources.getOrMake(text, () => read(text, name));
  } catch (error) {
    if (!isTooDeep(error)) throw error;
    throw new TypeError(
      `Cannot send ${label(name)} to another thread: its source is nested too deeply to be read; mark it with portable(import.meta, fn)`,
      { cause: error },
    );
  }
}

/** Helpers of compilers are given `this` by itself, whatever the method does with it. */
function usesObject(fn: FunctionNode): boolean {
  return freeWithOwn(fn).properties.some(({ node }) => node.object.type === 'ThisExpression');
}

/** For the walk over the tree, or for the parser, which says so itself. */
function isTooDeep(error: unknown): boolean {
  return error instanceof Error && /^(?:Maximum call stack|Not enough stack)/.test(error.message);
}

function read(text: string, name: string): InlineSource {
  const parsed = parseFunction(text, name);
  const free = freeVariables(parsed.root);
  const needed = captured(free);
  return {
    ...renderInline(text, free, parsed, name),
    imports:
      free.imports.length > 0 ||
      free.names.includes(REQUIRE) ||
      free.calls.some((call) => isImport(call.name)),
    free: needed,
    globals: new Set(free.names.filter((name) => !needed.some((one) => one.name === name))),
    counted: free.calls.some(({ name }) => isCounter(name)),
    modules: importedModules(free),
    usesObject: parsed.method !== undefined && usesObject(parsed.root as FunctionNode),
  };
}

/** Whether it is what a native or bound function gives as its source. */
export function isNativeText(text: string): boolean {
  return /\{\s*\[native code\]\s*\}\s*$/.test(text);
}

/** @throws {TypeError} As {@link readInline}. */
export function parseFunction(text: string, name: string): ParsedFunction {
  if (isNativeText(text)) {
    throw new TypeError(
      `Cannot send ${label(name)} to another thread: it is native or bound, so its source cannot be read; wrap it in an arrow function`,
    );
  }
  // Within a method every keyword is legal that the function's own surroundings may have allowed.
  const head = '({m(){return(';
  const expression = tryParse(`${head}${text}\n)}})`);
  if (!(expression instanceof SyntaxError)) {
    const root = returned(expression);
    if (root.type === 'ArrowFunctionExpression' || root.type === 'FunctionExpression')
      return { root, origin: head.length, method: undefined };
    throw new TypeError(
      root.type === 'ClassExpression'
        ? `Cannot send class ${label(name)} to another thread as a function: wrap its use in an arrow function`
        : `Cannot send ${label(name)} to another thread: its source is not that of a function`,
    );
  }
  const literal = tryParse(`({${text}\n})`);
  if (literal instanceof SyntaxError) return parsePrivateMethod(text, name, expression);
  return method(literal, 2, name);
}

function parsePrivateMethod(text: string, name: string, cause: SyntaxError): ParsedFunction {
  const literal = tryParse(`({${text.replace('#', ' ')}\n})`);
  if (!(literal instanceof SyntaxError) && name.startsWith('#')) return method(literal, 2, name);
  throw new TypeError(
    `Cannot send ${label(name)} to another thread: its source cannot be read as that of a function in a module (${cause.message})`,
    { cause },
  );
}

function method(literal: AnyNode, origin: number, name: string): ParsedFunction {
  const property = firstProperty(literal);
  if (property?.type !== 'Property' || property.kind !== 'init' || !property.method) {
    throw new TypeError(
      `Cannot send ${label(name)} to another thread: it is a getter or setter; wrap its use in an arrow function`,
    );
  }
  const { key, value } = property;
  return {
    root: value,
    origin,
    method: { keyStart: key.start - origin - (property.computed ? 1 : 0), keyEnd: value.start - origin },
  };
}

function tryParse(source: string): AnyNode | SyntaxError {
  try {
    const statement = parseModule(source).body[0];
    if (statement?.type === 'ExpressionStatement') return statement.expression;
    return new SyntaxError('it is not an expression');
  } catch (error) {
    if (error instanceof SyntaxError && !isTooDeep(error)) return error;
    throw error;
  }
}

function firstProperty(literal: AnyNode): AnyNode | undefined {
  return literal.type === 'ObjectExpression' && literal.properties.length === 1
    ? literal.properties[0]
    : undefined;
}

function returned(literal: AnyNode): AnyNode {
  const property = firstProperty(literal);
  const body =
    property?.type === 'Property' && property.value.type === 'FunctionExpression' && property.value.body;
  const statement = body ? body.body[0] : undefined;
  if (statement?.type === 'ReturnStatement' && statement.argument) return statement.argument;
  throw new TypeError('Cannot read the source of a function: it is not one expression');
}

function captured(free: FreeVariables): readonly CapturedName[] {
  return free.names
    .filter((name) => (!(name in globalThis) || isHelperName(name)) && !isProvided(name))
    .filter((name) => !(FOREIGN_GLOBALS.has(name) && free.probed.has(name)))
    .map((name) => {
      const members = free.members.get(name);
      const [first = name] = members ?? [];
      const shown = isRewrittenMeta(name) ? 'import.meta' : isRewrittenStaticImport(name) ? first : name;
      return { name, shown, members: members && [...members] };
    });
}

function importedModules(free: FreeVariables): readonly ImportedModule[] {
  const sources = [
    ...free.imports.map((node) => ({ source: node.source as AnyNode | undefined, served: false })),
    ...free.calls
      .filter(({ name }) => isImport(name))
      .map(({ name, node }) => ({ source: (node as CallExpression).arguments[0], served: name !== IMPORT })),
  ];
  return sources.flatMap(({ source, served }) => {
    const specifier = source === undefined ? undefined : literalText(source);
    return specifier === undefined ? [] : [{ specifier, served }];
  });
}

/** How messages name a function. */
export function label(name: string): string {
  return name === '' ? 'an anonymous function' : `"${name}"`;
}
