/**
 * SharedArrayBuffers in jobs between the keeper of a pool and its threads. Bytes cannot carry them, but a message can: it is
 * sent before the job is put, once for each buffer and thread, and the job has the number of the buffer. So who takes the job finds
 * the message, though the sender is busy or blocked by then.
 *
 * - **Numbers** are below 0, and never used twice in the process; those of `codec/buffer-ids.ts`, by which buffers reach threads
 *   that nobody knows, are above.
 * - **Lifetime.** The other side keeps a buffer until the sender's code has dropped it, and is told so.
 */
import { SendError } from '../core/errors.ts';
import type { Heap } from '../memory/heap.ts';

/** Where the messages go. */
export interface BufferPeers {
  post(message: BufferMessage): void;
}

export type BufferMessage =
  | { readonly type: 'buffer'; readonly id: number; readonly buffer: SharedArrayBuffer }
  | { readonly type: 'dropped'; readonly id: number };

const ids = new WeakMap<SharedArrayBuffer, number>();
const own = new Map<number, WeakRef<SharedArrayBuffer>>();
const received = new Map<number, SharedArrayBuffer>();
/** Takes messages that have come and were not looked at yet. */
const mailboxes = new Set<() => void>();

/** The buffers that one side has sent to the other. */
export class SentBuffers {
  readonly #sent = new Map<number, WeakRef<SharedArrayBuffer>>();
  readonly #peers: BufferPeers;
  readonly #dropped = new FinalizationRegistry<number>((id) => {
    this.#sent.delete(id);
    this.#peers.post({ type: 'dropped', id });
  });

  constructor(peers: BufferPeers) {
    this.#peers = peers;
  }

  /** The number of the buffer, which has been sent by then. */
  share(heap: Heap, buffer: SharedArrayBuffer): number {
    let id = ids.get(buffer);
    if (id === undefined) {
      id = -heap.nextId();
      ids.set(buffer, id);
      own.set(id, new WeakRef(buffer));
    }
    if (!this.#sent.has(id)) {
      this.#sent.set(id, new WeakRef(buffer));
      this.#dropped.register(buffer, id);
      this.#peers.post({ type: 'buffer', id, buffer });
    }
    return id;
  }

  /** What a peer that comes later must be sent. */
  *messages(): IterableIterator<BufferMessage> {
    for (const [id, reference] of this.#sent) {
      const buffer = reference.deref();
      if (buffer !== undefined) yield { type: 'buffer', id, buffer };
    }
  }
}

/** A message has come. */
export function takeBufferMessage(message: BufferMessage): void {
  if (message.type === 'dropped') {
    received.delete(message.id);
    return;
  }
  received.set(message.id, message.buffer);
  // Sent back it has the same number.
  ids.set(message.buffer, message.id);
}

/** Says where messages with buffers come in; gives what takes that back. */
export function buffersComeBy(take: () => void): () => void {
  mailboxes.add(take);
  return () => mailboxes.delete(take);
}

/**
 * Whether the buffer with that number has come. On Deno one that has not may be about to: what its loop has taken out of a port
 * already cannot be asked for any more, and is told in its next round.
 */
export function isBufferHere(id: number): boolean {
  return find(id) !== undefined;
}

/** The buffer with that number. @throws SendError if it was dropped, or its sender has died. */
export function bufferByMessage(id: number): SharedArrayBuffer {
  const found = find(id);
  if (found === undefined)
    throw new SendError('Cannot receive a SharedArrayBuffer: its sender has ended before it came', 'args');
  return found;
}

function find(id: number): SharedArrayBuffer | undefined {
  const known = received.get(id) ?? own.get(id)?.deref();
  if (known !== undefined) return known;
  for (const take of mailboxes) take();
  return received.get(id);
}
