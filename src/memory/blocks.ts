/**
 * Blocks of shared memory: claimed and freed from any thread, with no lock and no list.
 *
 * The words are divided into pages, a page into blocks of one size class (16 words and its doublings). A block's first
 * word is its **state**, and that word alone decides who has the block:
 *
 * | state          | means                                   | leaves it by                                          |
 * | -------------- | --------------------------------------- | ----------------------------------------------------- |
 * | 0, `FREE`      | nobody's                                | `allocate`: compare-and-swap to the caller's token    |
 * | a token, > 0   | of one thread, which nobody else knows  | `publish` → `SHARED`; `free`, or `reap` if it died → 0 |
 * | -1, `SHARED`   | of whoever holds its address            | `free` → 0                                            |
 *
 * Everything else is a hint of where to look: each thread remembers blocks that were free when it saw them, and a
 * page counts the frees that nobody remembers. A hint may be wrong or lost; a compare-and-swap decides, and before
 * memory counts as exhausted every state is looked at. So there is nothing that a thread could leave half done when it
 * is terminated: a block that it had claimed bears its token, and `reap` finds it.
 *
 * - **Scope**: one allocator per thread, all on the same words. Tokens are never used twice.
 * - **Cost**: one compare-and-swap when the thread remembers a free block, as after its own frees; else a look over one
 *   page, or a fresh one.
 * - **Rejected**: a free list per class. One word cannot hold a 24-bit index and enough of a tag to keep a list safe
 *   from a head that went and came back; and a thread that dies with a list in hand takes it along.
 */
import { Atomics } from '#atomics';

/** How the words are divided: from `base` on the page table, two words a page, then the pages. */
export interface Geometry {
  /** Words before are somebody else's; 0 by default. */
  readonly base?: number;
  readonly pageWords: number;
  readonly pages: number;
}

const FREE = 0;
const SHARED = -1;

/** The smallest block: a cache line. */
const SMALLEST = 16;
/** Of a page's two words in the table: 0 for a page that nobody has claimed, else its size class and 1. */
const PAGE_CLASS = 0;
/** How often a block of the page was freed and not remembered by anyone, since somebody looked. */
const PAGE_FREED = 1;
const PAGE_ENTRY = 2;

/** A thread remembers at most so many free blocks of a class: the others should find some too. */
const MOST_REMEMBERED = 256;

/** How many words the page table and all pages take. */
export function wordsFor({ pageWords, pages }: Geometry): number {
  return pages * PAGE_ENTRY + pages * pageWords;
}

export class BlockAllocator {
  readonly #words: Int32Array;
  readonly #geometry: Geometry;
  readonly #token: number;
  readonly #base: number;
  /** By size class: addresses of blocks that were free when this thread last saw them. */
  readonly #remembered: number[][] = [];
  /** Pages below were claimed when this thread last looked. */
  #claimed = 0;

  /** `token` stands for this thread in the states of its blocks: above 0, and of no other thread ever. */
  constructor(words: Int32Array, geometry: Geometry, token: number) {
    this.#words = words;
    this.#geometry = geometry;
    this.#token = token;
    this.#base = geometry.base ?? 0;
  }

  /**
   * A block of at least `size` words, all 0: its address, at which these words begin. Until `publish` it is this
   * thread's alone, and is freed with its death. `undefined` if there is no room: each block was taken when looked at.
   */
  allocate(size: number): number | undefined {
    const sizeClass = this.#classFor(size);
    for (;;) {
      const address = this.#claimRemembered(sizeClass);
      if (address !== undefined) return address;
      if (this.#lookWhereFreed(sizeClass)) continue;
      if (this.#claimPage(sizeClass)) continue;
      if (!this.#lookEverywhere(sizeClass)) return undefined;
    }
  }

  /** From now on the block outlives this thread: it is freed by whoever is the last to hold its address. */
  publish(address: number): void {
    Atomics.compareExchange(this.#words, address - 1, this.#token, SHARED);
  }

  /** Gives a block back: a shared one, or one of this thread. False, and nothing changed, if it is neither. */
  free(address: number): boolean {
    const state = Atomics.load(this.#words, address - 1);
    if (state !== SHARED && state !== this.#token) return false;
    if (Atomics.compareExchange(this.#words, address - 1, state, FREE) !== state) return false;
    const page = this.#pageOf(address);
    const sizeClass = Atomics.load(this.#words, this.#entryOf(page) + PAGE_CLASS) - 1;
    if (!this.#remember(sizeClass, address)) Atomics.add(this.#words, this.#entryOf(page) + PAGE_FREED, 1);
    return true;
  }

  /**
   * Frees what the thread with that token had allocated and not published. The thread must have ended. May be done by
   * several threads at once, and again after one of them died over it. Returns how many blocks it freed.
   */
  reap(token: number): number {
    let freed = 0;
    for (let page = 0; page < this.#geometry.pages; page++) {
      const sizeClass = Atomics.load(this.#words, this.#entryOf(page) + PAGE_CLASS) - 1;
      if (sizeClass < 0) continue;
      const end = this.#pageStart(page + 1);
      const step = SMALLEST << sizeClass;
      for (let block = this.#pageStart(page); block < end; block += step) {
        if (Atomics.compareExchange(this.#words, block, token, FREE) === token) freed++;
      }
      // What it remembered is remembered by nobody now.
      Atomics.add(this.#words, this.#entryOf(page) + PAGE_FREED, 1);
    }
    return freed;
  }

  /** How many blocks are not free. Looks at all of them. */
  countUsed(): number {
    let used = 0;
    for (let page = 0; page < this.#geometry.pages; page++) {
      const sizeClass = Atomics.load(this.#words, this.#entryOf(page) + PAGE_CLASS) - 1;
      if (sizeClass < 0) continue;
      const end = this.#pageStart(page + 1);
      const step = SMALLEST << sizeClass;
      for (let block = this.#pageStart(page); block < end; block += step) {
        if (Atomics.load(this.#words, block) !== FREE) used++;
      }
    }
    return used;
  }

  /** 0 if the block is free, the token of the thread whose alone it is, or -1 if it is shared. */
  stateOf(address: number): number {
    return Atomics.load(this.#words, address - 1);
  }

  /**
   * The address of the first block behind `after` (0 to begin) that is not free; 0 if there is none. Others may allocate
   * and free meanwhile: a block that was used all the time is not left out, of any other nothing is promised.
   */
  nextUsed(after: number): number {
    const first = after === 0 ? 0 : this.#pageOf(after);
    for (let page = first; page < this.#geometry.pages; page++) {
      const sizeClass = Atomics.load(this.#words, this.#entryOf(page) + PAGE_CLASS) - 1;
      if (sizeClass < 0) continue;
      const end = this.#pageStart(page + 1);
      const step = SMALLEST << sizeClass;
      for (let block = this.#firstBehind(after, page, step); block < end; block += step) {
        if (Atomics.load(this.#words, block) !== FREE) return block + 1;
      }
    }
    return 0;
  }

  /** Where the first block of the page begins whose address is above `after`. */
  #firstBehind(after: number, page: number, step: number): number {
    const start = this.#pageStart(page);
    return after <= start ? start : start + Math.ceil((after - start) / step) * step;
  }

  #claimRemembered(sizeClass: number): number | undefined {
    const remembered = this.#remembered[sizeClass];
    if (remembered === undefined) return undefined;
    for (let address = remembered.pop(); address !== undefined; address = remembered.pop()) {
      if (Atomics.compareExchange(this.#words, address - 1, FREE, this.#token) === FREE) {
        this.#words.fill(0, address, address - 1 + (SMALLEST << sizeClass));
        return address;
      }
    }
    return undefined;
  }

  /** Whether a page that counts frees had any. */
  #lookWhereFreed(sizeClass: number): boolean {
    for (let page = 0; page < this.#geometry.pages; page++) {
      const entry = this.#entryOf(page);
      const found = Atomics.load(this.#words, entry + PAGE_CLASS);
      if (found === 0) return false;
      if (found !== sizeClass + 1 || Atomics.load(this.#words, entry + PAGE_FREED) === 0) continue;
      Atomics.store(this.#words, entry + PAGE_FREED, 0);
      if (this.#lookAt(page, sizeClass)) return true;
    }
    return false;
  }

  #lookEverywhere(sizeClass: number): boolean {
    for (let page = 0; page < this.#geometry.pages; page++) {
      const found = Atomics.load(this.#words, this.#entryOf(page) + PAGE_CLASS);
      if (found === sizeClass + 1 && this.#lookAt(page, sizeClass)) return true;
    }
    return false;
  }

  /** Remembers the free blocks of a page, as many as this thread may. */
  #lookAt(page: number, sizeClass: number): boolean {
    const end = this.#pageStart(page + 1);
    const step = SMALLEST << sizeClass;
    let found = false;
    for (let block = this.#pageStart(page); block < end; block += step) {
      if (Atomics.load(this.#words, block) !== FREE) continue;
      if (!this.#remember(sizeClass, block + 1)) {
        Atomics.add(this.#words, this.#entryOf(page) + PAGE_FREED, 1);
        return true;
      }
      found = true;
    }
    return found;
  }

  #claimPage(sizeClass: number): boolean {
    for (let page = this.#claimed; page < this.#geometry.pages; page++) {
      this.#claimed = page + 1;
      const entry = this.#entryOf(page) + PAGE_CLASS;
      if (Atomics.compareExchange(this.#words, entry, 0, sizeClass + 1) === 0) {
        return this.#lookAt(page, sizeClass);
      }
    }
    return false;
  }

  #remember(sizeClass: number, address: number): boolean {
    let remembered = this.#remembered[sizeClass];
    if (remembered === undefined) {
      remembered = [];
      this.#remembered[sizeClass] = remembered;
    }
    if (remembered.length >= MOST_REMEMBERED) return false;
    remembered.push(address);
    return true;
  }

  #classFor(size: number): number {
    const { pageWords } = this.#geometry;
    if (!Number.isInteger(size) || size < 1 || size >= pageWords) {
      throw new RangeError(
        `size must be a whole number of words from 1 to ${pageWords - 1}, received ${size}`,
      );
    }
    let sizeClass = 0;
    while (SMALLEST << sizeClass < size + 1) sizeClass++;
    return sizeClass;
  }

  #pageStart(page: number): number {
    const { pages, pageWords } = this.#geometry;
    return this.#base + pages * PAGE_ENTRY + page * pageWords;
  }

  #pageOf(address: number): number {
    const { pages, pageWords } = this.#geometry;
    return Math.floor((address - this.#base - pages * PAGE_ENTRY) / pageWords);
  }

  #entryOf(page: number): number {
    return this.#base + page * PAGE_ENTRY;
  }
}
