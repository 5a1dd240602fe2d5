/** The shared buffers in an item, for who drops it without opening it. */
import { releaseBuffer } from './buffer-ids.ts';
import { SERIALIZED, TAG_BITS, TAG_MASK, WITH_BUFFERS } from './flat.ts';
import type { Special } from './wire.ts';

/** Words before the bytes of a serialized item; see `item.ts`. */
const PREFIX = 2;

const NONE = new Int32Array(0);

/** Whether an item has uses of shared buffers. The item begins at the word `at`. */
export function mayUseBuffers(words: Int32Array, at: number): boolean {
  const header = words[at]!;
  return (header & TAG_MASK) === SERIALIZED && ((header >>> TAG_BITS) & WITH_BUFFERS) !== 0;
}

/**
 * What stands behind the bytes of an item: how many shared buffers are in it, and the number of each. So they are released
 * without opening the item, for which the stack or the memory of who drops it may not do.
 */
export function bufferList(specials: readonly Special[]): number[] {
  const ids = specials.flatMap((special) => (special.kind === 'buffer' ? [special.id] : []));
  return [ids.length, ...ids];
}

/** The numbers of the shared buffers in an item. */
export function buffersIn(words: Int32Array, at: number): Int32Array {
  if (!mayUseBuffers(words, at)) return NONE;
  const list = at + PREFIX + ((words[at + 1]! + 3) >>> 2);
  return words.slice(list + 1, list + 1 + words[list]!);
}

/** Takes away the uses that an item has of shared buffers, after which nobody can read it any more. */
export function releaseBuffersIn(words: Int32Array, at: number): void {
  const ids = buffersIn(words, at);
  if (ids.length === 0) return;
  // Before the first: whoever drops the item after the death of this thread must not release them again.
  words[at] = 0;
  // Those below 0 have come by a message, and have no uses.
  for (const id of ids) if (id > 0) releaseBuffer(id);
}
