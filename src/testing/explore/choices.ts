/** At random, one step in so many may be a fault. */
const FAULT_RARITY = 8;

/**
 * The choices that make one schedule: taken depth first, at random, or from a replay string.
 *
 * Only real choices count (two options or more). Option 0 is "go on with the same thread", so most digits are 0; in a
 * replay string a digit is one base-36 number, and zeros at the end are left out.
 */
export class Choices {
  #picks: Int32Array = new Int32Array(256);
  #counts: Int32Array = new Int32Array(256);
  /** What was chosen among, as far as the caller says. */
  #marks: Int32Array = new Int32Array(256);
  /** How many choices of the path are prescribed: by the search, or by the replay. */
  #prescribed = 0;
  #depth = 0;
  /** The state of the generator of random numbers; 0 when choices are not random. */
  #random = 0;

  /** Choices taken at random from now on; `seed` is any whole number. */
  randomize(seed: number): void {
    this.#random = (seed ^ 0x9e3779b9) | 0 || 1;
  }

  /** Choices taken from `text` from now on. */
  prescribe(text: string): void {
    const picks = [...text].map((digit) => Number.parseInt(digit, 36));
    if (picks.some(Number.isNaN)) throw new TypeError(`replay must be base-36 digits, received '${text}'`);
    while (this.#picks.length < picks.length) this.#grow();
    this.#picks.set(picks);
    this.#counts.fill(0);
    this.#prescribed = picks.length;
    this.#random = 0;
  }

  /** Begins a schedule. */
  restart(): void {
    this.#depth = 0;
    if (this.#random !== 0) this.#prescribed = 0;
  }

  /** Whether all choices that were prescribed have been asked for. */
  get isFollowed(): boolean {
    return this.#depth >= this.#prescribed;
  }

  /**
   * One of `count` options, of which the first `likely` are taken far more often at random: the rest are faults. `mark` is
   * a number for what they are: it must be the same when the same choices are made again.
   */
  choose(count: number, likely: number = count, mark: number = 0): number {
    if (count < 2) return 0;
    const at = this.#depth++;
    if (at === this.#picks.length) this.#grow();
    if (at >= this.#prescribed) {
      this.#picks[at] = this.#random === 0 ? 0 : this.#draw(count, likely);
      this.#prescribed = at + 1;
    } else if (
      this.#picks[at]! >= count ||
      (this.#counts[at]! !== 0 && (this.#counts[at] !== count || this.#marks[at] !== mark))
    ) {
      throw new RangeError(
        `Cannot follow the choices: choice ${at} has other options, ${count} of them; the model or the source has changed since, or is not deterministic`,
      );
    }
    this.#counts[at] = count;
    this.#marks[at] = mark;
    return this.#picks[at]!;
  }

  /** Turns to the next schedule, depth first; false when there is none. */
  advance(): boolean {
    if (this.#random !== 0) return true;
    let last = this.#depth - 1;
    while (last >= 0 && this.#picks[last]! + 1 >= this.#counts[last]!) last--;
    this.#prescribed = last + 1;
    if (last < 0) return false;
    this.#picks[last]!++;
    return true;
  }

  /** The choices of the schedule so far, as a replay string. */
  toString(): string {
    const picks = this.#picks.subarray(0, this.#depth);
    return Array.from(picks, (pick) => pick.toString(36))
      .join('')
      .replace(/0+$/, '');
  }

  #draw(count: number, likely: number): number {
    if (likely === 0 || likely === count || this.#below(FAULT_RARITY) === 0) return this.#below(count);
    return this.#below(likely);
  }

  /** xorshift32. */
  #below(count: number): number {
    let x = this.#random;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#random = x;
    return (x >>> 0) % count;
  }

  #grow(): void {
    const picks = new Int32Array(2 * this.#picks.length);
    picks.set(this.#picks);
    this.#picks = picks;
    const counts = new Int32Array(picks.length);
    counts.set(this.#counts);
    this.#counts = counts;
    const marks = new Int32Array(picks.length);
    marks.set(this.#marks);
    this.#marks = marks;
  }
}
