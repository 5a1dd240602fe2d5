/** The shared buffers in an item, for who drops it without opening it. */
import { deserialize } from '../platform/serialize.ts';
import { releaseBuffer } from './buffer-ids.ts';
import { FLAT, SERIALIZED, TAG_BITS, TAG_MASK } from './flat.ts';
import { FlatDecoder } from './flat-decoder.ts';
import type { Special } from './wire.ts';

/** Words before the bytes of a serialized item; see `item.ts`. */
const PREFIX = 2;

/** Whether an item has uses of shared buffers, or other special values. The item begins at the word `at`. */
export function mayUseBuffers(words: Int32Array, at: number): boolean {
  return (words[at]! & TAG_MASK) === SERIALIZED && words[at]! >>> TAG_BITS !== 0;
}

/** Takes away the uses that an item has of shared buffers, after which nobody can read it any more. */
export function releaseBuffersIn(words: Int32Array, bytes: Uint8Array, at: number): void {
  if (!mayUseBuffers(words, at)) return;
  const start = at + PREFIX;
  const length = words[at + 1]!;
  const flags = words[at]! >>> TAG_BITS;
  const [, specials] = (
    (flags & FLAT) === 0
      ? deserialize(bytes.subarray(4 * start, 4 * start + length))
      : new FlatDecoder().decode(words, bytes, start, length >> 2)
  ) as [unknown, Special[]];
  // Before the first: whoever drops the item after the death of this thread must not release them again.
  words[at] = 0;
  // Those below 0 have come by a message, and have no uses.
  for (const special of specials) if (special.kind === 'buffer' && special.id > 0) releaseBuffer(special.id);
}
