/**
 * The functions that this thread knows by name. Kept on the global object, so that two copies of heddle in one thread
 * (the package and its sources, or an ES module and its CommonJS twin) know the same functions.
 */

/** Any function, whatever it takes. */
export type AnyFunction = (...args: never[]) => unknown;

/** Where a portable function is found: its module and its name there. */
export interface Mark {
  readonly url: string;
  readonly name: string;
}

/** An inline function together with the values that it needs. */
export interface Capture {
  readonly values: object;
  readonly fn: AnyFunction;
}

/** A registered class. */
export interface ClassEntry extends Mark {
  readonly type: AnyClass;
  /** Without it, objects go by their fields. */
  readonly codec: ClassCodec<object, unknown> | undefined;
}

/** Any class, whatever it is made of. */
export type AnyClass = abstract new (...args: never[]) => object;

/** How objects of a class become values that can be sent, and are made again of them. */
export interface ClassCodec<T, D> {
  /** What is sent of an object: a value that can be sent. */
  encode(object: T): D;
  /** An object like that one. */
  decode(data: D): T;
}

interface Registry {
  readonly functions: Map<string, AnyFunction>;
  /** By the same names: which copy of the module has registered each, in a bundle. */
  readonly copies: Map<string, unknown>;
  readonly marks: WeakMap<AnyFunction, Mark>;
  readonly captures: WeakMap<AnyFunction, Capture>;
  /** By the prototype of the class. */
  readonly classes: WeakMap<object, ClassEntry>;
}

const KEY = Symbol.for('heddle.functions.3');
const globals = globalThis as { [KEY]?: Registry };
globals[KEY] ??= {
  functions: new Map(),
  copies: new Map(),
  marks: new WeakMap(),
  captures: new WeakMap(),
  classes: new WeakMap(),
};

/** The functions known in this thread. */
export const registry: Registry = globals[KEY];

/** The names under which a module has registered functions here. */
export function namesOf(url: string): readonly string[] {
  const prefix = `${url}#`;
  return [...registry.functions.keys()]
    .filter((key) => key.startsWith(prefix))
    .map((key) => key.slice(prefix.length));
}
