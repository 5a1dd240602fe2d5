/** Memory in which a value becomes words (`flat.ts`), one value at a time: it grows as needed, and knows how primitives and buffers are written. */
import { copyBytes } from '../platform/copy.ts';
import { type TextMemory, textMemory } from '../platform/text.ts';
import {
  BIGINT,
  bigint,
  CONSTANT,
  DOUBLE,
  double,
  halves,
  INTEGER,
  SMALL,
  TAG_BITS,
  TEXT8,
  TEXT16,
} from './flat.ts';
import { LARGE, LargeParts } from './large-parts.ts';

/** Up to so many characters a loop is faster than a call of machine code. */
const LOOPED = 24;
const LOOPED_WIDE = 16;

/** In words: at first, at most, and what is kept from one value to the next. */
const FIRST = 2 ** 10;
const LARGEST = 2 ** 24;
const KEPT = 2 ** 20;

/** So many words at most: an object says in 27 bits how long it is. */
const MOST = 2 ** 27;
/** So many words are copied faster by a loop than by `set`, and more than so many faster as bytes. */
const SHORT = 48;
const LONG = 2 ** 10;

/** More bytes than characters: that a text of so many bytes was not cut off is seen by what is left. */
const SPARE = 4;

// Not what properties of its own say.
const lengthOf = Object.getOwnPropertyDescriptor(ArrayBuffer.prototype, 'byteLength')!.get!;
const resizableOf = Object.getOwnPropertyDescriptor(ArrayBuffer.prototype, 'resizable')?.get;

export class FlatScratch {
  protected words: Int32Array = new Int32Array(FIRST);
  protected bytes: Uint8Array = new Uint8Array(this.words.buffer);
  /** How many words are written. */
  protected at = 0;
  /** Up to here there is room for any primitive that is no text. */
  #safe = FIRST - 3;
  #text: TextMemory = textMemory(this.bytes);
  /** What to go back to after a value for which more was needed. */
  #kept: Int32Array = this.words;
  readonly #largest: number;
  protected readonly large: LargeParts = new LargeParts();

  protected constructor(largest: number = LARGEST) {
    this.#largest = largest;
  }

  /** Copies the value that was encoded last to the word `to`, once. `bytes` is the memory of `words`. No code of the user runs. */
  copyTo(words: Int32Array, bytes: Uint8Array, to: number): void {
    const scratch = this.words;
    const length = this.at;
    if (!this.large.isEmpty) this.large.copy(scratch.subarray(0, length), words, bytes, to);
    else if (length > LONG) copyBytes(this.bytes.subarray(0, length << 2), bytes, to << 2);
    else if (length > SHORT) words.set(scratch.subarray(0, length), to);
    else for (let index = 0; index < length; index++) words[to + index] = scratch[index]!;
    this.shrink();
  }

  /** Room for `words` more; false if a value may not have as many. */
  protected room(words: number): boolean {
    return this.at + words <= this.words.length || this.#grow(words);
  }

  /** As `room` for the at most three words of a primitive that is no text. */
  protected roomForPrimitive(): boolean {
    return this.at <= this.#safe || this.#grow(3);
  }

  /** After a large value: its memory is not kept, or only until the next one if it was not copied. */
  protected shrink(): void {
    if (this.words.length > KEPT) this.#use(this.#kept);
  }

  /** There is room for it. */
  protected number(value: number): void {
    const { words, at } = this;
    const integer = value | 0;
    if (integer === value && (integer !== 0 || 1 / value > 0)) {
      if ((integer << TAG_BITS) >> TAG_BITS === integer) {
        words[at] = SMALL | (integer << TAG_BITS);
        this.at = at + 1;
      } else {
        words[at] = INTEGER;
        words[at + 1] = integer;
        this.at = at + 2;
      }
      return;
    }
    double[0] = value;
    this.pair(DOUBLE);
  }

  /** A header, and the two words of `double`. There is room for them. */
  protected pair(header: number): void {
    const { words, at } = this;
    words[at] = header;
    words[at + 1] = halves[0]!;
    words[at + 2] = halves[1]!;
    this.at = at + 3;
  }

  /** `which` of the constants; there is room for it. */
  protected constant(which: number): true {
    this.words[this.at++] = CONSTANT | (which << TAG_BITS);
    return true;
  }

  protected bigint(value: bigint): boolean {
    if (BigInt.asIntN(64, value) !== value) return false;
    bigint[0] = value;
    this.pair(BIGINT);
    return true;
  }

  protected string(value: string): boolean {
    const { length } = value;
    if (length > LOOPED) return this.#longString(value);
    const size = (length + 3) >> 2;
    if (!this.room(1 + size)) return false;
    const { bytes } = this;
    const start = this.at + 1;
    // The decoder compares whole words.
    this.words[this.at + size] = 0;
    let to = start << 2;
    for (let index = 0; index < length; index++) {
      const code = value.charCodeAt(index);
      if (code > 255) return this.#wideString(value);
      bytes[to++] = code;
    }
    this.words[start - 1] = TEXT8 | (length << TAG_BITS);
    this.at = start + size;
    return true;
  }

  #longString(value: string): boolean {
    const { length } = value;
    // As UTF-8, but only so the count tells whether all was ASCII.
    if (length >= this.#largest << 2 || !this.room(2 + ((length + SPARE) >> 2))) return false;
    const start = this.at + 1;
    if (this.#text.write(value, start << 2, length + SPARE, 'utf8') !== length)
      return this.#wideString(value);
    this.words[this.at] = TEXT8 | (length << TAG_BITS);
    this.at = start + ((length + 3) >> 2);
    return true;
  }

  #wideString(value: string): boolean {
    const { length } = value;
    const size = (length + 1) >> 1;
    if (!this.room(1 + size)) return false;
    const start = this.at + 1;
    if (length > LOOPED_WIDE) this.#text.write(value, start << 2, 2 * length, 'utf16le');
    else {
      const { bytes } = this;
      for (let index = 0, to = start << 2; index < length; index++, to += 2) {
        const code = value.charCodeAt(index);
        bytes[to] = code;
        bytes[to + 1] = code >> 8;
      }
    }
    this.words[start - 1] = TEXT16 | (length << TAG_BITS);
    this.at = start + size;
    return true;
  }

  /** All of a buffer. */
  protected memory(header: number, buffer: ArrayBuffer): boolean {
    const byteLength = lengthOf.call(buffer) as number;
    if (byteLength === 0 || resizableOf?.call(buffer) === true) return false;
    if (!this.room(3)) return false;
    const data = new Uint8Array(buffer);
    this.words[this.at++] = header;
    this.words[this.at++] = byteLength;
    // To an even word: what is not is copied byte by byte where memory is shared.
    this.at += (this.at + this.large.words) & 1;
    if (byteLength > LARGE) {
      this.large.add(this.at, data);
      return this.large.words < MOST;
    }
    const size = (byteLength + 3) >> 2;
    if (!this.room(size)) return false;
    this.bytes.set(data, this.at << 2);
    this.at += size;
    return true;
  }

  #grow(words: number): boolean {
    const needed = this.at + words;
    if (needed > this.#largest) return false;
    const before = this.words;
    if (before.length <= KEPT) this.#kept = before;
    const larger = new Int32Array(Math.min(this.#largest, Math.max(needed, 2 * before.length)));
    larger.set(before.subarray(0, this.at));
    this.#use(larger);
    return true;
  }

  #use(words: Int32Array): void {
    this.words = words;
    this.bytes = new Uint8Array(words.buffer);
    this.#text = textMemory(this.bytes);
    this.#safe = words.length - 3;
  }
}
