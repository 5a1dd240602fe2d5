/** Values from their wire form. */
import { createError, type ErrorClass, fillError } from '../core/error-wire.ts';
import { kindOf } from '../memory/kinds.ts';
import { openBuffers, viewOf } from './buffer-stand-ins.ts';
import type { Carrier } from './carriers.ts';
import { makeStandard } from './standard-values.ts';
import type { Special, Wire } from './wire.ts';

type InstanceSpecial = Extract<Special, { readonly kind: 'instance' }>;

/** A registered class. */
export type ClassOfUser = abstract new (...args: never[]) => object;

type Attached = Readonly<Record<string, unknown>>;

export interface DecodeHooks {
  /** The function that a reference names; a promise while its module is being loaded. */
  readonly resolveReference: (reference: unknown) => unknown;
  /** The class of an error that a module of the user exports, if this thread has that module. */
  readonly findClass: (
    module: string,
    name: string,
  ) => ErrorClass | undefined | Promise<ErrorClass | undefined>;
  /** What makes an object of a registered class of what its codec had made of it; for wires that have such. @throws SendError */
  readonly decoderOf?: (type: ClassOfUser) => (data: unknown) => unknown;
  /** The carrier of that name, a promise while it is being loaded; for wires that have such. */
  readonly findCarrier?: (name: string) => Carrier | Promise<Carrier>;
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
    // In boxes: a future among them is a thenable, and not waited for.
    return Promise.all(found.map(async (one) => [one instanceof Promise ? await one : one] as const)).then(
      (settled) => {
        const all = settled.map(([one]) => one);
        return new Decoder(wire.specials ?? [], all, hooks).decode(wire.value) as T;
      },
    );
  }
  return new Decoder(wire.specials, found, hooks).decode(wire.value) as T;
}

/** What a special stands for: a function, a buffer or its view, or an error that is still empty; or what makes it. */
function restore(
  special: Special,
  hooks: DecodeHooks,
  buffers: ReadonlyMap<object, SharedArrayBuffer>,
): unknown {
  if (special.kind === 'function' && special.captured !== undefined) return undefined;
  if (special.kind === 'function' || special.kind === 'instance')
    return hooks.resolveReference(special.reference);
  if (special.kind === 'carried') return hooks.findCarrier!(special.carrier);
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

  /** What must be made of other values first, by stand-in. */
  readonly #unmade = new Map<unknown, () => unknown>();
  readonly #decoderOf: DecodeHooks['decoderOf'];

  constructor(
    specials: readonly Special[],
    restored: readonly unknown[],
    { decoderOf, resolveReference }: Pick<DecodeHooks, 'decoderOf' | 'resolveReference'>,
  ) {
    this.#decoderOf = decoderOf;
    for (const [index, special] of specials.entries()) {
      const { standIn } = special;
      const found = restored[index];
      if (special.kind === 'instance')
        this.#unmade.set(standIn, () => this.#instance(special, found as ClassOfUser));
      else if (special.kind === 'function' && special.captured !== undefined)
        this.#unmade.set(standIn, () =>
          // An inline function: no module is loaded for it.
          resolveReference({ ...(special.reference as object), values: this.decode(special.captured) }),
        );
      else if (special.kind === 'carried')
        this.#unmade.set(standIn, () => (found as Carrier).make(this.decode(special.data)));
      else this.#found.set(standIn, found);
    }
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
    const make = this.#unmade.get(value);
    if (make !== undefined) {
      this.#unmade.delete(value);
      const made = make();
      this.#found.set(value, made);
      return made;
    }
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

  /** Without its constructor, whose arguments nobody knows: unless its codec calls that. */
  #instance({ standIn, encoded, data }: InstanceSpecial, type: ClassOfUser): unknown {
    if (encoded) return this.#decoderOf!(type)(this.decode(data));
    const made = Object.create(type.prototype as object) as object;
    // It may be one of its own fields.
    this.#found.set(standIn, made);
    const fields = this.decode(data) as Record<string, unknown>;
    for (const key of Object.keys(fields))
      Object.defineProperty(made, key, {
        value: fields[key],
        enumerable: true,
        configurable: true,
        writable: true,
      });
    return made;
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
