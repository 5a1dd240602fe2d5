/**
 * Functions and classes in generator form, so that a thread which runs them can be stopped before each step.
 *
 * - Every function, arrow function and method becomes a generator function, and a function around it that others can
 *   call (`runtime.ts`). Calls, `await`, reads and writes of elements go through the runtime.
 * - What JavaScript does not let anybody suspend stays as it is, and happens at once: constructors, accessors, the
 *   initializers of fields, generator functions, the defaults of parameters.
 * - `using` becomes `try` and `finally`, and `for await` a loop, for the same reason.
 * - No line moves.
 */
import type { AnyNode } from 'acorn';
import { atOnce, Expressions, type Frame, USING_CONTEXT } from './expressions.ts';
import { childrenOf, type FunctionNode, isFunction, type Of } from './source.ts';

type ClassNode = Of<'ClassDeclaration' | 'ClassExpression'>;

const HIDDEN = '__heddle_g_';

export class Rewriter extends Expressions {
  #blocks = 0;

  /** The text of an expression that is a function or a class, or gives one. */
  rewrite(root: AnyNode): string {
    return this.emit(root);
  }

  protected override emit(node: AnyNode): string {
    switch (node.type) {
      case 'FunctionDeclaration':
      case 'FunctionExpression':
      case 'ArrowFunctionExpression':
        return this.#function(node);
      case 'ClassDeclaration':
      case 'ClassExpression':
        return this.#class(node);
      case 'Property':
        return this.#property(node);
      case 'PropertyDefinition':
        return this.range(node.start, node.end, childrenOf(node), (each) =>
          each === node.value ? this.#in(atOnce(), () => this.emit(each)) : this.emit(each),
        );
      case 'StaticBlock':
        return this.#in(atOnce(), () => this.children(node));
      case 'BlockStatement':
        return `{${this.#statements(node)}}`;
      case 'ExpressionStatement': {
        const text = this.children(node);
        // The line before may end without a semicolon.
        return text.startsWith('(') && this.source.text[node.start] !== '(' ? `;${text}` : text;
      }
      case 'IfStatement':
      case 'ForStatement':
      case 'WhileStatement':
      case 'DoWhileStatement':
      case 'ForInStatement':
      case 'LabeledStatement':
        return this.#around(node);
      case 'ForOfStatement':
        return this.#forOf(node, undefined);
      case 'VariableDeclarator':
        if (node.init && node.id.type === 'Identifier' && USING_CONTEXT.test(node.id.name))
          return `${node.id.name} = ${this.runtime('disposables', [])}`;
        return this.range(node.start, node.end, childrenOf(node), (each) =>
          each === node.init && node.id.type === 'Identifier'
            ? this.#named(each, node.id.name)
            : this.emit(each),
        );
      default:
        return this.expression(node);
    }
  }

  /** A function or class without a name gets that. */
  #named(node: AnyNode, name: string): string {
    if (node.type === 'ClassExpression' && !node.id) return this.#class(node, name);
    if (node.type === 'ArrowFunctionExpression' || (node.type === 'FunctionExpression' && !node.id))
      return this.#function(node, name);
    return this.emit(node);
  }

  #in<T>(frame: Frame, write: () => T): T {
    const before = this.frame;
    this.frame = frame;
    try {
      return write();
    } finally {
      this.frame = before;
    }
  }

  /** A statement with statements in it that are no blocks: there a `;` would be one too many. */
  #around(node: AnyNode): string {
    const { body, consequent, alternate, left, init } = node as {
      body?: AnyNode;
      consequent?: AnyNode;
      alternate?: AnyNode;
      left?: AnyNode;
      init?: AnyNode;
    };
    if (init?.type === 'VariableDeclaration') this.#refuseUsing(init);
    if (node.type === 'LabeledStatement' && node.body.type === 'ForOfStatement')
      return this.#forOf(node.body, node.label.name);
    return this.range(node.start, node.end, childrenOf(node), (each) => {
      if (each === left) return this.target(each);
      const isInner = each === body || each === consequent || each === alternate;
      return isInner ? this.#inner(each) : this.emit(each);
    });
  }

  #refuseUsing(node: AnyNode): void {
    if (node.type === 'VariableDeclaration' && node.kind.endsWith('using'))
      this.source.refuse(node, '`using` in the head of a loop; write it in a block');
  }

  // Blocks

  /** What stands between the braces. */
  #statements({ start, end, body }: Of<'BlockStatement'>): string {
    const functions = this.hoisted(body);
    const text = this.range(start + 1, end - 1, body, (each) => this.#statement(each, start));
    const hasUsing = this.frame.suspends && body.some(isUsing);
    if (!hasUsing) return functions + text;
    const stack = this.#stackOf(start);
    const close = `yield* ${this.runtime('dispose', [stack])}`;
    return `${functions}const ${stack} = ${this.runtime('disposables', [])}; try {${text}} catch (__error) { ${this.runtime('failed', [stack, '__error'])}; } finally { ${close}; }`;
  }

  /** By where its block begins. */
  #stackOf(start: number): string {
    return `__heddle_d_${start}`;
  }

  #statement(node: AnyNode, block: number): string {
    if (!isUsing(node) || !this.frame.suspends) return this.emit(node);
    const { kind, declarations } = node as Of<'VariableDeclaration'>;
    const isAsync = String(kind === 'await using');
    const uses = declarations.map(
      ({ id, init }) =>
        `${this.emit(id)} = ${this.runtime('use', [this.#stackOf(block), this.emit(init!), isAsync, String(this.source.site(id))])}`,
    );
    return this.source.sameLines(node, `const ${uses.join(', ')};`);
  }

  /** The functions that are declared among statements: they are there before. */
  protected hoisted(statements: readonly AnyNode[]): string {
    const functions = statements.filter(isHoisted) as Of<'FunctionDeclaration'>[];
    return functions
      .map((each) => {
        const { name } = each.id!;
        return `let ${name} = ${this.#wrapped(`${HIDDEN}${name}`, each, name)}; `;
      })
      .join('');
  }

  #forOf(node: Of<'ForOfStatement'>, label: string | undefined): string {
    this.#refuseUsing(node.left);
    const head = label === undefined ? '' : `${label}: `;
    if (!node.await || !this.frame.suspends) return head + this.#forOfAsItIs(node);
    const loop = `__heddle_i_${this.#blocks++}`;
    const site = String(this.source.site(node.right));
    const value = `${loop}.value`;
    const left =
      node.left.type === 'VariableDeclaration'
        ? `${this.#declared(node.left)} = ${value};`
        : `(${this.target(node.left as AnyNode)} = ${value});`;
    const open = `const ${loop} = ${this.runtime('iterate', [this.emit(node.right)])};`;
    const next = `yield* ${this.runtime('next', [loop, site])}`;
    const close = `yield* ${this.runtime('close', [loop, site])}`;
    const text = `{ ${open} try { ${head}while (${next}) { ${left} ${this.emit(node.body)} } } catch (__error) { yield* ${this.runtime('broken', [loop, site])}; throw __error; } finally { ${close}; } }`;
    return this.source.sameLines(node, text);
  }

  #declared(node: Of<'VariableDeclaration'>): string {
    return `${node.kind} ${this.target(node.declarations[0]!.id)}`;
  }

  #forOfAsItIs(node: Of<'ForOfStatement'>): string {
    return this.range(node.start, node.end, [node.left, node.right, node.body], (each) =>
      each === node.left && each.type !== 'VariableDeclaration' ? this.target(each) : this.#inner(each),
    );
  }

  /** A statement that stands where a `;` before it would be one too many. */
  #inner(node: AnyNode): string {
    return node.type === 'ExpressionStatement' ? `{${this.children(node)}}` : this.emit(node);
  }

  // Functions

  #function(node: FunctionNode, name?: string): string {
    const id = node.type === 'ArrowFunctionExpression' ? undefined : node.id;
    if (node.generator) {
      const text = this.#in(atOnce(), () => this.children(node));
      return text;
    }
    if (node.type === 'FunctionDeclaration' && id)
      return this.source.sameLines(node, this.#generator(node, `${HIDDEN}${id.name}`));
    const generator = this.#generator(node, '');
    if (id) {
      const wrapped = this.#wrapped(generator, node, id.name);
      return `(() => { const ${id.name} = ${wrapped}; return ${id.name}; })()`;
    }
    return this.#wrapped(generator, node, name);
  }

  #wrapped(generator: string, node: FunctionNode, name: string | undefined): string {
    const more = name === undefined ? [] : [JSON.stringify(name)];
    const isAsync = String(node.async);
    if (node.type === 'ArrowFunctionExpression')
      return this.runtime('arrow', ['this', generator, isAsync, ...more]);
    return this.runtime('explored', [generator, isAsync, ...more]);
  }

  #generator(node: FunctionNode, name: string): string {
    const text = `function* ${name}${this.#tail(node)}`;
    return this.source.sameLines(node, text);
  }

  /** The parameters and the body, as those of a generator function. */
  #tail(node: FunctionNode): string {
    const params = this.#in(atOnce(), () => node.params.map((each) => this.target(each)).join(', '));
    const isArrow = node.type === 'ArrowFunctionExpression';
    const frame: Frame = { suspends: true, isArrow, temporaries: 0 };
    const body = this.#in(frame, () =>
      node.body.type === 'BlockStatement' ? this.#statements(node.body) : `return (${this.emit(node.body)});`,
    );
    const names = Array.from({ length: frame.temporaries }, (_, at) => `__t${at + 1}`);
    const lead = names.length === 0 ? '' : `let ${names.join(', ')}; `;
    return `(${params}) {${lead}${body}}`;
  }

  #property(node: Of<'Property'>): string {
    if (node.shorthand) return this.range(node.start, node.end, [node.value as AnyNode]);
    const value = node.value as AnyNode;
    if (!isFunction(value)) return this.children(node);
    if (node.kind !== 'init') return this.#accessor(node, node.key, value);
    if (value.generator || !node.method) {
      if (!value.generator && !node.computed && node.key.type === 'Identifier')
        return `${node.key.name}: ${this.#named(value, node.key.name)}`;
      return this.range(node.start, node.end, [node.key, value], (each) =>
        each === value && value.generator ? this.#in(atOnce(), () => this.children(each)) : this.emit(each),
      );
    }
    if (usesSuper(value.body)) this.source.refuse(node, '`super` in the method of an object; use a class');
    const key = node.computed ? `[${this.emit(node.key)}]` : this.source.slice(node.key.start, node.key.end);
    return this.source.sameLines(
      node,
      `${key}: ${this.#wrapped(this.#generator(value, ''), value, nameOf(node))}`,
    );
  }

  /** Getters, setters and constructors. */
  #accessor(node: AnyNode, key: AnyNode, value: AnyNode): string {
    return this.range(node.start, node.end, [key, value], (each) =>
      each === key ? this.emit(each) : this.#in(atOnce(), () => this.children(each)),
    );
  }

  // Classes

  #class(node: ClassNode, name: string = ''): string {
    const methods = node.body.body.filter(
      (each) => each.type === 'MethodDefinition' && each.kind === 'method' && !each.value.generator,
    ) as Of<'MethodDefinition'>[];
    const own = methods.filter(({ key }) => key.type === 'PrivateIdentifier');
    this.privateMethods.push(
      new Map(own.map(({ key, value }) => [(key as Of<'PrivateIdentifier'>).name, { isAsync: value.async }])),
    );
    try {
      const text = this.range(node.start, node.end, childrenOf(node), (each) =>
        each === node.body
          ? this.range(each.start, each.end, childrenOf(each), (member) => this.#member(member, methods))
          : this.emit(each),
      );
      const marks = methods
        .filter(({ key }) => key.type !== 'PrivateIdentifier')
        .map((method) => `[${this.#keyAgain(method)}, ${method.static}, ${method.value.async}]`);
      const whole = this.runtime('classOf', [text, `[${marks.join(', ')}]`, JSON.stringify(name)]);
      return node.type === 'ClassDeclaration' ? `let ${node.id!.name} = ${whole};` : whole;
    } finally {
      this.privateMethods.pop();
    }
  }

  #member(node: AnyNode, methods: readonly AnyNode[]): string {
    if (node.type !== 'MethodDefinition') return this.emit(node);
    const { key, value } = node;
    if (!methods.includes(node)) return this.#accessor(node, key, value);
    const text = this.source.slice(key.start, key.end);
    const name = node.computed ? `[${this.emit(key)}]` : text;
    return this.source.sameLines(node, `${node.static ? 'static ' : ''}*${name}${this.#tail(value)}`);
  }

  #keyAgain({ key, computed }: Of<'MethodDefinition'>): string {
    const text = this.source.slice(key.start, key.end);
    if (!computed) return key.type === 'Identifier' ? JSON.stringify(key.name) : text;
    if (!/^[\w$.]+$/.test(text) && key.type !== 'Literal')
      this.source.refuse(key, 'the name of a method is computed; give it a name, or a symbol');
    return text;
  }
}

function isHoisted(node: AnyNode): boolean {
  return node.type === 'FunctionDeclaration' && !node.generator;
}

function isUsing(node: AnyNode): boolean {
  return node.type === 'VariableDeclaration' && node.kind.endsWith('using');
}

function usesSuper(node: AnyNode): boolean {
  if (node.type === 'Super') return true;
  if (isFunction(node) && node.type !== 'ArrowFunctionExpression') return false;
  return childrenOf(node).some(usesSuper);
}

function nameOf({ key, computed }: Of<'Property'>): string | undefined {
  if (computed) return undefined;
  return key.type === 'Identifier' ? key.name : String((key as Of<'Literal'>).value);
}
