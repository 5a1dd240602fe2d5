/**
 * An outcome that is put once, and read by all who wait for it, in any thread: what a future is in shared memory.
 *
 * It is a gate (`sync/gate.ts`), which is open once there is an outcome, and a queue with room for one item, which is the
 * outcome. So both, and what becomes of them when a thread dies, are algorithms that are there already.
 *
 * ```text
 * put       the item into the queue: whoever succeeds has settled it, for there is room for one; then open the gate
 * abandon   shut the queue down: from now on nothing can be put. What is in it stays. Then open the gate
 * read      the gate is open: a copy of the item; none says that it was abandoned
 * ```
 *
 * **Death** between the two steps: whoever mends opens the gate, if there is an item or the queue was shut down.
 *
 * The **right** to settle one is an object of its own, which holds it. When nobody has that any more (each thread that had it
 * gave it up, or died) the settlement is abandoned.
 */
import { Atomics } from '#atomics';
import { QueueShutDownError } from '../core/errors.ts';
import { SHARED } from '../memory/blocks.ts';
import { dropHold } from '../memory/handles.ts';
import type { Heap } from '../memory/heap.ts';
import { FUTURE, kindOf, QUEUE, RESOLVE } from '../memory/kinds.ts';
import {
  DATA,
  GATE_COUNT,
  OBJECT,
  OBJECT_ID,
  QUEUE_SIZE,
  QUEUE_STATE,
  RIGHT_RECORD,
  SETTLEMENT_OUTCOME,
  SETTLEMENT_RECORD,
  SETTLEMENT_WORDS,
} from '../memory/layout.ts';
import { ownParking, parkingOf } from '../park/own-parking.ts';
import type { Parking } from '../park/parking.ts';
import { Gate } from '../sync/gate.ts';
import type { Sharing } from '../sync/shared-handle.ts';
import { Queue } from './queue.ts';
import { FIFO, OPEN, SHUT } from './states.ts';
import { Store } from './store.ts';

export type Settled = 'fulfilled' | 'rejected' | 'cancelled';

/** How it was settled, and with what. */
export type Outcome = readonly [how: Settled, value: unknown];

export class Settlement extends Gate {
  constructor(parking: Parking, object: number) {
    super(parking, object);
    publishHold(parking.heap, object, SETTLEMENT_RECORD);
  }

  get isSettled(): boolean {
    return this.count() === 0;
  }

  /** False if it was settled before, or abandoned. @throws SendError, CaptureError if the value cannot be sent. */
  put(how: Settled, value: unknown): boolean {
    const outcome = this.#outcome();
    try {
      if (!outcome.tryPut([how, value])) return false;
    } catch (error) {
      if (error instanceof QueueShutDownError) return false;
      throw error;
    } finally {
      outcome[Symbol.dispose]();
    }
    this.countDown(1);
    return true;
  }

  /** A copy of the outcome; `undefined` if there is none, or there never will be: see `isSettled`. */
  read(): Outcome | undefined {
    const outcome = this.#outcome();
    try {
      return outcome.peek()?.value;
    } finally {
      outcome[Symbol.dispose]();
    }
  }

  /** The settlement holds it, so it is there. */
  #outcome(): Queue<Outcome> {
    const { handles, heap } = this.parking;
    const queue = heap.words[this.object + SETTLEMENT_OUTCOME]!;
    handles.open(queue, OBJECT_ID, heap.words[queue + OBJECT_ID]!);
    return kindOf(QUEUE)!.restore(queue) as Queue<Outcome>;
  }
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
  const { words } = heap;
  const queue = words[object + SETTLEMENT_OUTCOME]!;
  const gate = new Gate(parkingOf(heap), object);
  gate.recover();
  if (gate.count() === 0 || queue === 0) return;
  // First: what a thread was putting when it died may be in it, or not.
  kindOf(QUEUE)!.recover(heap, queue);
  const isOver = words[queue + QUEUE_SIZE]! > 0 || words[queue + QUEUE_STATE] !== OPEN;
  if (isOver) gate.countDown(1);
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
    new Store(parking, words[settlement + SETTLEMENT_OUTCOME]!, 0, FIFO).change(QUEUE_STATE, SHUT);
    new Gate(parking, settlement).countDown(1);
  }
  dropHold(heap, object, RIGHT_RECORD);
}

/** A record by which a new object holds another is its own, now that the object is there. */
function publishHold({ words, blocks }: Heap, object: number, word: number): void {
  const record = words[object + word]!;
  if (record !== 0) blocks.publish(record);
}
