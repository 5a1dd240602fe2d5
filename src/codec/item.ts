/**
 * Values as items of a queue: words of memory that one thread writes and any other reads.
 *
 * A simple value is written at once (`flat.ts`); every other becomes a wire, as for a message, and then bytes. Nothing
 * of an item is kept outside of it but what its parcels and shared buffers stand for.
 *
 * - **Memory**: an item begins at an even word. A number takes one to three words.
 * - **What comes out** is what structured clone would give, with errors, functions and handles as in messages.
 * - **Getters** inside a value are called once if it is simple, and may be called again if it is not.
 * - **Cost** (Node 24): see `flat-encoder.ts` for simple values; others 5 µs and more, as the runtime's
 *   serializer needs.
 *
 * In use:
 * ```text
 * const prepared = encoder.prepare(value, 'item');
 * if (typeof prepared === 'number') encoder.copyTo(words, bytes, at); // it takes so many words
 * else bytes.set(serializeWire(prepared, parcels, 'item'), 4 * at); // a parcel for each of prepared.handles; then releaseWire
 * const value = decoder.decode(words, bytes, at, available);
 * ```
 */
// The simple form begins with its own tag. The other: a word with the tag SERIALIZED and what is inside; a word with
// the number of bytes; the bytes of the value, or of [value, specials], these in the simple form if they are simple, which they
// nearly always are; if there are shared buffers, their list.
import { HeddleError, SendError } from '../core/errors.ts';
import { kindOf } from '../memory/kinds.ts';
import { deserialize, serialize } from '../platform/serialize.ts';
import { type DecodeHooks, decode } from './decode.ts';
import { type EncodeHooks, encode } from './encode.ts';
import {
  FLAT,
  type FlatOptions,
  SERIALIZED,
  TAG_BITS,
  TAG_MASK,
  WITH_BUFFERS,
  WITH_SPECIALS,
} from './flat.ts';
import { FlatDecoder } from './flat-decoder.ts';
import { FlatEncoder } from './flat-encoder.ts';
import { bufferList } from './item-buffers.ts';
import { explainWireFailure } from './refusal.ts';
import { isForMessageOnly } from './special.ts';
import { isStackOverflow, tooDeepHere } from './too-deep.ts';
import type { Special, Wire } from './wire.ts';

/** As for messages, and shared buffers by number, since bytes cannot carry them. */
export type ItemEncodeHooks = EncodeHooks & Required<Pick<EncodeHooks, 'shareBuffer'>>;
export type ItemDecodeHooks = DecodeHooks & Required<Pick<DecodeHooks, 'bufferOf'>>;

/** Words before the bytes of a serialized item. */
const PREFIX = 2;

/** One for each thread: its memory is used for every item. */
export class ItemEncoder {
  readonly #hooks: ItemEncodeHooks;
  readonly #flat: FlatEncoder;

  constructor(hooks: ItemEncodeHooks, options?: FlatOptions) {
    this.#hooks = hooks;
    this.#flat = new FlatEncoder({ ...options, moves: hooks.transfers !== undefined });
  }

  /** Copies the simple value that was prepared last to the word `to`. `bytes` is the memory of `words`. */
  copyTo(words: Int32Array, bytes: Uint8Array, to: number): void {
    this.#flat.copyTo(words, bytes, to);
  }

  /**
   * How many words the item takes, if the value is simple: then `copyTo`. Else its wire, for `serializeWire`: to be released
   * afterwards, by `releaseWire`; the caller shares what the `specials` of kind `buffer` stand for.
   *
   * @throws SendError, CaptureError for what cannot be sent, with the path to it from `path`; what a getter throws.
   */
  prepare(value: unknown, path: string): number | Wire<unknown> {
    const size = this.#flat.encode(value);
    return size >= 0 ? size : this.wireOf(value, path);
  }

  /** As `prepare` of an array that was made for the call; but -1 if what is in it is not simple. */
  encodeList(values: readonly unknown[]): number {
    return this.#flat.encodeList(values);
  }

  /** The wire of a value, simple or not. @throws as `prepare` */
  wireOf(value: unknown, path: string): Wire<unknown> {
    return encode(value, path, this.#hooks);
  }

  /** Whether something in a wire that was made for a message cannot be in an item. */
  isForMessageOnly(wire: Wire<unknown>): boolean {
    return isForMessageOnly(wire, this.#hooks);
  }
}

/**
 * The item of a wire: bytes to be copied to an even word. `parcels` holds one number for each of `wire.handles`.
 *
 * @param path as for `prepare`.
 * @throws {SendError} Something inside cannot be copied, with the path to it. The wire is as it was.
 */
export function serializeWire(wire: Wire<unknown>, parcels: readonly number[], path: string): Uint8Array {
  const specials = wire.specials && packed(wire.specials, parcels);
  const flags = flagsOf(specials);
  if (specials !== undefined) {
    const simple = simpleBytes([wire.value, specials], flags);
    if (simple !== undefined)
      return (flags & WITH_BUFFERS) === 0 ? simple : withList(simple, bufferList(specials));
  }
  let bytes: Uint8Array;
  try {
    bytes = serialize(specials === undefined ? wire.value : [wire.value, specials], 4 * PREFIX);
  } catch (error) {
    throw explainWireFailure(wire, path, error, (value) => serialize(value, 0));
  }
  const prefix = Int32Array.of(SERIALIZED | (flags << TAG_BITS), bytes.length - 4 * PREFIX);
  bytes.set(new Uint8Array(prefix.buffer));
  return (flags & WITH_BUFFERS) === 0 ? bytes : withList(bytes, bufferList(specials!));
}

/** The words of the list after the bytes, from the next whole word on. */
function withList(bytes: Uint8Array, list: readonly number[]): Uint8Array {
  const start = (bytes.length + 3) & ~3;
  const all = new Uint8Array(start + 4 * list.length);
  all.set(bytes);
  all.set(new Uint8Array(Int32Array.from(list).buffer), start);
  return all;
}

let encoderOfPairs: FlatEncoder | undefined;

/** `undefined` if they are not simple. */
function simpleBytes(pair: readonly [unknown, readonly Special[]], flags: number): Uint8Array | undefined {
  encoderOfPairs ??= new FlatEncoder();
  const size = encoderOfPairs.encodeList(pair);
  if (size < 0) return undefined;
  const words = new Int32Array(PREFIX + size);
  const bytes = new Uint8Array(words.buffer);
  words[0] = SERIALIZED | ((flags | FLAT) << TAG_BITS);
  words[1] = 4 * size;
  encoderOfPairs.copyTo(words, bytes, PREFIX);
  return bytes;
}

function flagsOf(specials: readonly Special[] | undefined): number {
  if (specials === undefined) return 0;
  return specials.some(({ kind }) => kind === 'buffer') ? WITH_SPECIALS | WITH_BUFFERS : WITH_SPECIALS;
}

/** The handles stay with the sender, and so do the addresses of their objects: parcels go. */
function packed(specials: readonly Special[], parcels: readonly number[]): Special[] {
  let handles = 0;
  return specials.map((special) =>
    special.kind === 'handle' ? { ...special, object: 0, parcel: parcels[handles++]! } : special,
  );
}

/** One for each thread. */
export class ItemDecoder {
  readonly #hooks: ItemDecodeHooks;
  readonly #syncHooks: ItemDecodeHooks;
  readonly #flat: FlatDecoder;

  constructor(hooks: ItemDecodeHooks, options?: FlatOptions) {
    this.#hooks = hooks;
    this.#syncHooks = withoutWaiting(hooks);
    this.#flat = new FlatDecoder(options);
  }

  /**
   * The value of the item at the word `at`, of which `available` words may be read; a promise only while a module must
   * be loaded for a function or a class inside it. `bytes` is the memory of `words`; nothing of it is kept.
   *
   * @param options `sync` is for a thread that is blocked and can load no module: never a promise then, an error of a
   * class that is not loaded gets a class of the same name, and a function that is not loaded is an error.
   * @throws {HeddleError} The words are damaged.
   * @throws {SendError} With `sync`: a function is not loaded. Parcels are opened before that. Or it is nested too deeply for
   * the stack that is left.
   */
  decode(
    words: Int32Array,
    bytes: Uint8Array,
    at: number,
    available: number,
    options?: { readonly sync?: boolean },
  ): unknown {
    if (available < 1 || (words[at]! & TAG_MASK) !== SERIALIZED)
      return this.#flat.decode(words, bytes, at, available);
    const length = available < PREFIX ? -1 : words[at + 1]!;
    if (length < 0 || length > 4 * (available - PREFIX)) throw damaged(at);
    const start = at + PREFIX;
    const flags = words[at]! >>> TAG_BITS;
    let value: unknown;
    try {
      value =
        (flags & FLAT) === 0
          ? deserialize(bytes.subarray(4 * start, 4 * start + length))
          : this.#flat.decode(words, bytes, start, length >> 2);
    } catch (error) {
      throw isStackOverflow(error) ? tooDeepHere(error) : damaged(at, error);
    }
    if ((flags & WITH_SPECIALS) === 0) return value;
    if (!isPair(value)) throw damaged(at);
    const hooks = options?.sync === true ? this.#syncHooks : this.#hooks;
    try {
      return decode({ value: value[0], specials: value[1] }, hooks);
    } catch (error) {
      throw isStackOverflow(error) ? tooDeepHere(error) : error;
    }
  }
}

function isPair(value: unknown): value is readonly [unknown, readonly Special[]] {
  return Array.isArray(value) && value.length === 2 && Array.isArray(value[1]) && value[1].every(isSpecial);
}

function isSpecial(value: unknown): value is Special {
  if (typeof value !== 'object' || value === null) return false;
  const { standIn, kind } = value as Partial<Special>;
  return typeof standIn === 'object' && standIn !== null && typeof kind === 'string';
}

/**
 * A handle of the object that a parcel of the item held: `objects` are those of all its parcels, the last one first.
 *
 * @throws {HeddleError} There is no such object, or no such kind: the item is damaged.
 */
export function handleIn(objects: readonly number[], type: number, parcel: number): unknown {
  const object = objects[objects.length - 1 - parcel];
  const kind = kindOf(type);
  if (object === undefined || kind === undefined)
    throw new HeddleError(
      'Cannot read item: its bytes are damaged, and an object in it is not what they say',
    );
  return kind.restore(object);
}

function withoutWaiting(hooks: ItemDecodeHooks): ItemDecodeHooks {
  return {
    ...hooks,
    resolveReference: (reference) => {
      const found = hooks.resolveReference(reference);
      if (!(found instanceof Promise)) return found;
      // Nobody waits for it; whoever needs the module next asks again, and learns then why it does not load.
      found.catch(() => undefined);
      throw new SendError(
        'Cannot receive item: a function in it is in a module that this thread has not loaded, and cannot load while it is blocked; ' +
          'import the module before, or receive with await',
        'item',
      );
    },
    findClass: (module, name) => {
      const found = hooks.findClass(module, name);
      return found instanceof Promise ? undefined : found;
    },
    findCarrier: (name) => {
      const found = hooks.findCarrier!(name);
      if (!(found instanceof Promise)) return found;
      throw new SendError('Cannot receive item: this thread is blocked, and has not imported heddle', 'item');
    },
  };
}

function damaged(at: number, cause?: unknown): HeddleError {
  const options = cause === undefined ? {} : { cause };
  return new HeddleError(
    `Cannot read item: its bytes, from word ${at} of the shared memory, are damaged`,
    options,
  );
}
