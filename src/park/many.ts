/** One wait in several queues: a cell with a node in each, set by the first that has something. */
import { NODE_VALUE } from '../memory/layout.ts';
import { holdLoop, releaseLoop } from '../platform/keep-alive.ts';
import { StackProbe } from '../platform/stack.ts';
import { isMainLoop } from '../platform/worker.ts';
import { currentScope, type Scope } from '../scope/scope.ts';
import { rejectedByCancellation, Waiter } from '../scope/waiter.ts';
import type { LoopWait, Parking } from './parking.ts';
import { type CheckedWait, throwIfEnded, timedOut, type Wanted } from './wait.ts';

const stack = new StackProbe();

type AnyWanted = Wanted<unknown>;

/** The nodes of one cell, each in the queue of one of `wanted`. */
class Nodes {
  readonly parking: Parking;
  readonly cell: number;
  readonly #wanted: readonly AnyWanted[];
  readonly #nodes: number[] = [];

  constructor(wanted: readonly AnyWanted[], async: boolean) {
    this.parking = wanted[0]!.parking;
    this.#wanted = wanted;
    const { cells } = this.parking;
    this.cell = cells.take({ async });
    // All that may fail comes before the first stands in line.
    const nodes = wanted.map((_, index) => (index === 0 ? this.cell : cells.takeNode(this.cell)));
    this.#nodes.push(...nodes);
  }

  /** Stands in line for one after the other, until one sets the cell. Only for what hands over, and never takes in line. */
  line(): void {
    for (const [index, wanted] of this.#wanted.entries()) {
      if (this.parking.cells.setBy(this.cell) !== 0) return;
      wanted.line(this.#nodes[index]!);
    }
  }

  /** Takes what the cell was set with, and leaves all other queues: which one it was, and what. */
  take(): { readonly index: number; readonly taken: unknown } {
    const { heap, cells } = this.parking;
    const set = cells.setBy(this.cell);
    const value = heap.words[set + NODE_VALUE]!;
    const index = this.#nodes.indexOf(set);
    this.#leave(index);
    return { index, taken: this.#wanted[index]!.granted(value) };
  }

  /** The cell was given up. */
  withdraw(): void {
    this.#leave(-1);
  }

  #leave(winner: number): void {
    const { cells } = this.parking;
    for (const [index, wanted] of this.#wanted.entries()) {
      const node = this.#nodes[index]!;
      if (index !== winner) wanted.withdraw(node);
      if (index > 0) cells.freeNode(node);
    }
  }
}

/** Blocks the thread until one of them is there. @throws TimeoutError */
export function waitForAnySync(
  wanted: readonly AnyWanted[],
  timeout: number,
  what: string,
): { readonly index: number; readonly taken: unknown } {
  if (timeout === 0) throw timedOut(what, timeout);
  stack.probe();
  const nodes = new Nodes(wanted, false);
  const { parking, cell } = nodes;
  nodes.line();
  if (parking.block(cell, timeout)) {
    try {
      return nodes.take();
    } finally {
      parking.cells.free(cell);
    }
  }
  nodes.withdraw();
  parking.cells.free(cell);
  throwIfEnded();
  throw timedOut(what, timeout);
}

/** Something else that ends a wait for any: begins to watch when called, and gives what stops that. */
export type Watch<R> = (settle: (finish: () => R | PromiseLike<R>) => void) => () => void;

/** Waits on the loop until one of them is there, or a watch has settled; there may be none of either. */
export function waitForAny<R>(
  wanted: readonly AnyWanted[],
  watches: readonly Watch<R>[],
  { timeout, signal, keepAlive, holds }: CheckedWait,
  what: string,
  finish: (index: number, taken: unknown) => R | PromiseLike<R>,
): Promise<R> {
  if (timeout === 0) return Promise.reject(timedOut(what, timeout));
  const scope = currentScope();
  if (scope?.cancellation !== undefined) return rejectedByCancellation(scope.cancellation);
  stack.probe();
  const nodes = wanted.length === 0 ? undefined : new Nodes(wanted, true);
  const waiter = new AnyWaiter<R>(scope, wanted, nodes, holds ?? (isMainLoop || keepAlive), finish);
  waiter.begin(watches);
  if (waiter.settled) return waiter.promise;
  if (signal !== undefined) waiter.watchSignal(signal);
  waiter.startTimeout(timeout, () => timedOut(what, timeout).message);
  return waiter.promise;
}

class AnyWaiter<R> extends Waiter<R> implements LoopWait {
  /** A task that waits for many waits for none of them alone. */
  readonly object: number = 0;
  readonly #wanted: readonly AnyWanted[];
  readonly #nodes: Nodes | undefined;
  readonly #holds: boolean;
  readonly #finish: (index: number, taken: unknown) => R | PromiseLike<R>;
  #stops: (() => void)[] = [];

  constructor(
    scope: Scope | undefined,
    wanted: readonly AnyWanted[],
    nodes: Nodes | undefined,
    holds: boolean,
    finish: (index: number, taken: unknown) => R | PromiseLike<R>,
  ) {
    super(scope);
    this.#wanted = wanted;
    this.#nodes = nodes;
    this.#holds = holds;
    this.#finish = finish;
    for (const one of wanted) one.begin();
    if (holds) holdLoop();
  }

  begin(watches: readonly Watch<R>[]): void {
    if (this.#nodes !== undefined) {
      this.#nodes.parking.expect(this.#nodes.cell, this);
      this.#nodes.line();
    }
    for (const watch of watches) {
      if (this.settled) return;
      this.#stops.push(watch((finish) => this.#watched(finish)));
    }
  }

  set(): void {
    this.#settle(() => {
      const { index, taken } = this.#nodes!.take();
      return this.#finish(index, taken);
    });
    this.#left();
  }

  #watched(finish: () => R | PromiseLike<R>): void {
    // If the cell was set before, the wait has been settled with that.
    if (this.settled || !this.giveUp()) return;
    this.#settle(finish);
  }

  #settle(finish: () => R | PromiseLike<R>): void {
    try {
      // A promise settles it as well.
      this.resolve(finish() as R);
    } catch (error) {
      this.reject(error);
    }
  }

  protected override giveUp(): boolean {
    if (this.#nodes !== undefined) {
      const { parking, cell } = this.#nodes;
      if (!parking.giveUp(cell)) return false;
      this.#nodes.withdraw();
      parking.cells.free(cell);
    }
    this.#left();
    return true;
  }

  #left(): void {
    for (const stop of this.#stops.splice(0)) stop();
    if (this.#holds) releaseLoop();
    for (const one of this.#wanted) one.end();
  }
}
