/** The error for a function that cannot travel as it is: what it uses, where that is written, and what would work. */

import type { AnyNode, Function as FunctionNode } from 'acorn';
import { CaptureError } from '../core/errors.ts';
import { isRewrittenStaticImport } from '../platform/dev-server.ts';
import { variableIn } from '../platform/inspector.ts';
import type { WrittenIn } from './found-export.ts';
import { type CapturedName, parseFunction, readInline } from './inline.ts';
import type { ImportedName } from './script-names.ts';

/** What is known of a function that is refused. */
export interface Refused {
  readonly text: string;
  readonly name: string;
  readonly free: readonly CapturedName[];
  /** The public function that it was given to: `submit`. */
  readonly api: string;
  /** `at file:line:column` of that call, or `written at …`. */
  readonly place: string | undefined;
  readonly written: WrittenIn | undefined;
}

/** An error whose message has a line of code that works. */
export function captureError(refused: Refused): CaptureError {
  const { name, free, place, written } = refused;
  const names = [...new Set(free.map((one) => shownName(one, written)))];
  const one = names.length === 1;
  const repair = new Repair(refused);
  const ways = [
    one ? 'pass it as an argument' : 'pass them as arguments',
    'mark the function with portable(import.meta, fn)',
    ...(written === undefined ? [] : ['export it from its module']),
    ...(repair.imports ? [] : ['import inside the function: await import(…)']),
  ];
  const wayOut = `${ways.slice(0, -1).join(', ')}, or ${ways.at(-1)}`;
  return new CaptureError(
    `Cannot send function ${name === '' ? '' : `"${name}" `}to another thread: it uses ${list(names)} from its surroundings, which ${one ? 'does' : 'do'} not exist there${place === undefined ? '' : ` (${place})`}` +
      (repair.code === undefined ? `; ${wayOut}` : `. ${repair.advice}:\n    ${repair.code}\nor ${wayOut}`),
    names,
  );
}

function list(names: readonly string[]): string {
  const parts = names.slice(0, MOST).map((name) => `"${name}"`);
  if (names.length > parts.length) parts.push(`${names.length - parts.length} more`);
  return parts.length === 1 ? parts.join() : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
}

const MOST = 8;
/** A body longer than this is left out. */
const LONGEST_BODY = 100;

/** The call as it would work. */
class Repair {
  /** Whether it shows an import inside of the function. */
  readonly imports: boolean;
  /** What to do, in words. */
  readonly advice: string;
  /** `undefined` if nothing can be shown that would work. */
  readonly code: string | undefined;

  constructor({ text, name, free, api, written }: Refused) {
    const { root, origin } = parseFunction(text, name);
    const fn = root as FunctionNode;
    const imported = free.flatMap((one) => importOf(one, written) ?? []);
    const kept = free.filter((one) => importOf(one, written) === undefined);
    // An arrow function has no name of its own by which it could call itself.
    const recursive =
      fn.type === 'ArrowFunctionExpression' && readInline(text, name).free.some((one) => one.name === name);
    const values = kept
      .filter((one) => !isClass(one, written) && !(recursive && one.name === name))
      .flatMap(valuesOf);
    this.imports = imported.length > 0;
    const ofObject = values.some(([, value]) => value.startsWith('this.'));
    const tells = [
      ...(values.length === 0 ? [] : [`send the values along${ofObject ? ', not the object' : ''}`]),
      ...(this.imports ? ['import inside the function'] : []),
      ...(recursive ? ['name the function'] : []),
    ].join(', and ');
    this.advice = tells.charAt(0).toUpperCase() + tells.slice(1);
    const impossible =
      kept.some((one) => valuesOf(one).length === 0 || isClass(one, written)) ||
      // It would have to pass them on.
      (recursive && values.length > 0);
    if (tells === '' || impossible) return;
    const cut = (node: AnyNode): string => text.slice(node.start - origin, node.end - origin);
    // What a build tool made of names is not what one would write.
    const altered = free.some((one) => one.name !== one.shown);
    const body = altered ? '…' : bodyText(fn, cut).replace(/\b(?:this|import\.meta)\.(?=[\w$])/g, '');
    const pattern = values.length === 0 ? [] : [patternOf(values.map(([key]) => key))];
    const params = [...pattern, ...fn.params.map(cut)].join(', ');
    const repaired = functionText(fn, name, params, body, imported, recursive);
    const literal = patternOf(values.map(([key, value]) => (key === value ? key : `${key}: ${value}`)));
    this.code = callText(api, values.length === 0 ? repaired : `capture(${literal}, ${repaired})`);
  }
}

interface Import extends ImportedName {
  readonly local: string;
}

function importOf(one: CapturedName, written: WrittenIn | undefined): readonly Import[] | undefined {
  const known = written?.imports.get(one.name);
  const specifier = known?.specifier ?? (isRewrittenStaticImport(one.name) ? './its-module.js' : undefined);
  if (specifier === undefined) return undefined;
  if (known === undefined || (one.members !== undefined && one.name !== one.shown))
    return (one.members ?? [one.shown]).map((name) => ({
      specifier,
      name,
      local: name === 'default' ? localName(specifier) : name,
    }));
  return [{ specifier, name: known.name, local: one.name }];
}

/** As a reader would name it: build tools leave no name of a default import. */
function shownName({ name, shown }: CapturedName, written: WrittenIn | undefined): string {
  const specifier = shown === 'default' ? written?.imports.get(name)?.specifier : undefined;
  return specifier === undefined ? shown : localName(specifier);
}

/** As one would call the default export of a module. */
function localName(specifier: string): string {
  const file = /([^/:]*?)(?:\.\w+)?$/.exec(specifier)?.[1] ?? '';
  const name = file.replace(/[^\p{ID_Continue}$]+(.?)/gu, (_, next: string) => next.toUpperCase());
  return /^[\p{ID_Start}$_]/u.test(name) ? name : 'imported';
}

/** Key and expression of what goes along for a name. */
function valuesOf({ name, shown, members }: CapturedName): readonly (readonly [string, string])[] {
  if (name === 'this' || shown === 'import.meta')
    return (members ?? []).map((key) => [key, `${shown}.${key}`]);
  return /^(?!super$|arguments$)[\w$]+$/.test(name) ? [[name, name]] : [];
}

/** A class stays behind: no value can be made of it. */
function isClass({ name }: CapturedName, written: WrittenIn | undefined): boolean {
  const value = written && variableIn(written.around.scopes, name)?.[0];
  return typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value));
}

function patternOf(parts: readonly string[]): string {
  return `{ ${parts.slice(0, MOST).join(', ')}${parts.length > MOST ? ', …' : ''} }`;
}

function bodyText(fn: FunctionNode, cut: (node: AnyNode) => string): string {
  const text = cut(fn.body);
  const line = text.replace(/\s*\n\s*/g, ' ');
  // Joined into one line, a comment or a template would be something else.
  const readable = line.length <= LONGEST_BODY && (line === text || !/\/\/|`/.test(text));
  if (fn.body.type === 'BlockStatement') return readable ? line.slice(1, -1).trim() : '…';
  if (!readable) return '…';
  return fn.body.type === 'ObjectExpression' || fn.body.type === 'SequenceExpression' ? `(${line})` : line;
}

function functionText(
  fn: FunctionNode,
  name: string,
  params: string,
  body: string,
  imported: readonly Import[],
  named: boolean,
): string {
  const async = fn.async || imported.length > 0 ? 'async ' : '';
  const lines = importLines(imported);
  const expression = fn.body.type !== 'BlockStatement';
  const result = expression && body !== '…' ? `return ${body};` : body;
  const block = `{ ${[...lines, result].join(' ')} }`;
  if (fn.type === 'ArrowFunctionExpression' && !named)
    return `${async}(${params}) => ${expression && lines.length === 0 ? body : block}`;
  const own = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name) ? ` ${name}` : '';
  return `${async}function${fn.generator ? '*' : ''}${own}(${params}) ${block}`;
}

function importLines(imported: readonly Import[]): readonly string[] {
  const bySpecifier = new Map<string, string[]>();
  const lines: string[] = [];
  for (const { specifier, name, local } of imported.slice(0, MOST)) {
    if (name === '*') lines.push(`const ${local} = await import(${JSON.stringify(specifier)});`);
    else {
      const names = bySpecifier.get(specifier) ?? [];
      bySpecifier.set(specifier, names);
      names.push(name === local ? name : `${name}: ${local}`);
    }
  }
  for (const [specifier, names] of bySpecifier)
    lines.push(`const ${patternOf(names)} = await import(${JSON.stringify(specifier)});`);
  return lines;
}

function callText(api: string, fn: string): string {
  if (/^(?:submit|trySubmit|submitSync|toThread|toThreadSync|callSoon)$/.test(api)) return `${api}(${fn}, …)`;
  if (/^map(?:Sync)?$/.test(api)) return `${api}(${fn}, items)`;
  return /^(?:start|\w+(?:Executor|Thread|Pool))$/.test(api) ? `initializer: ${fn}` : fn;
}
