/**
 * The way to the shared memory for a thread that may never need it: what `parcels.ts` does, once it was loaded. A
 * thread that has a handle has loaded it; one that gets its first handle loads it then, which keeps it out of the start
 * of every other.
 */
export interface ParcelService {
  openParcel(type: number, parcel: number): unknown;
  packMessage<M extends object>(message: M, to: number): M;
  discardMessage(message: object): void;
  releaseMessage(message: object): void;
  senderEnded(threadId: number): void;
  wakeIfBlocked(threadId: number): void;
}

let service: ParcelService | undefined;

export function provideParcels(provided: ParcelService): void {
  service = provided;
}

/** A handle of the object in a parcel; a promise while something must be loaded. */
export function openParcel(type: number, parcel: number): unknown {
  if (service !== undefined) return service.openParcel(type, parcel);
  // Until it is opened the parcel holds the object.
  return import('../all-kinds.ts').then(() => service!.openParcel(type, parcel));
}

/**
 * The message as it is to be posted to the thread with that number of the runtime: the handles in its wires are in
 * parcels. If it cannot be posted, discard it.
 */
export function packMessage<M extends object>(message: M, to: number): M {
  return service === undefined ? message : service.packMessage(message, to);
}

/** Takes the parcels of a message away that was not sent, or is not wanted. */
export function discardMessage(message: object): void {
  service?.discardMessage(message);
}

/** The handles in the wires of a message are not needed any more: it has been sent, or never will be. */
export function releaseMessage(message: object): void {
  service?.releaseMessage(message);
}

/** A thread has ended, and its last message was handled: what it sent and nobody got is dropped. */
export function senderEnded(threadId: number): void {
  service?.senderEnded(threadId);
}

/** Makes a thread that is blocked look whether it was cancelled. */
export function wakeIfBlocked(threadId: number): void {
  service?.wakeIfBlocked(threadId);
}
