/**
 * The free variables of a function: the names it uses and does not declare itself. One walk over the syntax tree
 * opens scopes and notes uses; the uses are resolved at the end, so that hoisting needs no second walk.
 */

import type {
  AnyNode,
  Class,
  Function as FunctionNode,
  ImportExpression,
  MemberExpression,
  Node,
  Pattern,
} from 'acorn';

/** What a function takes from outside of itself. */
export interface FreeVariables {
  /** Names and `this`, `super`, `new.target`, `import.meta`, `arguments`, `#private`; in order of first use. */
  readonly names: readonly string[];
  /** Names that are asked for with `typeof`, which is safe where they do not exist. */
  readonly probed: ReadonlySet<string>;
  /** For a name, or `this`, that is used only as `name.property`: those properties, in order of first use. */
  readonly members: ReadonlyMap<string, ReadonlySet<string>>;
  /** Each dynamic import, by its node, in order. */
  readonly imports: readonly ImportExpression[];
  /** Each call of a free name, for those who know that name as the import() of a build tool. */
  readonly calls: readonly { readonly name: string; readonly node: AnyNode }[];
  /** Those that it assigns to: of `this`, to its properties. */
  readonly assigned: ReadonlySet<string>;
  /** Names declared anywhere inside. */
  readonly declared: ReadonlySet<string>;
  /** Each `this.property` and `import.meta.property`, and whether that is called. */
  readonly properties: readonly { readonly node: MemberExpression; readonly called: boolean }[];
}

interface Scope {
  readonly parent: Scope | undefined;
  readonly names: Set<string>;
  /** Whether `var` stops here. */
  readonly holdsVar: boolean;
}

/** What the keywords mean at a place: whether the function itself provides them. */
interface Place {
  readonly scope: Scope;
  readonly ownThis: boolean;
  readonly ownSuper: boolean;
  readonly ownArguments: boolean;
  readonly inClass: boolean;
}

interface Use {
  readonly name: string;
  readonly scope: Scope;
  readonly at: number;
  readonly property: string | undefined;
}

/** The free variables of `root`, a function expression, an arrow function, or the value of a method. */
export function freeVariables(root: AnyNode): FreeVariables {
  const walk = new Walk();
  walk.visit(root, {
    scope: { parent: undefined, names: new Set(), holdsVar: true },
    ownThis: false,
    ownSuper: false,
    ownArguments: false,
    inClass: false,
  });
  return walk.result();
}

/** As {@link freeVariables}, with the function's own name, `this` and `arguments` among what it takes from outside. */
export function freeWithOwn(root: FunctionNode): FreeVariables {
  return freeVariables({ ...root, type: 'ArrowFunctionExpression', id: null } as AnyNode);
}

class Walk {
  readonly #uses: Use[] = [];
  readonly #keywords: Omit<Use, 'scope'>[] = [];
  readonly #probed = new Set<string>();
  readonly #imports: ImportExpression[] = [];
  readonly #calls: { readonly name: string; readonly node: AnyNode; readonly scope: Scope }[] = [];
  readonly #assigned: { readonly name: string; readonly scope: Scope | undefined }[] = [];
  readonly #declared = new Set<string>();
  readonly #properties: MemberExpression[] = [];
  readonly #callees = new Set<AnyNode>();

  result(): FreeVariables {
    const free = this.#uses.filter(({ name, scope }) => !isDeclared(name, scope));
    const order = [...free, ...this.#keywords].sort((a, b) => a.at - b.at);
    const members = new Map<string, Set<string>>();
    const used = [...free, ...this.#keywords];
    for (const { name, property } of used) {
      if (property === undefined) continue;
      const known = members.get(name);
      if (known === undefined) members.set(name, new Set([property]));
      else known.add(property);
    }
    for (const { name, property } of used) if (property === undefined) members.delete(name);
    return {
      names: [...new Set(order.map(({ name }) => name))],
      probed: this.#probed,
      members,
      imports: this.#imports.sort((a, b) => a.start - b.start),
      calls: this.#calls.filter(({ name, scope }) => !isDeclared(name, scope)),
      assigned: new Set(
        this.#assigned.filter(({ name, scope }) => !isDeclared(name, scope)).map(({ name }) => name),
      ),
      declared: this.#declared,
      properties: this.#properties.map((node) => ({ node, called: this.#callees.has(node) })),
    };
  }

  visit(node: AnyNode, place: Place): void {
    switch (node.type) {
      case 'Identifier':
        this.#use(node.name, node.start, place);
        return;
      case 'PrivateIdentifier':
        if (!place.inClass) this.#keyword(`#${node.name}`, node);
        return;
      case 'ThisExpression':
        if (!place.ownThis) this.#keyword('this', node);
        return;
      case 'Super':
        if (!place.ownSuper) this.#keyword('super', node);
        return;
      case 'MetaProperty':
        if (node.meta.name === 'import') this.#keyword('import.meta', node);
        else if (!place.ownThis) this.#keyword('new.target', node);
        return;
      case 'ImportExpression':
        this.#imports.push(node);
        this.#children(node, place);
        return;
      case 'CallExpression':
        this.#callees.add(node.callee);
        if (node.callee.type === 'Identifier') {
          this.#calls.push({ name: node.callee.name, node, scope: place.scope });
        }
        this.#children(node, place);
        return;
      case 'MemberExpression':
        this.#member(node, place);
        return;
      case 'AssignmentExpression':
        this.#assign(node.left, place);
        this.#children(node, place);
        return;
      case 'UpdateExpression':
        this.#assign(node.argument, place);
        this.#children(node, place);
        return;
      case 'UnaryExpression':
        if (node.operator === 'typeof' && node.argument.type === 'Identifier')
          this.#probed.add(node.argument.name);
        this.#children(node, place);
        return;
      case 'Property':
        if (node.computed) this.visit(node.key, place);
        // A method has a home object, an ordinary property's function has none.
        if (node.method || node.kind !== 'init')
          this.#function(node.value as FunctionNode, { ...place, ownSuper: true });
        else this.visit(node.value, place);
        return;
      case 'FunctionDeclaration':
      case 'FunctionExpression':
        this.#function(node as FunctionNode, { ...place, ownSuper: false });
        return;
      case 'ArrowFunctionExpression':
        this.#function(node, place);
        return;
      case 'ClassDeclaration':
      case 'ClassExpression':
        this.#class(node, place);
        return;
      case 'VariableDeclaration': {
        const scope = node.kind === 'var' ? varScope(place.scope) : place.scope;
        for (const { id, init } of node.declarations) {
          this.#declare(id, scope, place);
          if (init) this.visit(init, place);
        }
        return;
      }
      case 'BlockStatement':
      case 'ForStatement':
      case 'ForInStatement':
      case 'ForOfStatement':
        if ('left' in node && node.left.type !== 'VariableDeclaration') this.#assign(node.left, place);
        this.#children(node, { ...place, scope: open(place.scope) });
        return;
      case 'SwitchStatement': {
        this.visit(node.discriminant, place);
        const inner = { ...place, scope: open(place.scope) };
        for (const one of node.cases) this.#children(one, inner);
        return;
      }
      case 'CatchClause': {
        const inner = { ...place, scope: open(place.scope) };
        if (node.param) this.#declare(node.param, inner.scope, inner);
        this.visit(node.body, inner);
        return;
      }
      case 'LabeledStatement':
        this.visit(node.body, place);
        return;
      case 'BreakStatement':
      case 'ContinueStatement':
        return; // their labels are no variables
      default:
        this.#children(node, place);
    }
  }

  #use(name: string, at: number, place: Place, property?: string): void {
    if (name === 'arguments') {
      if (!place.ownArguments) this.#keywords.push({ name, at, property });
    } else {
      this.#uses.push({ name, scope: place.scope, at, property });
    }
  }

  #keyword(name: string, node: Node, property?: string): void {
    this.#keywords.push({ name, at: node.start, property });
  }

  #member(node: Extract<AnyNode, { type: 'MemberExpression' }>, place: Place): void {
    const { object, property } = node;
    if (object.type === 'Identifier' && !node.computed && property.type === 'Identifier')
      this.#use(object.name, object.start, place, property.name);
    else if (object.type === 'ThisExpression' && !node.computed && property.type === 'Identifier') {
      if (place.ownThis) return;
      this.#properties.push(node);
      this.#keyword('this', object, property.name);
    } else if (
      object.type === 'MetaProperty' &&
      object.meta.name === 'import' &&
      property.type === 'Identifier'
    ) {
      this.#properties.push(node);
      this.#keyword('import.meta', object, property.name);
    } else this.visit(object, place);
    if (node.computed || property.type === 'PrivateIdentifier') this.visit(property, place);
  }

  #function(node: FunctionNode, place: Place): void {
    const arrow = node.type === 'ArrowFunctionExpression';
    let outer = place.scope;
    if (!arrow && node.id) {
      this.#declared.add(node.id.name);
      if (node.type === 'FunctionDeclaration') outer.names.add(node.id.name);
      else outer = open(outer, [node.id.name]);
    }
    const scope = open(outer, [], true);
    const inner: Place = arrow ? { ...place, scope } : { ...place, scope, ownThis: true, ownArguments: true };
    for (const param of node.params) this.#declare(param, scope, inner);
    // The defaults of the parameters do not see what the body declares.
    const body: Place = { ...inner, scope: open(scope, [], true) };
    if (node.body.type === 'BlockStatement') this.#children(node.body, body);
    else this.visit(node.body, body);
  }

  #class(node: Class, place: Place): void {
    if (node.id) this.#declared.add(node.id.name);
    if (node.type === 'ClassDeclaration' && node.id) place.scope.names.add(node.id.name);
    const scope = open(place.scope, node.id ? [node.id.name] : []);
    const head: Place = { ...place, scope, inClass: true };
    if (node.superClass) this.visit(node.superClass, head);
    for (const member of node.body.body) {
      const body: Place = {
        ...head,
        scope: open(scope, [], true),
        ownThis: true,
        ownSuper: true,
        ownArguments: true,
      };
      if (member.type === 'StaticBlock') {
        for (const statement of member.body) this.visit(statement, body);
        continue;
      }
      if (member.computed) this.visit(member.key, head);
      if (member.type === 'MethodDefinition') this.#function(member.value, body);
      else if (member.value) this.visit(member.value, body);
    }
  }

  /** Declares the names of a pattern in `scope`; its defaults and computed keys are uses. */
  #declare(pattern: Pattern, scope: Scope, place: Place): void {
    switch (pattern.type) {
      case 'Identifier':
        scope.names.add(pattern.name);
        this.#declared.add(pattern.name);
        return;
      case 'ObjectPattern':
        for (const property of pattern.properties) {
          if (property.type === 'RestElement') this.#declare(property.argument, scope, place);
          else {
            if (property.computed) this.visit(property.key, place);
            this.#declare(property.value, scope, place);
          }
        }
        return;
      case 'ArrayPattern':
        for (const element of pattern.elements) if (element) this.#declare(element, scope, place);
        return;
      case 'RestElement':
        this.#declare(pattern.argument, scope, place);
        return;
      case 'AssignmentPattern':
        this.#declare(pattern.left, scope, place);
        this.visit(pattern.right, place);
        return;
      default:
        this.visit(pattern, place);
    }
  }

  #assign(pattern: AnyNode, place: Place): void {
    switch (pattern.type) {
      case 'Identifier':
        this.#assigned.push({ name: pattern.name, scope: place.scope });
        return;
      case 'MemberExpression':
        if (pattern.object.type === 'ThisExpression' && !place.ownThis)
          this.#assigned.push({ name: 'this', scope: undefined });
        return;
      case 'ObjectPattern':
        for (const one of pattern.properties)
          this.#assign(one.type === 'RestElement' ? one.argument : one.value, place);
        return;
      case 'ArrayPattern':
        for (const one of pattern.elements) if (one) this.#assign(one, place);
        return;
      case 'RestElement':
        this.#assign(pattern.argument, place);
        return;
      case 'AssignmentPattern':
        this.#assign(pattern.left, place);
        return;
      default:
    }
  }

  #children(node: AnyNode, place: Place): void {
    for (const value of Object.values(node) as unknown[]) {
      if (Array.isArray(value)) {
        for (const one of value as unknown[]) if (isNode(one)) this.visit(one, place);
      } else if (isNode(value)) this.visit(value, place);
    }
  }
}

function open(parent: Scope, names: readonly string[] = [], holdsVar = false): Scope {
  return { parent, names: new Set(names), holdsVar };
}

function varScope(scope: Scope): Scope {
  while (!scope.holdsVar && scope.parent !== undefined) scope = scope.parent;
  return scope;
}

function isDeclared(name: string, scope: Scope | undefined): boolean {
  for (; scope !== undefined; scope = scope.parent) if (scope.names.has(name)) return true;
  return false;
}

function isNode(value: unknown): value is AnyNode {
  return typeof value === 'object' && value !== null && typeof (value as Node).type === 'string';
}
