/** Handles of the calling thread and the garbage collector, which helps but is never needed. */
import { ownParking } from './own-parking.ts';

const collected = new FinalizationRegistry<number>((object) => ownParking().handles.drop(object));

/** Counts a handle as one of this thread until it is untracked, or collected. */
export function trackHandle(handle: object, object: number): void {
  collected.register(handle, object, handle);
}

/** The handle is given up now. Does nothing the second time. */
export function untrackHandle(handle: object, object: number): void {
  if (collected.unregister(handle)) ownParking().handles.drop(object);
}
