/** Handles of shared objects in messages: each message carries parcels, which hold the objects on the way. */
import { releaseWire, type Wire } from '../codec/wire.ts';
import { claimRecord, type Heap, hasHeap, ownHeap } from '../memory/heap.ts';
import { kindOf } from '../memory/kinds.ts';
import { dropParcelsFrom, tokensOfThread } from '../memory/reaper.ts';
import { ownParking, wakeIfBlocked } from '../park/own-parking.ts';
import { ownThreadId } from '../platform/worker.ts';
import { provideParcels } from './parcel-service.ts';
// All kinds: whoever has shared objects must be able to mend what a dead thread held of any other.
import '../sync/capacity-limiter.ts';
import '../queue/lifo-queue.ts';
import '../queue/priority-queue.ts';
import '../sync/barrier.ts';
import '../sync/condition.ts';
import '../sync/event.ts';
import '../sync/latch.ts';
import '../sync/lock.ts';
import '../sync/rlock.ts';
import '../sync/once.ts';
import '../sync/rw-lock.ts';
import '../sync/semaphore.ts';

function openParcel(type: number, parcel: number): unknown {
  return kindOf(type)!.restore(ownParking().handles.unpack(parcel));
}

function packMessage<M extends object>(message: M, to: number): M {
  let packed: M | undefined;
  for (const [key, value] of Object.entries(message)) {
    const wire = packWire(value, to);
    if (wire === value) continue;
    packed ??= { ...message };
    (packed as Record<string, unknown>)[key] = wire;
  }
  return packed ?? message;
}

function packWire(value: unknown, to: number): unknown {
  if (!isWire(value) || value.handles === undefined) return value;
  const { handles } = ownParking();
  const token = addressOf(ownHeap(), to);
  const specials = value.specials!.map((special) =>
    special.kind === 'handle' ? { ...special, parcel: handles.pack(special.object, token) } : special,
  );
  return { value: value.value, specials };
}

function senderEnded(threadId: number): void {
  if (hasHeap()) dropParcelsFrom(ownHeap(), threadId, ownThreadId);
}

function discardWire(value: unknown): void {
  if (!isWire(value)) return;
  for (const special of value.specials ?? [])
    if (special.kind === 'handle' && special.parcel !== undefined)
      ownParking().handles.discard(special.parcel);
}

function isWire(value: unknown): value is Wire<unknown> {
  return typeof value === 'object' && value !== null && 'value' in value && 'specials' in value;
}

/** A token under which a thread can be sent parcels; one is made if it has not joined the shared memory yet. */
export function addressOf({ words }: Heap, threadId: number): number {
  return tokensOfThread(words, threadId)[0] ?? claimRecord(words, threadId, 0);
}

provideParcels({
  openParcel,
  packMessage,
  discardMessage: (message) => {
    for (const value of Object.values(message)) discardWire(value);
  },
  releaseMessage: (message) => {
    for (const value of Object.values(message)) if (isWire(value)) releaseWire(value);
  },
  senderEnded,
  wakeIfBlocked,
});
