/** The codec, tied to the functions and classes of this process: what every message between threads goes through. */
import { type Carrier, carrierNamed } from '../codec/carriers.ts';
import { type ClassOfUser, decode } from '../codec/decode.ts';
import { encode, type RegisteredClass } from '../codec/encode.ts';
import { provideFunctionHooks } from '../codec/item-hooks.ts';
import type { Wire } from '../codec/wire.ts';
import { SendError } from '../core/errors.ts';
import { type FunctionReference, referenceTo, resolveReference } from '../function/reference.ts';
import { type AnyFunction, registry } from '../function/registry.ts';
import { findClass, moduleOfClass } from './error-classes.ts';
import { openParcel } from './parcel-service.ts';

function registeredClass(value: object): RegisteredClass | undefined {
  const entry = registry.classes.get(Object.getPrototypeOf(value) as object);
  if (entry === undefined) return undefined;
  const { url, name, codec } = entry;
  return {
    reference: { kind: 'portable', url, name } satisfies FunctionReference,
    encode: codec && ((object) => codec.encode(object)),
  };
}

function decoderOf(type: ClassOfUser): (data: unknown) => unknown {
  const entry = registry.classes.get(type.prototype as object);
  const codec = entry?.codec;
  if (codec === undefined)
    throw new SendError(
      `Cannot make a ${type.name}: this thread has registered that class without a codec; both sides must run the same module`,
      'value',
    );
  return (data) => codec.decode(data);
}

function findCarrier(name: string): Carrier | Promise<Carrier> {
  return carrierNamed(name) ?? loadCarriers().then(() => carrierNamed(name)!);
}

/** For a thread that meets a value which only a carrier takes, and has loaded none. */
export async function loadCarriers(): Promise<void> {
  await import('../all-kinds.ts');
}

const encodeHooks = {
  referenceTo: (fn: AnyFunction) => referenceTo(fn, encodeValue),
  moduleOfClass,
  registeredClass,
  transfers: 'list',
} as const;

const decodeHooks = {
  resolveReference: (reference: unknown) => resolveReference(reference as FunctionReference),
  findClass,
  decoderOf,
  findCarrier,
  openParcel,
};

provideFunctionHooks({
  referenceTo: encodeHooks.referenceTo,
  moduleOfClass,
  registeredClass,
  resolveReference: decodeHooks.resolveReference,
  findClass,
  decoderOf,
  findCarrier,
});

/** @throws SendError, CaptureError for what cannot be sent, with the path to it from `path`. */
export function encodeValue<T>(value: T, path: string): Wire<T> {
  return encode(value, path, encodeHooks);
}

/** The value again; a promise only if a module must be loaded first. */
export function decodeValue<T>(wire: Wire<T>): T | Promise<T> {
  return decode(wire, decodeHooks);
}
