/**
 * The functions that compilers add to a module for what older JavaScript lacks: `__awaiter`, `__spreadValues`,
 * `_async_to_generator`. An inline function that uses them was written without them, so they are sent along with it: as the
 * module has them, with what they use themselves. So is the variable by which an arrow function calls itself.
 */

import { isRewrittenStaticImport } from '../platform/dev-server.ts';
import { surroundingsOf, type VariableScope, variableIn } from '../platform/inspector.ts';
import { BoundedCache } from './bounded-cache.ts';
import { isHelperName } from './helper-names.ts';
import { type CapturedName, type InlineSource, readInline } from './inline.ts';
import { printOf } from './inline-text.ts';
import { pathOfNative } from './native-paths.ts';
import type { AnyFunction } from './registry.ts';

/** A helper, or a module of which only helpers are used: `tslib_1`. */
function isHelper({ name, members }: CapturedName, value: unknown): boolean {
  return isHelperName(name) || members?.every((key) => isHelperIn(value, key)) === true || keepsNames(value);
}

/** Modules of one helper have it as their default export: oxc and swc import them. */
function isHelperIn(module: unknown, key: string): boolean {
  if (key !== 'default') return isHelperName(key);
  const helper = (module as { readonly default?: unknown } | undefined)?.default;
  return typeof helper === 'function' && isHelperName(helper.name);
}

/** The `__name` of esbuild, under whatever name a minifier has left it. */
function keepsNames(value: unknown): boolean {
  return (
    typeof value === 'function' &&
    /^\(([\w$]+),([\w$]+)\)=>[\w$]+\(\1,"name",\{value:\2,configurable:!0\}\)$/.test(
      Function.prototype.toString.call(value),
    )
  );
}

/** What is before the text of a function to which helpers have been added: one line, so that its lines stay what they are. */
const HELPED = '(()=>{const __heddle_inline__=()=>(';

/** By text: helpers of the same name do the same, whichever compiler made them. */
const known = new BoundedCache<string, InlineSource>(1000);

/** Whether nobody else calls a function so. */
function isUnmistakable(name: string): boolean {
  return /^__|^_[a-z]+[_A-Z]|^tslib/.test(name) && !isRewrittenStaticImport(name);
}

/**
 * `inline`, which is the source of `fn`, with the helpers that it uses. It captures what is left. As it is, if they cannot
 * be had in this runtime.
 */
export function withHelpers(inline: InlineSource, fn: AnyFunction): InlineSource {
  if (!inline.free.every(({ name }) => isUnmistakable(name))) return addHelpers(inline, fn);
  return known.getOrMake(inline.expression, () => addHelpers(inline, fn));
}

function addHelpers(inline: InlineSource, fn: AnyFunction): InlineSource {
  const scopes = surroundingsOf(fn)?.scopes;
  if (scopes === undefined) return inline;
  const helpers = inline.free.filter((one) => isHelper(one, variableIn(scopes, one.name)?.[0]));
  const writer = new HelperWriter(inline.globals);
  const brought = new Set(helpers.filter((one) => writer.add(one, scopes)));
  // By which an arrow function calls itself.
  const itself = inline.free.filter(({ name }) => variableIn(scopes, name)?.[0] === fn);
  for (const one of itself) brought.add(one);
  if (brought.size === 0) return inline;
  const expression = `${HELPED}${inline.expression}\n);${writer.declarations}${ending(itself)}})()`;
  return {
    expression,
    print: printOf(expression),
    anchor: HELPED.length + inline.anchor,
    begin: HELPED.length,
    end: HELPED.length + inline.end,
    imports: inline.imports,
    globals: inline.globals,
    counted: inline.counted,
    modules: inline.modules,
    usesObject: inline.usesObject,
    free: inline.free.filter((one) => !brought.has(one)),
  };
}

/** Gives the function, and before that its own variables their value. */
function ending(itself: readonly CapturedName[]): string {
  const [first, ...others] = itself.map(({ name }) => name);
  if (first === undefined) return 'return __heddle_inline__()';
  const same = others.map((name) => `,${name}=${first}`);
  return `const ${first}=__heddle_inline__()${same.join('')};return ${first}`;
}

/** Writes declarations of values, and of what those use: all in one scope, so that they may use one another. */
class HelperWriter {
  readonly #values = new Map<string, unknown>();
  readonly #taken: ReadonlySet<string>;
  readonly #outer: HelperWriter | undefined;
  #declarations = '';

  /** Names that mean something else here than those of helpers. */
  constructor(taken: ReadonlySet<string>, outer?: HelperWriter) {
    this.#taken = taken;
    this.#outer = outer;
  }

  get declarations(): string {
    return this.#declarations;
  }

  /** Adds `captured` with the value that it has in `scopes`. False: it cannot be written. */
  add({ name, members }: CapturedName, scopes: readonly VariableScope[]): boolean {
    const found = variableIn(scopes, name) ?? globalVariable(name);
    if (found === undefined) return true; // it is not there either: compilers have errors too
    const [value] = found;
    if (this.#has(name, value)) return true;
    this.#values.set(name, value);
    const written = this.#write(value, members);
    if (written === undefined) {
      this.#values.delete(name);
      return false;
    }
    // Some put another function in their own place when they are first called.
    this.#declarations += written.startsWith(`function ${name}(`)
      ? `${written}\n`
      : `let ${name}=${ownName(written)};`;
    return typeof value !== 'function' || this.#addMethods(value as AnyFunction, name);
  }

  /** What compilers put on the prototypes of their functions, one by one. */
  #addMethods(fn: AnyFunction, name: string): boolean {
    const { prototype } = fn as { readonly prototype?: object };
    if (prototype === undefined || pathOfNative(fn) !== undefined) return true;
    for (const key of Reflect.ownKeys(prototype)) {
      const { value } = Object.getOwnPropertyDescriptor(prototype, key)!;
      if (value === fn) continue;
      const place = typeof key === 'string' ? JSON.stringify(key) : wellKnownSymbol(key);
      const written = place === undefined ? undefined : this.#write(value, undefined);
      if (written === undefined) return false;
      this.#declarations += `${name}.prototype[${place}]=${ownName(written)};`;
    }
    return true;
  }

  #has(name: string, value: unknown): boolean {
    if (this.#values.has(name)) return this.#values.get(name) === value;
    return !this.#taken.has(name) && this.#outer !== undefined && this.#outer.#has(name, value);
  }

  /** Whether a value of that name would hide another. */
  #hides({ name }: CapturedName, scopes: readonly VariableScope[]): boolean {
    return (
      this.#taken.has(name) || (this.#values.has(name) && !this.#has(name, variableIn(scopes, name)?.[0]))
    );
  }

  #write(value: unknown, members: readonly string[] | undefined): string | undefined {
    if (typeof value === 'function') return this.#function(value as AnyFunction);
    if (Array.isArray(value)) return this.#list(value);
    if (typeof value !== 'object' || value === null) return primitive(value);
    if (members === undefined) return undefined;
    const fields = members.map((key) => {
      const field = this.#write((value as Record<string, unknown>)[key], undefined);
      return field === undefined ? undefined : `${JSON.stringify(key)}:${ownName(field)}`;
    });
    return fields.includes(undefined) ? undefined : `{${fields.join()}}`;
  }

  /** Also that which a tagged template gets. */
  #list(list: readonly unknown[]): string | undefined {
    const items = list.map((one) => this.#write(one, undefined));
    if (items.includes(undefined)) return undefined;
    const text = `[${items.map((one) => ownName(one!)).join()}]`;
    const { raw } = list as { readonly raw?: unknown };
    if (!Array.isArray(raw)) return text;
    return `Object.freeze(Object.defineProperty(${text},'raw',{value:Object.freeze(${this.#list(raw)})}))`;
  }

  #function(fn: AnyFunction): string | undefined {
    const native = pathOfNative(fn);
    if (native !== undefined) return native;
    try {
      const { expression, free, globals } = readInline(Function.prototype.toString.call(fn), fn.name);
      const scopes = free.length === 0 ? [] : (surroundingsOf(fn)?.scopes ?? []);
      const apart = free.some((one) => this.#hides(one, scopes));
      const writer = apart ? new HelperWriter(globals, this) : this;
      if (!free.every((one) => writer.add(one, scopes))) return undefined;
      if (!apart) return expression;
      return `(()=>{${writer.declarations}return ${ownName(expression)}\n})()`;
    } catch (error) {
      if (error instanceof TypeError) return undefined; // a class: no helper that could be sent
      throw error;
    }
  }
}

/** As a declaration, for some assign to their own name, which the name of an expression does not take. */
function ownName(written: string): string {
  const name = /^function\s+([\w$]+)/.exec(written)?.[1];
  if (name !== undefined) return `(()=>{${written}\nreturn ${name}})()`;
  return /^(?:async\b|function\b|\()/.test(written) ? `(${written}\n)` : written;
}

/** Some libraries of helpers put them all on the global object of this thread. */
function globalVariable(name: string): readonly [unknown] | undefined {
  return name in globalThis ? [(globalThis as Record<string, unknown>)[name]] : undefined;
}

function wellKnownSymbol(symbol: symbol): string | undefined {
  const { description = '' } = symbol;
  const key = /^Symbol\.(\w+)$/.exec(description)?.[1];
  return key !== undefined && Reflect.get(Symbol, key) === symbol ? description : undefined;
}

function primitive(value: unknown): string | undefined {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return JSON.stringify(value);
    case 'number':
      return Object.is(value, -0) ? '-0' : String(value);
    case 'bigint':
      return `${value}n`;
    case 'undefined':
      return 'undefined';
    default:
      return value === null ? 'null' : undefined;
  }
}
