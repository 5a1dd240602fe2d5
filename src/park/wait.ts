/**
 * Waiting in a queue, on the loop or blocked: the one way for every primitive.
 *
 * ```text
 * put a cell at the end of the queue
 * attempt once more       what came between the first attempt and the queue is not missed: it is there now, or whoever
 *                         makes it available will see the cell
 * wait                    until the cell is set; or cancel it, and take it out of the queue
 * ```
 */
import { checkOptions, checkSignal, checkTimeout } from '../core/arguments.ts';
import { type CancelledError, TimeoutError } from '../core/errors.ts';
import { NODE_VALUE } from '../memory/layout.ts';
import { holdLoop, releaseLoop } from '../platform/keep-alive.ts';
import { probeStack } from '../platform/stack.ts';
import { isMainLoop } from '../platform/worker.ts';
import type { WaitOptions } from '../scope/interruptible.ts';
import { currentScope, type Scope } from '../scope/scope.ts';
import { rejectedByCancellation, Waiter } from '../scope/waiter.ts';
import type { LoopWait, Parking } from './parking.ts';
import { granted } from './turn.ts';
import type { WaitQueue } from './wait-queue.ts';

/** What is waited for, and how it is got. */
export interface Wanted<T> {
  readonly parking: Parking;
  readonly object: number;
  readonly queue: WaitQueue;
  /** Whether it is there, by a look that disturbs nobody. */
  isThere(): boolean;
  /** Takes it if it is there; else `undefined`, and nothing has changed. */
  attempt(): T | undefined;
  /** The same for who stands in the queue; if it is not there, whoever makes it available will look at the queue. */
  attemptInLine(): T | undefined;
  /** It was handed over, with the number that the giver gave. */
  granted(value: number): T;
  /** How many tasks wait by this handle; `unused` is called when it has come back to 0. */
  waits: number;
  unused(): void;
  /** For a time-out: `Cannot acquire lock "cache"`. */
  describe(): string;
}

/** Options of a wait that were checked. */
export interface CheckedWait {
  readonly timeout: number;
  readonly signal: AbortSignal | undefined;
  readonly keepAlive: boolean;
}

const PLAIN: CheckedWait = { timeout: Infinity, signal: undefined, keepAlive: false };

/** @throws TypeError, RangeError */
export function checkWait(options: WaitOptions | undefined): CheckedWait {
  if (options === undefined) return PLAIN;
  const { timeout, signal, keepAlive } = checkOptions(options);
  return { timeout: checkTimeout(timeout), signal: checkSignal(signal), keepAlive: keepAlive === true };
}

/** Throws what ends a wait before it begins: an aborted signal, the cancellation of the current task. */
export function throwIfEnded(signal?: AbortSignal): void {
  if (signal?.aborted) throw signal.reason;
  const cancellation = currentScope()?.cancellation;
  if (cancellation !== undefined) throw cancellation;
}

/** The promise of an operation that failed before it waited. */
export function rejection<T>(error: unknown): Promise<T> {
  return error === currentScope()?.cancellation
    ? rejectedByCancellation(error as CancelledError)
    : Promise.reject(error);
}

/** Blocks the thread until it is there. @throws TimeoutError */
export function waitSync<T>(wanted: Wanted<T>, timeout: number): T {
  if (timeout === 0) throw timedOut(wanted, timeout);
  const { parking, queue } = wanted;
  const { cells } = parking;
  const soon = spin(wanted);
  if (soon !== undefined) return soon;
  // From here to the end nothing may fail: a waiter must not be left in the queue with nobody behind it.
  probeStack();
  const cell = cells.take({ async: false });
  queue.append(cell);
  const taken = wanted.attemptInLine();
  if (taken !== undefined) {
    leave(wanted, cell);
    return taken;
  }
  if (parking.block(cell, timeout)) {
    const value = parking.heap.words[cells.setBy(cell) + NODE_VALUE]!;
    const got = wanted.granted(value);
    cells.free(cell);
    return got;
  }
  queue.remove(cell);
  cells.free(cell);
  throwIfEnded();
  throw timedOut(wanted, timeout);
}

/** Looks a few times more before it queues: what is held for a moment only is worth no sleep. */
function spin<T>(wanted: Wanted<T>): T | undefined {
  for (let left = wanted.parking.heap.spins; left > 0; left--) {
    if (!wanted.queue.isEmpty()) return undefined;
    const taken = wanted.isThere() ? wanted.attempt() : undefined;
    if (taken !== undefined) return taken;
  }
  return undefined;
}

/**
 * Waits on the loop until it is there, and gives what `finish` makes of it, which is told the scope that waits.
 */
export function waitAsync<T, R>(
  wanted: Wanted<T>,
  { timeout, signal, keepAlive }: CheckedWait,
  finish: Finish<T, R>,
): Promise<R> {
  if (timeout === 0) return Promise.reject(timedOut(wanted, timeout));
  const scope = currentScope();
  if (scope?.cancellation !== undefined) return rejectedByCancellation(scope.cancellation);
  probeStack();
  const { parking, queue } = wanted;
  const cell = parking.cells.take({ async: true });
  queue.append(cell);
  const taken = wanted.attemptInLine();
  if (taken !== undefined) {
    leave(wanted, cell);
    return settled(taken, scope, finish);
  }
  const waiter = new QueuedWaiter(scope, wanted, cell, isMainLoop || keepAlive, finish);
  parking.expect(cell, waiter);
  if (signal !== undefined) waiter.watchSignal(signal);
  if (timeout !== Infinity) waiter.startTimeout(timeout, () => timedOut(wanted, timeout).message);
  return waiter.promise;
}

type Finish<T, R> = (taken: T, scope: Scope | undefined) => R;

/** A wait on this loop whose cell stands in a queue. */
class QueuedWaiter<T, R> extends Waiter<R> implements LoopWait {
  readonly #wanted: Wanted<T>;
  readonly #cell: number;
  readonly #holds: boolean;
  readonly #finish: Finish<T, R>;

  constructor(
    scope: Scope | undefined,
    wanted: Wanted<T>,
    cell: number,
    holds: boolean,
    finish: Finish<T, R>,
  ) {
    super(scope);
    this.#wanted = wanted;
    this.#cell = cell;
    this.#holds = holds;
    this.#finish = finish;
    wanted.waits++;
    if (holds) holdLoop();
  }

  get object(): number {
    return this.#wanted.object;
  }

  /** The cell was set, and has arrived. */
  set(cell: number): void {
    const { parking } = this.#wanted;
    try {
      const value = parking.heap.words[parking.cells.setBy(cell) + NODE_VALUE]!;
      this.resolve(this.#finish(this.#wanted.granted(value), this.scope));
    } catch (error) {
      this.reject(error);
    }
    this.#left();
  }

  protected override giveUp(): boolean {
    const { parking, queue } = this.#wanted;
    if (!parking.giveUp(this.#cell)) return false;
    queue.remove(this.#cell);
    parking.cells.free(this.#cell);
    this.#left();
    return true;
  }

  #left(): void {
    if (this.#holds) releaseLoop();
    if (--this.#wanted.waits === 0) this.#wanted.unused();
  }
}

/** The promise of what `finish` makes of it. */
function settled<T, R>(taken: T, scope: Scope | undefined, finish: Finish<T, R>): Promise<R> {
  try {
    return granted(finish(taken, scope));
  } catch (error) {
    return Promise.reject(error);
  }
}

/** Takes a cell out that is not needed after all. It cannot have been set: what it waited for was had otherwise. */
function leave<T>({ parking, queue }: Wanted<T>, cell: number): void {
  parking.cells.cancel(cell);
  queue.remove(cell);
  parking.cells.free(cell);
}

function timedOut<T>(wanted: Wanted<T>, timeout: number): TimeoutError {
  return new TimeoutError(
    timeout === 0
      ? `${wanted.describe()}: it cannot be had at once`
      : `${wanted.describe()}: ${timeout} ms have passed`,
  );
}
