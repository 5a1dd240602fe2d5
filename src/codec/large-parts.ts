/** Large buffers inside a value that is being encoded: they are copied once, from where they lie to where they go. */
import { copyBytes } from '../platform/copy.ts';

/** More bytes than this are worth it. */
export const LARGE: number = 2 ** 12;

interface Part {
  /** Before which word of the scratch it belongs. */
  readonly at: number;
  readonly data: Uint8Array;
  readonly length: number;
}

export class LargeParts {
  readonly #parts: Part[] = [];
  /** How many words they take. */
  words = 0;

  get isEmpty(): boolean {
    return this.#parts.length === 0;
  }

  /** Whether all are as they were: a getter may have taken the memory of one away. */
  get areSound(): boolean {
    return this.#parts.every(({ data, length }) => data.length === length);
  }

  forget(): void {
    this.words = 0;
    if (this.#parts.length > 0) this.#parts.length = 0;
  }

  add(at: number, data: Uint8Array): void {
    this.#parts.push({ at, data, length: data.length });
    this.words += (data.length + 3) >>> 2;
  }

  /** Copies them and the scratch, which is what stands between them, to the word `to`. */
  copy(scratch: Int32Array, words: Int32Array, bytes: Uint8Array, to: number): void {
    let from = 0;
    for (const { at, data } of this.#parts) {
      words.set(scratch.subarray(from, at), to);
      copyBytes(data, bytes, (to + at - from) << 2);
      to += at - from + ((data.length + 3) >>> 2);
      from = at;
    }
    words.set(scratch.subarray(from), to);
    this.forget();
  }
}
