/**
 * Shared memory for the worlds of an exploration. Every schedule gets the same arrays, filled with zeros, as long as
 * worlds ask for the same sizes in the same order: nothing is allocated per schedule.
 */
export class Memory {
  readonly #arrays: Int32Array[] = [];
  #next = 0;

  /** Shared words, all 0. */
  int32(length: number): Int32Array {
    const known = this.#arrays[this.#next];
    if (known !== undefined && known.length === length) {
      this.#next++;
      return known.fill(0);
    }
    const array = new Int32Array(new SharedArrayBuffer(4 * length));
    this.#arrays[this.#next++] = array;
    return array;
  }

  /** A shared buffer, all 0; `bytes` is a multiple of 4. */
  shared(bytes: number): SharedArrayBuffer {
    return this.int32(bytes / 4).buffer as SharedArrayBuffer;
  }

  /** Begins the next schedule: everything handed out before is free. */
  recycle(): void {
    this.#next = 0;
  }
}
