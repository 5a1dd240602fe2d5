/**
 * Errors as plain data and back. Structured clone keeps the message, the stack and the cause of an error but loses
 * its class, its name and its own fields; this form keeps them all.
 *
 * An error is rebuilt in two steps, because it may be part of a cycle (a cause that refers to the error itself):
 * `createError` makes the object with the right class, `fillError` gives it everything else. No constructor of a
 * user's class is called: its arguments are not known.
 */
import * as ownErrors from './errors.ts';

/** An error taken apart. `fields`, `cause` and `errors` are values that the codec treats like any other. */
export interface ErrorWire {
  readonly className: string;
  /** The module that exports the class, if it is known. */
  readonly module?: string;
  /** `name`, where it is not the name of the class. */
  readonly name?: string;
  /** Absent where the error has none of its own. */
  readonly message?: string;
  readonly stack?: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly cause?: readonly [unknown];
  readonly errors?: readonly unknown[];
  readonly isDOMException: boolean;
}

/** Any class of errors. */
export type ErrorClass = abstract new (...args: never[]) => Error;

const CARRIED_APART: ReadonlySet<string> = new Set(['message', 'stack', 'cause', 'errors']);

/** Also one of another realm, but not what only says that it is one. */
export function isError(value: object): value is Error {
  if (value instanceof Error) return true;
  return Object.prototype.toString.call(value) === '[object Error]' && !(Symbol.toStringTag in value);
}

/**
 * `nested` encodes one value inside the error; it throws for one that cannot travel. Such a value (a socket, a request)
 * is left out: it must not keep the error from arriving.
 */
export function takeErrorApart(
  error: Error,
  module: string | undefined,
  nested: (value: unknown, key: string) => unknown,
): ErrorWire {
  const knownName = nameOfClass(error);
  const cause = Object.hasOwn(error, 'cause') ? attempt(() => nested(error.cause, 'cause')) : undefined;
  const { errors } = error as Partial<AggregateError>;
  const name = textOf(() => error.name) ?? knownName;
  const message = textOf(() => error.message);
  // It may be made only now, of the two above.
  const stack = textOf(() => error.stack ?? '');
  return {
    className: knownName,
    ...(module !== undefined && { module }),
    // Where it is a field it goes as that.
    ...(name !== knownName && !Object.prototype.propertyIsEnumerable.call(error, 'name') && { name }),
    ...(message !== undefined && (message !== '' || Object.hasOwn(error, 'message')) && { message }),
    ...(stack !== undefined && stack !== '' && { stack }),
    fields: takeFields(error, nested),
    ...(cause && { cause }),
    ...(Array.isArray(errors) && {
      errors: errors.map((one, index) => attempt(() => nested(one, `errors[${index}]`))?.[0]),
    }),
    isDOMException: typeof DOMException === 'function' && error instanceof DOMException,
  };
}

/** By which its class is known in other threads. */
export function nameOfClass(error: Error): string {
  const name = (error.constructor as { name?: unknown } | null | undefined)?.name;
  return typeof name === 'string' && name !== '' ? name : 'Error';
}

/** `undefined` if it is no text and cannot be made one: that must not keep the error from arriving either. */
function textOf(read: () => unknown): string | undefined {
  try {
    return String(read());
  } catch {
    return undefined;
  }
}

function takeFields(error: Error, nested: (value: unknown, key: string) => unknown): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const key of Object.keys(error)) {
    if (CARRIED_APART.has(key)) continue;
    const field = attempt(() => nested((error as unknown as Record<string, unknown>)[key], key));
    // Defined, not assigned: a key may be `__proto__`.
    if (field !== undefined)
      Object.defineProperty(fields, key, {
        value: field[0],
        enumerable: true,
        configurable: true,
        writable: true,
      });
  }
  return fields;
}

/** The encoded value, in an array; `undefined` if it cannot travel. */
function attempt(encode: () => unknown): readonly [unknown] | undefined {
  try {
    const value = encode();
    // Host objects are only refused by structured clone itself.
    if (typeof value === 'object' && value !== null) structuredClone(value);
    return [value];
  } catch {
    return undefined;
  }
}

/** The object alone: right class, nothing filled in. `userClass` is the class from the user's module, if it was found. */
export function createError(wire: ErrorWire, userClass: ErrorClass | undefined): Error {
  if (wire.isDOMException) return new DOMException(wire.message, wire.name ?? 'Error');
  const builtIn = wire.module === undefined ? builtInClass(wire.className) : undefined;
  const type = userClass ?? builtIn ?? standInClass(wire.className);
  // The constructor of `type` is not called.
  return withoutTrace(() => Reflect.construct(Error, wire.message === undefined ? [] : [wire.message], type));
}

/** An error of a class of the language, with the stack that it had. */
export function makeError(type: ErrorConstructor, message: string | undefined, stack: string): Error {
  const error = withoutTrace(() => new type(message));
  setStack(error, stack);
  return error;
}

/** What it makes takes no stack of its own, which would be most of the cost. */
function withoutTrace(make: () => Error): Error {
  const { stackTraceLimit } = Error;
  limitStacks(0);
  try {
    return make();
  } finally {
    limitStacks(stackTraceLimit);
  }
}

function limitStacks(frames: number): void {
  try {
    Error.stackTraceLimit = frames;
  } catch {
    // All that the language has is frozen here: they take one.
  }
}

function setStack(error: Error, stack: string | undefined): void {
  // Where there is one it is like any other then, and this takes a sixth of the time.
  if (stack !== undefined && Object.hasOwn(error, 'stack')) error.stack = stack;
  else Object.defineProperty(error, 'stack', { value: stack, configurable: true, writable: true });
}

/** `nested` decodes one value. */
export function fillError(error: Error, wire: ErrorWire, nested: (value: unknown) => unknown): void {
  const define = (key: string, value: unknown, enumerable: boolean): void => {
    Object.defineProperty(error, key, { value, enumerable, configurable: true, writable: true });
  };
  setStack(error, wire.stack);
  for (const [key, value] of Object.entries(wire.fields)) define(key, nested(value), true);
  if (wire.name !== undefined && error.name !== wire.name) define('name', wire.name, false);
  if (wire.cause) define('cause', nested(wire.cause[0]), false);
  if (wire.errors) define('errors', wire.errors.map(nested), false);
}

function builtInClass(name: string): ErrorClass | undefined {
  const own = (ownErrors as Record<string, unknown>)[name];
  const found = own ?? (globalThis as Record<string, unknown>)[name];
  return typeof found === 'function' && (found === Error || found.prototype instanceof Error)
    ? (found as unknown as ErrorClass)
    : undefined;
}

/** Whether every thread has this class by its name. */
export function isKnownEverywhere(type: { readonly name: string }): boolean {
  return builtInClass(type.name) === type || type === (DOMException as unknown);
}

const standIns = new Map<string, ErrorClass>();

/** The one of that name. */
function standInClass(name: string): ErrorClass {
  let standIn = standIns.get(name);
  if (standIn === undefined) {
    standIn = makeStandIn(name);
    standIns.set(name, standIn);
  }
  return standIn;
}

/** A class of the same name, for a class that this thread does not have. */
export function makeStandIn(name: string): ErrorClass {
  const standIn = { [name]: class extends Error {} }[name] as ErrorClass;
  Object.defineProperty(standIn.prototype, 'name', { value: name, configurable: true, writable: true });
  return standIn;
}
