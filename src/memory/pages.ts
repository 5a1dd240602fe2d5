/**
 * The pages of shared memory: which are nobody's, which are divided into small blocks, which are one large block.
 *
 * One word a page, its **entry**, says what the page is:
 *
 * | entry             | means                                                       | leaves it by                           |
 * | ----------------- | ----------------------------------------------------------- | -------------------------------------- |
 * | 0, `UNCLAIMED`    | nobody's                                                    | a claim: → `-token`, `FURTHER + first` |
 * | 1 … 31            | divided into blocks of the size class one below             | stays                                  |
 * | `FURTHER + first` | of whoever has the page `first`                             | they give it back → 0                  |
 * | `-token`          | the first page of a run that is one thread's alone          | `move` → anything; given back → 0      |
 * | `HELD + holder`   | the first page of a shared run; 0 stands for "no one holder" | `move` → `-token` of who frees it      |
 *
 * A **run** is as many pages in a row as a large block needs. It is claimed from its first page on and given back from
 * its last page on, entry by entry, and belongs to one thread as long as either lasts. So whatever the moment at which
 * that thread dies, its first page bears its token and the further pages, which bear the number of the first, follow
 * without a gap: `move` to oneself and `giveBack` is the whole recovery. One reaper wins the first page; should it die
 * over the rest, the first page bears its token. No other run can have the same first page meanwhile.
 *
 * Two threads whose runs overlap: who meets a page that is taken gives back what it has, and looks further on. Nobody
 * ever waits, so nobody waits for ever; but a page was possibly only taken for a moment when it was met.
 *
 * One more word, `BOUND`, is never below the number of a page that was ever claimed, and one: it is raised before.
 * Looking for pages costs nothing for memory that was never used.
 *
 * - **Rejected**: making a page of small blocks nobody's again when all are free. Threads remember addresses in it, and
 *   would compare-and-swap a word that is somebody's data by then.
 */
import { Atomics } from '#atomics';

/** How the words are divided: from `base` on the page table, then the pages. */
export interface Geometry {
  /** Words before are somebody else's; 0 by default. */
  readonly base?: number;
  /** A power of two, at least 32. */
  readonly pageWords: number;
  readonly pages: number;
}

const UNCLAIMED = 0;
const FURTHER = 64;
const HELD = 2 ** 30;

/** The table: a cache line for `BOUND`, then two words a page: its entry, and a count that is the allocator's. */
const BOUND = 0;
const FIRST_ENTRY = 16;
const ENTRY_WORDS = 2;
const FREED = 1;

/** How many words the page table and all pages take, without `base`. */
export function wordsFor({ pageWords, pages }: Geometry): number {
  return FIRST_ENTRY + pages * (ENTRY_WORDS + pageWords);
}

/** The size class of a page with that entry, -1 if it is not divided into blocks. */
export function classIn(entry: number): number {
  return entry > UNCLAIMED && entry < FURTHER ? entry - 1 : -1;
}

/** Whose the run is whose first page has that entry: a token, -1 minus the holder, or 0 if there is no such run. */
export function stateIn(entry: number): number {
  if (entry < 0) return -entry;
  return entry >= HELD ? HELD - 1 - entry : 0;
}

function entryFor(state: number): number {
  return state < 0 ? HELD - 1 - state : -state;
}

export class Pages {
  readonly count: number;
  readonly pageWords: number;
  readonly #words: Int32Array;
  readonly #token: number;
  readonly #base: number;
  readonly #entries: number;
  readonly #start: number;
  readonly #shift: number;
  /** A hint: where this thread looks for pages first. */
  #next = 0;

  constructor(words: Int32Array, { base = 0, pageWords, pages }: Geometry, token: number) {
    this.count = pages;
    this.pageWords = pageWords;
    this.#words = words;
    this.#token = token;
    this.#base = base;
    this.#entries = base + FIRST_ENTRY;
    this.#start = base + FIRST_ENTRY + pages * ENTRY_WORDS;
    this.#shift = 31 - Math.clz32(pageWords);
  }

  /** The word at which a page begins. */
  startOf(page: number): number {
    return this.#start + (page << this.#shift);
  }

  pageOf(address: number): number {
    return (address - this.#start) >> this.#shift;
  }

  /** Whether a page begins there. */
  isStart(address: number): boolean {
    return ((address - this.#start) & (this.pageWords - 1)) === 0;
  }

  /** Pages from this number on were never claimed. */
  bound(): number {
    return Atomics.load(this.#words, this.#base + BOUND);
  }

  entryOf(page: number): number {
    return Atomics.load(this.#words, this.#entries + page * ENTRY_WORDS);
  }

  /** Where the allocator may count what was freed in a page that is divided into blocks. */
  freedIn(page: number): number {
    return this.#entries + page * ENTRY_WORDS + FREED;
  }

  /** Claims a page for blocks of that size class, all words 0; `undefined` if each was taken when looked at. */
  divide(sizeClass: number): number | undefined {
    const page = this.claim(1);
    if (page === undefined) return undefined;
    this.#words.fill(0, this.startOf(page), this.startOf(page + 1));
    this.#change(page, -this.#token, sizeClass + 1);
    return page;
  }

  /** Claims that many pages in a row for this thread: the number of the first; `undefined` if there was no such run. */
  claim(count: number): number | undefined {
    const bound = this.bound();
    const next = Math.min(this.#next, bound);
    const first =
      this.#claimWithin(next, bound, count) ??
      this.#claimWithin(0, Math.min(next + count - 1, bound), count) ??
      this.#claimWithin(Math.max(0, bound - count + 1), this.count, count);
    if (first !== undefined) this.#next = first + count;
    return first;
  }

  /** How many pages the run has that begins there. */
  lengthOf(first: number): number {
    let end = first + 1;
    while (end < this.count && this.entryOf(end) === FURTHER + first) end++;
    return end - first;
  }

  /** Makes the run over from one owner to another, in the terms of `stateIn`. False if it is not `from`'s. */
  move(first: number, from: number, to: number): boolean {
    return this.#change(first, entryFor(from), entryFor(to));
  }

  /** Makes a run nobody's, or what there is of it: it must be this thread's. */
  giveBack(first: number): void {
    for (let page = first + this.lengthOf(first) - 1; page > first; page--) {
      this.#change(page, FURTHER + first, UNCLAIMED);
    }
    this.#change(first, -this.#token, UNCLAIMED);
    if (first < this.#next) this.#next = first;
  }

  #claimWithin(begin: number, end: number, count: number): number | undefined {
    let first = begin;
    for (let page = begin; page < end && first + count <= end; page++) {
      if (this.entryOf(page) !== UNCLAIMED) first = page + 1;
      else if (page + 1 === first + count) {
        const taken = this.#claimRun(first, count);
        if (taken === undefined) return first;
        first = taken + 1;
      }
    }
    return undefined;
  }

  /** The page that was taken, and then it has claimed none. */
  #claimRun(first: number, count: number): number | undefined {
    this.#raiseBound(first + count);
    if (!this.#change(first, UNCLAIMED, -this.#token)) return first;
    for (let page = first + 1; page < first + count; page++) {
      if (this.#change(page, UNCLAIMED, FURTHER + first)) continue;
      this.giveBack(first);
      return page;
    }
    return undefined;
  }

  #change(page: number, from: number, to: number): boolean {
    return Atomics.compareExchange(this.#words, this.#entries + page * ENTRY_WORDS, from, to) === from;
  }

  #raiseBound(bound: number): void {
    const at = this.#base + BOUND;
    let found = Atomics.load(this.#words, at);
    while (found < bound) {
      const seen = Atomics.compareExchange(this.#words, at, found, bound);
      if (seen === found) return;
      found = seen;
    }
  }
}
