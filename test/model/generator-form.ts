import type { AnyNode } from 'acorn';
import { type CallGraph, operationOf, refuse } from './call-graph.ts';
import { KIND, type Kind, sites } from './operations.ts';
import {
  type Code,
  childrenOf,
  type FunctionNode,
  isAtomic,
  isFunction,
  type ParsedModule,
} from './parsed-module.ts';

type Of<T extends AnyNode['type']> = Extract<AnyNode, { type: T }>;

/** Where the runtime of transformed code is found; see `transform.ts`. */
export const RUNTIME = 'heddle.model';

/** What is replaced in transformed modules by something the explorer controls. */
const REPLACED = ['Promise', 'setTimeout', 'clearTimeout', 'queueMicrotask'];

/**
 * Writes a module in generator form. Functions that may reach an atomic become generators; in them
 *
 * - `Atomics.load(a, i)` becomes `(yield __announce(1, site, a, i))`,
 * - a call that may lead to an atomic runs the generator it returns, if it does, as `yield*`,
 * - `await x` becomes `(yield __await(x))`, and an async function begins a task.
 *
 * Every other function stays, but checks what its calls return: a generator there would be an atomic nobody performs.
 * No line moves, so a stack trace and a site name the line of the source.
 */
export class GeneratorForm {
  readonly #module: ParsedModule;
  readonly #graph: CallGraph;
  readonly #locate: (path: string) => string;
  #code: Code;

  constructor(module: ParsedModule, graph: CallGraph, locate: (specifier: string) => string) {
    this.#module = module;
    this.#graph = graph;
    this.#locate = locate;
    this.#code = module.code.get(module.ast)!;
  }

  toString(): string {
    const { source, ast, used, declared, name } = this.#module;
    const replaced = REPLACED.filter((each) => used.has(each) && !declared.has(each));
    const names = ['__announce', '__await', '__begin', '__Steps', '__plain', '__peek', ...replaced];
    const prelude = `const { ${names.join(', ')} } = globalThis[Symbol.for('${RUNTIME}')]; let __t; `;
    return `${prelude}${source.slice(0, ast.start)}${this.#emit(ast)}\n//# sourceURL=${name}\n`;
  }

  /** Whether the code at hand is written as a generator. */
  get #suspends(): boolean {
    return this.#code.place === 'function' && this.#code.reaches;
  }

  #emit(node: AnyNode): string {
    const code = this.#module.code.get(node);
    if (code === undefined) return this.#emitInside(node);
    const before = this.#code;
    this.#code = code;
    try {
      return isFunction(node) ? this.#function(node, code) : this.#children(node);
    } finally {
      this.#code = before;
    }
  }

  #emitInside(node: AnyNode): string {
    switch (node.type) {
      case 'ImportDeclaration':
      case 'ExportNamedDeclaration':
      case 'ExportAllDeclaration':
        return this.#import(node);
      case 'CallExpression':
        return isAtomic(node, this.#module.atomics) ? this.#atomic(node) : this.#call(node, node);
      case 'ChainExpression':
        return this.#chain(node);
      case 'AwaitExpression':
        if (!this.#suspends) return this.#children(node);
        return `(yield __await(${this.#range(node.start + 'await'.length, node.end, [node.argument])}))`;
      case 'ForOfStatement':
        if (node.await) refuse(this.#module, node, '`for await`');
        return this.#children(node);
      case 'MethodDefinition':
      case 'Property':
        return this.#method(node);
      case 'Identifier':
        if (node.name === this.#module.atomics) refuse(this.#module, node, 'an expression that is no call');
        return this.#children(node);
      default:
        return this.#children(node);
    }
  }

  /** The text of `node` with its children rewritten. */
  #children(node: AnyNode): string {
    return this.#range(node.start, node.end, childrenOf(node));
  }

  #range(start: number, end: number, children: readonly AnyNode[]): string {
    const { source } = this.#module;
    let text = '';
    let at = start;
    for (const child of children) {
      if (child.start < at || child.end > end) continue;
      text += source.slice(at, child.start) + this.#emit(child);
      at = child.end;
    }
    return text + source.slice(at, end);
  }

  #import(node: Of<'ImportDeclaration' | 'ExportNamedDeclaration' | 'ExportAllDeclaration'>): string {
    if (!node.source) return this.#children(node);
    const from = String(node.source.value);
    const { source } = this.#module;
    if (from === '#atomics') return newlines(source.slice(node.start, node.end));
    const after = source.slice(node.source.end, node.end);
    return `${source.slice(node.start, node.source.start)}${JSON.stringify(this.#locate(from))}${after}`;
  }

  #atomic(node: Of<'CallExpression'>): string {
    const { source } = this.#module;
    const operation = operationOf(node);
    const open = source.indexOf('(', node.callee.end);
    const lines = newlines(source.slice(node.start, open));
    const rest = this.#range(open + 1, node.end, node.arguments);
    const site = sites.push(this.#module.at(node)) - 1;
    if (!Object.hasOwn(KIND, operation)) refuse(this.#module, node, 'an operation that is not modelled');
    if (this.#suspends) return `(yield __announce(${KIND[operation as Kind]}, ${site}, ${lines}${rest})`;
    if (this.#code.place === 'getter') return `__peek(${site}, ${lines}${rest}`;
    return refuse(this.#module, node, `a ${this.#code.place}`);
  }

  /** A call which may return a generator; `outer` is what the result is taken of: the call, or its whole chain. */
  #call(node: Of<'CallExpression'>, outer: AnyNode): string {
    const text = outer === node ? this.#children(node) : this.#chainText(outer);
    const reach = this.#graph.reach(node, this.#module);
    if (reach === 'never') return text;
    if (!this.#suspends) return `__plain(${sites.push(this.#module.at(node)) - 1}, ${text})`;
    if (reach === 'always' && outer === node) return `(yield* ${text})`;
    return `((__t = ${text}) instanceof __Steps ? yield* __t : __t)`;
  }

  #chain(node: Of<'ChainExpression'>): string {
    const { expression } = node;
    // `Atomics.pause?.()`: the model has every operation.
    if (isAtomic(expression, this.#module.atomics)) return this.#atomic(expression as Of<'CallExpression'>);
    return expression.type === 'CallExpression' ? this.#call(expression, node) : this.#chainText(node);
  }

  /** The text of an optional chain; a call inside it can stand in no parentheses, so it must not have atomics. */
  #chainText(chain: AnyNode): string {
    const expression = (chain as Of<'ChainExpression'>).expression as AnyNode;
    let link: AnyNode = expression;
    while (link.type === 'CallExpression' || link.type === 'MemberExpression') {
      if (link !== expression && link.type === 'CallExpression') {
        if (isAtomic(link, this.#module.atomics) || this.#graph.reach(link, this.#module) !== 'never') {
          refuse(this.#module, link, 'the middle of an optional chain');
        }
      }
      link = (link.type === 'CallExpression' ? link.callee : link.object) as AnyNode;
    }
    return this.#linkText(expression);
  }

  #linkText(node: AnyNode): string {
    const { source } = this.#module;
    if (node.type !== 'CallExpression' && node.type !== 'MemberExpression') return this.#emit(node);
    const first = (node.type === 'CallExpression' ? node.callee : node.object) as AnyNode;
    const others = childrenOf(node).filter((child) => child !== first);
    const lead = source.slice(node.start, first.start) + this.#linkText(first);
    return lead + this.#range(first.end, node.end, others);
  }

  #method(node: Of<'MethodDefinition' | 'Property'>): string {
    const { source } = this.#module;
    const value = node.value as AnyNode | null;
    const isMethod = node.type === 'MethodDefinition' ? node.kind === 'method' : node.method;
    const code = value === null ? undefined : this.#module.code.get(value);
    if (!isMethod || code === undefined || code.place !== 'function' || !code.reaches)
      return this.#children(node);
    const keyStart = node.computed ? source.lastIndexOf('[', node.key.start) : node.key.start;
    const modifiers = source.slice(node.start, keyStart).replace(/\basync\b/, '     ');
    return `${modifiers}*${this.#range(keyStart, value!.start, [node.key])}${this.#emit(value!)}`;
  }

  #function(node: FunctionNode, code: Code): string {
    if (code.place === 'generator function' && this.#leadsToAtomics(code))
      return this.#unexplored(node, code);
    if (!this.#suspends) return this.#children(node);
    const { source } = this.#module;
    for (const parameter of node.params) this.#checkParameter(parameter);
    if (code.isAsync || node.type === 'ArrowFunctionExpression') this.#checkNames(node.body);
    if (node.type === 'ArrowFunctionExpression') return this.#arrow(node, code);
    const isMethod = source[node.start] === '(';
    const head = this.#range(node.start, node.body.start, node.params);
    const plain = isMethod ? head : head.replace(/^async\b/, '     ').replace('function', 'function*');
    return plain + asTask(this.#emit(node.body), code);
  }

  #arrow(node: Of<'ArrowFunctionExpression'>, code: Code): string {
    const { source } = this.#module;
    const sign = source.lastIndexOf('=>', node.body.start);
    const start = node.start + (code.isAsync ? 'async'.length : 0);
    let parameters = this.#range(start, sign, node.params).trim();
    if (!parameters.startsWith('(')) parameters = `(${parameters})`;
    const between = newlines(source.slice(sign, node.body.start));
    const body = node.expression
      ? `{ return (${this.#range(sign + 2, node.end, [node.body])}); }`
      : between + this.#emit(node.body);
    return `(function* ${parameters} ${asTask(body, code)}).bind(this)`;
  }

  #checkParameter(parameter: AnyNode): void {
    if (parameter.type === 'CallExpression' || parameter.type === 'AwaitExpression') {
      const isCall = parameter.type === 'CallExpression';
      const atomic = isCall && isAtomic(parameter, this.#module.atomics);
      if (!isCall || atomic || this.#graph.reach(parameter, this.#module) !== 'never') {
        refuse(this.#module, parameter, 'the default of a parameter');
      }
    }
    if (!isFunction(parameter)) for (const child of childrenOf(parameter)) this.#checkParameter(child);
  }

  /** `arguments` and `super` mean something else in the generator inside. */
  #checkNames(node: AnyNode): void {
    if (node.type === 'Super' || (node.type === 'Identifier' && node.name === 'arguments')) {
      refuse(this.#module, node, 'an arrow or async function that uses `super` or `arguments`');
    }
    if (isFunction(node) && node.type !== 'ArrowFunctionExpression') return;
    for (const child of childrenOf(node)) this.#checkNames(child);
  }

  #leadsToAtomics({ atomics, calls, isAsync }: Code): boolean {
    return (
      atomics.length > 0 ||
      isAsync ||
      calls.some((call) => this.#graph.reach(call, this.#module) === 'always')
    );
  }

  /** A generator function of the source cannot be suspended twice over: calling it is refused. */
  #unexplored(node: FunctionNode, code: Code): string {
    const head = this.#range(node.start, node.body.start, node.params).replace(/^async\b/, '     ');
    const lines = newlines(this.#module.source.slice(node.body.start, node.body.end));
    const where = JSON.stringify(`Cannot explore ${code.module.at(node)}: a generator function has atomics`);
    return `${head}{ throw new Error(${where});${lines} }`;
  }
}

function asTask(body: string, { isAsync }: Code): string {
  return isAsync ? `{ return yield* __begin((function* () ${body}).call(this)); }` : body;
}

function newlines(text: string): string {
  return text.replace(/[^\n]/g, '');
}
