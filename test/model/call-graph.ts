/** Which functions may reach an atomic operation, over all transformed modules. */
import type { AnyNode } from 'acorn';
import { type Code, nameOf, type ParsedModule } from './parsed-module.ts';

type Call = Extract<AnyNode, { type: 'CallExpression' }>;

/** A call `never` returns a generator, `always` does, or `maybe` does: which shows when it runs. */
export type Reach = 'never' | 'maybe' | 'always';

/** Methods that the model replaces, which take callbacks with atomics. */
const MODELLED: ReadonlySet<string> = new Set([
  'then',
  'catch',
  'addEventListener',
  'removeEventListener',
  'setTimeout',
  'queueMicrotask',
]);

const BUILT_IN: ReadonlySet<string> = new Set(
  [
    Object,
    Function,
    Array,
    Map,
    Set,
    WeakMap,
    WeakSet,
    String,
    Number,
    BigInt,
    RegExp,
    Date,
    Int32Array,
    WeakRef,
  ]
    .concat([
      Object.getPrototypeOf(Int32Array),
      ArrayBuffer,
      SharedArrayBuffer,
      DataView,
      Error,
      FinalizationRegistry,
    ] as never)
    .flatMap((type) => [...Object.getOwnPropertyNames(type.prototype), ...Object.getOwnPropertyNames(type)])
    .concat(Object.getOwnPropertyNames(Math), [...MODELLED, 'next', 'return', 'throw']),
);

export class CallGraph {
  readonly #modules: ReadonlyMap<string, ParsedModule>;

  constructor(modules: ReadonlyMap<string, ParsedModule>) {
    this.#modules = modules;
    const all = [...modules.values()].flatMap((module) => [...module.code.values()]);
    for (const code of all) {
      code.certain = code.atomics.length > 0;
      code.reaches = code.certain || code.isAsync;
    }
    for (let changed = true; changed; ) {
      changed = false;
      for (const code of all) if (code.place === 'function' && this.#spread(code)) changed = true;
    }
    for (const code of all) this.#check(code);
  }

  /** Whether `code` is found to reach more than was known, by the calls in it. */
  #spread(code: Code): boolean {
    const { module, calls } = code;
    const reachesNow = !code.reaches && calls.some((call) => this.reach(call, module) !== 'never');
    const certainNow = !code.certain && calls.some((call) => this.#isCertain(call, module));
    if (reachesNow) code.reaches = true;
    if (certainNow) code.certain = true;
    return reachesNow || certainNow;
  }

  reach(call: Call, module: ParsedModule): Reach {
    const { callee } = call;
    if (callee.type === 'Super') return 'never';
    const targets = this.#targets(call, module);
    if (targets !== undefined) {
      return targets.every(reaches) ? 'always' : targets.some(reaches) ? 'maybe' : 'never';
    }
    if (callee.type === 'Identifier') return this.#isUnbound(callee.name, module) ? 'never' : 'maybe';
    if (callee.type !== 'MemberExpression' || callee.computed) return 'maybe';
    const name = nameOf(callee.property)!;
    if (name.startsWith('#')) return 'maybe';
    if (callee.object.type === 'Identifier' && this.#isGlobal(callee.object.name, module)) return 'never';
    const known = [...this.#modules.values()].flatMap((each) => each.methods.get(name) ?? []);
    if (known.length > 0) return known.some(reaches) ? 'maybe' : 'never';
    return BUILT_IN.has(name) ? 'never' : 'maybe';
  }

  /** A call that cannot but lead to an atomic, as far as names tell. */
  #isCertain(call: Call, module: ParsedModule): boolean {
    return this.#targets(call, module)?.every((code) => code.certain) === true;
  }

  /** The functions that a call by an identifier or a `#name` runs, where these can only be functions. */
  #targets({ callee }: Call, module: ParsedModule): readonly Code[] | undefined {
    if (callee.type === 'MemberExpression' && callee.property.type === 'PrivateIdentifier') {
      const methods = module.methods.get(`#${callee.property.name}`);
      return methods?.some(({ node }) => node.type === 'ArrowFunctionExpression') ? undefined : methods;
    }
    if (callee.type !== 'Identifier' || module.declared.has(callee.name)) return undefined;
    const here = module.functions.get(callee.name);
    if (here !== undefined) return here;
    const from = module.imports.get(callee.name);
    return from && this.#modules.get(from.path)?.functions.get(from.name);
  }

  /** A global, or imported from a module that is not transformed. */
  #isUnbound(name: string, module: ParsedModule): boolean {
    if (module.declared.has(name)) return false;
    const from = module.imports.get(name);
    return from === undefined || !this.#modules.has(from.path);
  }

  #isGlobal(name: string, module: ParsedModule): boolean {
    if (module.declared.has(name) || module.functions.has(name) || module.imports.has(name)) return false;
    return !module.foreign.has(name) && name in globalThis;
  }

  /** @throws Error with file and line for atomics where code cannot be suspended. */
  #check(code: Code): void {
    const { module, place, argumentOf } = code;
    if (place === 'function') {
      if (!code.reaches || argumentOf === undefined || this.#takesSteps(argumentOf, module)) return;
      const reason = this.#certainty(code);
      if (reason !== undefined) refuse(module, reason, 'a callback handed to a built-in');
      code.reaches = false;
      return;
    }
    if (place === 'generator function') return;
    const atomic = code.atomics.find((node) => place !== 'getter' || operationOf(node) !== 'load');
    if (atomic !== undefined) refuse(module, atomic, `a ${place}`);
    const call = code.calls.find((each) => this.#isCertain(each, module));
    if (call !== undefined) refuse(module, call, `a ${place}`);
  }

  /** An atomic in `code`, or a call that certainly leads to one. */
  #certainty(code: Code): AnyNode | undefined {
    return code.atomics[0] ?? code.calls.find((call) => this.#isCertain(call, code.module));
  }

  /** Whether a callback given to `call` may be transformed: its receiver runs it step by step. */
  #takesSteps(call: AnyNode, module: ParsedModule): boolean {
    if (call.type !== 'CallExpression') return false;
    const { callee } = call;
    const name = callee.type === 'MemberExpression' ? nameOf(callee.property) : nameOf(callee);
    if (name !== undefined && MODELLED.has(name)) return true;
    return this.reach(call, module) !== 'never';
  }
}

/** The operation's name in `Atomics.x(…)`. */
export function operationOf(node: AnyNode): string {
  const { callee } = node as Call;
  return callee.type === 'MemberExpression' ? (nameOf(callee.property) ?? '') : '';
}

/** @throws Error that `node` stands in `what`, with file and line. */
export function refuse(module: ParsedModule, node: AnyNode, what: string): never {
  const text = module.source.slice(node.start, node.end).replace(/\s+/g, ' ').slice(0, 60);
  throw new Error(
    `Cannot explore ${module.at(node)}: ${what} has atomics, or calls code with atomics: \`${text}\`; move it to a plain function or method`,
  );
}

function reaches(code: Code): boolean {
  return code.reaches;
}
