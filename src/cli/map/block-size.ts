/** How long a block should run: long against the cost of sending it, short against the patience of a person. */
const WANTED_MS = 20;
const MOST_ITEMS = 16_384;

/** How many items the next block gets: one at first, then as many as run for about 20 ms. */
export class BlockSize {
  readonly #single: boolean;
  #items = 1;

  constructor(single: boolean) {
    this.#single = single;
  }

  get items(): number {
    return this.#items;
  }

  /** Grows fourfold at most, since few items tell little; shrinks at once. */
  observe(count: number, msPerItem: number): void {
    if (this.#single) return;
    const wanted = Math.floor(WANTED_MS / Math.max(msPerItem, 0.0001));
    this.#items = Math.max(1, Math.min(wanted, 4 * Math.max(count, this.#items / 4), MOST_ITEMS));
  }
}
