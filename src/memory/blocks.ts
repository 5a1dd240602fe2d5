/**
 * Blocks of shared memory: claimed and freed from any thread, with no lock and no list.
 *
 * Words are divided into pages. A small block, up to half a page, is one of many in a page of its size class (16 words
 * and their doublings); a large one is a run of pages (`pages.ts`). One word, a block's **state**, decides who has it:
 * for a small block the word before its address, for a large one the entry of its first page.
 *
 * | state        | means                                   | leaves it by                                           |
 * | ------------ | --------------------------------------- | ------------------------------------------------------ |
 * | 0, `FREE`    | nobody's                                | `allocate`: compare-and-swap to the caller's token     |
 * | a token, > 0 | of one thread, which nobody else knows  | `publish` → below; `free`, or `reap` if it died → 0    |
 * | -1, `SHARED` | of whoever holds its address            | `free` → 0                                             |
 * | -1 - holder  | of the shared thing at address `holder` | `free` in the name of that holder → 0                  |
 *
 * Everything else is a hint of where to look: each thread remembers blocks that were free when it saw them, and a
 * page counts the frees that nobody remembers. A hint may be wrong or lost; a compare-and-swap decides, and before
 * memory counts as exhausted every state is looked at. So there is nothing that a thread could leave half done when it
 * is terminated: a block that it had claimed bears its token, and `reap` finds it.
 *
 * A holder makes freeing exact: while nobody publishes blocks for it, each of them is freed once, however many threads
 * clear up after it, at the same time or one after the death of another, and though others use the memory again.
 *
 * - **Scope**: one allocator per thread, all on the same words. Tokens are never used twice.
 * - **Cost**: small: one compare-and-swap when the thread remembers a free block, as after its own frees; else a look
 *   over one page, or a fresh one. Large: an operation per page, and a look at the entry of every page in use unless
 *   there is room where this thread looks first: behind its last pages, or where it gave some back.
 * - **Limit**: a page of small blocks stays one of that size, also when all of them are free.
 * - **Rejected**: a free list per class. One word cannot hold a 24-bit index and enough of a tag to keep a list safe
 *   from a head that went and came back; and a thread that dies with a list in hand takes it along.
 */
import { Atomics } from '#atomics';
import { classIn, type Geometry, Pages, stateIn } from './pages.ts';

export { type Geometry, wordsFor } from './pages.ts';

const FREE = 0;
/** The state of a block that is of whoever holds its address. */
export const SHARED = -1;

/** The smallest block: a cache line. */
const SMALLEST = 16;

/** So many words are cleared faster by `fill` than by a loop. */
const LONG = 32;

/** A thread remembers at most so many free blocks of a class: the others should find some too. */
const MOST_REMEMBERED = 256;

export class BlockAllocator {
  readonly #words: Int32Array;
  readonly #pages: Pages;
  readonly #token: number;
  /** By size class: addresses of blocks that were free when this thread last saw them. */
  readonly #remembered: number[][] = [];
  /** By size class: the page where this thread last found one that others had freed. */
  readonly #found: number[] = [];

  /** `token` stands for this thread in the states of its blocks: above 0, and of no other thread ever. */
  constructor(words: Int32Array, geometry: Geometry, token: number) {
    this.#words = words;
    this.#pages = new Pages(words, geometry, token);
    this.#token = token;
  }

  /**
   * A block of at least `size` words, all 0: its address, at which these words begin. Until `publish` it is this
   * thread's alone, and is freed with its death. `undefined` if there is no room: each block was taken when looked at.
   * @param cleared false if the words may be anything, except for the first one.
   * @throws RangeError if `size` is not a positive whole number.
   */
  allocate(size: number, cleared: boolean = true): number | undefined {
    if (!Number.isInteger(size) || size < 1) {
      throw new RangeError(
        `Cannot allocate: size must be a positive whole number of words, received ${size}`,
      );
    }
    const { pageWords } = this.#pages;
    const sizeClass = classFor(size);
    const large = size >= pageWords >> 1;
    const room = large ? Math.ceil(size / pageWords) * pageWords : (SMALLEST << sizeClass) - 1;
    const address = large ? this.#allocateLarge(room) : this.#allocateSmall(sizeClass);
    if (address !== undefined) this.#clear(address, cleared ? room : 1);
    return address;
  }

  /**
   * From now on the block outlives this thread: it is freed by whoever is the last to hold its address, or, given the
   * address of a `holder`, in its name. No effect on a block that is not of this thread.
   */
  publish(address: number, holder: number = 0): void {
    if (this.#pages.isStart(address)) {
      this.#pages.move(this.#pages.pageOf(address), this.#token, SHARED - holder);
    } else {
      Atomics.compareExchange(this.#words, address - 1, this.#token, SHARED - holder);
    }
  }

  /**
   * Gives a block back: one of this thread, a shared one, or one of `holder`, if given. False, and nothing changed, if
   * it is neither. A thread that dies over it leaves the block as it was, or to `reap`.
   */
  free(address: number, holder: number = 0): boolean {
    const state = this.stateOf(address);
    if (state !== SHARED - holder && (state !== this.#token || holder !== 0)) return false;
    const page = this.#pages.pageOf(address);
    if (this.#pages.isStart(address)) return this.#freeLarge(page, state);
    if (Atomics.compareExchange(this.#words, address - 1, state, FREE) !== state) return false;
    const sizeClass = classIn(this.#pages.entryOf(page));
    if (!this.#remember(sizeClass, address)) Atomics.add(this.#words, this.#pages.freedIn(page), 1);
    return true;
  }

  /**
   * Frees what the thread with that token had allocated and not published. The thread must have ended. May be done by
   * several threads at once, and again after one of them died over it. Returns how many blocks it freed.
   */
  reap(token: number): number {
    const bound = this.#pages.bound();
    let freed = 0;
    for (let page = 0; page < bound; page++) {
      const entry = this.#pages.entryOf(page);
      if (stateIn(entry) === token && this.#freeLarge(page, token)) freed++;
      const sizeClass = classIn(entry);
      if (sizeClass < 0) continue;
      const end = this.#pages.startOf(page + 1);
      const step = SMALLEST << sizeClass;
      for (let block = this.#pages.startOf(page); block < end; block += step) {
        if (Atomics.compareExchange(this.#words, block, token, FREE) === token) freed++;
      }
      // What it remembered is remembered by nobody now.
      Atomics.add(this.#words, this.#pages.freedIn(page), 1);
    }
    return freed;
  }

  /** How many blocks are not free. Looks at all of them. */
  countUsed(): number {
    let used = 0;
    for (let block = this.#next(0, true); block !== 0; block = this.#next(block, true)) used++;
    return used;
  }

  /** 0 if the block is free, the token of the thread whose alone it is, -1 if it is shared, -1 - holder if it has one. */
  stateOf(address: number): number {
    return this.#pages.isStart(address)
      ? stateIn(this.#pages.entryOf(this.#pages.pageOf(address)))
      : Atomics.load(this.#words, address - 1);
  }

  /** How many words the block has: at least as many as were asked for. Only whoever has the block may ask. */
  sizeOf(address: number): number {
    const page = this.#pages.pageOf(address);
    return this.#pages.isStart(address)
      ? this.#pages.lengthOf(page) * this.#pages.pageWords
      : (SMALLEST << classIn(this.#pages.entryOf(page))) - 1;
  }

  /**
   * The address of the first block behind `after` (0 to begin) that is shared or one thread's alone; 0 if there is
   * none. Others may allocate and free meanwhile: a block that is used all the time is not left out, of others nothing
   * is promised. Neither is it of the words of a block that is one thread's: they may be what was there before.
   */
  nextUsed(after: number): number {
    return this.#next(after, false);
  }

  #next(after: number, held: boolean): number {
    const bound = this.#pages.bound();
    for (let page = after === 0 ? 0 : this.#pages.pageOf(after); page < bound; page++) {
      const start = this.#pages.startOf(page);
      const entry = this.#pages.entryOf(page);
      if (start > after && counts(stateIn(entry), held)) return start;
      const sizeClass = classIn(entry);
      if (sizeClass < 0) continue;
      const end = this.#pages.startOf(page + 1);
      const step = SMALLEST << sizeClass;
      const passed = after > start ? Math.ceil((after - start) / step) : 0;
      for (let block = start + passed * step; block < end; block += step) {
        if (counts(Atomics.load(this.#words, block), held)) return block + 1;
      }
    }
    return 0;
  }

  #clear(address: number, count: number): void {
    const end = address + count;
    if (count > LONG) this.#words.fill(0, address, end);
    else for (let at = address; at < end; at++) this.#words[at] = 0;
  }

  #allocateLarge(room: number): number | undefined {
    const page = this.#pages.claim(room / this.#pages.pageWords);
    return page === undefined ? undefined : this.#pages.startOf(page);
  }

  /** Makes it this thread's own first: then nobody else gives it back, and it is reaped if this thread dies over it. */
  #freeLarge(page: number, state: number): boolean {
    if (state !== this.#token && !this.#pages.move(page, state, this.#token)) return false;
    this.#pages.giveBack(page);
    return true;
  }

  #allocateSmall(sizeClass: number): number | undefined {
    for (;;) {
      const address = this.#claimRemembered(sizeClass);
      if (address !== undefined) return address;
      if (this.#lookWhereFreed(sizeClass)) continue;
      const page = this.#pages.divide(sizeClass);
      if (page !== undefined && this.#lookAt(page, sizeClass)) continue;
      if (!this.#lookEverywhere(sizeClass)) return undefined;
    }
  }

  #claimRemembered(sizeClass: number): number | undefined {
    const remembered = this.#remembered[sizeClass];
    if (remembered === undefined) return undefined;
    for (let address = remembered.pop(); address !== undefined; address = remembered.pop()) {
      if (Atomics.compareExchange(this.#words, address - 1, FREE, this.#token) === FREE) return address;
    }
    return undefined;
  }

  /** Whether a page that counts frees had any. */
  #lookWhereFreed(sizeClass: number): boolean {
    const bound = this.#pages.bound();
    const begin = this.#found[sizeClass] ?? 0;
    for (let n = 0; n < bound; n++) {
      const page = (begin + n) % bound;
      if (classIn(this.#pages.entryOf(page)) !== sizeClass) continue;
      const freed = this.#pages.freedIn(page);
      if (Atomics.load(this.#words, freed) === 0) continue;
      Atomics.store(this.#words, freed, 0);
      if (!this.#lookAt(page, sizeClass)) continue;
      this.#found[sizeClass] = page;
      return true;
    }
    return false;
  }

  #lookEverywhere(sizeClass: number): boolean {
    const bound = this.#pages.bound();
    for (let page = 0; page < bound; page++) {
      if (classIn(this.#pages.entryOf(page)) === sizeClass && this.#lookAt(page, sizeClass)) return true;
    }
    return false;
  }

  /** Remembers the free blocks of a page, as many as this thread may. */
  #lookAt(page: number, sizeClass: number): boolean {
    const end = this.#pages.startOf(page + 1);
    const step = SMALLEST << sizeClass;
    let found = false;
    for (let block = this.#pages.startOf(page); block < end; block += step) {
      if (Atomics.load(this.#words, block) !== FREE) continue;
      if (!this.#remember(sizeClass, block + 1)) {
        Atomics.add(this.#words, this.#pages.freedIn(page), 1);
        return true;
      }
      found = true;
    }
    return found;
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
}

/** The size class of the smallest blocks that have room for `size` words and their state. */
function classFor(size: number): number {
  return Math.max(0, 28 - Math.clz32(size));
}

/** Whether a block with that state is used; `held` counts those with a holder as well. */
function counts(state: number, held: boolean): boolean {
  return state !== FREE && (held || state >= SHARED);
}
