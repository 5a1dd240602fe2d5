/** Checks of arguments: each throws at once, says what was wrong, what was received, and what is accepted. */

/** `timeout` in milliseconds; `undefined` and `Infinity` mean none. */
export function checkTimeout(value: unknown, name = 'timeout'): number {
  if (value === undefined) return Infinity;
  if (typeof value !== 'number')
    throw new TypeError(`${name} must be a number of milliseconds, received ${show(value)}`);
  if (Number.isNaN(value) || value < 0)
    throw new RangeError(`${name} must be 0 or more milliseconds, received ${show(value)}`);
  return value;
}

/** A whole number of at least `min`, or `Infinity` where `infinite` allows it. */
export function checkInteger(
  value: unknown,
  name: string,
  { min, max = Number.MAX_SAFE_INTEGER, infinite = false }: { min: number; max?: number; infinite?: boolean },
): number {
  if (typeof value !== 'number') throw new TypeError(`${name} must be a number, received ${show(value)}`);
  if (infinite && value === Infinity) return value;
  if (!Number.isInteger(value) || value < min || value > max) {
    const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
    throw new RangeError(
      `${name} must be a whole number ${range}${infinite ? ' or Infinity' : ''}, received ${show(value)}`,
    );
  }
  return value;
}

export function checkFunction(value: unknown, name: string): void {
  if (typeof value !== 'function') throw new TypeError(`${name} must be a function, received ${show(value)}`);
}

/** `true`, or not: nothing is `false`. */
export function checkBoolean(value: unknown, name: string): boolean {
  if (value === undefined) return false;
  if (typeof value === 'boolean') return value;
  throw new TypeError(`${name} must be true or false, received ${show(value)}`);
}

export function checkSignal(value: unknown): AbortSignal | undefined {
  if (value === undefined) return undefined;
  if (value instanceof AbortSignal) return value;
  throw new TypeError(`signal must be an AbortSignal, received ${show(value)}`);
}

export function checkOneOf<T extends string>(value: unknown, name: string, allowed: readonly T[]): T {
  if (allowed.includes(value as T)) return value as T;
  throw new TypeError(
    `${name} must be one of ${allowed.map((one) => `'${one}'`).join(', ')}, received ${show(value)}`,
  );
}

/** What users call something: a text, or nothing. */
export function checkName(value: unknown): string | undefined {
  if (value === undefined || typeof value === 'string') return value;
  throw new TypeError(`name must be a string, received ${show(value)}`);
}

/** An options bag: an object, or nothing. */
export function checkOptions<T extends object>(value: T | undefined, name = 'options'): T | Partial<T> {
  if (value === undefined) return {};
  if (typeof value !== 'object' || value === null)
    throw new TypeError(`${name} must be an object, received ${show(value)}`);
  return value;
}

/** A short text for any value, for messages: strings quoted, objects by their class. */
export function show(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return `'${value.length > 60 ? `${value.slice(0, 57)}…` : value}'`;
    case 'bigint':
      return `${value}n`;
    case 'function':
      return value.name === '' ? 'a function' : `function ${value.name}`;
    case 'object':
      if (value === null) return 'null';
      if (Array.isArray(value)) return `an array of ${value.length}`;
      return className(value) === 'Object' ? 'an object' : `an instance of ${className(value)}`;
    default:
      return String(value);
  }
}

/** The name of an object's class; `Object` where it has none. */
export function className(value: object): string {
  const prototype = Object.getPrototypeOf(value) as { constructor?: { name?: unknown } } | null;
  const name = prototype?.constructor?.name;
  return typeof name === 'string' && name !== '' ? name : 'Object';
}
