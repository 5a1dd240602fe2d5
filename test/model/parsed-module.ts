import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { dirname, relative, resolve } from 'node:path';
import { type AnyNode, type Identifier, type PrivateIdentifier, type Program, parse } from 'acorn';

export type FunctionNode = Extract<
  AnyNode,
  { type: 'FunctionDeclaration' | 'FunctionExpression' | 'ArrowFunctionExpression' }
>;

/** Where code stands: decides whether it may be turned into a generator. */
export type Place =
  | 'function'
  | 'constructor'
  | 'getter'
  | 'setter'
  | 'generator function'
  | 'class field initialiser'
  | 'static block'
  | 'top level of the module';

/** A function, or another piece of code that runs by itself, with the calls that stand directly in it. */
export interface Code {
  readonly module: ParsedModule;
  readonly node: AnyNode;
  readonly place: Place;
  readonly isAsync: boolean;
  /** The call that it is an argument of. */
  readonly argumentOf: AnyNode | undefined;
  readonly atomics: AnyNode[];
  readonly calls: Extract<AnyNode, { type: 'CallExpression' }>[];
  /** May reach an atomic operation, as far as is known: found by the call graph. */
  reaches: boolean;
  /** Contains an atomic operation, or calls by name what does. */
  certain: boolean;
}

/** One source file: its JavaScript, with the positions of the TypeScript, and what is declared and called in it. */
export class ParsedModule {
  readonly path: string;
  /** Relative to the working directory, for messages. */
  readonly name: string;
  readonly source: string;
  readonly ast: Program;
  /** Relative imports by the name they have here: which file, which name there. */
  readonly imports: Map<string, { readonly path: string; readonly name: string }> = new Map();
  /** Names imported from elsewhere. */
  readonly foreign: Set<string> = new Set();
  readonly declared: Set<string> = new Set();
  /** Functions by the identifier, the property or the `#name` they can be called by. */
  readonly functions: Map<string, Code[]> = new Map();
  readonly methods: Map<string, Code[]> = new Map();
  readonly code: Map<AnyNode, Code> = new Map();
  readonly used: Set<string> = new Set();
  /** What `Atomics` is called here. */
  atomics = 'Atomics';
  /** Imports `#atomics`. */
  usesAtomics = false;

  constructor(path: string, edit: (source: string) => string = (source) => source) {
    this.path = path;
    this.name = relative(process.cwd(), path);
    this.source = stripTypeScriptTypes(edit(readFileSync(path, 'utf8')).replace(/^#!/, '//'));
    this.ast = parse(this.source, { ecmaVersion: 'latest', sourceType: 'module' });
    for (const node of this.ast.body) this.#readImports(node);
    const top = this.#begin(this.ast, 'top level of the module', false, undefined);
    for (const node of this.ast.body) this.#walk(node, this.ast, top);
  }

  /** `src/park/cell.ts:12` */
  at(node: AnyNode): string {
    let line = 1;
    for (
      let at = this.source.indexOf('\n');
      at >= 0 && at < node.start;
      at = this.source.indexOf('\n', at + 1)
    )
      line++;
    return `${this.name}:${line}`;
  }

  /** The file that a relative import names. */
  resolve(specifier: string): string {
    return resolve(dirname(this.path), specifier);
  }

  /** Every module this one imports by a relative path. */
  get dependencies(): readonly string[] {
    return this.ast.body.flatMap((node) => {
      const source = 'source' in node ? node.source?.value : undefined;
      return typeof source === 'string' && source.startsWith('.') ? [this.resolve(source)] : [];
    });
  }

  #readImports(node: AnyNode): void {
    if (node.type !== 'ImportDeclaration') return;
    const from = String(node.source.value);
    for (const specifier of node.specifiers) {
      const local = specifier.local.name;
      if (from === '#atomics') {
        this.atomics = local;
        this.usesAtomics = true;
        continue;
      }
      if (!from.startsWith('.') || specifier.type !== 'ImportSpecifier') this.foreign.add(local);
      else this.imports.set(local, { path: this.resolve(from), name: nameOf(specifier.imported) ?? local });
    }
  }

  #walk(node: AnyNode, parent: AnyNode, code: Code): void {
    const inner = this.#enter(node, parent, code);
    if (node.type === 'CallExpression') {
      if (isAtomic(node, this.atomics)) code.atomics.push(node);
      else code.calls.push(node);
    }
    if (node.type === 'Identifier') this.used.add(node.name);
    if (node.type === 'ImportDeclaration') return;
    for (const child of childrenOf(node)) {
      const isKey =
        (node.type === 'PropertyDefinition' || node.type === 'MethodDefinition') && child === node.key;
      this.#walk(child, node, isKey ? code : inner);
    }
  }

  /** The code that the children of `node` belong to. */
  #enter(node: AnyNode, parent: AnyNode, code: Code): Code {
    if (node.type === 'StaticBlock') return this.#begin(node, 'static block', false, undefined);
    if (node.type === 'PropertyDefinition')
      return this.#begin(node, 'class field initialiser', false, undefined);
    if (node.type === 'VariableDeclarator' || isFunction(node))
      for (const name of boundBy(node)) this.declared.add(name);
    if (!isFunction(node)) return code;
    const isArgument =
      (parent.type === 'CallExpression' || parent.type === 'NewExpression') && parent.callee !== node;
    const inner = this.#begin(node, placeOf(node, parent), node.async, isArgument ? parent : undefined);
    if ('id' in node && node.id) add(this.functions, node.id.name, inner);
    if (parent.type === 'VariableDeclarator' && parent.id.type === 'Identifier') {
      add(this.functions, parent.id.name, inner);
    }
    if (
      parent.type === 'MethodDefinition' ||
      parent.type === 'PropertyDefinition' ||
      parent.type === 'Property'
    ) {
      const key = nameOf(parent.key);
      if (key !== undefined && parent.value === node) add(this.methods, key, inner);
    }
    return inner;
  }

  #begin(node: AnyNode, place: Place, isAsync: boolean, argumentOf: AnyNode | undefined): Code {
    const code: Code = {
      module: this,
      node,
      place,
      isAsync,
      argumentOf,
      atomics: [],
      calls: [],
      reaches: false,
      certain: false,
    };
    this.code.set(node, code);
    return code;
  }
}

export function isFunction(node: AnyNode): node is FunctionNode {
  return /^(?:Function(?:Declaration|Expression)|ArrowFunctionExpression)$/.test(node.type);
}

/** The child nodes in the order of the source. */
export function childrenOf(node: AnyNode): AnyNode[] {
  const children: AnyNode[] = [];
  for (const value of Object.values(node) as unknown[]) {
    for (const child of Array.isArray(value) ? (value as unknown[]) : [value]) {
      if (typeof (child as AnyNode | null)?.type === 'string') children.push(child as AnyNode);
    }
  }
  return children.sort((a, b) => a.start - b.start);
}

/** The name of a property or a specifier, `#name` for a private one, when it is written out. */
export function nameOf(node: AnyNode | PrivateIdentifier): string | undefined {
  if (node.type === 'Identifier') return (node as Identifier).name;
  if (node.type === 'PrivateIdentifier') return `#${node.name}`;
  return undefined;
}

/** Whether `node` is a call `Atomics.x(…)`. */
export function isAtomic(node: AnyNode, atomics: string): boolean {
  if (node.type !== 'CallExpression' || node.callee.type !== 'MemberExpression') return false;
  const { object, computed } = node.callee;
  return object.type === 'Identifier' && object.name === atomics && !computed;
}

function placeOf(node: FunctionNode, parent: AnyNode): Place {
  if (parent.type === 'MethodDefinition' && parent.kind === 'constructor') return 'constructor';
  if (parent.type === 'MethodDefinition' || parent.type === 'Property') {
    if (parent.kind === 'get') return 'getter';
    if (parent.kind === 'set') return 'setter';
  }
  return node.generator ? 'generator function' : 'function';
}

/** Names of variables and parameters that are not known to be functions. */
function boundBy(node: AnyNode): string[] {
  if (isFunction(node)) return node.params.flatMap(namesIn);
  if (node.type !== 'VariableDeclarator') return [];
  return node.init && isFunction(node.init) ? [] : namesIn(node.id);
}

function namesIn(pattern: AnyNode): string[] {
  if (pattern.type === 'Identifier') return [pattern.name];
  if (pattern.type === 'AssignmentPattern') return namesIn(pattern.left);
  if (pattern.type === 'Property') return namesIn(pattern.value);
  return childrenOf(pattern).flatMap(namesIn);
}

function add<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
