/**
 * An outcome that is put once, and read by all who wait for it, in any thread: what a future is in shared memory.
 *
 * It is a gate (`sync/gate.ts`), and a queue with room for one item (`store.ts`): so most of it, and what becomes of it when a
 * thread dies, are algorithms that are there already. The steps that join them are in `settling.ts`.
 *
 * The **right** to settle one is an object of its own, which holds it. When nobody has that any more (each thread that had it
 * gave it up, or died) the settlement is abandoned.
 */
import { Atomics } from '#atomics';
import { SHARED } from '../memory/blocks.ts';
import { dropHold } from '../memory/handles.ts';
import type { Heap } from '../memory/heap.ts';
import { FUTURE, kindOf, QUEUE, RESOLVE } from '../memory/kinds.ts';
import {
  DATA,
  GATE_COUNT,
  OBJECT,
  RIGHT_RECORD,
  SETTLEMENT_OUTCOME,
  SETTLEMENT_RECORD,
  SETTLEMENT_WORDS,
} from '../memory/layout.ts';
import { ownParking, parkingOf } from '../park/own-parking.ts';
import type { Parking } from '../park/parking.ts';
import { Gate } from '../sync/gate.ts';
import type { Sharing } from '../sync/shared-handle.ts';
import { dropItem } from './item-block.ts';
import { itemsOf } from './items.ts';
import { copyFirst } from './look.ts';
import { Queue } from './queue.ts';
import { abandon, goOn, settle } from './settling.ts';
import { FIFO } from './states.ts';
import { Store } from './store.ts';
import { recover } from './store-mend.ts';

export type Settled = 'fulfilled' | 'rejected' | 'cancelled';

/** How it was settled, and with what. */
export type Outcome = readonly [how: Settled, value: unknown];

export class Settlement extends Gate {
  readonly #store: Store;

  constructor(parking: Parking, object: number) {
    super(parking, object);
    publishHold(parking.heap, object, SETTLEMENT_RECORD);
    this.#store = outcomeOf(parking, object);
  }

  get isSettled(): boolean {
    return this.count() === 0;
  }

  /** False if it was settled before, or abandoned. @throws SendError, CaptureError if the value cannot be sent. */
  put(how: Settled, value: unknown): boolean {
    const { parking } = this;
    const item = itemsOf(parking).make(this.#store.object, [how, value], 0);
    if (settle(this, this.#store, item)) return true;
    dropItem(parking.heap, item);
    return false;
  }

  /** A copy of the outcome; `undefined` if there is none, or there never will be: see `isSettled`. */
  read(): Outcome | undefined {
    for (;;) {
      const copy = copyFirst(this.#store);
      if (copy === undefined) return undefined;
      const seen = itemsOf(this.parking).look(copy);
      if (seen !== undefined) return seen.value as Outcome;
    }
  }
}

/** The queue of a settlement, which holds it, so that it is there. */
function outcomeOf(parking: Parking, object: number): Store {
  return new Store(parking, parking.heap.words[object + SETTLEMENT_OUTCOME]!, 0, FIFO);
}

export const SETTLEMENT: Sharing<Settlement> = {
  kind: FUTURE,
  what: 'future',
  more: SETTLEMENT_WORDS - DATA,
  core: (parking, object) => new Settlement(parking, object),
};

/** Fills the words of a new one, which is not settled. */
export function prepareSettlement(words: Int32Array, object: number): void {
  const outcome = new Queue<Outcome>({ capacity: 1 });
  const queue = kindOf(QUEUE)!.enter(outcome);
  words[object + GATE_COUNT] = 1;
  words[object + SETTLEMENT_OUTCOME] = queue;
  words[object + SETTLEMENT_RECORD] = ownParking().handles.holdForObject(queue);
  outcome[Symbol.dispose]();
}

/** For `Kind.recover`. */
export function recoverSettlement(heap: Heap, object: number): void {
  const parking = parkingOf(heap);
  const gate = new Gate(parking, object);
  const store = outcomeOf(parking, object);
  recover(store);
  goOn(gate, store);
  gate.recover();
}

/** For `Kind.free`. */
export function freeSettlement(heap: Heap, object: number): void {
  dropHold(heap, object, SETTLEMENT_RECORD);
}

/** The right to settle one, for a thread that has it. */
export class Right {
  readonly object: number;
  readonly #parking: Parking;

  constructor(parking: Parking, object: number) {
    this.object = object;
    this.#parking = parking;
    publishHold(parking.heap, object, RIGHT_RECORD);
  }

  get settlement(): Settlement {
    const { words } = this.#parking.heap;
    return new Settlement(this.#parking, words[words[this.object + RIGHT_RECORD]! + OBJECT]!);
  }
}

export const RIGHT: Sharing<Right> = {
  kind: RESOLVE,
  what: 'future',
  core: (parking, object) => new Right(parking, object),
};

/** Fills the words of a new right to settle that one, which this thread has. */
export function prepareRight(words: Int32Array, object: number, settlement: number): void {
  words[object + RIGHT_RECORD] = ownParking().handles.holdForObject(settlement);
}

/** For `Kind.free`: nobody can settle it any more. */
export function freeRight(heap: Heap, object: number): void {
  const { words, blocks } = heap;
  const record = words[object + RIGHT_RECORD]!;
  const settlement =
    record !== 0 && blocks.stateOf(record) === SHARED ? Atomics.load(words, record + OBJECT) : 0;
  if (settlement !== 0) {
    const parking = parkingOf(heap);
    abandon(new Gate(parking, settlement), outcomeOf(parking, settlement));
  }
  dropHold(heap, object, RIGHT_RECORD);
}

/** A record by which a new object holds another is its own, now that the object is there. */
function publishHold({ words, blocks }: Heap, object: number, word: number): void {
  const record = words[object + word]!;
  if (record !== 0) blocks.publish(record);
}
