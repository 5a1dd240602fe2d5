/** A call that would work, made of the one that was refused. */

import type { AnyNode, Function as FunctionNode } from 'acorn';
import { isRewrittenStaticImport } from '../platform/dev-server.ts';
import { variableIn } from '../platform/inspector.ts';
import { parseModule } from '../platform/parser.ts';
import type { WrittenIn } from './found-export.ts';
import { type FreeVariables, freeVariables, freeWithOwn } from './free-variables.ts';
import { type CapturedName, parseFunction, readInline } from './inline.ts';
import type { AnyFunction } from './registry.ts';
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
  /** Whether a function that it uses can be sent by itself. */
  readonly canGo: (fn: AnyFunction) => boolean;
}

/** So many names are shown. */
export const MOST = 8;
/** A body longer than this is left out. */
const LONGEST_BODY = 100;

/** The call as it would work. */
export class Repair {
  /** Whether it shows an import inside of the function. */
  readonly imports: boolean;
  /** What to do, in words. */
  readonly advice: string;
  /** `undefined` if nothing can be shown that would work. */
  readonly code: string | undefined;
  /** Variables of the surroundings to which the function assigns, as a reader knows them. */
  readonly assigned: readonly string[];

  constructor(refused: Refused) {
    const { text, name, free, api, written } = refused;
    const { root, origin } = parseFunction(text, name);
    const fn = root as FunctionNode;
    const own = freeWithOwn(fn);
    this.assigned = free.filter((one) => own.assigned.has(one.name)).map(({ shown }) => shown);
    const imported = free.flatMap((one) => importOf(one, written) ?? []);
    const kept = free.filter((one) => importOf(one, written) === undefined);
    const arrow = fn.type === 'ArrowFunctionExpression';
    // An arrow function has no name of its own by which it could call itself.
    const recursive = own.names.includes(arrow ? name : (fn.id?.name ?? name));
    const values = kept.filter((one) => !(recursive && one.name === name)).flatMap(valuesOf);
    this.imports = imported.length > 0;
    const ofObject = values.some(([, value]) => value.startsWith('this.'));
    const tells = [
      ...(values.length === 0 ? [] : [`send the values along${ofObject ? ', not the object' : ''}`]),
      ...(this.imports ? ['import inside the function'] : []),
      ...(recursive && arrow ? ['name the function'] : []),
    ].join(', and ');
    this.advice = tells.charAt(0).toUpperCase() + tells.slice(1);
    const rewriter = new Rewriter(refused, fn, origin, own);
    const works =
      tells !== '' &&
      this.assigned.length === 0 &&
      kept.every((one) => canBeKept(one, refused)) &&
      // It would have to pass them on; and to wait for itself, once it imports.
      !(recursive && (values.length > 0 || !fn.async)) &&
      !(values.length > 0 && !arrow && own.names.includes('arguments')) &&
      // A method that is taken out of its object loses it.
      !own.properties.some(({ node, called }) => called && node.object.type === 'ThisExpression') &&
      rewriter.keepsApart(values, imported);
    if (!works) return;
    const repaired = rewriter.functionWith(values, imported, recursive && arrow);
    if (repaired === undefined) return;
    const literal = patternOf(values.map(([key, value]) => (key === value ? key : `${key}: ${value}`)));
    this.code = callText(api, values.length === 0 ? repaired : `capture(${literal}, ${repaired})`);
  }
}

/** Whether what goes along for a name does what it did. */
function canBeKept(one: CapturedName, { text, written, canGo }: Refused): boolean {
  if (one.shown === 'import.meta') return one.members?.every((key) => OF_META.has(key)) === true;
  if (valuesOf(one).length === 0) return false;
  const value = isMember(one) ? undefined : written && variableIn(written.around.scopes, one.name)?.[0];
  const inside =
    typeof value === 'object' && value !== null ? Object.values(Object.getOwnPropertyDescriptors(value)) : [];
  return [value, ...inside.map((property) => property.value as unknown)].every(
    // By another variable it may use itself.
    (part) => typeof part !== 'function' || (String(part) !== text && canGo(part as AnyFunction)),
  );
}

type Value = readonly [key: string, value: string];

/** The function with parameters and lines added. */
class Rewriter {
  readonly #refused: Refused;
  readonly #fn: FunctionNode;
  readonly #origin: number;
  readonly #own: FreeVariables;

  constructor(refused: Refused, fn: FunctionNode, origin: number, own: FreeVariables) {
    this.#refused = refused;
    this.#fn = fn;
    this.#origin = origin;
    this.#own = own;
  }

  /** Whether names that are added mean nothing else in the function, and are there where they are used. */
  keepsApart(values: readonly Value[], imported: readonly Import[]): boolean {
    const { names, declared } = this.#own;
    const added = values.filter(([key, value]) => key !== value).map(([key]) => key);
    const all = [...values.map(([key]) => key), ...new Set(imported.map(({ local }) => local))];
    const parameters = freeVariables({ ...this.#fn, id: null, body: NOTHING } as AnyNode);
    return (
      new Set(all).size === all.length &&
      !added.some((key) => names.includes(key)) &&
      !all.some((key) => declared.has(key)) &&
      !this.#refused.free.some(
        (one) => parameters.names.includes(one.name) && importOf(one, this.#refused.written) !== undefined,
      )
    );
  }

  /** `undefined` if that would not run. */
  functionWith(values: readonly Value[], imported: readonly Import[], named: boolean): string | undefined {
    const { text, name, free } = this.#refused;
    const fn = this.#fn;
    // What a build tool made of names is not what one would write.
    const altered = free.some((one) => one.name !== one.shown);
    const cut = (node: AnyNode): string => this.#cut(node);
    const pattern = values.length === 0 ? [] : [patternOf(values.map(([key]) => key))];
    const params = [...pattern, ...fn.params.map(cut)].join(', ');
    const whole = bodyText(fn, cut);
    const make = (body: string): string => functionText(fn, name, params, body, imported, named);
    if (altered || pattern.join().includes('…')) return make(altered ? '…' : (inOneLine(whole) ?? '…'));
    const before = readInline(text, name).free.filter(
      (one) => !free.some((other) => other.name === one.name),
    );
    const runs = (code: string): boolean => {
      const left = leftOf(code, name);
      return left?.every((one) => before.some((other) => other.name === one)) === true;
    };
    if (!runs(make(whole))) return undefined;
    const line = inOneLine(whole);
    return make(line !== undefined && runs(make(line)) ? line : '…');
  }

  /** The text of a node, with nothing of `this.` and `import.meta.` before what is sent along of those. */
  #cut(node: AnyNode): string {
    let result = '';
    let from = node.start;
    const inside = this.#own.properties.filter(
      (one) => one.node.start >= node.start && one.node.end <= node.end,
    );
    for (const { node: member } of inside.sort((a, b) => a.node.start - b.node.start)) {
      result += this.#text(from, member.object.start);
      from = member.property.start;
    }
    return result + this.#text(from, node.end);
  }

  #text(start: number, end: number): string {
    return this.#refused.text.slice(start - this.#origin, end - this.#origin);
  }
}

const NOTHING = { type: 'BlockStatement', body: [], start: 0, end: 0 } as const;

/** What a function still takes from its surroundings; `undefined` if it is none. */
function leftOf(code: string, name: string): readonly string[] | undefined {
  try {
    return readInline(code, name).free.map((one) => one.name);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
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

/** As one would call the default export of a module. */
export function localName(specifier: string): string {
  const file = /([^/:]*?)(?:\.\w+)?$/.exec(specifier)?.[1] ?? '';
  const name = file.replace(/[^\p{ID_Continue}$]+(.?)/gu, (_, next: string) => next.toUpperCase());
  return /^[\p{ID_Start}$_]/u.test(name) ? name : 'imported';
}

/** Key and expression of what goes along for a name. */
function valuesOf({ name, shown, members }: CapturedName): readonly (readonly [string, string])[] {
  if (isMember({ name, shown, members })) return (members ?? []).map((key) => [key, `${shown}.${key}`]);
  return /^(?!super$|arguments$)[\w$]+$/.test(name) ? [[name, name]] : [];
}

/** Keys of `import.meta` that are plain data. */
const OF_META: ReadonlySet<string> = new Set(['url', 'filename', 'dirname', 'main']);

function isMember({ name, shown }: CapturedName): boolean {
  return name === 'this' || shown === 'import.meta';
}

function isName(name: string): boolean {
  if (!/^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name)) return false;
  try {
    parseModule(`function ${name}() {}`);
    return true;
  } catch {
    return false; // a word of the language
  }
}

function patternOf(parts: readonly string[]): string {
  return `{ ${parts.slice(0, MOST).join(', ')}${parts.length > MOST ? ', …' : ''} }`;
}

/** The body, as it stands in the text: of a block, what is in it. */
function bodyText(fn: FunctionNode, cut: (node: AnyNode) => string): string {
  const text = cut(fn.body).trim();
  if (fn.body.type === 'BlockStatement') {
    const inside = fn.body.body.filter((one) => !('directive' in one && one.directive));
    const [first, last] = [inside[0], inside.at(-1)];
    // What is before the first statement may be directives, which do not go with a pattern.
    return first && last ? cut({ ...first, end: last.end } as AnyNode) : '';
  }
  return fn.body.type === 'ObjectExpression' || fn.body.type === 'SequenceExpression' ? `(${text})` : text;
}

/** In one line; `undefined` if it is too long to read, or would be something else so. */
function inOneLine(text: string): string | undefined {
  const line = text.replace(/\s*\n\s*/g, ' ');
  if (line.length > LONGEST_BODY) return undefined;
  // A comment or a template; a line that ends its statement without a semicolon.
  const joins =
    line === text || (!/\/\/|`/.test(text) && !/[^\s;{}(,[:?&|+=>]\s*\n\s*[^\s.)}\]?:&|]/.test(text));
  return joins ? line : undefined;
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
  const own = isName(name) ? ` ${name}` : '';
  return `${async}function${fn.generator ? '*' : ''}${own}(${params}) ${block}`;
}

function importLines(imported: readonly Import[]): readonly string[] {
  const bySpecifier = new Map<string, string[]>();
  const lines: string[] = [];
  for (const { specifier, name, local } of imported.slice(0, MOST)) {
    if (name === '*') lines.push(`const ${local} = await ${importText(specifier)};`);
    else {
      const names = bySpecifier.get(specifier) ?? [];
      bySpecifier.set(specifier, names);
      names.push(name === local ? name : `${name}: ${local}`);
    }
  }
  for (const [specifier, names] of bySpecifier)
    lines.push(`const ${patternOf(names)} = await ${importText(specifier)};`);
  return lines;
}

function importText(specifier: string): string {
  const options = /\.json(?:\?|$)/.test(specifier) ? ", { with: { type: 'json' } }" : '';
  return `import(${JSON.stringify(specifier)}${options})`;
}

function callText(api: string, fn: string): string {
  if (/^(?:submit|trySubmit|submitSync|toThread|toThreadSync|callSoon)$/.test(api)) return `${api}(${fn}, …)`;
  if (/^map(?:Sync)?$/.test(api)) return `${api}(${fn}, items)`;
  return /^(?:start|\w+(?:Executor|Thread|Pool))$/.test(api) ? `initializer: ${fn}` : fn;
}
