/** What jobs answer, into shared memory: results, errors, outcomes of chunks. */
import { Atomics } from '#atomics';
import { CarrierMissing } from '../codec/carriers.ts';
import { explainCloneFailure } from '../codec/refusal.ts';
import { MovedByMessage } from '../codec/transfers.ts';
import { show } from '../core/arguments.ts';
import { HeddleError, SendError } from '../core/errors.ts';
import type { AnyFunction } from '../function/registry.ts';
import { addPart } from '../jobs/job-block.ts';
import { type Payloads, payloadsOf } from '../jobs/payloads.ts';
import { BY_PORT, CALL_SOON, CANCELLED_ERROR, EACH, ERROR, KIND_MASK, VALUE } from '../jobs/states.ts';
import { JOB_FLAGS, JOB_FUTURE, JOB_OUTCOME, JOB_OWNER, SETTLEMENT_JOB } from '../memory/layout.ts';
import type { Parking } from '../park/parking.ts';
import { report } from '../platform/report.ts';
import { Settlement } from '../queue/settlement.ts';
import { isThenable } from '../scope/call.ts';
import { cancelled } from '../scope/cancelled.ts';
import { carried, Part, sendable } from './outcomes.ts';
import type { ItemOutcomes } from './protocol.ts';

/** Outcomes of a chunk that has run this long are sent, so that a death of the thread loses little. */
const PART_MS = 10;

/** Where answers go. */
interface Destination {
  /** The thread that messages lead to, and the values that go there. */
  readonly keeper: number;
  readonly payloads: Payloads;
  readonly send: (job: number, value: unknown) => void;
}

export class JobAnswers {
  readonly #parking: Parking;
  readonly #words: Int32Array;
  readonly #payloads: Payloads;
  readonly #destination: Destination;

  constructor(parking: Parking, destination: Destination) {
    this.#parking = parking;
    this.#words = parking.heap.words;
    this.#payloads = payloadsOf(parking);
    this.#destination = destination;
  }

  /**
   * An answer that cannot be sent is itself an error of the job. `undefined`, and nothing was done, if this thread must load
   * the carriers of values first.
   */
  set(job: number, outcome: number, value: unknown): number | undefined {
    const kind = this.#words[job + JOB_FLAGS]! & KIND_MASK;
    const payloads =
      Atomics.load(this.#words, job + JOB_OWNER) === this.#destination.keeper
        ? this.#destination.payloads
        : this.#payloads;
    if (kind === CALL_SOON) {
      if (outcome === ERROR) report('HEDDLE_CALLBACK_ERROR', 'A function that was called soon threw', value);
      outcome = VALUE;
      value = undefined;
    }
    try {
      if (outcome !== VALUE) {
        payloads.setResult(job, carried(value), 'error');
        return outcome;
      }
      payloads.setResult(job, kind === EACH ? plain(value as Part) : value, 'result');
      return VALUE;
    } catch (error) {
      if (error instanceof CarrierMissing) return undefined;
      let refusal = error;
      // Of a chunk only the items fail whose results cannot be sent.
      if (kind === EACH && outcome === VALUE) value = sendable(value as Part);
      if (outcome === VALUE && payloads === this.#destination.payloads) {
        const refused = this.#sendByPort(job, value);
        if (refused === undefined) return BY_PORT;
        // That of the bytes tells more, for it has the path; unless it only says that the value is to be moved.
        if (error instanceof MovedByMessage) refusal = refused;
      }
      if (kind === EACH && outcome === VALUE) {
        payloads.setResult(job, value, 'result');
        return VALUE;
      }
      const reason =
        outcome === VALUE
          ? refusal instanceof HeddleError
            ? refusal
            : explainCloneFailure(value, 'result', refusal)
          : new SendError(`Cannot send what the function threw: ${show(value)}`, 'error');
      this.#payloads.setResult(job, reason, 'error');
      return outcome === CANCELLED_ERROR ? outcome : ERROR;
    }
  }

  /**
   * Says that the job has ended so, and settles its future where other threads know it: who submitted the job may be blocked,
   * and hear of it later. What cannot be told here, that one tells.
   */
  share(job: number, outcome: number, settled: number, value: unknown): void {
    const words = this.#words;
    // From now on who lets the future travel sees that it has ended.
    Atomics.store(words, job + JOB_OUTCOME, settled);
    const future = Atomics.load(words, job + JOB_FUTURE);
    if (future === 0 || settled !== outcome) return;
    const { handles } = this.#parking;
    if (!handles.open(future, SETTLEMENT_JOB, job)) return;
    try {
      const settlement = new Settlement(this.#parking, future);
      if (outcome === VALUE) settlement.put('fulfilled', value);
      else settlement.put('rejected', carried(value));
    } finally {
      handles.drop(future);
    }
  }

  /** The error, if it cannot. */
  #sendByPort(job: number, value: unknown): unknown {
    try {
      this.#destination.send(job, value);
      return undefined;
    } catch (error) {
      return error ?? new Error('Cannot send the result');
    }
  }

  /**
   * Runs a chunk item by item, and gives the last part of its outcomes: errors of items are outcomes too. A promise only if
   * one of them is waited for: so who blocks for a chunk can run it in place.
   */
  each(job: number, fn: AnyFunction, [items, args]: readonly unknown[], stop: boolean): Part | Promise<Part> {
    const chunk = new Chunk(job, fn, items as readonly unknown[], args as readonly unknown[], stop);
    while (this.#goesOn(chunk)) {
      const later = chunk.step();
      if (later !== undefined) return this.#eachLater(chunk, later);
    }
    return chunk.part;
  }

  async #eachLater(chunk: Chunk, first: PromiseLike<unknown>): Promise<Part> {
    await chunk.settle(first);
    while (this.#goesOn(chunk)) {
      const later = chunk.step();
      if (later !== undefined) await chunk.settle(later);
    }
    return chunk.part;
  }

  /** Whether there is another item to run. What is known of the others may be sent ahead. */
  #goesOn(chunk: Chunk): boolean {
    if (!chunk.hasNext || cancelled()) return false;
    const { part } = chunk;
    if (part.age >= PART_MS && this.#sendPart(chunk.job, part)) chunk.part = new Part();
    return true;
  }

  /** Sends outcomes ahead; false if they must go as a whole at the end, for bytes cannot carry them. */
  #sendPart(job: number, part: Part): boolean {
    try {
      addPart(this.#parking.heap, job, this.#payloads.makePart(plain(part), 'result'));
      return true;
    } catch {
      return false;
    }
  }
}

/** The items of a chunk on their way through its function. */
class Chunk {
  readonly job: number;
  part: Part = new Part();
  readonly #fn: (...all: readonly unknown[]) => unknown;
  readonly #items: readonly unknown[];
  readonly #args: readonly unknown[];
  readonly #stop: boolean;
  #next = 0;

  constructor(
    job: number,
    fn: AnyFunction,
    items: readonly unknown[],
    args: readonly unknown[],
    stop: boolean,
  ) {
    this.job = job;
    this.#fn = fn as (...all: readonly unknown[]) => unknown;
    this.#items = items;
    this.#args = args;
    this.#stop = stop;
  }

  get hasNext(): boolean {
    return this.#next < this.#items.length;
  }

  /** Runs the next item; gives what has to be waited for, for `settle`. */
  step(): PromiseLike<unknown> | undefined {
    try {
      const value = this.#fn(this.#items[this.#next++], ...this.#args);
      if (isThenable(value)) return value;
      this.part.values.push(value);
    } catch (error) {
      this.#failed(error);
    }
    return undefined;
  }

  async settle(later: PromiseLike<unknown>): Promise<void> {
    try {
      this.part.values.push(await later);
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    this.part.errors.push([this.part.values.push(undefined) - 1, error]);
    if (this.#stop) this.#next = this.#items.length;
  }
}

function plain({ values, errors }: Part): ItemOutcomes {
  return { values, errors };
}
