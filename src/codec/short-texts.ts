/** Strings of few characters out of memory: a call of machine code would take longer than all else. */
import type { TextMemory } from '../platform/text.ts';
import { type ReadText, readLatin1Of, readUtf16Of, WORTH_IT } from './made-code.ts';

/** In characters. */
const LONGEST = 24;

/** Strings of up to so many bytes are remembered. */
const LONGEST_KEPT = 12;

/** How many of them; a power of 2. */
const KEPT = 256;

/** Reads from memory of which there are three views. Positions are words. */
export class ShortTexts {
  /** Strings that were read before, by a hash of their words. */
  readonly #texts: (string | undefined)[] = new Array<string | undefined>(KEPT).fill(undefined);
  readonly #textWords = new Int32Array(3 * KEPT);
  readonly #latin1 = new Readers(readLatin1Of);
  readonly #utf16 = new Readers(readUtf16Of);

  /** So many characters of Latin-1. */
  latin1(words: Int32Array, bytes: Uint8Array, memory: TextMemory, at: number, length: number): string {
    if (length > LONGEST_KEPT) return this.#read(bytes, memory, at, length);
    if (length === 0) return '';
    const first = words[at]!;
    const second = length > 4 ? words[at + 1]! : 0;
    const third = length > 8 ? words[at + 2]! : 0;
    const mixed = Math.imul(first ^ Math.imul(second, 0x9e3779b1) ^ Math.imul(third, 0x7feb352d), 0x85ebca6b);
    const place = ((mixed >>> 20) ^ length) & (KEPT - 1);
    const known = this.#texts[place];
    const kept = this.#textWords;
    const from = 3 * place;
    if (
      known !== undefined &&
      known.length === length &&
      kept[from] === first &&
      kept[from + 1] === second &&
      kept[from + 2] === third
    ) {
      return known;
    }
    const text = this.#read(bytes, memory, at, length);
    this.#texts[place] = text;
    kept[from] = first;
    kept[from + 1] = second;
    kept[from + 2] = third;
    return text;
  }

  /** So many characters of UTF-16. */
  utf16(bytes: Uint8Array, memory: TextMemory, at: number, length: number): string {
    const start = at << 2;
    const reader = this.#utf16.of(length);
    return reader === undefined
      ? memory.toString('utf16le', start, start + 2 * length)
      : reader(bytes, start);
  }

  #read(bytes: Uint8Array, memory: TextMemory, at: number, length: number): string {
    const start = at << 2;
    const reader = this.#latin1.of(length);
    return reader === undefined ? memory.toString('latin1', start, start + length) : reader(bytes, start);
  }
}

/** By length, as soon as they are worth it. */
class Readers {
  readonly #make: (length: number) => ReadText | undefined;
  readonly #uses = new Int32Array(LONGEST + 1);
  readonly #made: (ReadText | undefined)[] = new Array<ReadText | undefined>(LONGEST + 1).fill(undefined);

  constructor(make: (length: number) => ReadText | undefined) {
    this.#make = make;
  }

  of(length: number): ReadText | undefined {
    if (length > LONGEST) return undefined;
    const made = this.#made[length];
    if (made === undefined && this.#uses[length]!++ === WORTH_IT) this.#made[length] = this.#make(length);
    return made;
  }
}
