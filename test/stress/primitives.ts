/** The chaos of primitives: what its driver and its threads both know. */
import type { Token } from '../../src/thread/tokens.ts';

export const PRIMITIVES = [
  'semaphore',
  'signals',
  'limiter',
  'rwlock',
  'rlock',
  'event',
  'latch',
  'once',
  'condition',
  'recondition',
  'barrier',
] as const;
export type Primitive = (typeof PRIMITIVES)[number];

export const PERMITS = 3;
export const PARTIES = 3;

/** Things of the arena of which there is one owner at a time. */
export const WRITTEN = 0;
export const REENTERED = 1;
export const CONDITIONED = 2;
export const RECONDITIONED = 3;
export const THINGS = 4;

/** So many functions of `Once` are watched; more are never under way. */
const ONCES = 64;

/** Words of shared memory that heddle does not know. */
export interface Watched {
  /** Who has permits. */
  readonly semaphore: Int32Array;
  readonly limiter: Int32Array;
  readonly onces: Int32Array;
  readonly readers: Int32Array;
  /** What is made and taken under each condition. */
  readonly items: Int32Array;
}

export function watched(slots: number): Watched {
  const words = (count: number): Int32Array => new Int32Array(new SharedArrayBuffer(4 * count));
  return {
    semaphore: words(PERMITS),
    limiter: words(PERMITS),
    onces: words(ONCES),
    readers: words(slots),
    items: words(2),
  };
}

/** The word for the function of the how-manyeth `Once`. */
export function onceWord({ onces }: Watched, number: number): Int32Array {
  const index = number % ONCES;
  return onces.subarray(index, index + 1);
}

export interface PrimitivesWork {
  readonly tokens: Readonly<Record<Primitive, Token>>;
  readonly onceNumber: number;
  readonly watched: Watched;
  readonly primitives: readonly Primitive[];
  readonly mode: 'sync' | 'async';
  /** How many at once, of an async thread. */
  readonly tasks: number;
}
