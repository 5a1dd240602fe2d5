/**
 * The shapes of plain objects: which keys they have, in which order. Objects of one kind have one shape, and nearly
 * every item of a queue is of a kind that was met before: so its keys are written from a ready block of words, and known
 * again by comparing words. Neither side builds a string for a key after the first time.
 *
 * Encoder and decoder share nothing: the words of a shape stand in each item, once. They are a hash, the number of bytes that
 * follow, and those bytes: the keys as JSON, in UTF-8. The hash only says where to look; what counts is that all words are equal.
 */

import type { MakeObject } from './made-code.ts';

/** The keys of an object up to some point: a node of a tree in which each edge is a key. */
export class Shape {
  readonly parent: Shape | undefined;
  /** The last key. */
  readonly key: string;
  readonly count: number;
  /** The first key that ever followed, and the shape with it: nearly always the only one. */
  nextKey: string | undefined = undefined;
  next: Shape | undefined = undefined;
  others: Map<string, Shape> | undefined = undefined;
  /** The words of the shape, if an object ended here. */
  words: Int32Array | undefined = undefined;
  /** The value in which its words were written last, where they ended, and their number in it: see `flat.ts`. */
  writtenIn = 0;
  writtenAt = 0;
  number = 0;

  constructor(parent: Shape | undefined, key: string) {
    this.parent = parent;
    this.key = key;
    this.count = parent === undefined ? 0 : parent.count + 1;
  }
}

/** Gives the words of keys another hash: for tests. */
export type ShapeHash = (words: Int32Array) => number;

/** Objects with more keys are taken for dictionaries, whose keys are data. */
const MOST_KEYS = 64;

/** And so are those with longer ones; in characters. */
const LONGEST_KEY = 128;

/** Words before the text. */
const PREFIX = 2;

const PROTO = '__proto__';

/** The encoder's shapes. Holds a bounded number; beyond that it forgets them all. */
export class ShapeTree {
  #root: Shape = new Shape(undefined, '');
  #size = 0;
  readonly #limit: number;
  readonly #hash: ShapeHash;

  /** `limit` counts nodes: a shape takes one for each key that it does not share with another. */
  constructor(limit: number, hash: ShapeHash) {
    this.#limit = limit;
    this.#hash = hash;
  }

  get root(): Shape {
    return this.#root;
  }

  /** The shape with one key more; `undefined` where no shape should be made of it. */
  step(shape: Shape, key: string): Shape | undefined {
    if (shape.nextKey === key) return shape.next;
    const known = shape.others?.get(key);
    if (known !== undefined) return known;
    if (key === PROTO || key.length > LONGEST_KEY || shape.count >= MOST_KEYS) return undefined;
    if (this.#size >= this.#limit) {
      // What is being encoded goes on with the old nodes.
      this.#root = new Shape(undefined, '');
      this.#size = 0;
    }
    this.#size++;
    const made = new Shape(shape, key);
    if (shape.next === undefined) {
      shape.nextKey = key;
      shape.next = made;
    } else {
      shape.others ??= new Map();
      shape.others.set(key, made);
    }
    return made;
  }

  wordsOf(shape: Shape): Int32Array {
    shape.words ??= this.#make(shape);
    return shape.words;
  }

  #make(shape: Shape): Int32Array {
    const keys: string[] = new Array(shape.count);
    for (let at = shape; at.parent !== undefined; at = at.parent) keys[at.count - 1] = at.key;
    const text = new TextEncoder().encode(JSON.stringify(keys));
    const words = new Int32Array(PREFIX + Math.ceil(text.length / 4));
    words[1] = text.length;
    new Uint8Array(words.buffer).set(text, 4 * PREFIX);
    words[0] = this.#hash(words.subarray(1));
    return words;
  }
}

/** What the decoder knows of a shape. */
export interface KnownShape {
  readonly words: Int32Array;
  readonly keys: readonly string[];
  /** Whether the keys may be assigned: none of them is found in `Object.prototype`, where there may be a setter. */
  readonly assignable: boolean;
  /** How often such an object was made, until there is code for it. */
  uses: number;
  make: MakeObject | undefined;
}

/** A shape stands in one of so many places, from the one that its hash gives. */
const PROBES = 4;

/** The decoder's shapes: a table of bounded size, in which the new takes the place of the old. */
export class ShapeTable {
  readonly #known: (KnownShape | undefined)[];
  readonly #mask: number;
  #turn = 0;

  /** `size` is a power of 2. */
  constructor(size: number) {
    this.#known = new Array<KnownShape | undefined>(size).fill(undefined);
    this.#mask = size - 1;
  }

  /** The shape whose words begin at `at`; `undefined` if there is none before `end`. */
  find(words: Int32Array, at: number, end: number): KnownShape | undefined {
    if (at + PREFIX > end) return undefined;
    const hash = words[at]!;
    for (let probe = 0; probe < PROBES; probe++) {
      const known = this.#known[(hash + probe) & this.#mask];
      if (known === undefined) break;
      if (isAt(known.words, words, at, end)) return known;
    }
    return this.#add(words, at, end, hash);
  }

  #add(words: Int32Array, at: number, end: number, hash: number): KnownShape | undefined {
    const bytes = words[at + 1]!;
    const size = PREFIX + Math.ceil(bytes / 4);
    if (bytes < 2 || at + size > end) return undefined;
    const copy = words.slice(at, at + size);
    const keys = keysIn(new Uint8Array(copy.buffer, 4 * PREFIX, bytes));
    if (keys === undefined) return undefined;
    const assignable = keys.every((key) => !(key in Object.prototype));
    const known: KnownShape = { words: copy, keys, assignable, uses: 0, make: undefined };
    this.#known[this.#placeFor(hash)] = known;
    return known;
  }

  #placeFor(hash: number): number {
    for (let probe = 0; probe < PROBES; probe++) {
      const place = (hash + probe) & this.#mask;
      if (this.#known[place] === undefined) return place;
    }
    this.#turn = (this.#turn + 1) % PROBES;
    return (hash + this.#turn) & this.#mask;
  }
}

function isAt(shape: Int32Array, words: Int32Array, at: number, end: number): boolean {
  const { length } = shape;
  if (at + length > end) return false;
  for (let index = 0; index < length; index++) if (shape[index] !== words[at + index]) return false;
  return true;
}

/** `undefined` if that is not a list of keys. */
function keysIn(text: Uint8Array): string[] | undefined {
  let keys: unknown;
  try {
    keys = JSON.parse(new TextDecoder().decode(text));
  } catch {
    return undefined;
  }
  if (!Array.isArray(keys) || keys.length > MOST_KEYS) return undefined;
  const object = {};
  for (const key of keys) {
    if (typeof key !== 'string' || key === PROTO) return undefined;
    Object.defineProperty(object, key, { value: undefined, enumerable: true });
  }
  // Keys of an object are faster to use as keys than strings that are equal to them.
  const own = Object.keys(object);
  return own.length === keys.length ? own : undefined;
}

/** FNV-1a over the words. */
export function hashWords(words: Int32Array): number {
  let hash = 0x811c9dc5;
  for (const word of words) hash = Math.imul(hash ^ word, 0x01000193);
  return hash ^ (hash >>> 15);
}
