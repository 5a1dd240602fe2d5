/** Values of every kind that structured clone takes, with references that are shared, and cycles. */
import fc from 'fast-check';
import { resizable } from '../contract/values/resizable.ts';

/** A value, and how its objects refer to each other. */
export interface RandomValue {
  readonly value: unknown;
  /** Whether an object is in it more than once, or inside of itself. */
  readonly shared: boolean;
  readonly cyclic: boolean;
}

const VIEWS = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
] as const;

const ERRORS = {
  error: Error,
  range: RangeError,
  type: TypeError,
  syntax: SyntaxError,
} as const;

/** Of any code units, lone surrogates as well. */
const text = fc.oneof(
  fc.string({ maxLength: 20 }),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.array(fc.nat(0xffff), { maxLength: 12 }).map((units) => String.fromCharCode(...units)),
);

const bytes = fc.uint8Array({ maxLength: 40 }).map((data) => data.slice().buffer);

const views = fc
  .tuple(fc.constantFrom(...VIEWS), bytes, fc.nat(3), fc.nat(3))
  .map(([View, buffer, skipped, length]) => {
    const size = View.BYTES_PER_ELEMENT;
    const fitting = Math.floor(buffer.byteLength / size);
    const first = Math.min(skipped, fitting);
    return new View(buffer, first * size, Math.min(length, fitting - first));
  });

const growing = bytes.map((data) => {
  const buffer = resizable(data.byteLength, data.byteLength + 64);
  new Uint8Array(buffer).set(new Uint8Array(data));
  return [buffer, new Uint8Array(buffer), new DataView(buffer)];
});

const primitive: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(undefined, null, true, false, -0, NaN, Infinity, -Infinity),
  fc.integer(),
  fc.double(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n }),
  text,
);

const leaf: fc.Arbitrary<unknown> = fc.oneof(
  { arbitrary: primitive, weight: 8 },
  fc.date({ noInvalidDate: false }),
  fc.tuple(text, fc.constantFrom('', 'g', 'imsu', 'dgy')).map(([source, flags]) => pattern(source, flags)),
  fc.constantFrom<unknown>(1, 'boxed', true, 5n).map((one) => Object(one)),
  bytes,
  views,
  growing,
);

function pattern(source: string, flags: string): RegExp {
  return new RegExp(source.replace(/[^\w ]/g, ''), flags);
}

type Kind = 'object' | 'array' | 'sparse' | 'map' | 'set' | keyof typeof ERRORS;

/** What is put into a node: under a key, a leaf or, by its number, any node. */
type Slot = readonly [key: string, leaf: unknown, node: number | undefined];

interface Node {
  readonly kind: Kind;
  readonly parent: number;
  readonly slots: readonly Slot[];
}

const key = fc.oneof(
  fc.constantFrom(
    'a',
    'b',
    'id',
    'name',
    '__proto__',
    'constructor',
    'toString',
    'then',
    'length',
    '0',
    '-1',
  ),
  text,
);

const node: fc.Arbitrary<Node> = fc.record({
  kind: fc.constantFrom<Kind>(
    ...([
      'object',
      'object',
      'array',
      'array',
      'sparse',
      'map',
      'set',
      'error',
      'range',
      'type',
      'syntax',
    ] as const),
  ),
  parent: fc.nat(),
  slots: fc.array(fc.tuple(key, leaf, fc.option(fc.nat(), { nil: undefined, freq: 5 })), { maxLength: 5 }),
});

export const randomValue: fc.Arbitrary<RandomValue> = fc.oneof(
  { arbitrary: leaf.map((value) => ({ value, shared: false, cyclic: false })), weight: 1 },
  { arbitrary: fc.array(node, { minLength: 1, maxLength: 8 }).map(build), weight: 9 },
);

/** Every node stands in one that came before it, and wherever else a slot names it. */
function build(nodes: readonly Node[]): RandomValue {
  const objects = nodes.map(({ kind }) => empty(kind));
  const above = nodes.map(() => -1);
  let shared = false;
  let cyclic = false;
  for (const [index, { kind, slots, parent }] of nodes.entries()) {
    if (index > 0) {
      above[index] = parent % index;
      put(objects[above[index]!]!, nodes[above[index]!]!.kind, `node ${index}`, objects[index]);
    }
    for (const [name, value, named] of slots) {
      const target = named === undefined ? -1 : named % nodes.length;
      put(objects[index]!, kind, name, target < 0 ? value : objects[target]);
      if (target < 0) continue;
      shared = true;
      for (let at = index; at >= 0; at = above[at]!) cyclic ||= at === target;
    }
  }
  return { value: objects[0], shared, cyclic };
}

function empty(kind: Kind): object {
  switch (kind) {
    case 'map':
      return new Map();
    case 'set':
      return new Set();
    case 'object':
      return {};
    case 'array':
    case 'sparse':
      return [];
    default:
      return withStack(new ERRORS[kind]('random'));
  }
}

/** It is made when it is first read, and could not be of a name that is the error itself. */
function withStack(error: Error): Error {
  void error.stack;
  return error;
}

function put(object: object, kind: Kind, key: string, value: unknown): void {
  if (object instanceof Map) object.set(key.length % 2 === 0 ? value : key, value);
  else if (object instanceof Set) object.add(value);
  else if (kind === 'array') (object as unknown[]).push(value);
  else if (kind === 'sparse') (object as unknown[])[(key.length * 7) % 40] = value;
  else if (object instanceof Error && key === 'a') define(object, 'cause', value, false);
  // An error of another class would not be one of these.
  else if (!(object instanceof Error && key === 'constructor')) define(object, key, value, true);
}

function define(object: object, key: string, value: unknown, enumerable: boolean): void {
  Object.defineProperty(object, key, { value, enumerable, configurable: true, writable: true });
}
