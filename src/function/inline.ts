/**
 * Inline functions travel as source text, so they may use nothing of their surroundings but globals. Here a function's
 * text is read, once per text, and made into an expression that another thread can evaluate.
 */

import type { AnyNode, CallExpression, ImportExpression } from 'acorn';
import {
  isRewrittenImport,
  isRewrittenMeta,
  isRewrittenStaticImport,
  servedSpecifier,
} from '../platform/dev-server.ts';
import { parseModule } from '../platform/parser.ts';
import { BoundedCache } from './bounded-cache.ts';
import { type FreeVariables, freeVariables } from './free-variables.ts';

/** What import() is called in the text that travels: a parameter that the receiving thread provides. */
export const IMPORT = '__heddle_import__';
/** The helper by which esbuild, and so tsx, keeps the names of functions; provided like {@link IMPORT}. */
export const NAME = '__name';
/** Stands in for the counters by which istanbul, and so vitest and jest, measure coverage. */
export const COVERAGE = '__heddle_coverage__';
/** A file of CommonJS has its own, and so has what bundlers and compilers make of import() for one. */
export const REQUIRE = 'require';

/** What is to be known of the text of a function. */
export interface InlineSource {
  /** An expression whose value is the function, once {@link IMPORT}, {@link NAME} and their kin are in scope. */
  readonly expression: string;
  /** Whether it imports anything, so that it matters in which file it was written. */
  readonly imports: boolean;
  /** What it uses of its surroundings, as a reader would name it. Not empty: the function cannot travel. */
  readonly captured: readonly string[];
  /** The modules that it imports by a literal name. */
  readonly modules: readonly ImportedModule[];
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
  return sources.getOrMake(text, () => {
    const { root, origin, method } = parseFunction(text, name);
    const free = freeVariables(root);
    return {
      expression: render(text, free, origin, method, name),
      imports:
        free.imports.length > 0 ||
        free.names.includes(REQUIRE) ||
        free.calls.some((call) => isImport(call.name)),
      captured: captured(free),
      modules: importedModules(free),
    };
  });
}

/** How a method's text is told from that of a function: where its name stands. */
interface Method {
  readonly keyStart: number;
  readonly keyEnd: number;
}

interface Parsed {
  readonly root: AnyNode;
  /** Where the text begins in what was parsed: positions of nodes count from there. */
  readonly origin: number;
  readonly method: Method | undefined;
}

function parseFunction(text: string, name: string): Parsed {
  if (/\{\s*\[native code\]\s*\}\s*$/.test(text)) {
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

function parsePrivateMethod(text: string, name: string, cause: SyntaxError): Parsed {
  const literal = tryParse(`({${text.replace('#', ' ')}\n})`);
  if (!(literal instanceof SyntaxError) && name.startsWith('#')) return method(literal, 2, name);
  throw new TypeError(
    `Cannot send ${label(name)} to another thread: its source cannot be read as that of a function in a module (${cause.message})`,
    { cause },
  );
}

function method(literal: AnyNode, origin: number, name: string): Parsed {
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
    if (error instanceof SyntaxError) return error;
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

function captured(free: FreeVariables): readonly string[] {
  const names = free.names
    .filter((name) => !(name in globalThis) && !isProvided(name))
    .filter((name) => !(FOREIGN_GLOBALS.has(name) && free.probed.has(name)))
    .map((name) => {
      if (isRewrittenMeta(name)) return 'import.meta';
      return isRewrittenStaticImport(name) ? (free.properties.get(name) ?? name) : name;
    });
  return [...new Set(names)];
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

function literalText(node: AnyNode): string | undefined {
  if (node.type === 'Literal' && typeof node.value === 'string') return node.value;
  if (node.type === 'TemplateLiteral' && node.expressions.length === 0)
    return node.quasis[0]?.value.cooked ?? undefined;
  return undefined;
}

/** Whether the receiving thread has something of that name ready: what build tools add to functions. */
function isProvided(name: string): boolean {
  return name === NAME || name === COVERAGE || name === REQUIRE || isImport(name) || isCounter(name);
}

function isCounter(name: string): boolean {
  return /^cov_[\da-z]{6,}$/.test(name);
}

function isImport(name: string): boolean {
  return name === IMPORT || isRewrittenImport(name);
}

/** The text with every import() calling the receiving thread's, and a method made an expression. */
function render(
  text: string,
  free: FreeVariables,
  origin: number,
  method: Method | undefined,
  name: string,
): string {
  const edits: Edit[] = free.imports.map((node) => editImport(node, origin));
  for (const { name: callee, node } of free.calls) {
    if (isRewrittenImport(callee)) edits.push(...editRewrittenImport(node as CallExpression, origin));
  }
  for (const { name: callee, node } of free.calls) {
    if (!isCounter(callee)) continue;
    const start = node.start - origin;
    edits.push({ start, end: start + callee.length, text: COVERAGE });
  }
  if (method !== undefined) {
    const prefix = /^(?:async\b)?[\s]*\*?/.exec(text.slice(0, method.keyStart))?.[0] ?? '';
    const key = JSON.stringify(name === '' || name === '__proto__' ? 'anonymous' : name);
    edits.push({ start: 0, end: method.keyEnd, text: `({${prefix} [${key}]` });
    return `${apply(text, edits)}})[${key}]`;
  }
  return apply(text, edits);
}

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

function editImport(node: ImportExpression, origin: number): Edit {
  const start = node.start - origin;
  return { start, end: start + 'import'.length, text: IMPORT };
}

function* editRewrittenImport(node: CallExpression, origin: number): Generator<Edit> {
  yield { start: node.callee.start - origin, end: node.callee.end - origin, text: IMPORT };
  const specifier = node.arguments[0];
  const text = specifier && literalText(specifier);
  if (specifier === undefined || text === undefined) return;
  const { start, end } = specifier;
  yield { start: start - origin, end: end - origin, text: JSON.stringify(servedSpecifier(text)) };
}

function apply(text: string, edits: Edit[]): string {
  let result = '';
  let from = 0;
  for (const { start, end, text: replacement } of edits.sort((a, b) => a.start - b.start)) {
    result += text.slice(from, start) + replacement;
    from = end;
  }
  return result + text.slice(from);
}

/** How messages name a function. */
export function label(name: string): string {
  return name === '' ? 'an anonymous function' : `"${name}"`;
}
