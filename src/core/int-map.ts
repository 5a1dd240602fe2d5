/**
 * A map from integers above 0, for entries that come and go all the time. What it gives is in no order, and must not be
 * changed meanwhile.
 *
 * A `Map` makes a new table for every few dozen entries that go, and the old one leads to the new one, for iterators. Once one
 * of these tables is in the old generation, dead or not, the collector of the young one takes all that come after it for
 * alive, with what was in them: each entry is copied twice, and memory fills up with the dead until a full collection. Jobs
 * took half as long again for that (Node 24; Node 20 the same). Here nothing is made while it does not grow or shrink.
 *
 * **Source.** Open addressing with linear probing, and removal without marks (Knuth, The Art of Computer Programming, volume
 * 3, 6.4, algorithm R).
 */
/** So many places there are at least; and so many are not given up, for what was many will often be many again. */
const SMALLEST = 64;
const KEPT = 2048;

export class IntMap<V> {
  #keys: Int32Array = new Int32Array(SMALLEST);
  #values: (V | undefined)[] = new Array<V | undefined>(SMALLEST).fill(undefined);
  #mask: number = SMALLEST - 1;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(key: number): boolean {
    return this.#keys[this.#find(key)] === key;
  }

  get(key: number): V | undefined {
    return this.#values[this.#find(key)];
  }

  set(key: number, value: V): void {
    const keys = this.#keys;
    const at = this.#find(key);
    this.#values[at] = value;
    if (keys[at] === key) return;
    keys[at] = key;
    if (++this.#size * 2 > this.#mask) this.#resize(keys.length * 2);
  }

  delete(key: number): boolean {
    const keys = this.#keys;
    const values = this.#values;
    const mask = this.#mask;
    let hole = this.#find(key);
    if (keys[hole] === 0) return false;
    this.#size--;
    for (let at = (hole + 1) & mask; keys[at] !== 0; at = (at + 1) & mask) {
      // It stays if its own place is after the hole.
      if (((at - home(keys[at]!, mask)) & mask) < ((at - hole) & mask)) continue;
      keys[hole] = keys[at]!;
      values[hole] = values[at];
      hole = at;
    }
    keys[hole] = 0;
    values[hole] = undefined;
    if (keys.length > KEPT && this.#size * 16 < keys.length) this.#resize(keys.length / 4);
    return true;
  }

  *keys(): Generator<number, void> {
    for (const key of this.#keys) if (key !== 0) yield key;
  }

  *values(): Generator<V, void> {
    for (const [at, key] of this.#keys.entries()) if (key !== 0) yield this.#values[at]!;
  }

  /** Where the key is, or where it would be put. */
  #find(key: number): number {
    const keys = this.#keys;
    const mask = this.#mask;
    let at = home(key, mask);
    while (keys[at] !== 0 && keys[at] !== key) at = (at + 1) & mask;
    return at;
  }

  #resize(length: number): void {
    const keys = this.#keys;
    const values = this.#values;
    this.#mask = length - 1;
    this.#keys = new Int32Array(length);
    this.#values = new Array<V | undefined>(length).fill(undefined);
    for (const [from, key] of keys.entries()) {
      if (key === 0) continue;
      const at = this.#find(key);
      this.#keys[at] = key;
      this.#values[at] = values[from];
    }
  }
}

/** Fibonacci hashing: addresses are multiples of powers of two. */
function home(key: number, mask: number): number {
  return (Math.imul(key, 0x9e3779b1) >>> 7) & mask;
}
