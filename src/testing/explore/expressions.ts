/** Expressions in generator form: what may be a step of a thread becomes a `yield*`. */
import type { AnyNode } from 'acorn';
import { COVERAGE, IMPORT, NAME } from '../../function/inline-text.ts';
import { isRewrittenImport, servedSpecifier } from '../../platform/dev-server.ts';
import { LOOKS, SETS } from './operations.ts';
import { childrenOf, type Of, type Source } from './source.ts';

/** What rewritten code calls; see `runtime.ts`. */
export const RUNTIME = '__heddle_explore__';

/** What vite makes of `using`: `var _usingCtx = (0, __vite_ssr_import_2__.default)()`. */
export const USING_CONTEXT: RegExp = /^_usingCtx\d*$/;

/** The function, or the piece of a class, whose text is at hand. */
export interface Frame {
  /** Whether it is written as a generator. If not, what it does happens at once. */
  readonly suspends: boolean;
  readonly isArrow: boolean;
  /** Variables for what must be evaluated once. */
  temporaries: number;
}

/** How a built-in call of a tool is told: it is left as it is. */
const PROVIDED = new Set([IMPORT, NAME, COVERAGE]);

export abstract class Expressions {
  protected readonly source: Source;
  protected frame: Frame = atOnce();
  /** Of the classes around. */
  protected readonly privateMethods: Map<string, { readonly isAsync: boolean }>[] = [];

  constructor(source: Source) {
    this.source = source;
  }

  protected abstract emit(node: AnyNode): string;

  /** The text of an expression, or of what stands in one, if it is of this file; else of its children. */
  protected expression(node: AnyNode): string {
    switch (node.type) {
      case 'ImportExpression':
        return `${IMPORT}(${[node.source, ...(node.options ? [node.options] : [])].map((each) => this.emit(each)).join(', ')})`;
      case 'CallExpression':
        if (rootName(node) === COVERAGE) return this.source.slice(node.start, node.end);
        return this.#tool(node) ?? this.#chain(node, node, (text) => text);
      case 'ChainExpression':
        if (!this.frame.suspends) return this.children(node);
        return this.source.sameLines(node, `(${this.#chain(node.expression, node, (text) => text)})`);
      case 'MemberExpression':
        if (rootName(node) === COVERAGE) return this.source.slice(node.start, node.end);
        return this.#chain(node, node, (text) => text);
      case 'AwaitExpression':
        if (!this.frame.suspends) return this.children(node);
        return this.#step(node, 'await', [this.emit(node.argument)]);
      case 'AssignmentExpression':
        return this.#assignment(node);
      case 'UpdateExpression':
        return this.#update(node);
      case 'UnaryExpression':
        if (node.operator !== 'delete') return this.children(node);
        if (node.argument.type === 'ChainExpression') return this.#atOnce(() => this.children(node));
        return this.range(node.start, node.end, [node.argument], (each) => this.target(each));
      case 'TaggedTemplateExpression':
        return this.range(node.start, node.end, [node.tag, node.quasi], (each) =>
          each === node.tag ? this.target(each) : this.emit(each),
        );
      case 'Identifier':
        if (node.name === 'arguments' && this.frame.isArrow && this.frame.suspends)
          this.source.refuse(node, '`arguments` in an arrow function; use rest parameters');
        return this.children(node);
      case 'Super':
        if (this.frame.isArrow && this.frame.suspends)
          this.source.refuse(node, '`super` in an arrow function; call it in the method');
        return this.children(node);
      default:
        return this.children(node);
    }
  }

  /** The text of `node` with its children rewritten. */
  protected children(node: AnyNode): string {
    return this.range(node.start, node.end, childrenOf(node));
  }

  protected range(
    start: number,
    end: number,
    children: readonly AnyNode[],
    emit: (node: AnyNode) => string = (node) => this.emit(node),
  ): string {
    let text = '';
    let at = start;
    for (const child of children) {
      // A short-hand property has the same node twice.
      if (child.start < at || child.end > end) continue;
      text += this.source.slice(at, child.start) + emit(child);
      at = child.end;
    }
    return text + this.source.slice(at, end);
  }

  /** What stands on the left of an assignment: it is no read. */
  protected target(node: AnyNode): string {
    if (node.type === 'MemberExpression') return this.children(node);
    if (node.type === 'AssignmentPattern')
      return this.range(node.start, node.end, [node.left, node.right], (each) =>
        each === node.left ? this.target(each) : this.emit(each),
      );
    if (node.type === 'Property')
      return this.range(
        node.start,
        node.end,
        node.shorthand ? [node.value] : [node.key, node.value],
        (each) => (each === node.key && !node.shorthand ? this.emit(each) : this.target(each)),
      );
    if (node.type === 'ArrayPattern' || node.type === 'ObjectPattern' || node.type === 'RestElement')
      return this.range(node.start, node.end, childrenOf(node), (each) => this.target(each));
    return this.emit(node);
  }

  protected temporary(): string {
    this.frame.temporaries++;
    return `__t${this.frame.temporaries}`;
  }

  protected runtime(name: string, args: readonly string[]): string {
    return `${RUNTIME}.${name}(${args.join(', ')})`;
  }

  #atOnce(write: () => string): string {
    const before = this.frame;
    this.frame = { ...before, suspends: false };
    try {
      return write();
    } finally {
      this.frame = before;
    }
  }

  #step(node: AnyNode, name: string, args: readonly string[]): string {
    const text = `yield* ${this.runtime(name, [String(this.source.site(node)), ...args])}`;
    return `(${text}${this.source.missingLines(node, text)})`;
  }

  /** A call of what a build tool or the reading of the function's source has put in. */
  #tool(node: Of<'CallExpression'>): string | undefined {
    const { callee } = node;
    if (callee.type === 'Super') return this.children(node);
    const lowered = this.frame.suspends ? this.#loweredUsing(node) : undefined;
    if (lowered !== undefined) return lowered;
    if (callee.type !== 'Identifier') return undefined;
    if (isRewrittenImport(callee.name)) {
      const [specifier] = node.arguments;
      const literal = specifier?.type === 'Literal' && typeof specifier.value === 'string';
      return `${IMPORT}(${literal ? JSON.stringify(servedSpecifier(specifier.value as string)) : this.#args(node)})`;
    }
    return PROVIDED.has(callee.name) ? this.children(node) : undefined;
  }

  /** What vite (`_usingCtx.u(…)`, `.a(…)`, `.d()`) and esbuild (`__using`, `__callDispose`) make of `using`. */
  #loweredUsing(node: Of<'CallExpression'>): string | undefined {
    const { callee } = node;
    const site = String(this.source.site(node));
    if (callee.type === 'Identifier' && callee.name === '__using') {
      const [stack, value, isAsync = 'false'] = node.arguments.map((each) => this.emit(each));
      return this.runtime('useIn', [stack!, value!, isAsync, site]);
    }
    if (callee.type === 'Identifier' && callee.name === '__callDispose')
      return `(yield* ${this.runtime('disposeAll', [this.#args(node)])})`;
    if (callee.type !== 'MemberExpression' || callee.object.type !== 'Identifier') return undefined;
    const { name } = callee.object;
    if (!USING_CONTEXT.test(name) || callee.property.type !== 'Identifier') return undefined;
    if (callee.property.name === 'd') return `(yield* ${this.runtime('dispose', [name])})`;
    const isAsync = String(callee.property.name === 'a');
    return this.runtime('use', [name, this.#args(node), isAsync, site]);
  }

  #args(node: Of<'CallExpression'>): string {
    return node.arguments.map((each) => this.emit(each)).join(', ');
  }

  /**
   * A call or a member, and what it is taken of. `then` makes the rest of the chain; where that is not evaluated, for
   * something before `?.` is nothing, the value is `undefined`.
   */
  #chain(node: AnyNode, outer: AnyNode, then: (text: string) => string): string {
    if (node.type === 'CallExpression') return this.#call(node, outer, then);
    if (node.type !== 'MemberExpression') return then(this.emit(node));
    const { object, property } = node;
    if (object.type === 'Super' || !this.frame.suspends) return then(this.children(node));
    return this.#chain(object as AnyNode, object as AnyNode, (text) =>
      this.#unlessNothing(node.optional, text, (of) => then(this.#read(node, property, of, outer))),
    );
  }

  #read(node: Of<'MemberExpression'>, property: AnyNode, of: string, outer: AnyNode): string {
    const key = this.#key(node);
    if (key === undefined) {
      const name = (property as Of<'PrivateIdentifier'>).name;
      if (this.#privateMethod(name) !== undefined)
        this.source.refuse(node, 'a private method is used as a value; call it');
      return `${of}.#${name}`;
    }
    if (node.computed && !isText(property)) return this.#step(outer, 'read', [of, key]);
    if (property.type === 'Identifier' && !node.computed && !LOOKS.has(property.name))
      return this.source.sameLines(node, `${of}.${property.name}`);
    return property.type === 'Identifier' ? this.#step(outer, 'look', [of, key]) : `${of}[${key}]`;
  }

  /** As an expression; `undefined` for a private name. */
  #key(node: Of<'MemberExpression'>): string | undefined {
    const { property } = node;
    if (property.type === 'PrivateIdentifier') return undefined;
    return node.computed ? this.emit(property) : JSON.stringify((property as Of<'Identifier'>).name);
  }

  #call(node: Of<'CallExpression'>, outer: AnyNode, then: (text: string) => string): string {
    const callee = node.callee as AnyNode;
    const args = (): string => `[${this.#args(node)}]`;
    if (callee.type === 'MemberExpression' && callee.property.type === 'PrivateIdentifier') {
      const method = this.#privateMethod(callee.property.name);
      if (method !== undefined) {
        const call = `${this.emit(callee.object as AnyNode)}.#${callee.property.name}(${this.#args(node)})`;
        const how = method.isAsync ? 'Async' : 'Sync';
        if (!this.frame.suspends) return then(this.runtime(`atOnce${how}`, [call]));
        return then(method.isAsync ? `(yield* ${this.runtime('begin', [call])})` : `(yield* ${call})`);
      }
    }
    if (!this.frame.suspends) return then(this.children(node));
    if (callee.type !== 'MemberExpression' || callee.object.type === 'Super') {
      const self = callee.type === 'MemberExpression' ? 'this' : 'undefined';
      return this.#chain(callee, callee, (text) =>
        this.#unlessNothing(node.optional, text, (fn) =>
          then(this.#step(outer, 'apply', [`(${fn})`, self, args()])),
        ),
      );
    }
    const key = this.#key(callee);
    return this.#chain(callee.object as AnyNode, callee.object as AnyNode, (text) =>
      this.#unlessNothing(callee.optional, text, (of) => {
        if (key !== undefined && !node.optional) return then(this.#step(outer, 'invoke', [of, key, args()]));
        const self = this.temporary();
        const member =
          key === undefined ? `.#${(callee.property as Of<'PrivateIdentifier'>).name}` : `[${key}]`;
        return this.#unlessNothing(node.optional, `(${self} = ${of})${member}`, (fn) =>
          then(this.#step(outer, 'apply', [`(${fn})`, self, args()])),
        );
      }),
    );
  }

  #unlessNothing(optional: boolean, text: string, then: (text: string) => string): string {
    if (!optional) return then(text);
    const value = this.temporary();
    return `((${value} = ${text}) == null ? undefined : ${then(value)})`;
  }

  #privateMethod(name: string): { readonly isAsync: boolean } | undefined {
    return this.privateMethods.findLast((methods) => methods.has(name))?.get(name);
  }

  /** Whether it is something that others may see: an element of shared memory, a property of a shared object. */
  #isVisible(node: AnyNode): node is Of<'MemberExpression'> {
    if (!this.frame.suspends || node.type !== 'MemberExpression' || node.object.type === 'Super')
      return false;
    if (rootName(node) === COVERAGE) return false;
    if (node.computed) return !isText(node.property);
    return node.property.type === 'Identifier' && SETS.has(node.property.name);
  }

  #assignment(node: Of<'AssignmentExpression'>): string {
    const { left, right, operator } = node;
    if (!this.#isVisible(left))
      return this.range(node.start, node.end, [left, right], (each) =>
        each === left ? this.target(each) : this.emit(each),
      );
    const of = this.emit(left.object as AnyNode);
    const key = this.#key(left)!;
    const value = this.emit(right);
    if (operator === '=') return this.#step(node, 'write', [of, key, value]);
    const [object, index] = [this.temporary(), this.temporary()];
    const read = this.#step(left, 'read', [object, index]);
    const plain = operator.slice(0, -1);
    const text = ['??', '||', '&&'].includes(plain)
      ? `${read} ${plain} ${this.#step(node, 'write', [object, index, value])}`
      : this.#step(node, 'write', [object, index, `${read} ${plain} (${value})`]);
    return `(${object} = ${of}, ${index} = ${key}, ${text})`;
  }

  #update(node: Of<'UpdateExpression'>): string {
    const { argument } = node;
    if (!this.#isVisible(argument))
      return this.range(node.start, node.end, [argument], (each) => this.target(each));
    const [object, index, before] = [this.temporary(), this.temporary(), this.temporary()];
    const by = node.operator === '++' ? '1' : '-1';
    const of = this.emit(argument.object as AnyNode);
    const key = this.#key(argument)!;
    const read = this.runtime('number', [this.#step(argument, 'read', [object, index])]);
    const write = this.#step(node, 'write', [object, index, this.runtime('add', [before, by])]);
    const result = node.prefix ? write : `${write}, ${before}`;
    return `(${object} = ${of}, ${index} = ${key}, ${before} = ${read}, ${result})`;
  }
}

/** The frame of code that cannot be suspended. */
export function atOnce(): Frame {
  return { suspends: false, isArrow: false, temporaries: 0 };
}

/** The name at the bottom of calls and members: that of `cov_1().s[2]`. */
function rootName(node: AnyNode): string | undefined {
  let at: AnyNode = node;
  while (at.type === 'CallExpression' || at.type === 'MemberExpression')
    at = (at.type === 'CallExpression' ? at.callee : at.object) as AnyNode;
  return at.type === 'Identifier' ? at.name : undefined;
}

function isText(node: AnyNode): boolean {
  return node.type === 'Literal' && typeof node.value === 'string';
}
