/**
 * How many use something at the same time, counted by words that heddle does not know: each user has a place, and there
 * are as many as may use it. The place of a thread that is to die may be taken by the next.
 */
import type { Arena } from './arena.ts';

const MANY_TIMES = 100_000;

export class Places {
  readonly #words: Int32Array;
  readonly #arena: Arena;
  readonly #what: number;

  /** `what` is told with a fault. */
  constructor(words: Int32Array, arena: Arena, what: number) {
    this.#words = words;
    this.#arena = arena;
    this.#what = what;
  }

  /** One place, to be left again; there is one if no more than may use it do. */
  take(thread: number): number {
    const words = this.#words;
    // They move while one looks: only if none is ever found there is none.
    for (let times = 0; times < MANY_TIMES; times++)
      for (let place = 0; place < words.length; place++) {
        const owner = Atomics.load(words, place);
        if (owner !== 0 && (owner === thread || !this.#arena.mayBeDead(owner))) continue;
        if (Atomics.compareExchange(words, place, owner, thread) === owner) return place;
      }
    this.#arena.fault(6, this.#what, thread, ...words);
    return -1;
  }

  leave(place: number, thread: number): void {
    if (place < 0 || Atomics.compareExchange(this.#words, place, thread, 0) === thread) return;
    if (!this.#arena.mayBeDead(thread)) this.#arena.fault(2, this.#what, thread, place);
  }
}

/** Who reads, by slot: the thread and how many of its tasks. */
export class Readers {
  readonly #words: Int32Array;
  readonly #arena: Arena;

  constructor(words: Int32Array, arena: Arena) {
    this.#words = words;
    this.#arena = arena;
  }

  begin(slot: number, thread: number): void {
    Atomics.store(this.#words, slot, thread * MOST_TASKS);
  }

  enter(slot: number): void {
    Atomics.add(this.#words, slot, 1);
  }

  leave(slot: number): void {
    Atomics.sub(this.#words, slot, 1);
  }

  /** For a writer: nobody may read. */
  checkNone(thread: number): void {
    for (let slot = 0; slot < this.#words.length; slot++) {
      const word = Atomics.load(this.#words, slot);
      const reader = Math.floor(word / MOST_TASKS);
      if (word % MOST_TASKS > 0 && !this.#arena.mayBeDead(reader)) this.#arena.fault(8, reader, thread, slot);
    }
  }
}

const MOST_TASKS = 64;
