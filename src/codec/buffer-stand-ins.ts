/** SharedArrayBuffers, and the views over them, in a value that becomes bytes: they are listed beside it, as stand-ins. */
import type { Companion, Special } from './wire.ts';

type ViewSpecial = Extract<Special, { readonly kind: 'view' }>;

/** Growable buffers are newer than ES2023. */
interface MaybeGrowable extends SharedArrayBuffer {
  readonly growable?: boolean;
}

/** The buffers found in one value. */
export class BufferStandIns {
  readonly #found: { readonly buffer: SharedArrayBuffer; readonly at: number; readonly standIn: object }[] =
    [];
  readonly #standIns: Map<object, object>;
  readonly #specials: Special[];

  /** `standIns`: those of the value so far, by what they stand for. */
  constructor(standIns: Map<object, object>, specials: Special[]) {
    this.#standIns = standIns;
    this.#specials = specials;
  }

  /** `undefined` if the memory of the buffer or view is not shared. */
  standInFor(value: object): object | undefined {
    const buffer = sharedBufferOf(value);
    if (buffer === undefined) return undefined;
    return this.#standIns.get(value) ?? (value === buffer ? this.#add(buffer) : this.#addView(value, buffer));
  }

  /** Gets the buffers their numbers. They are there as long as what it gives, if there are any. */
  share(shareBuffer: (buffer: SharedArrayBuffer) => number): Companion | undefined {
    for (const { buffer, at, standIn } of this.#found) {
      this.#specials[at] = { standIn, kind: 'buffer', id: shareBuffer(buffer) };
    }
    return this.#found.length === 0 ? undefined : new KeptBuffers(this.#found);
  }

  #add(buffer: SharedArrayBuffer): object {
    const standIn = {};
    this.#standIns.set(buffer, standIn);
    // The number comes when all else has succeeded.
    this.#found.push({ buffer, at: this.#specials.length, standIn });
    this.#specials.push({ standIn, kind: 'buffer', id: -1 });
    return standIn;
  }

  #addView(value: object, buffer: SharedArrayBuffer): object {
    const view = value as ArrayBufferView & { readonly length?: number };
    const standIn = {};
    this.#standIns.set(value, standIn);
    const { byteOffset } = view;
    const over = this.#standIns.get(buffer) ?? this.#add(buffer);
    const length = growsWith(view, buffer) ? {} : { length: view.length ?? view.byteLength };
    this.#specials.push({ standIn, kind: 'view', type: typeOf(view), buffer: over, byteOffset, ...length });
    return standIn;
  }
}

/** Nobody here may have a buffer but the job that it goes with: until that has ended it must not be collected. */
class KeptBuffers implements Companion {
  readonly buffers: readonly unknown[];

  constructor(buffers: readonly unknown[]) {
    this.buffers = buffers;
  }

  [Symbol.dispose](): void {}
}

/** The value if it is a SharedArrayBuffer, or the one under a view. */
export function sharedBufferOf(value: object): SharedArrayBuffer | undefined {
  const buffer = ArrayBuffer.isView(value) ? value.buffer : value;
  return buffer instanceof SharedArrayBuffer ? buffer : undefined;
}

/**
 * Whether the view grows with its buffer. No property says so: here it does if it reaches the end of one that can grow,
 * so a view of fixed length that happens to end there comes out as one that grows.
 */
function growsWith(view: ArrayBufferView, buffer: MaybeGrowable): boolean {
  if (buffer.growable !== true) return false;
  const size = (view as { readonly BYTES_PER_ELEMENT?: number }).BYTES_PER_ELEMENT ?? 1;
  return buffer.byteLength - view.byteOffset - view.byteLength < size;
}

const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as object;
const tagOf = Object.getOwnPropertyDescriptor(typedArray, Symbol.toStringTag)!.get!;

/** The class, below whatever extends it: a Buffer is a Uint8Array. */
function typeOf(view: ArrayBufferView): string {
  return (tagOf.call(view) as string | undefined) ?? 'DataView';
}

/** The buffers among the specials, by their stand-ins. */
export function openBuffers(
  specials: readonly Special[],
  { bufferOf }: { readonly bufferOf?: (id: number) => SharedArrayBuffer },
): ReadonlyMap<object, SharedArrayBuffer> {
  const buffers = new Map<object, SharedArrayBuffer>();
  for (const special of specials) {
    if (special.kind === 'buffer') buffers.set(special.standIn, bufferOf!(special.id));
  }
  return buffers;
}

const VIEW = /^(?:DataView|(?:Big)?(?:Int|Uint)\d+(?:Clamped)?Array|Float\d+Array)$/;

type ViewClass = new (buffer: SharedArrayBuffer, byteOffset: number, length?: number) => ArrayBufferView;

/** @throws {TypeError} This runtime has no views of that kind. */
export function viewOf(
  { type, byteOffset, length }: ViewSpecial,
  buffer: SharedArrayBuffer,
): ArrayBufferView {
  const View = (globalThis as Record<string, unknown>)[type] as ViewClass | undefined;
  if (View === undefined || !VIEW.test(type))
    throw new TypeError(`Cannot make a ${type}: this runtime has none`);
  return new View(buffer, byteOffset, length);
}
