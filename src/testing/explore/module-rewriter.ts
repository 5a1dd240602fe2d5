/** A whole module in generator form: the body of a function that is given what the module imports, and gives its exports. */
import type { AnyNode, Program } from 'acorn';
import { Rewriter } from './rewriter.ts';
import type { Of } from './source.ts';

/** What rewritten modules are given. */
export const META = '__heddle_meta__';
export const MODULES = '__heddle_modules__';

const DEFAULT = '__heddle_default__';

export interface RewrittenModule {
  /** Statements that end with a `return`. */
  readonly body: string;
  /** What it imports from, in order. */
  readonly specifiers: readonly string[];
  /** Those that it names itself. */
  readonly exports: readonly string[];
}

export class ModuleRewriter extends Rewriter {
  readonly #specifiers = new Set<string>();
  readonly #imports: string[] = [];
  /** Names of exports, with what they are the value of. */
  readonly #exports = new Map<string, string>();
  readonly #all: string[] = [];

  module(program: Program): RewrittenModule {
    const statements = program.body.map((each) => declarationOf(each));
    const body = this.range(program.start, program.end, program.body, (each) => this.#statement(each));
    const exported = [...this.#exports].map(
      ([name, value]) => `get ${JSON.stringify(name)}() { return ${value}; }`,
    );
    const all = this.#all.map((from) => `...${from}`);
    return {
      body: `${this.#imports.join(' ')} ${this.hoisted(statements)}${body}\nreturn { ${[...all, ...exported].join(', ')} };`,
      specifiers: [...this.#specifiers],
      exports: [...this.#exports.keys()],
    };
  }

  protected override emit(node: AnyNode): string {
    if (node.type === 'MetaProperty' && node.meta.name === 'import') return META;
    return super.emit(node);
  }

  #statement(node: AnyNode): string {
    switch (node.type) {
      case 'ImportDeclaration':
        for (const each of node.specifiers) this.#import(each, this.#from(node.source));
        this.#from(node.source);
        return this.source.missingLines(node, '');
      case 'ExportNamedDeclaration':
        return this.#export(node);
      case 'ExportAllDeclaration': {
        const from = this.#from(node.source);
        if (node.exported === null || node.exported === undefined) this.#all.push(from);
        else this.#exports.set(nameOf(node.exported), from);
        return this.source.missingLines(node, '');
      }
      case 'ExportDefaultDeclaration':
        return this.#exportDefault(node);
      default:
        return this.emit(node);
    }
  }

  #from(source: Of<'Literal'>): string {
    const specifier = String(source.value);
    this.#specifiers.add(specifier);
    return `${MODULES}[${JSON.stringify(specifier)}]`;
  }

  #import(node: AnyNode, from: string): void {
    if (node.type === 'ImportNamespaceSpecifier') this.#imports.push(`const ${node.local.name} = ${from};`);
    else if (node.type === 'ImportDefaultSpecifier')
      this.#imports.push(`const { default: ${node.local.name} } = ${from};`);
    else if (node.type === 'ImportSpecifier')
      this.#imports.push(`const { ${JSON.stringify(nameOf(node.imported))}: ${node.local.name} } = ${from};`);
  }

  #export(node: Of<'ExportNamedDeclaration'>): string {
    if (node.declaration) {
      for (const name of namesOf(node.declaration)) this.#exports.set(name, name);
      return this.source.sameLines(node, this.emit(node.declaration));
    }
    const from = node.source ? this.#from(node.source) : undefined;
    for (const { local, exported } of node.specifiers) {
      const name = nameOf(local);
      this.#exports.set(nameOf(exported), from === undefined ? name : `${from}[${JSON.stringify(name)}]`);
    }
    return this.source.missingLines(node, '');
  }

  #exportDefault(node: Of<'ExportDefaultDeclaration'>): string {
    const { declaration } = node;
    const isNamed = 'id' in declaration && declaration.id !== null && declaration.id !== undefined;
    const isDeclaration =
      declaration.type === 'FunctionDeclaration' || declaration.type === 'ClassDeclaration';
    if (isNamed && isDeclaration) {
      this.#exports.set('default', (declaration.id as Of<'Identifier'>).name);
      return this.source.sameLines(node, this.emit(declaration));
    }
    if (isDeclaration)
      this.source.refuse(node, 'a function or class that is exported without a name; give it one');
    this.#exports.set('default', DEFAULT);
    return this.source.sameLines(node, `const ${DEFAULT} = ${this.emit(declaration)};`);
  }
}

/** What a statement declares, exported or not. */
function declarationOf(node: AnyNode): AnyNode {
  if (node.type === 'ExportNamedDeclaration') return node.declaration ?? node;
  return node.type === 'ExportDefaultDeclaration' && 'id' in node.declaration && node.declaration.id
    ? (node.declaration as AnyNode)
    : node;
}

function nameOf(node: Of<'Identifier' | 'Literal'>): string {
  return node.type === 'Identifier' ? node.name : String(node.value);
}

function namesOf(node: AnyNode): string[] {
  if (node.type !== 'VariableDeclaration')
    return [((node as Of<'FunctionDeclaration' | 'ClassDeclaration'>).id as Of<'Identifier'>).name];
  return node.declarations.flatMap(({ id }) => boundBy(id));
}

function boundBy(pattern: AnyNode): string[] {
  switch (pattern.type) {
    case 'Identifier':
      return [pattern.name];
    case 'ObjectPattern':
      return pattern.properties.flatMap((each) =>
        boundBy(each.type === 'Property' ? each.value : each.argument),
      );
    case 'ArrayPattern':
      return pattern.elements.flatMap((each) => (each === null ? [] : boundBy(each)));
    case 'AssignmentPattern':
      return boundBy(pattern.left);
    case 'RestElement':
      return boundBy(pattern.argument);
    default:
      return [];
  }
}
