/**
 * SharedArrayBuffers by number, for values that are kept as bytes: whoever reads the bytes gets the same memory.
 *
 * ```text
 * put      id = shareBuffer(buffer)      one use, for the item
 * taken    bufferOf(id), then releaseBuffer(id)
 * dropped  releaseBuffer(id)
 * ```
 *
 * - **Scope.** All threads of the process that have heddle's region, also those that start later, whoever started them;
 *   also after the thread that shared the buffer has ended. Nobody's loop must run, not even the main thread's. See
 *   `memory/custody.ts` for how, and for the one case in which a buffer cannot be had at once.
 * - **Lifetime.** A use keeps the buffer. After the last release it lives on only where code still has it.
 * - **Death of a thread.** One that dies before it has released leaves a use behind, and the buffer stays until the
 *   process ends: a leak of that buffer.
 * - **Cost.** Of a buffer that has uses already 0.2 µs, as its release; else see `keepBuffer` and `askForBuffer`. The
 *   first one starts a thread (some 5 to 10 MB), which keeps nothing alive.
 */
import { show } from '../core/arguments.ts';
import { InvalidStateError, SendError } from '../core/errors.ts';
import { claimBuffer, isBufferUsed, releaseBufferUse, retainBuffer } from '../memory/buffer-slots.ts';
import { askForBuffer, keepBuffer } from '../memory/custody.ts';
import { ownHeap } from '../memory/heap.ts';
import { custody } from '../memory/region.ts';

/** The last id of each buffer in this thread; its uses may have ended. */
const ids = new WeakMap<SharedArrayBuffer, number>();
const buffers = new Map<number, WeakRef<SharedArrayBuffer>>();
/** At so many, ids without uses are taken out. */
let pruneAt = 64;

/**
 * Gives the buffer one use more, and the id by which any thread gets it: a positive int32. While it has uses a thread
 * gives it the same id each time; other threads may give it others. Later ids differ from all before them.
 *
 * @throws TypeError if it is not a SharedArrayBuffer. HeddleError if 65,536 are shared already. SendError if no thread
 * keeps it. Then nothing has changed.
 */
export function shareBuffer(buffer: SharedArrayBuffer): number {
  if (!(buffer instanceof SharedArrayBuffer))
    throw new TypeError(`Cannot share a buffer: it must be a SharedArrayBuffer, received ${show(buffer)}`);
  const heap = ownHeap();
  const where = custody();
  const known = ids.get(buffer);
  if (known !== undefined && retainBuffer(where.words, known)) return known;
  const id = claimBuffer(where.words);
  try {
    keepBuffer(where, heap, id, buffer);
  } catch (error) {
    releaseBufferUse(where.words, id);
    throw error;
  }
  remember(where.words, id, buffer);
  return id;
}

/**
 * The buffer with that id, which must have a use. A thread gets the same object each time, for as long as it has it.
 * Blocks until the buffer is there, for less than a millisecond as a rule; not at all if this thread has it already.
 *
 * @throws SendError if it has no use (any more), or no thread that has it answers; then the use stays.
 */
export function bufferOf(id: number): SharedArrayBuffer {
  ownHeap();
  const where = custody();
  if (!isBufferUsed(where.words, id))
    throw new SendError(`Cannot receive a SharedArrayBuffer: ${show(id)} has been released`, 'item');
  const known = buffers.get(id)?.deref();
  if (known !== undefined) return known;
  const buffer = askForBuffer(where, id);
  remember(where.words, id, buffer);
  return buffer;
}

/** Takes one use away, in any thread. @throws InvalidStateError if there is none: somebody released twice. */
export function releaseBuffer(id: number): void {
  if (!releaseBufferUse(custody().words, id))
    throw new InvalidStateError(`Cannot release a shared buffer: ${show(id)} has no uses`);
}

function remember(words: Int32Array, id: number, buffer: SharedArrayBuffer): void {
  ids.set(buffer, id);
  buffers.set(id, new WeakRef(buffer));
  if (buffers.size < pruneAt) return;
  for (const one of buffers.keys()) if (!isBufferUsed(words, one)) buffers.delete(one);
  pruneAt = Math.max(64, 2 * buffers.size);
}
