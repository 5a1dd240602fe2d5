/** Ending the threads that a pool has too many of, as they become free: each takes one off a shared count, and ends. */
import { Atomics } from '#atomics';
import { POOL_SURPLUS } from '../memory/layout.ts';
import { callErrand } from '../park/mailbox.ts';
import type { PoolThread } from './pool-thread.ts';

export class Surplus {
  readonly #words: Int32Array;
  readonly #word: number;
  /** Threads that were asked for by the count, and have not said that they end. */
  #asked = 0;

  constructor(words: Int32Array, pool: number) {
    this.#words = words;
    this.#word = pool + POOL_SURPLUS;
  }

  /** A thread has said that it ends, though nobody told that one. */
  retired(): void {
    this.#asked = Math.max(this.#asked - 1, 0);
  }

  /** So many threads beyond `limit` end as soon as they have nothing to do: whichever come first. */
  retire(threads: Iterable<PoolThread>, limit: number): void {
    let surplus = -limit;
    for (const thread of threads) if (!thread.stopped && !thread.condemned) surplus++;
    if (surplus <= 0) {
      Atomics.store(this.#words, this.#word, 0);
      this.#asked = 0;
      return;
    }
    const more = surplus - this.#asked;
    if (more > 0) Atomics.add(this.#words, this.#word, more);
    let taken = 0;
    for (; taken < -more; taken++) {
      const left = Atomics.load(this.#words, this.#word);
      // The others have begun to end.
      if (left === 0 || Atomics.compareExchange(this.#words, this.#word, left, left - 1) !== left) break;
    }
    this.#asked += Math.max(more, 0) - taken;
    for (const thread of threads) if (thread.token !== 0) callErrand(this.#words, thread.token);
  }
}
