/** Values from their wire form. */
import { createError, type ErrorClass, fillError } from '../core/error-wire.ts';
import { kindOf } from '../memory/kinds.ts';
import { openBuffers, viewOf } from './buffer-stand-ins.ts';
import { makeStandard } from './standard-values.ts';
import type { Special, Wire } from './wire.ts';

type Attached = Readonly<Record<string, unknown>>;

export interface DecodeHooks {
  /** The function that a reference names; a promise while its module is being loaded. */
  readonly resolveReference: (reference: unknown) => unknown;
  /** The class of an error that a module of the user exports, if this thread has that module. */
  readonly findClass: (
    module: string,
    name: string,
  ) => ErrorClass | undefined | Promise<ErrorClass | undefined>;
  /** A handle of the shared object in the parcel, which is this thread's from now on. */
  readonly openParcel: (type: number, parcel: number) => unknown;
  /** The SharedArrayBuffer that `EncodeHooks.shareBuffer` gave the number for; where wires come as bytes. */
  readonly bufferOf?: (id: number) => SharedArrayBuffer;
}

/** The value again; a promise only if a module must be loaded for a function or a class inside it. */
export function decode<T>(wire: Wire<T>, hooks: DecodeHooks): T | Promise<T> {
  if (wire.specials === undefined) return wire.value as T;
  // Parcels first: what fails later must not leave them lying about.
  const handles = wire.specials.map((special) =>
    special.kind === 'handle' ? hooks.openParcel(special.type, special.parcel!) : undefined,
  );
  const buffers = openBuffers(wire.specials, hooks);
  const found = wire.specials.map((special, index) => handles[index] ?? restore(special, hooks, buffers));
  if (found.some((one) => one instanceof Promise)) {
    return Promise.all(found).then(
      (settled) => new Decoder(wire.specials ?? [], settled).decode(wire.value) as T,
    );
  }
  return new Decoder(wire.specials, found).decode(wire.value) as T;
}

/** What a special stands for: a function, a buffer or its view, or an error that is still empty. */
function restore(
  special: Special,
  hooks: DecodeHooks,
  buffers: ReadonlyMap<object, SharedArrayBuffer>,
): unknown {
  if (special.kind === 'function') return hooks.resolveReference(special.reference);
  if (special.kind === 'buffer') return buffers.get(special.standIn);
  if (special.kind === 'view') return viewOf(special, buffers.get(special.buffer)!);
  if (special.kind === 'standard') return makeStandard(special.type, special.data);
  if (special.kind === 'handle') return undefined;
  const { error } = special;
  if (error.module === undefined) return createError(error, undefined);
  const userClass = hooks.findClass(error.module, error.className);
  if (userClass instanceof Promise) return userClass.then((type) => createError(error, type));
  return createError(error, userClass);
}

/** Puts what the specials stand for in the place of their stand-ins, in the received objects themselves. */
class Decoder {
  readonly #found = new Map<unknown, unknown>();
  readonly #seen = new Set<object>();

  constructor(specials: readonly Special[], restored: readonly unknown[]) {
    for (const [index, special] of specials.entries()) this.#found.set(special.standIn, restored[index]);
    for (const [index, special] of specials.entries()) {
      if (special.kind === 'error')
        fillError(restored[index] as Error, special.error, (value) => this.decode(value));
      if (special.kind === 'handle' && special.attached !== undefined)
        kindOf(special.type)!.attach!(restored[index] as object, this.decode(special.attached) as Attached);
    }
  }

  decode(value: unknown): unknown {
    if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
    if (this.#found.has(value)) return this.#found.get(value);
    if (this.#seen.has(value)) return value;
    this.#seen.add(value);
    if (value instanceof Map)
      this.#refill(
        value,
        [...value].map(([k, v]) => [this.decode(k), this.decode(v)] as const),
      );
    else if (value instanceof Set)
      this.#refillSet(
        value,
        [...value].map((item) => this.decode(item)),
      );
    else this.#fields(value as Record<string, unknown>);
    return value;
  }

  #fields(object: Record<string, unknown>): void {
    for (const key of Object.keys(object)) {
      const before = object[key];
      const after = this.decode(before);
      if (after !== before) Object.defineProperty(object, key, { value: after });
    }
  }

  #refill(map: Map<unknown, unknown>, entries: readonly (readonly [unknown, unknown])[]): void {
    map.clear();
    for (const [key, value] of entries) map.set(key, value);
  }

  #refillSet(set: Set<unknown>, items: readonly unknown[]): void {
    set.clear();
    for (const item of items) set.add(item);
  }
}
