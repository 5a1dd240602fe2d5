/**
 * Waiting in a queue, on the loop or blocked: the one way for every primitive.
 *
 * ```text
 * stand in line           put a cell at the end of the queue, then attempt once more or serve the line: what came between the
 *                         first attempt and the queue is not missed
 * wait                    until the cell is set; or cancel it, and withdraw it
 * ```
 */
import { checkBoolean, checkOptions, checkSignal, checkTimeout } from '../core/arguments.ts';
import { type CancelledError, TimeoutError } from '../core/errors.ts';
import { NODE_VALUE } from '../memory/layout.ts';
import { holdLoop, releaseLoop } from '../platform/keep-alive.ts';
import { StackProbe } from '../platform/stack.ts';
import { isMainLoop } from '../platform/worker.ts';
import type { WaitOptions } from '../scope/interruptible.ts';
import { currentScope, type Scope } from '../scope/scope.ts';
import { rejectedByCancellation, Waiter } from '../scope/waiter.ts';
import type { LoopWait, Parking } from './parking.ts';

const stack = new StackProbe();

/** What is waited for, and how it is got. */
export interface Wanted<T> {
  readonly parking: Parking;
  readonly object: number;
  /** Whether it is there for a newcomer, by a look that disturbs nobody. */
  isThere(): boolean;
  /** Whether others wait for it, so that it will not be there for a newcomer soon. */
  hasLine(): boolean;
  /** Takes it if it is there; else `undefined`, and nothing has changed. */
  attempt(): T | undefined;
  /**
   * Puts a node into the queue; from now on whoever makes it available sees that. If it came before that, it is handed
   * over to whoever is first now, or had by this call, which gives it then: the cell has not been set.
   */
  line(node: number): T | undefined;
  /** It was handed over, with the number that the giver gave. Throws what the waiter is to get instead. */
  granted(value: number): T;
  /**
   * Takes a node out of the queue, whose cell was given up; who stands behind it may be first now. Gives the number that it
   * was about to be handed, if that was decided for all who waited.
   */
  withdraw(node: number): number | undefined;
  /** Called when a task begins to wait, and when it does not any more. */
  begin(): void;
  end(): void;
  /** For a time-out: `Cannot acquire lock "cache"`. */
  describe(): string;
}

/** Options of a wait that were checked. */
export interface CheckedWait {
  readonly timeout: number;
  readonly signal: AbortSignal | undefined;
  readonly keepAlive: boolean;
  /** False if it does not keep even the main loop alive: nobody has asked for it. */
  readonly holds?: false;
}

const PLAIN: CheckedWait = { timeout: Infinity, signal: undefined, keepAlive: false };

/** @throws TypeError, RangeError */
export function checkWait(options: WaitOptions | undefined): CheckedWait {
  if (options === undefined) return PLAIN;
  const { timeout, signal, keepAlive } = checkOptions(options);
  return {
    timeout: checkTimeout(timeout),
    signal: checkSignal(signal),
    keepAlive: checkBoolean(keepAlive, 'keepAlive'),
    ...(keepAlive === false && { holds: false }),
  };
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
  if (timeout === 0) throw timedOut(wanted.describe(), timeout);
  const { parking } = wanted;
  const { cells } = parking;
  const soon = spin(wanted);
  if (soon !== undefined) return soon;
  // From here to the end nothing may fail: a waiter must not be left in the queue with nobody behind it.
  stack.probe();
  const cell = cells.take({ async: false });
  const taken = wanted.line(cell);
  if (taken !== undefined) {
    cells.cancel(cell);
    wanted.withdraw(cell);
    cells.free(cell);
    return taken;
  }
  if (parking.block(cell, timeout)) {
    const value = parking.heap.words[cells.setBy(cell) + NODE_VALUE]!;
    try {
      return wanted.granted(value);
    } finally {
      cells.free(cell);
    }
  }
  const decided = wanted.withdraw(cell);
  cells.free(cell);
  if (decided !== undefined) return wanted.granted(decided);
  throwIfEnded();
  throw timedOut(wanted.describe(), timeout);
}

/** Looks a few times more before it queues: what comes in a moment is worth no sleep. */
function spin<T>(wanted: Wanted<T>): T | undefined {
  const { patience } = wanted.parking;
  for (let left = patience.looks(); left > 0; left--) {
    if (wanted.hasLine()) return undefined;
    const taken = wanted.isThere() ? wanted.attempt() : undefined;
    if (taken === undefined) continue;
    patience.learn(true);
    return taken;
  }
  patience.learn(false);
  return undefined;
}

/**
 * Waits on the loop until it is there, and gives what `finish` makes of it, which is told the scope that waits.
 */
export function waitAsync<T, R>(
  wanted: Wanted<T>,
  { timeout, signal, keepAlive, holds }: CheckedWait,
  finish: Finish<T, R>,
): Promise<R> {
  if (timeout === 0) return Promise.reject(timedOut(wanted.describe(), timeout));
  const scope = currentScope();
  if (scope?.cancellation !== undefined) return rejectedByCancellation(scope.cancellation);
  stack.probe();
  const { parking } = wanted;
  const cell = parking.cells.take({ async: true });
  const waiter = new QueuedWaiter(scope, wanted, cell, holds ?? (isMainLoop || keepAlive), finish);
  parking.expect(cell, waiter);
  const taken = wanted.line(cell);
  if (taken !== undefined) waiter.take(taken);
  if (waiter.settled) return waiter.promise;
  if (signal !== undefined) waiter.watchSignal(signal);
  if (timeout !== Infinity) waiter.startTimeout(timeout, () => timedOut(wanted.describe(), timeout).message);
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
    wanted.begin();
    if (holds) holdLoop();
  }

  override describe(): string {
    return this.#wanted.describe();
  }

  get object(): number {
    return this.#wanted.object;
  }

  /** The cell was set, and has arrived. */
  set(cell: number): void {
    const { parking } = this.#wanted;
    const value = parking.heap.words[parking.cells.setBy(cell) + NODE_VALUE]!;
    this.#settle(() => this.#wanted.granted(value));
    this.#left();
  }

  /** It was had without the cell, which is not needed after all. */
  take(taken: T): void {
    this.giveUp();
    this.#settle(() => taken);
  }

  #settle(take: () => T): void {
    try {
      this.resolve(this.#finish(take(), this.scope));
    } catch (error) {
      this.reject(error);
    }
  }

  protected override giveUp(): boolean {
    const { parking } = this.#wanted;
    if (!parking.giveUp(this.#cell)) return false;
    const decided = this.#wanted.withdraw(this.#cell);
    parking.cells.free(this.#cell);
    this.#left();
    if (decided === undefined) return true;
    this.#settle(() => this.#wanted.granted(decided));
    return false;
  }

  #left(): void {
    if (this.#holds) releaseLoop();
    this.#wanted.end();
  }
}

/** `what`: `Cannot acquire lock "cache"`. */
export function timedOut(what: string, timeout: number): TimeoutError {
  return new TimeoutError(
    timeout === 0 ? `${what}: it cannot be had at once` : `${what}: ${timeout} ms have passed`,
  );
}
