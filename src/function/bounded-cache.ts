/** A map that forgets what was used longest ago once it holds `limit` entries. */
export class BoundedCache<K, V> {
  readonly #limit: number;
  readonly #entries = new Map<K, V>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The value of `key`, made by `make` if it is not there; if that throws, nothing is remembered. */
  getOrMake(key: K, make: () => V): V {
    let value = this.#entries.get(key);
    if (value === undefined) {
      value = make();
      if (this.#entries.size >= this.#limit) {
        const oldest = this.#entries.keys().next();
        if (!oldest.done) this.#entries.delete(oldest.value);
      }
    } else this.#entries.delete(key);
    this.#entries.set(key, value);
    return value;
  }
}
