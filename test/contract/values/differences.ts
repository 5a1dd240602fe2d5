/** How far a value that crossed is from its structured clone: value by value, not only "deeply equal". */
import { types } from 'node:util';
import { growsWithBuffer } from './resizable.ts';

/** All differences, each with its path; none if `actual` is as good a copy as `expected`. */
export function differences(actual: unknown, expected: unknown): string[] {
  const comparison = new Comparison();
  comparison.compare(actual, expected, 'value');
  return comparison.found;
}

class Comparison {
  readonly found: string[] = [];
  /** Objects of one side by those of the other: shared references are the same ones on both. */
  readonly #pairs = new Map<object, object>();
  readonly #back = new Map<object, object>();

  compare(actual: unknown, expected: unknown, path: string): void {
    if (typeof expected !== 'object' || expected === null || typeof actual !== 'object' || actual === null) {
      this.#same(actual, expected, path);
      return;
    }
    const before = this.#pairs.get(expected);
    if (before !== undefined || this.#back.has(actual)) {
      if (before !== actual || this.#back.get(actual) !== expected)
        this.found.push(`${path}: other references than expected`);
      return;
    }
    this.#pairs.set(expected, actual);
    this.#back.set(actual, expected);
    if (expected instanceof Error) this.#error(actual, expected, path);
    else this.#object(actual, expected, path);
  }

  #same(actual: unknown, expected: unknown, path: string): void {
    if (!Object.is(actual, expected))
      this.found.push(`${path}: ${shown(actual)} instead of ${shown(expected)}`);
  }

  #object(actual: object, expected: object, path: string): void {
    if (Object.getPrototypeOf(actual) !== Object.getPrototypeOf(expected)) {
      this.found.push(`${path}: another class`);
      return;
    }
    this.#same(tagOf(actual), tagOf(expected), `${path}, its kind`);
    this.#inside(actual, expected, path);
    this.#fields(actual, expected, path);
    this.#same(Object.isExtensible(actual), Object.isExtensible(expected), `${path}, extensible`);
  }

  /** What no property shows. */
  #inside(actual: object, expected: object, path: string): void {
    const of = <T>(type: (value: object) => boolean): [T, T] | undefined =>
      type(expected) && type(actual) ? [actual as T, expected as T] : undefined;
    const boxed = of<{ valueOf(): unknown }>(types.isBoxedPrimitive) ?? of<Date>(types.isDate);
    if (boxed) this.#same(boxed[0].valueOf(), boxed[1].valueOf(), path);
    const patterns = of<RegExp>(types.isRegExp);
    if (patterns) this.#same(String(patterns[0]), String(patterns[1]), path);
    const maps = of<Map<unknown, unknown>>(types.isMap);
    if (maps) this.#lists([...maps[0]].flat(), [...maps[1]].flat(), `${path}.entries()`);
    const sets = of<Set<unknown>>(types.isSet);
    if (sets) this.#lists([...sets[0]], [...sets[1]], `${path}.values()`);
    const buffers = of<ArrayBuffer>(types.isAnyArrayBuffer);
    if (buffers) this.#buffers(...buffers, path);
    const views = of<DataView>(ArrayBuffer.isView);
    if (views) this.#views(...views, path);
    const blobs = of<File>((value) => value instanceof Blob);
    if (blobs)
      for (const key of ['size', 'type', 'name', 'lastModified'] as const)
        this.#same(blobs[0][key], blobs[1][key], `${path}.${key}`);
  }

  #lists(actual: readonly unknown[], expected: readonly unknown[], path: string): void {
    this.#same(actual.length, expected.length, `${path}, how many`);
    for (const [index, item] of expected.entries()) this.compare(actual[index], item, `${path}[${index}]`);
  }

  #buffers(actual: ArrayBuffer, expected: ArrayBuffer, path: string): void {
    for (const key of ['byteLength', 'resizable', 'growable', 'maxByteLength'] as const)
      this.#same(read(actual, key), read(expected, key), `${path}.${key}`);
    if (Buffer.compare(new Uint8Array(actual), new Uint8Array(expected)) !== 0)
      this.found.push(`${path}: other bytes`);
  }

  #views(actual: DataView, expected: DataView, path: string): void {
    for (const key of ['byteOffset', 'byteLength', 'length'] as const)
      this.#same(read(actual, key), read(expected, key), `${path}.${key}`);
    this.compare(actual.buffer, expected.buffer, `${path}.buffer`);
    this.#same(growsWithBuffer(actual), growsWithBuffer(expected), `${path}, whether it grows`);
  }

  #fields(actual: object, expected: object, path: string): void {
    const skipped = types.isTypedArray(expected) ? /^\d+$/ : /^$(?!)./;
    const keys = (value: object): PropertyKey[] =>
      Reflect.ownKeys(value).filter((key) => typeof key === 'string' && !skipped.test(key));
    this.#same(keys(actual).join(), keys(expected).join(), `${path}, its keys`);
    for (const key of keys(expected)) {
      const one = Object.getOwnPropertyDescriptor(actual, key);
      const other = Object.getOwnPropertyDescriptor(expected, key)!;
      if (one === undefined) continue;
      for (const flag of ['enumerable', 'writable', 'configurable'] as const)
        this.#same(one[flag], other[flag], `${path}.${String(key)}, ${flag}`);
      this.compare(one.value, other.value, `${path}.${String(key)}`);
    }
  }

  /** The copy of an error may be more: of its own class, with its fields. What the clone has, it has. */
  #error(actual: object, expected: Error, path: string): void {
    const { name } = expected;
    if (!(actual instanceof expected.constructor || (actual instanceof Error && actual.name === name)))
      this.found.push(`${path}: no ${expected.constructor.name}`);
    for (const key of Object.getOwnPropertyNames(expected) as (keyof Error)[]) {
      this.#same(Object.hasOwn(actual, key), true, `${path} has ${key}`);
      this.#same(isEnumerable(actual, key), isEnumerable(expected, key), `${path}.${key}, enumerable`);
      const [one, other] = [(actual as Error)[key], expected[key]];
      // Who submitted the job is told behind it.
      if (key === 'stack' && typeof one === 'string' && one.startsWith(trimmed(other))) continue;
      this.compare(one, other, `${path}.${key}`);
    }
  }
}

/** Whether a colon stands behind the name of an error without a message is a thread's own affair. */
function trimmed(stack: unknown): string {
  return String(stack).replace(/: *$/, '');
}

function shown(value: unknown): string {
  return typeof value === 'object' && value !== null ? tagOf(value) : `${typeof value} ${String(value)}`;
}

function tagOf(value: object): string {
  return Object.prototype.toString.call(value);
}

function read(value: object, key: string): unknown {
  return (value as Record<string, unknown>)[key];
}

function isEnumerable(value: object, key: string): boolean {
  return Object.prototype.propertyIsEnumerable.call(value, key);
}
