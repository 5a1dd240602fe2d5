/** What both sides do with primitives of `multithreading`. A pair is a Mutex and a Condvar. */

/** What was moved: pairs where there are two kinds of things, else single ones. */
export function restoreAll(moved) {
  return moved.length === 2 && 'notifyOne' in moved[1] ? [moved] : moved;
}

export const enterSync = ([mutex]) => mutex.blockingLock();
export const waitForTurnSync = ([, condvar], guard) => condvar.blockingWait(guard);
export const passTurn = ([, condvar]) => condvar.notifyOne();
export const leave = (_pair, guard) => guard.dispose();
export const passSync = (barrier) => barrier.blockingWait();
export const pass = (barrier) => barrier.wait();
