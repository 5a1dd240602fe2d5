/** Bytes into memory that threads share, and out of it. */
import { Buffer } from 'node:buffer';

const copy = Buffer.prototype.copy;

/** Fewer bytes are copied faster without a call of machine code, and more than so many are a matter of memory. */
const FEW = 2 ** 12;
const MUCH = 2 ** 20;

/**
 * Copies all of `from` to the byte `at` of `to`. No other thread may read or write there meanwhile: `set` copies word by word
 * where memory is shared, so that others find whole words, and takes four times as long.
 */
export function copyBytes(from: Uint8Array, to: Uint8Array, at: number): void {
  const last = from.length - 1;
  if (last < FEW) {
    to.set(from, at);
    return;
  }
  // Node copies a part in one go, but the whole of an array as `set` does.
  copy.call(from, to, at, 0, last);
  to[at + last] = from[last]!;
}

/** So many bytes, from that one on, in memory of their own. As `copyBytes`, others may not write there meanwhile. */
export function copyOfBytes(from: Uint8Array, start: number, length: number): ArrayBuffer {
  // All of it is overwritten: so it need not be empty, but that is a gain only where there is much of it.
  const made = length < MUCH ? new Uint8Array(length) : Buffer.allocUnsafeSlow(length);
  copy.call(from, made, 0, start, start + length);
  return made.buffer;
}
