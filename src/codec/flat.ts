/**
 * The simple form of values in words of memory: numbers, strings and other primitives, plain objects, arrays, maps and
 * sets of them; dates, errors and typed arrays. `flat-encoder.ts` writes it, `flat-decoder.ts` reads it.
 */
// Each value begins with a word: its tag in the low 4 bits, 28 bits of payload above.
//
// | tag        | payload                        | words that follow                                    |
// | ---------- | ------------------------------ | ---------------------------------------------------- |
// | CONSTANT   | which one                      |                                                      |
// | SMALL      | the whole number               |                                                      |
// | INTEGER    |                                | 1: the number                                        |
// | DOUBLE     |                                | 2: its bits                                          |
// | BIGINT     |                                | 2: the number, if 64 bits hold it                    |
// | TEXT8      | characters                     | the characters as Latin-1                            |
// | TEXT16     | characters                     | the characters as UTF-16, lone surrogates as well    |
// | ARRAY      | items                          | the items                                            |
// | COLLECTION | items, and of which kind       | the items: those of a set, keys and values of a map; |
// |            |                                | numbers of an array, as words or as the bits of doubles |
// | BUILT_IN   | 0: a date                      | 2: its time, as the bits of a double                 |
// | BUILT_IN   | which class of errors, and     | its message, if it has one, and its stack; its cause |
// |            | which parts (`flat-errors.ts`) | if it has one                                        |
// | VIEW       | which class of typed arrays    | 1: bytes; the bytes, from the next even word on      |
// | BUFFER     |                                | the same of an ArrayBuffer                           |
// | OBJECT     | words from here to its shape   | the fields, then the words of the shape (`shapes.ts`) |
// | OBJECT     | MARK, and which shape          | the fields                                           |
// | REFERENCE  | which object                   |                                                      |
//
// The shape comes last because the fields are read in one pass over the object, by which it becomes known. Where
// an object has a shape that ended before it began, the words are not repeated: shapes are counted, in the order in which they end.
//
// Objects inside a value are counted in the order in which they begin, also buffers under views. MARK in the first word of all
// says that there are references; so there is no MARK of the other meaning.
//
// Tag 0 is none: memory that nobody has written is not a value. Tag 15 is that of `item.ts`.
import type { ShapeHash } from './shapes.ts';

export const CONSTANT = 1;
export const SMALL = 2;
export const INTEGER = 3;
export const DOUBLE = 4;
export const BIGINT = 5;
export const TEXT8 = 6;
export const TEXT16 = 7;
export const ARRAY = 8;
export const OBJECT = 9;
export const BUILT_IN = 10;
export const VIEW = 11;
export const BUFFER = 12;
export const COLLECTION = 13;
export const REFERENCE = 14;
/** The other form of an item, and what its payload says: whether there are specials, shared buffers among them, and all in the simple form. */
export const SERIALIZED = 15;
export const WITH_SPECIALS = 1;
export const WITH_BUFFERS = 2;
export const FLAT = 4;

/** The tag is in the low bits of a value's first word. */
export const TAG_BITS = 4;
export const TAG_MASK = 15;

/** The highest bit of a word: so it is one below 0. */
export const MARK: number = 1 << 31;

/** The kinds of collections, in the lowest bits of the payload. */
export const SET = 0;
export const MAP = 1;
export const INTEGERS = 2;
export const DOUBLES = 3;
export const KIND_BITS = 2;
export const KIND_MASK = 3;

export interface ViewClass {
  new (buffer: ArrayBuffer): ArrayBufferView<ArrayBuffer>;
  new (buffer: ArrayBufferLike, start: number, length: number): ArrayBufferView;
  /** A copy. */
  new (view: ArrayBufferView): ArrayBufferView<ArrayBuffer>;
  readonly prototype: object;
  readonly BYTES_PER_ELEMENT: number;
}

/** The classes of typed arrays, by their number in an item. */
export const VIEWS: readonly ViewClass[] = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
];

/** Deeper values are rare, and recursion must end before the stack does. */
export const DEEPEST = 32;

/** A number in two words. */
export const double: Float64Array = new Float64Array(1);
export const bigint: BigInt64Array = new BigInt64Array(double.buffer);
export const halves: Int32Array = new Int32Array(double.buffer);

export interface FlatOptions {
  /** How many shapes of objects are remembered; a power of 2. */
  readonly shapes?: number;
  /** Another hash for the words of shapes: for tests. */
  readonly hash?: ShapeHash;
  /** Whether what `transfer()` marked is not simple. */
  readonly moves?: boolean;
  /** How many words the encoder may take for a value, without its large buffers. */
  readonly scratch?: number;
}

export const SHAPES = 256;
