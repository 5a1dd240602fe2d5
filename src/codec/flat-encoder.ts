/**
 * The fast way of a value into words of memory: what is simple (`flat.ts`) is written in one pass, what is not is
 * refused, and goes another way (`item.ts`).
 *
 * - **What is simple**: whatever comes out as structured clone would give it, although nothing but the value itself was
 *   written: no object in it twice, no holes, no class but dates, buffers, and typed arrays that have their memory for themselves.
 * - **Cost** (Node 24, to encode and to decode): an object of five fields 120 and 150 ns, a number 5 and 10 to 20 ns, a
 *   string of ten characters 40 and 30 ns, of a hundred 110 and 100 ns.
 */
import { isProxy } from '../platform/serialize.ts';
import { type TextMemory, textMemory } from '../platform/text.ts';
import {
  ARRAY,
  BIGINT,
  BUFFER,
  bigint,
  CONSTANT,
  DATE,
  DEEPEST,
  DOUBLE,
  double,
  type FlatOptions,
  halves,
  INTEGER,
  OBJECT,
  SHAPES,
  SMALL,
  TAG_BITS,
  TEXT8,
  TEXT16,
  VIEW,
  VIEWS,
} from './flat.ts';
import { LARGE, LargeParts } from './large-parts.ts';
import { hashWords, type Shape, ShapeTree } from './shapes.ts';
import { isMarked } from './transfers.ts';

/** Longer strings would need more scratch than is worth keeping. In characters. */
const LONGEST_TEXT = 2 ** 18;

/** Longer arrays of numbers are faster as a whole. */
const MANY_NUMBERS = 256;

/** So many words at most: an object says in 28 bits how long it is. */
const MOST = 2 ** 27;
/** So many words are copied faster by a loop than by `set`. */
const SHORT = 48;

const timeOf = Date.prototype.getTime;
const lengthOf = Object.getOwnPropertyDescriptor(ArrayBuffer.prototype, 'byteLength')!.get!;
const resizableOf = Object.getOwnPropertyDescriptor(ArrayBuffer.prototype, 'resizable')?.get;
const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as object;
const viewBufferOf = Object.getOwnPropertyDescriptor(typedArray, 'buffer')!.get!;
const viewLengthOf = Object.getOwnPropertyDescriptor(typedArray, 'byteLength')!.get!;
const viewTypes: ReadonlyMap<unknown, number> = new Map(VIEWS.map((type, index) => [type.prototype, index]));

/** Up to so many characters a loop is faster than a call of machine code. */
const LOOPED = 12;

/** Scratch, in words: at first, and at most. */
const FIRST_SCRATCH = 2 ** 10;
const LARGEST_SCRATCH = 2 ** 20;

/** Up to so many objects inside a value are found by looking through a list. */
const LISTED = 32;

interface MaybeIterable {
  readonly [Symbol.asyncIterator]?: unknown;
  readonly [Symbol.iterator]?: unknown;
}

/** Writes values into memory of its own, one at a time. */
export class FlatEncoder {
  #words = new Int32Array(FIRST_SCRATCH);
  #bytes = new Uint8Array(this.#words.buffer);
  #text: TextMemory = textMemory(this.#bytes);
  #at = 0;
  #busy = false;
  readonly #shapes: ShapeTree;
  readonly #moves: boolean;
  readonly #large = new LargeParts();
  /** The objects inside the value so far: in the list, or all in the set if they are many. */
  readonly #seen: unknown[] = new Array(LISTED).fill(undefined);
  #seenCount = 0;
  readonly #seenMany = new Set<unknown>();

  constructor({ shapes = SHAPES, hash = hashWords, moves = false }: FlatOptions = {}) {
    this.#moves = moves;
    this.#shapes = new ShapeTree(8 * shapes, hash);
  }

  /** Copies the value that was encoded last to the word `to`. `bytes` is the memory of `words`. No code of the user runs. */
  copyTo(words: Int32Array, bytes: Uint8Array, to: number): void {
    const scratch = this.#words;
    const length = this.#at;
    if (!this.#large.isEmpty) this.#large.copy(scratch.subarray(0, length), words, bytes, to);
    else if (length > SHORT) words.set(scratch.subarray(0, length), to);
    else for (let index = 0; index < length; index++) words[to + index] = scratch[index]!;
  }

  /**
   * How many words the value takes, for `copyTo`; -1 if it is not of the simple kind, or if a getter inside another value,
   * which is being encoded, calls this. What a getter throws comes through.
   */
  encode(value: unknown): number {
    if (this.#busy) return -1;
    this.#begin();
    if (typeof value === 'number') {
      this.#number(value);
      return this.#at;
    }
    if (typeof value === 'string') return this.#string(value) ? this.#at : -1;
    this.#busy = true;
    try {
      return this.#value(value, 0) ? this.#length() : -1;
    } finally {
      this.#busy = false;
      this.#forget();
    }
  }

  /**
   * The same for an array made for the call, such as that of rest parameters: of which nobody else knows, and which has
   * all its elements and nothing else. To see that of any array costs more than all else of a short one.
   */
  encodeList(values: readonly unknown[]): number {
    if (this.#busy) return -1;
    this.#begin();
    this.#busy = true;
    try {
      return this.#elements(values, 0) ? this.#length() : -1;
    } finally {
      this.#busy = false;
      this.#forget();
    }
  }

  #begin(): void {
    this.#at = 0;
    this.#large.forget();
  }

  /** Of the whole; -1 if a getter has taken the memory of a buffer away meanwhile. */
  #length(): number {
    return this.#large.areSound ? this.#at + this.#large.words : -1;
  }

  #value(value: unknown, depth: number): boolean {
    if (this.#at + 3 > this.#words.length && !this.#grow(3)) return false;
    switch (typeof value) {
      case 'number':
        this.#number(value);
        return true;
      case 'string':
        return this.#string(value);
      case 'boolean':
        this.#words[this.#at++] = CONSTANT | ((value ? 3 : 2) << TAG_BITS);
        return true;
      case 'undefined':
        this.#words[this.#at++] = CONSTANT;
        return true;
      case 'bigint':
        return this.#bigint(value);
      case 'object':
        if (value === null) {
          this.#words[this.#at++] = CONSTANT | (1 << TAG_BITS);
          return true;
        }
        return this.#compound(value, depth);
      default:
        return false;
    }
  }

  #number(value: number): void {
    const words = this.#words;
    const at = this.#at;
    const integer = value | 0;
    if (integer === value && (integer !== 0 || 1 / value > 0)) {
      if ((integer << TAG_BITS) >> TAG_BITS === integer) {
        words[at] = SMALL | (integer << TAG_BITS);
        this.#at = at + 1;
      } else {
        words[at] = INTEGER;
        words[at + 1] = integer;
        this.#at = at + 2;
      }
      return;
    }
    double[0] = value;
    words[at] = DOUBLE;
    words[at + 1] = halves[0]!;
    words[at + 2] = halves[1]!;
    this.#at = at + 3;
  }

  #bigint(value: bigint): boolean {
    if (BigInt.asIntN(64, value) !== value) return false;
    bigint[0] = value;
    this.#words[this.#at] = BIGINT;
    this.#words[this.#at + 1] = halves[0]!;
    this.#words[this.#at + 2] = halves[1]!;
    this.#at += 3;
    return true;
  }

  #string(value: string): boolean {
    const { length } = value;
    if (length > LOOPED) return this.#longString(value);
    if (this.#at + 4 > this.#words.length && !this.#grow(4)) return false;
    const bytes = this.#bytes;
    const start = this.#at + 1;
    const size = (length + 3) >> 2;
    // The decoder compares whole words.
    this.#words[this.#at + size] = 0;
    let to = start << 2;
    for (let index = 0; index < length; index++) {
      const code = value.charCodeAt(index);
      if (code > 255) return this.#wideString(value);
      bytes[to++] = code;
    }
    this.#words[start - 1] = TEXT8 | (length << TAG_BITS);
    this.#at = start + size;
    return true;
  }

  #longString(value: string): boolean {
    const { length } = value;
    if (length > LONGEST_TEXT) return false;
    // Room for the worst that UTF-8 can need: only so the count tells whether all was ASCII.
    if (!this.#room(1 + length)) return false;
    const start = this.#at + 1;
    if (this.#text.write(value, start << 2, 3 * length, 'utf8') !== length) return this.#wideString(value);
    this.#words[this.#at] = TEXT8 | (length << TAG_BITS);
    this.#at = start + ((length + 3) >> 2);
    return true;
  }

  #wideString(value: string): boolean {
    const { length } = value;
    const size = (length + 1) >> 1;
    if (!this.#room(1 + size)) return false;
    this.#text.write(value, (this.#at + 1) << 2, 2 * length, 'utf16le');
    this.#words[this.#at] = TEXT16 | (length << TAG_BITS);
    this.#at += 1 + size;
    return true;
  }

  #compound(value: object, depth: number): boolean {
    // A proxy can do anything when it is looked at.
    if (depth > DEEPEST || isProxy(value) || (this.#moves && isMarked(value))) return false;
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype === Object.prototype) {
      return (
        (value as MaybeIterable)[Symbol.asyncIterator] === undefined &&
        (value as MaybeIterable)[Symbol.iterator] === undefined &&
        this.#isNew(value) &&
        this.#object(value as Record<string, unknown>, depth)
      );
    }
    if (prototype === Array.prototype) {
      return Array.isArray(value) && this.#isNew(value) && this.#array(value, depth);
    }
    if (prototype === Date.prototype) return this.#isNew(value) && this.#date(value);
    if (prototype === ArrayBuffer.prototype) return this.#buffer(value);
    return ArrayBuffer.isView(value) && this.#isNew(value) && this.#view(value, prototype);
  }

  #date(value: object): boolean {
    try {
      double[0] = timeOf.call(value);
    } catch {
      // It only says that it is one; what it is, the other way knows.
      return false;
    }
    this.#words[this.#at] = DATE;
    this.#words[this.#at + 1] = halves[0]!;
    this.#words[this.#at + 2] = halves[1]!;
    this.#at += 3;
    return true;
  }

  /** Only one that is all there is of its memory, for a copy has all of that. */
  #view(value: ArrayBufferView, prototype: unknown): boolean {
    const type = viewTypes.get(prototype);
    if (type === undefined) return false;
    // Not what a property of its own says.
    const buffer = viewBufferOf.call(value) as ArrayBuffer;
    if (Object.getPrototypeOf(buffer) !== ArrayBuffer.prototype) return false;
    // Of no bytes are also those whose memory was taken away, which are refused.
    if (viewLengthOf.call(value) !== lengthOf.call(buffer)) return false;
    return this.#memory(VIEW | (type << TAG_BITS), buffer);
  }

  #buffer(value: object): boolean {
    try {
      lengthOf.call(value);
    } catch {
      // As a date.
      return false;
    }
    return this.#memory(BUFFER, value as ArrayBuffer);
  }

  #memory(header: number, buffer: ArrayBuffer): boolean {
    const byteLength = lengthOf.call(buffer) as number;
    if (byteLength === 0 || resizableOf?.call(buffer) === true) return false;
    if (!this.#isNew(buffer) || !this.#room(3)) return false;
    const data = new Uint8Array(buffer);
    this.#words[this.#at++] = header;
    this.#words[this.#at++] = byteLength;
    // To an even word: what is not is copied byte by byte where memory is shared.
    this.#at += (this.#at + this.#large.words) & 1;
    if (byteLength > LARGE) {
      this.#large.add(this.#at, data);
      return this.#large.words < MOST;
    }
    const size = (byteLength + 3) >> 2;
    if (!this.#room(size)) return false;
    this.#bytes.set(data, this.#at << 2);
    this.#at += size;
    return true;
  }

  #object(value: Record<string, unknown>, depth: number): boolean {
    // Enumerable properties that everything inherits: they would be taken for the object's own.
    for (const _ in Object.prototype) return false;
    const before = this.#large.words;
    const start = this.#at++;
    let shape: Shape | undefined = this.#shapes.root;
    for (const key in value) {
      shape = shape.nextKey === key ? shape.next : this.#shapes.step(shape, key);
      if (shape === undefined || !this.#value(value[key], depth + 1)) return false;
    }
    const words = shape.words ?? this.#shapes.wordsOf(shape);
    const { length } = words;
    if (!this.#room(length)) return false;
    const scratch = this.#words;
    const at = this.#at;
    for (let index = 0; index < length; index++) scratch[at + index] = words[index]!;
    scratch[start] = OBJECT | ((at - start + this.#large.words - before) << TAG_BITS);
    this.#at = at + length;
    return true;
  }

  #array(value: readonly unknown[], depth: number): boolean {
    const { length } = value;
    if (length > MANY_NUMBERS && typeof value[0] === 'number') return false;
    // No holes and nothing else: indices come first, so the last is where it is only if all are there.
    const keys = Object.keys(value);
    if (keys.length !== length || (length > 0 && keys[length - 1] !== String(length - 1))) return false;
    // A getter may have changed it.
    return this.#elements(value, depth) && value.length === length;
  }

  #elements(value: readonly unknown[], depth: number): boolean {
    const { length } = value;
    this.#words[this.#at++] = ARRAY | (length << TAG_BITS);
    for (let index = 0; index < length; index++) {
      const item = value[index];
      if (!this.#value(item, depth + 1)) return false;
      // A getter may have made a hole.
      if (item === undefined && !Object.hasOwn(value, index)) return false;
    }
    return true;
  }

  /** Whether the object is met for the first time; else its identity must be kept, which is not done here. */
  #isNew(object: unknown): boolean {
    const seen = this.#seen;
    const count = this.#seenCount++;
    if (count < LISTED) {
      for (let index = 0; index < count; index++) if (seen[index] === object) return false;
      seen[count] = object;
      return true;
    }
    const many = this.#seenMany;
    if (count === LISTED) for (const one of seen) many.add(one);
    const { size } = many;
    return many.add(object).size !== size;
  }

  /** Nothing that was encoded is kept alive. */
  #forget(): void {
    const count = this.#seenCount;
    for (let index = 0; index < count && index < LISTED; index++) this.#seen[index] = undefined;
    if (count > LISTED) this.#seenMany.clear();
    this.#seenCount = 0;
  }

  #room(words: number): boolean {
    return this.#at + words <= this.#words.length || this.#grow(words);
  }

  #grow(words: number): boolean {
    const needed = this.#at + words;
    if (needed > LARGEST_SCRATCH) return false;
    const larger = new Int32Array(Math.min(LARGEST_SCRATCH, Math.max(needed, 2 * this.#words.length)));
    larger.set(this.#words);
    this.#words = larger;
    this.#bytes = new Uint8Array(larger.buffer);
    this.#text = textMemory(this.#bytes);
    return true;
  }
}
