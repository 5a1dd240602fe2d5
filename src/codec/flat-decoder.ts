/**
 * The fast way of a value out of words of memory (`flat.ts`). Objects of a shape that was met before, and short strings
 * that were met before, are made without reading their keys or characters.
 */
import { makeError } from '../core/error-wire.ts';
import { HeddleError } from '../core/errors.ts';
import { copyOfBytes } from '../platform/copy.ts';
import { type TextMemory, textMemory } from '../platform/text.ts';
import {
  ARRAY,
  BIGINT,
  BUFFER,
  BUILT_IN,
  COLLECTION,
  CONSTANT,
  DEEPEST,
  DOUBLE,
  DOUBLES,
  type FlatOptions,
  INTEGER,
  INTEGERS,
  KIND_BITS,
  KIND_MASK,
  MAP,
  OBJECT,
  REFERENCE,
  SHAPES,
  SMALL,
  TAG_BITS,
  TAG_MASK,
  TEXT8,
  TEXT16,
  VIEW,
  VIEWS,
  type ViewClass,
} from './flat.ts';
import { errorClassOf, WITH_CAUSE, WITH_MESSAGE } from './flat-errors.ts';
import { LARGE } from './large-parts.ts';
import { makeObjectWith, type Next, WORTH_IT } from './made-code.ts';
import { type KnownShape, ShapeTable } from './shapes.ts';
import { ShortTexts } from './short-texts.ts';

const CONSTANTS: readonly unknown[] = [undefined, null, false, true];

/** What may begin with MARK because there are references inside. */
const AROUND_OTHERS = (1 << ARRAY) | (1 << OBJECT) | (1 << COLLECTION) | (1 << BUILT_IN);

/** For so many items there is room from the start; more may be what a damaged word says. */
const RESERVED = 2 ** 10;

/** The order of bytes in the words of this machine. */
const LITTLE_END = new Uint8Array(Int32Array.of(1).buffer)[0] === 1;

const NO_WORDS = new Int32Array(0);
const NO_BYTES = new Uint8Array(0);

/** Reads values that a `FlatEncoder` wrote, from any memory. */
export class FlatDecoder {
  #words: Int32Array = NO_WORDS;
  #bytes: Uint8Array = NO_BYTES;
  #text: TextMemory = textMemory(NO_BYTES);
  /** For what has 64 bits: to put two words together somewhere else makes the processor wait for its own writing. */
  #view64: DataView = new DataView(NO_BYTES.buffer);
  #at = 0;
  #end = 0;
  /** The word at which the whole begins. */
  #root = 0;
  /** How many objects there are around the place. */
  #depth = 0;
  readonly #shapes: ShapeTable;
  readonly #texts = new ShortTexts();
  /** The shapes that stand in this value, in the order in which they ended. */
  readonly #met: KnownShape[] = [];
  #metCount = 0;
  /** All objects of this value so far, if there are references to them. */
  #objects: unknown[] | undefined;
  readonly #next: Next = () => this.#value();

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
      this.#view64 = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    this.#at = at;
    this.#end = Math.min(at + available, words.length);
    this.#root = at;
    this.#depth = 0;
    this.#metCount = 0;
    const header = words[at]!;
    if (header >= 0 || ((1 << (header & TAG_MASK)) & AROUND_OTHERS) === 0) return this.#value();
    this.#objects = [];
    try {
      return this.#value();
    } finally {
      this.#objects = undefined;
    }
  }

  #value(): unknown {
    const at = this.#at;
    if (at >= this.#end) throw this.#damaged();
    const header = this.#words[at]!;
    this.#at = at + 1;
    switch (header & TAG_MASK) {
      case SMALL:
        return header >> TAG_BITS;
      case TEXT8:
        return this.#latin1(header >>> TAG_BITS);
      case CONSTANT:
        if (header >>> TAG_BITS >= CONSTANTS.length) throw this.#damaged();
        return CONSTANTS[header >>> TAG_BITS];
      case DOUBLE:
        return this.#double();
      case OBJECT:
        return this.#object(at, header);
      case INTEGER:
        return this.#words[this.#take(1)];
      case ARRAY:
        return this.#array(withoutMark(header));
      case COLLECTION:
        return this.#collection(withoutMark(header));
      case TEXT16:
        return this.#utf16(header >>> TAG_BITS);
      case REFERENCE:
        return this.#reference(header >>> TAG_BITS);
      case BIGINT:
        return this.#view64.getBigInt64(this.#take(2) << 2, LITTLE_END);
      case BUILT_IN:
        return header === BUILT_IN ? this.#noted(new Date(this.#double())) : this.#error(withoutMark(header));
      case VIEW:
        return this.#view(header >>> TAG_BITS);
      case BUFFER:
        return this.#noted(this.#memory(Uint8Array).buffer);
      default:
        throw this.#damaged();
    }
  }

  #double(): number {
    return this.#view64.getFloat64(this.#take(2) << 2, LITTLE_END);
  }

  #object(start: number, header: number): object {
    if (header < 0 && start !== this.#root) {
      const number = withoutMark(header);
      if (number >= this.#metCount) throw this.#damaged();
      return this.#fields(this.#met[number]!);
    }
    const shapeAt = start + withoutMark(header);
    const shape = shapeAt > start ? this.#shapes.find(this.#words, shapeAt, this.#end) : undefined;
    if (shape === undefined) throw this.#damaged();
    const object = this.#fields(shape);
    if (this.#at !== shapeAt) throw this.#damaged();
    this.#at = shapeAt + shape.words.length;
    this.#met[this.#metCount++] = shape;
    return object;
  }

  #fields(shape: KnownShape): object {
    if (this.#depth > DEEPEST) throw this.#damaged();
    this.#depth++;
    const object =
      shape.make === undefined || this.#objects !== undefined
        ? this.#anyFields(shape)
        : shape.make(this.#next);
    this.#depth--;
    return object;
  }

  #anyFields(shape: KnownShape): object {
    const { keys } = shape;
    if (shape.uses++ === WORTH_IT) shape.make = makeObjectWith(keys);
    const object: Record<string, unknown> = {};
    this.#objects?.push(object);
    if (shape.assignable) {
      for (let index = 0; index < keys.length; index++) object[keys[index]!] = this.#value();
    } else {
      for (const key of keys) {
        const value = this.#value();
        Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
      }
    }
    return object;
  }

  #array(length: number): unknown[] {
    if (length > this.#end - this.#at || this.#depth > DEEPEST) throw this.#damaged();
    this.#depth++;
    const array: unknown[] = length > RESERVED ? [] : new Array(length);
    this.#objects?.push(array);
    for (let index = 0; index < length; index++) array[index] = this.#value();
    this.#depth--;
    return array;
  }

  #collection(payload: number): object {
    const count = payload >>> KIND_BITS;
    if (count > this.#end - this.#at || this.#depth > DEEPEST) throw this.#damaged();
    const kind = payload & KIND_MASK;
    if (kind === INTEGERS) return this.#noted(this.#integers(count));
    if (kind === DOUBLES) return this.#noted(this.#doubles(count));
    this.#depth++;
    const collection = kind === MAP ? this.#map(count) : this.#set(count);
    this.#depth--;
    return collection;
  }

  #map(count: number): Map<unknown, unknown> {
    const map = this.#noted(new Map<unknown, unknown>());
    for (let index = 0; index < count; index++) {
      const key = this.#value();
      map.set(key, this.#value());
    }
    return map;
  }

  #set(count: number): Set<unknown> {
    const set = this.#noted(new Set<unknown>());
    for (let index = 0; index < count; index++) set.add(this.#value());
    return set;
  }

  #integers(count: number): number[] {
    const words = this.#words;
    const at = this.#take(count);
    const array: number[] = new Array(count);
    for (let index = 0; index < count; index++) array[index] = words[at + index]!;
    return array;
  }

  #doubles(count: number): number[] {
    const view = this.#view64;
    const at = this.#take(2 * count) << 2;
    const array: number[] = new Array(count);
    for (let index = 0; index < count; index++) array[index] = view.getFloat64(at + 8 * index, LITTLE_END);
    return array;
  }

  #error(payload: number): Error {
    const type = errorClassOf(payload);
    if (type === undefined || this.#depth > DEEPEST) throw this.#damaged();
    this.#depth++;
    const message = (payload & WITH_MESSAGE) === 0 ? undefined : this.#string();
    const stack = this.#string();
    const error = this.#noted(makeError(type, message, stack));
    if ((payload & WITH_CAUSE) !== 0)
      Object.defineProperty(error, 'cause', { value: this.#value(), configurable: true, writable: true });
    this.#depth--;
    return error;
  }

  #string(): string {
    const value = this.#value();
    if (typeof value !== 'string') throw this.#damaged();
    return value;
  }

  #reference(number: number): unknown {
    const objects = this.#objects;
    if (objects === undefined || number >= objects.length) throw this.#damaged();
    return objects[number];
  }

  /** The next object, if there may be references to it. */
  #noted<T extends object>(object: T): T {
    this.#objects?.push(object);
    return object;
  }

  #view(type: number): ArrayBufferView {
    const View = VIEWS[type];
    if (View === undefined) throw this.#damaged();
    // The view counts before its buffer.
    const view = this.#noted(this.#memory(View));
    this.#noted(view.buffer);
    return view;
  }

  #memory(View: ViewClass): ArrayBufferView<ArrayBuffer> {
    const length = this.#words[this.#take(1)]!;
    this.#take(this.#at & 1);
    const start = this.#take((length + 3) >>> 2) << 2;
    const size = View.BYTES_PER_ELEMENT;
    if (length <= 0 || length % size !== 0) throw this.#damaged();
    const bytes = this.#bytes;
    const from = bytes.byteOffset + start;
    if (length > LARGE || from % size !== 0) return new View(copyOfBytes(bytes, start, length));
    return new View(new View(bytes.buffer, from, length / size));
  }

  #latin1(length: number): string {
    const at = this.#take((length + 3) >>> 2);
    return this.#texts.latin1(this.#words, this.#bytes, this.#text, at, length);
  }

  #utf16(length: number): string {
    const at = this.#take((length + 1) >>> 1);
    return this.#texts.utf16(this.#bytes, this.#text, at, length);
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

function withoutMark(header: number): number {
  return (header << 1) >>> (1 + TAG_BITS);
}
