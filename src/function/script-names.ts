/** What the text of a module says of its names: which it exports, and which it imports. */

import type { AnyNode, Function as FunctionNode, Program } from 'acorn';
import { isExportCall, isExportsObject, isImportCall, servedSpecifier } from '../platform/dev-server.ts';
import type { Script } from '../platform/inspector.ts';
import { parseModule } from '../platform/parser.ts';

/** An export: of a variable of the module, or of an expression that has no name there. */
export interface ExportedName {
  readonly name: string;
  readonly local: string | undefined;
  /** Where such an expression begins and where its head ends, if it is a function; lines and columns from 0. */
  readonly from?: { readonly line: number; readonly column: number };
  readonly to?: { readonly line: number; readonly column: number };
}

/** What a name that a module imports stands for. */
export interface ImportedName {
  readonly specifier: string;
  /** `*` for all of it. */
  readonly name: string;
}

export interface ScriptNames {
  readonly exports: readonly ExportedName[];
  readonly imports: ReadonlyMap<string, ImportedName>;
  /** Whether it is what a development server made of the module: its text is another in a thread. */
  readonly served: boolean;
}

const NONE: ScriptNames = { exports: [], imports: new Map(), served: false };

/** Of a module, and of what a development server makes of one. Of other scripts: what they `require`. */
export function namesOfScript(script: Script | undefined): ScriptNames {
  if (script === undefined) return NONE;
  const { source, url } = script;
  let program: Program;
  try {
    program = parseModule(source);
  } catch (error) {
    if (error instanceof SyntaxError) return NONE;
    throw error;
  }
  const served = servedBody(program);
  const names = new Names(source, url, served !== undefined);
  for (const statement of served ?? program.body) names.read(statement);
  return names;
}

class Names implements ScriptNames {
  readonly exports: ExportedName[] = [];
  readonly imports: Map<string, ImportedName> = new Map();
  readonly served: boolean;
  readonly #source: string;
  readonly #url: string;

  constructor(source: string, url: string, served: boolean) {
    this.served = served;
    this.#source = source;
    this.#url = url;
  }

  read(statement: AnyNode): void {
    switch (statement.type) {
      case 'ImportDeclaration': {
        const specifier = String(statement.source.value);
        for (const one of statement.specifiers) {
          const name =
            one.type === 'ImportSpecifier'
              ? nameOf(one.imported)
              : one.type === 'ImportDefaultSpecifier'
                ? 'default'
                : '*';
          this.imports.set(one.local.name, { specifier, name });
        }
        return;
      }
      case 'ExportDefaultDeclaration': {
        const { declaration } = statement;
        if (declaration.type === 'Identifier') this.#export('default', declaration.name);
        else if ('id' in declaration && declaration.id && declaration.type.endsWith('Declaration'))
          this.#export('default', declaration.id.name);
        else if (isFunction(declaration)) {
          const { start, body } = declaration as FunctionNode;
          const [from, to] = [this.#place(start), this.#place(body.start)];
          this.exports.push({ name: 'default', local: undefined, from, to });
        }
        return;
      }
      case 'ExportNamedDeclaration':
        if (statement.declaration) {
          for (const name of declaredNames(statement.declaration)) this.#export(name, name);
        } else if (!statement.source) {
          for (const { local, exported } of statement.specifiers)
            this.#export(nameOf(exported), nameOf(local));
        }
        return;
      case 'VariableDeclaration':
        for (const { id, init } of statement.declarations) this.#variable(id, init);
        return;
      case 'ExpressionStatement':
        this.#served(statement.expression);
        return;
      default:
    }
  }

  #export(name: string, local: string | undefined): void {
    if (local !== undefined) this.exports.push({ name, local });
  }

  #place(at: number): { readonly line: number; readonly column: number } {
    const lines = this.#source.slice(0, at).split(/\r\n|[\n\r\u2028\u2029]/);
    return { line: lines.length - 1, column: lines.at(-1)!.length };
  }

  /** `const a = require('a')`, and what a development server makes of `import … from`. */
  #variable(id: AnyNode, init: AnyNode | null | undefined): void {
    const call = init?.type === 'AwaitExpression' ? init.argument : init;
    if (call?.type !== 'CallExpression' || call.callee.type !== 'Identifier') return;
    const { name: callee } = call.callee;
    const specifier = call.arguments[0] && stringIn(call.arguments[0]);
    if (specifier === undefined) return;
    const served = isImportCall(callee);
    if (!served && callee !== 'require') return;
    const meant = served ? this.#written(servedSpecifier(specifier)) : specifier;
    if (id.type === 'Identifier') this.imports.set(id.name, { specifier: meant, name: '*' });
    if (id.type !== 'ObjectPattern') return;
    for (const one of id.properties) {
      if (one.type === 'Property' && one.key.type === 'Identifier' && one.value.type === 'Identifier')
        this.imports.set(one.value.name, { specifier: meant, name: one.key.name });
    }
  }

  /** The specifier as one would write it in this file. */
  #written(specifier: string): string {
    if (!specifier.startsWith('file:') || !this.#url.startsWith('file:')) return specifier;
    const here = new URL('.', this.#url).pathname.split('/');
    const there = new URL(specifier).pathname.split('/');
    let same = 0;
    while (same < here.length - 1 && here[same] === there[same]) same++;
    const up = here.length - 1 - same;
    return `${up === 0 ? './' : '../'.repeat(up)}${there.slice(same).join('/')}`;
  }

  #served(call: AnyNode): void {
    if (call.type !== 'CallExpression') return;
    const { callee } = call;
    const [first, second, third] = call.arguments as AnyNode[];
    if (callee.type === 'Identifier' && isExportCall(callee.name) && first && second) {
      const name = stringIn(first);
      if (name !== undefined) this.#export(name, returnedName(second));
    } else if (first?.type === 'Identifier' && isExportsObject(first.name) && second && third) {
      const name = stringIn(second);
      if (name !== undefined) this.#export(name, returnedName(third));
    }
  }
}

/** The statements of the function in which vite puts a module. */
function servedBody(program: Program): readonly AnyNode[] | undefined {
  const last = program.body.at(-1);
  if (last?.type !== 'ExpressionStatement' || last.expression.type !== 'ArrowFunctionExpression')
    return undefined;
  const { params, body } = last.expression;
  const [first] = params;
  if (first?.type !== 'Identifier' || !isExportsObject(first.name) || body.type !== 'BlockStatement')
    return undefined;
  return body.body.flatMap((one) => (one.type === 'BlockStatement' ? one.body : [one]));
}

function declaredNames(declaration: AnyNode): readonly string[] {
  if (declaration.type === 'FunctionDeclaration' || declaration.type === 'ClassDeclaration')
    return declaration.id ? [declaration.id.name] : [];
  if (declaration.type !== 'VariableDeclaration') return [];
  return declaration.declarations.flatMap(({ id }) => patternNames(id));
}

function patternNames(pattern: AnyNode | null): readonly string[] {
  switch (pattern?.type) {
    case 'Identifier':
      return [pattern.name];
    case 'ObjectPattern':
      return pattern.properties.flatMap((one) =>
        patternNames(one.type === 'RestElement' ? one.argument : one.value),
      );
    case 'ArrayPattern':
      return pattern.elements.flatMap(patternNames);
    case 'AssignmentPattern':
      return patternNames(pattern.left);
    case 'RestElement':
      return patternNames(pattern.argument);
    default:
      return [];
  }
}

/** `f` of `() => f`, `() => { try { return f } catch {} }`, `{ get() { return f } }`. */
function returnedName(node: AnyNode): string | undefined {
  if (node.type === 'Identifier') return node.name;
  if (node.type === 'ReturnStatement') return inner(node.argument);
  if (node.type === 'ArrowFunctionExpression' || node.type === 'FunctionExpression') return inner(node.body);
  if (node.type === 'BlockStatement') return inner(node.body[0]);
  if (node.type === 'TryStatement') return inner(node.block);
  if (node.type !== 'ObjectExpression') return undefined;
  const getter = node.properties.find(
    (one) => one.type === 'Property' && one.key.type === 'Identifier' && one.key.name === 'get',
  );
  return getter?.type === 'Property' ? inner(getter.value) : undefined;
}

function inner(node: AnyNode | null | undefined): string | undefined {
  return node ? returnedName(node) : undefined;
}

function isFunction(node: { readonly type: string }): boolean {
  return /^(?:ArrowFunctionExpression|FunctionExpression|FunctionDeclaration)$/.test(node.type);
}

function nameOf(node: AnyNode): string {
  return node.type === 'Identifier' ? node.name : (stringIn(node) ?? '');
}

function stringIn(node: AnyNode): string | undefined {
  return node.type === 'Literal' && typeof node.value === 'string' ? node.value : undefined;
}
