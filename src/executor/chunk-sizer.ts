/** How many items of a `map` go to a thread at a time. */

/** Long enough that the message costs little beside the work, short enough that results keep flowing. */
const TARGET_MS = 5;
const LARGEST = 4096;

export class ChunkSizer {
  #size: number;
  readonly #adapts: boolean;

  constructor(size: number | 'auto') {
    this.#adapts = size === 'auto';
    this.#size = size === 'auto' ? 1 : size;
  }

  get size(): number {
    return this.#size;
  }

  /** A chunk of `count` items took `ms`: aims at chunks of a few milliseconds, growing no faster than twofold. */
  measured(count: number, ms: number): void {
    if (!this.#adapts) return;
    const wanted = ms === 0 ? LARGEST : Math.floor((TARGET_MS * count) / ms);
    this.#size = Math.max(1, Math.min(wanted, this.#size * 2, LARGEST));
  }
}
