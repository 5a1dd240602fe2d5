/**
 * How often a thread looks again before it sleeps.
 *
 * A wake-up costs microseconds, a look nanoseconds: what comes soon is worth some looks. But where the other thread has no
 * core of its own, each look keeps it from coming. So what was worth its looks lately is looked for again, and what was
 * not is looked for briefly; now and then it is tried anew, for that may have changed.
 *
 * **Source.** The adaptive mutexes of glibc and of Solaris, with the outcome rather than the count as the measure.
 */

/** So many looks are always made: less than a microsecond. */
const FEWEST = 16;
/** Every so many waits the most are made. */
const TRY_AGAIN = 32;

export class Patience {
  readonly #most: number;
  #looks: number;
  #waits = 0;

  /** @param most looks; 0 for none. */
  constructor(most: number) {
    this.#most = most;
    this.#looks = most;
  }

  /** How often to look before the next sleep. */
  looks(): number {
    if (++this.#waits % TRY_AGAIN === 0) return this.#most;
    return this.#looks;
  }

  /** It came while looking, or it did not. */
  learn(came: boolean): void {
    if (came) this.#looks = Math.min(this.#most, 2 * this.#looks);
    else this.#looks = Math.min(this.#most, Math.max(FEWEST, this.#looks >> 1));
  }
}
