/**
 * The fast way of a value out of words of memory (`flat.ts`). Objects of a shape that was met before, and short strings
 * that were met before, are made without reading their keys or characters.
 */
import { HeddleError } from '../core/errors.ts';
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
  TAG_MASK,
  TEXT8,
  TEXT16,
  VIEW,
  VIEWS,
} from './flat.ts';
import { ShapeTable } from './shapes.ts';

const CONSTANTS: readonly unknown[] = [undefined, null, false, true];

/** Strings of up to so many bytes are remembered. */
const SHORT = 12;

/** How many of them; a power of 2. */
const REMEMBERED = 256;

const NO_WORDS = new Int32Array(0);
const NO_BYTES = new Uint8Array(0);

/** Reads values that a `FlatEncoder` wrote, from any memory. */
export class FlatDecoder {
  #words: Int32Array = NO_WORDS;
  #bytes: Uint8Array = NO_BYTES;
  #text: TextMemory = textMemory(NO_BYTES);
  #at = 0;
  #end = 0;
  readonly #shapes: ShapeTable;
  /** Short strings that were read before, by a hash of their words. */
  readonly #texts: (string | undefined)[] = new Array<string | undefined>(REMEMBERED).fill(undefined);
  readonly #textWords = new Int32Array(3 * REMEMBERED);

  constructor({ shapes = SHAPES }: FlatOptions = {}) {
    this.#shapes = new ShapeTable(2 * shapes);
  }

  /**
   * The value at the word `at`, of which `available` words may be read. `bytes` is the same memory as `words`.
   *
   * @throws {HeddleError} The words are damaged. Not every damage can be seen, but none leads out of the words given.
   */
  decode(words: Int32Array, bytes: Uint8Array, at: number, available: number): unknown {
    if (words !== this.#words) this.#words = words;
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.#text = textMemory(bytes);
    }
    this.#at = at;
    this.#end = Math.min(at + available, words.length);
    return this.#value(0);
  }

  #value(depth: number): unknown {
    const at = this.#at;
    if (at >= this.#end) throw this.#damaged();
    const header = this.#words[at]!;
    const payload = header >>> TAG_BITS;
    this.#at = at + 1;
    switch (header & TAG_MASK) {
      case SMALL:
        return header >> TAG_BITS;
      case TEXT8:
        return this.#string(payload);
      case CONSTANT:
        if (payload >= CONSTANTS.length) throw this.#damaged();
        return CONSTANTS[payload];
      case DOUBLE:
        this.#take(2);
        halves[0] = this.#words[at + 1]!;
        halves[1] = this.#words[at + 2]!;
        return double[0];
      case OBJECT:
        return this.#object(at, payload, depth);
      case INTEGER:
        this.#take(1);
        return this.#words[at + 1];
      case ARRAY:
        return this.#array(payload, depth);
      case TEXT16: {
        const start = this.#take((payload + 1) >>> 1) << 2;
        return this.#text.toString('utf16le', start, start + 2 * payload);
      }
      case BIGINT:
        this.#take(2);
        halves[0] = this.#words[at + 1]!;
        halves[1] = this.#words[at + 2]!;
        return bigint[0];
      case DATE:
        this.#take(2);
        halves[0] = this.#words[at + 1]!;
        halves[1] = this.#words[at + 2]!;
        return new Date(double[0]!);
      case VIEW:
        return this.#view(payload);
      case BUFFER:
        return this.#memory();
      default:
        throw this.#damaged();
    }
  }

  #object(start: number, offset: number, depth: number): object {
    const shapeAt = start + offset;
    const shape = shapeAt > start ? this.#shapes.find(this.#words, shapeAt, this.#end) : undefined;
    if (shape === undefined || depth > DEEPEST) throw this.#damaged();
    const { keys } = shape;
    const object: Record<string, unknown> = {};
    if (shape.assignable) {
      for (let index = 0; index < keys.length; index++) object[keys[index]!] = this.#value(depth + 1);
    } else {
      for (const key of keys) {
        const value = this.#value(depth + 1);
        Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
      }
    }
    if (this.#at !== shapeAt) throw this.#damaged();
    this.#at = shapeAt + shape.words.length;
    return object;
  }

  #array(length: number, depth: number): unknown[] {
    if (length > this.#end - this.#at || depth > DEEPEST) throw this.#damaged();
    const array: unknown[] = [];
    for (let index = 0; index < length; index++) array.push(this.#value(depth + 1));
    return array;
  }

  #view(type: number): ArrayBufferView {
    const View = VIEWS[type];
    const buffer = this.#memory();
    if (View === undefined || buffer.byteLength % View.BYTES_PER_ELEMENT !== 0) throw this.#damaged();
    return new View(buffer);
  }

  #memory(): ArrayBuffer {
    const length = this.#words[this.#take(1)]!;
    this.#take(this.#at & 1);
    const start = this.#take((length + 3) >>> 2) << 2;
    if (length <= 0) throw this.#damaged();
    // Four times as fast as to make one of a part of shared memory.
    return this.#bytes.slice(start, start + length).buffer as ArrayBuffer;
  }

  #string(length: number): string {
    const at = this.#take((length + 3) >>> 2);
    if (length > SHORT) return this.#text.toString('latin1', at << 2, (at << 2) + length);
    if (length === 0) return '';
    const words = this.#words;
    const first = words[at]!;
    const second = length > 4 ? words[at + 1]! : 0;
    const third = length > 8 ? words[at + 2]! : 0;
    const mixed = Math.imul(first ^ Math.imul(second, 0x9e3779b1) ^ Math.imul(third, 0x7feb352d), 0x85ebca6b);
    const place = ((mixed >>> 20) ^ length) & (REMEMBERED - 1);
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
    const text = this.#text.toString('latin1', at << 2, (at << 2) + length);
    this.#texts[place] = text;
    kept[from] = first;
    kept[from + 1] = second;
    kept[from + 2] = third;
    return text;
  }

  /** Goes behind so many words; returns where they begin. */
  #take(words: number): number {
    const at = this.#at;
    if (words > this.#end - at) throw this.#damaged();
    this.#at = at + words;
    return at;
  }

  #damaged(): HeddleError {
    return new HeddleError(
      `Cannot read item: its bytes are damaged before word ${this.#at} of the shared memory`,
    );
  }
}
