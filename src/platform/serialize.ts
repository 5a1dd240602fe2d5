/**
 * Values to bytes and back as structured clone would copy them, by what the runtime has for that: on Node and Deno V8's
 * own serializer, which also keeps it that two views have one buffer; on Bun its `serialize`.
 */
import { types } from 'node:util';
import v8 from 'node:v8';
import { runtimeName } from './runtime.ts';

/**
 * The bytes of `value`, with `prefix` bytes before them for the caller; that is a multiple of 8. SharedArrayBuffers are
 * refused, or on Bun come out wrong, and host objects are not seen: look for both before (`isHostObject`).
 *
 * @throws What the runtime throws for what cannot be copied: a DataCloneError, or on Node an Error that says as much.
 */
export function serialize(value: unknown, prefix: number): Uint8Array {
  if (runtimeName === 'bun') {
    const body = v8.serialize(value);
    const bytes = new Uint8Array(prefix + body.length);
    bytes.set(body, prefix);
    return bytes;
  }
  const serializer = new v8.Serializer();
  serializer.writeRawBytes(new Uint8Array(prefix));
  serializer.writeHeader();
  serializer.writeValue(value);
  return serializer.releaseBuffer();
}

/**
 * The value of bytes that `serialize` made, without the prefix. They may lie in shared memory.
 *
 * @throws What the runtime throws if it cannot read them.
 */
export function deserialize(bytes: Uint8Array): unknown {
  // A copy of the bytes, for it was not made to read memory that others write; one of the value, in which a Buffer
  // is a Uint8Array, as everywhere else.
  if (runtimeName === 'bun') return structuredClone(v8.deserialize(new Uint8Array(bytes)));
  const deserializer = new v8.Deserializer(bytes);
  deserializer.readHeader();
  return deserializer.readValue();
}

/** Whether it is a Proxy, which structured clone refuses. */
export const isProxy: (value: unknown) => boolean = types.isProxy;

/** Whether it is a Map, or a Set: of any realm, and whatever else it says of itself. */
export const isMap: (value: unknown) => value is Map<unknown, unknown> = types.isMap;
export const isSet: (value: unknown) => value is Set<unknown> = types.isSet;

/** What the language itself has, and structured clone keeps; and plain objects, which it makes of all others. */
const OF_THE_LANGUAGE: ReadonlySet<unknown> = new Set(
  [
    Object,
    Array,
    Map,
    Set,
    Date,
    RegExp,
    ArrayBuffer,
    SharedArrayBuffer,
    Boolean,
    Number,
    String,
    BigInt,
  ].map((type) => type.prototype),
);

/** By prototype, for the objects that could be cloned. */
const hostClasses = new WeakMap<object, boolean>();

/**
 * Whether the object belongs to the runtime and is more than its fields: a Blob, a port, a key. A message can carry
 * many of them, but bytes cannot, and the serializer of Node makes empty objects of them without a word.
 */
export function isHostObject(value: object): boolean {
  const prototype: object | null = Object.getPrototypeOf(value);
  if (prototype === null || OF_THE_LANGUAGE.has(prototype) || ArrayBuffer.isView(value)) return false;
  const known = hostClasses.get(prototype);
  if (known !== undefined) return known;
  let host = isClonedAsHost(value);
  if (host === undefined && isOfTheRuntime(prototype)) {
    // What the serializer refuses by itself need not be found. Or it refuses what this one has inside: another may not.
    if (!serializes(value)) return false;
    host = true;
  }
  hostClasses.set(prototype, host === true);
  return host === true;
}

/** `undefined` if the clone does not tell: it is refused, perhaps for what is inside, or a plain object. */
function isClonedAsHost(value: object): true | undefined {
  let clone: object;
  try {
    clone = structuredClone(value);
  } catch {
    return undefined;
  }
  const isHost = !(clone instanceof Error) && !OF_THE_LANGUAGE.has(Object.getPrototypeOf(clone));
  return isHost ? true : undefined;
}

function serializes(value: object): boolean {
  try {
    serialize(value, 0);
    return true;
  } catch {
    return false;
  }
}

/** Whether it is, or extends, the prototype of a class that the runtime gives everybody: `Request`. */
function isOfTheRuntime(prototype: object): boolean {
  for (let at: object | null = prototype; at !== null; at = Object.getPrototypeOf(at)) {
    if (OF_THE_LANGUAGE.has(at) || at === Error.prototype) return false;
    const type: unknown = Object.getOwnPropertyDescriptor(at, 'constructor')?.value;
    if (typeof type !== 'function') continue;
    const name: unknown = Object.getOwnPropertyDescriptor(type, 'name')?.value;
    if (typeof name === 'string' && (globalThis as Record<string, unknown>)[name] === type) return true;
  }
  return false;
}
