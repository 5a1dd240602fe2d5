/** The text of an inline function as another thread can evaluate it. */

import type { AnyNode, CallExpression, Function as FunctionNode, ImportExpression } from 'acorn';
import { isRewrittenImport, servedSpecifier } from '../platform/dev-server.ts';
import type { FreeVariables } from './free-variables.ts';

/**
 * What import() is called in the text that travels: a parameter that the receiving thread provides. As long as the word
 * itself, so that columns stay what they are.
 */
export const IMPORT = 'impor$';
/** The helper by which esbuild, and so tsx, keeps the names of functions; provided like {@link IMPORT}. */
export const NAME = '__name';
/** What a CommonJS module imports by; provided like {@link IMPORT}. */
export const REQUIRE = 'require';
/** Stands in for the counters by which istanbul, and so vitest and jest, measure coverage. */
export const COVERAGE = '__heddle_coverage__';

/** How a method's text is told from that of a function: where its name stands. */
export interface Method {
  readonly keyStart: number;
  readonly keyEnd: number;
}

/** The syntax tree of a function. */
export interface ParsedFunction {
  readonly root: AnyNode;
  /** Where the text begins in what was parsed: positions of nodes count from there. */
  readonly origin: number;
  readonly method: Method | undefined;
}

export interface Rendered {
  readonly expression: string;
  /** Where in it the engine says that the function is: at its parameters, or at the beginning of an arrow function. */
  readonly anchor: number;
  /** Where in it the text of the function begins and ends. */
  readonly begin: number;
  readonly end: number;
  /** Of the expression: see {@link printOf}. */
  readonly print: string;
}

/** Short for a text: its length and a sum over it. */
export function printOf(text: string): string {
  let sum = 0;
  for (let at = 0; at < text.length; at++) sum = (Math.imul(sum, 31) + text.charCodeAt(at)) | 0;
  return `${text.length.toString(36)}-${(sum >>> 0).toString(36)}`;
}

/** The text with every import() calling the receiving thread's, and a method made an expression. */
export function renderInline(
  text: string,
  free: FreeVariables,
  { root, origin, method }: ParsedFunction,
  name: string,
): Rendered {
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
    const head = `({${prefix} [${key}]`;
    edits.push({ start: 0, end: method.keyEnd, text: head });
    return whole(`${apply(text, edits)}})[${key}]`, head.length);
  }
  const fn = root as FunctionNode;
  const arrow = fn.type === 'ArrowFunctionExpression';
  return whole(apply(text, edits), arrow ? 0 : text.indexOf('(', (fn.id?.end ?? fn.start) - origin));
}

function whole(expression: string, anchor: number): Rendered {
  return { expression, anchor, begin: 0, end: expression.length, print: printOf(expression) };
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

/** Whether the receiving thread has something of that name ready: what build tools add to functions. */
export function isProvided(name: string): boolean {
  return name === NAME || name === COVERAGE || name === REQUIRE || isImport(name) || isCounter(name);
}

export function isCounter(name: string): boolean {
  return /^cov_[\da-z]{6,}$/.test(name);
}

export function isImport(name: string): boolean {
  return name === IMPORT || isRewrittenImport(name);
}

export function literalText(node: AnyNode): string | undefined {
  if (node.type === 'Literal' && typeof node.value === 'string') return node.value;
  if (node.type === 'TemplateLiteral' && node.expressions.length === 0)
    return node.quasis[0]?.value.cooked ?? undefined;
  return undefined;
}
