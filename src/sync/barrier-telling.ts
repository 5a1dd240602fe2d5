/**
 * Telling those who wait at a barrier what was decided (`barrier-word.ts`): who has arrived, and newcomers.
 *
 * What is to be told stands in `BARRIER_TELLING` until all have been told, so anybody may go on with it.
 */
import { Atomics } from '#atomics';
import type { Heap } from '../memory/heap.ts';
import {
  BARRIER_NEWCOMERS,
  BARRIER_TELLING,
  CELL_ASYNC,
  CELL_STATE,
  LIST_COUNT,
  LIST_HEAD,
  LIST_TAIL,
  LISTS,
  NODE_CELL,
  NODE_LINKED,
  NODE_LIST,
  NODE_NEXT,
  NODE_PREVIOUS,
  NODE_SETTER,
  NODE_VALUE,
  NODE_WANT,
  SECTION,
  WAITING,
} from '../memory/layout.ts';
import { enterSection } from '../memory/section.ts';
import { MOST_AT_ONCE, type Parking } from '../park/parking.ts';

/** Who has arrived passes, with its number, or fails. */
export const PASS = 1;
export const FAIL = 2;
export const ARRIVED_BITS = 3;
/** A newcomer tries again, or fails. */
export const RETRY = 4;
export const REFUSE = 8;
const NEWCOMER_BITS = 12;

/** What a waiter is told, if not its number. */
export const FAILS = -3;
export const AGAIN = -4;

export class BarrierTelling {
  readonly #parking: Parking;
  readonly #object: number;
  readonly #heap: Heap;
  readonly #words: Int32Array;

  constructor(parking: Parking, object: number) {
    this.#parking = parking;
    this.#object = object;
    this.#heap = parking.heap;
    this.#words = parking.heap.words;
  }

  /** Tells who waits what was decided. The stack has been probed, for nothing may fail here. */
  serve(): void {
    const words = this.#words;
    const object = this.#object;
    const parking = this.#parking;
    if (Atomics.load(words, object + BARRIER_TELLING) === 0) return;
    parking.beginTelling();
    try {
      while (Atomics.load(words, object + BARRIER_TELLING) !== 0) parking.tellAll(this.#setBatch());
    } finally {
      parking.endTelling();
    }
  }

  /** Sets some cells of those who are told something, the first first; gives how many. */
  #setBatch(): number {
    const words = this.#words;
    const object = this.#object;
    const me = this.#heap.token;
    const { cells, owners, areAsync } = this.#parking.toTell;
    let set = 0;
    if (Atomics.compareExchange(words, object + SECTION, 0, me) !== 0) enterSection(this.#heap, object);
    const telling = words[object + BARRIER_TELLING]!;
    const arrived = (telling & ARRIVED_BITS) !== 0;
    const passes = (telling & PASS) !== 0;
    const list = object + (arrived ? LISTS : BARRIER_NEWCOMERS);
    const other = arrived || (telling & REFUSE) !== 0 ? FAILS : AGAIN;
    let node = telling === 0 ? 0 : words[list + LIST_HEAD]!;
    while (set < MOST_AT_ONCE && node !== 0) {
      const next = words[node + NODE_NEXT]!;
      const cell = words[node + NODE_CELL]!;
      words[list + LIST_HEAD] = next;
      if (next === 0) words[list + LIST_TAIL] = 0;
      else words[next + NODE_PREVIOUS] = 0;
      words[list + LIST_COUNT]! -= 1;
      words[node + NODE_LINKED] = 0;
      words[node + NODE_VALUE] = passes ? words[node + NODE_WANT]! : other;
      words[node + NODE_SETTER] = me;
      // Read before it is set: from then on the cell is its waiter's.
      cells[set] = cell;
      owners[set] = words[cell - 1]!;
      areAsync[set] = words[cell + CELL_ASYNC]!;
      if (Atomics.compareExchange(words, cell + CELL_STATE, WAITING, node) === WAITING) set++;
      // Given up: it was told all the same, and sees that here.
      else words[node + NODE_LIST] = 0;
      node = next;
    }
    if (node === 0) words[object + BARRIER_TELLING] = arrived ? telling & NEWCOMER_BITS : 0;
    if (Atomics.compareExchange(words, object + SECTION, me, 0) !== me) {
      Atomics.compareExchange(words, object + SECTION, -me, 0);
      Atomics.notify(words, object + SECTION);
    }
    return set;
  }
}
