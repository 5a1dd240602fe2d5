/** The codec, tied to the functions and classes of this process: what every message between threads goes through. */
import { decode } from '../codec/decode.ts';
import { encode } from '../codec/encode.ts';
import { provideFunctionHooks } from '../codec/item-hooks.ts';
import type { Wire } from '../codec/wire.ts';
import { type FunctionReference, referenceTo, resolveReference } from '../function/reference.ts';
import type { AnyFunction } from '../function/registry.ts';
import { findClass, moduleOfClass } from './error-classes.ts';
import { openParcel } from './parcel-service.ts';

const encodeHooks = {
  referenceTo: (fn: AnyFunction) => referenceTo(fn, encodeValue),
  moduleOfClass,
  transfers: 'list',
} as const;

const decodeHooks = {
  resolveReference: (reference: unknown) => resolveReference(reference as FunctionReference),
  findClass,
  openParcel,
};

provideFunctionHooks({
  referenceTo: encodeHooks.referenceTo,
  moduleOfClass,
  resolveReference: decodeHooks.resolveReference,
  findClass,
});

/** @throws SendError, CaptureError for what cannot be sent, with the path to it from `path`. */
export function encodeValue<T>(value: T, path: string): Wire<T> {
  return encode(value, path, encodeHooks);
}

/** The value again; a promise only if a module must be loaded first. */
export function decodeValue<T>(wire: Wire<T>): T | Promise<T> {
  return decode(wire, decodeHooks);
}
