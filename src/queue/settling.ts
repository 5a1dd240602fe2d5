/**
 * The steps of a settlement (`settlement.ts`): a gate, which is open once there is an outcome, and a queue with room for one
 * item, which is the outcome.
 *
 * | queue            | gate   | means                        | leaves it by                                             |
 * | ---------------- | ------ | ---------------------------- | -------------------------------------------------------- |
 * | open, empty      | closed | not settled                  | `settle`: its `put`; `abandon`: shut down                |
 * | an item, or shut | closed | settled, or abandoned        | whoever did that opens the gate; if it dies, who mends   |
 * | an item          | open   | … and told                   | never: nobody takes the item                             |
 * | shut and empty   | open   | abandoned, and told          | never: nothing can be put                                |
 *
 * **Invariant.** The gate is open only if the queue has an item or is shut: whoever passes reads what all others read.
 */
import { QUEUE_SIZE, QUEUE_STATE } from '../memory/layout.ts';
import type { Gate } from '../sync/gate.ts';
import { OPEN, READY, SHUT } from './states.ts';
import type { Store } from './store.ts';

/** Puts the item, which has the outcome. False, and it is in hand still, if there is one, or it was abandoned. */
export function settle(gate: Gate, store: Store, item: number): boolean {
  if (store.put(item) !== READY) return false;
  gate.countDown(1);
  return true;
}

/** Nobody will settle it any more. */
export function abandon(gate: Gate, store: Store): void {
  store.change(QUEUE_STATE, SHUT);
  gate.countDown(1);
}

/** Opens the gate if a dead thread was about to. What it was putting has been mended before. */
export function goOn(gate: Gate, store: Store): void {
  if (gate.count() === 0) return;
  if (store.read(QUEUE_SIZE) > 0 || store.read(QUEUE_STATE) !== OPEN) gate.countDown(1);
}
