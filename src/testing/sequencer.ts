import { InvalidStateError } from '../core/errors.ts';
import { currentScope } from '../scope/scope.ts';
import { Waiter } from '../scope/waiter.ts';

/** A turn that has come: the next begins when it is over. */
export interface Turn extends Disposable {
  /** Ends the turn; once is enough. */
  end(): void;
}

/**
 * Has tasks of one loop do things in an order that the test says, however they are scheduled: each waits for its turn, 0 first, and
 * whoever has it ends it before the next begins.
 *
 * Every turn is taken once. If the wait for one is cancelled, or times out, those after it could never come: the sequencer is
 * broken then, and they reject with `InvalidStateError`.
 *
 * The idea is that of trio's `Sequencer`.
 *
 * @example
 * ```ts
 * import { TaskGroup } from 'heddle';
 * import { Sequencer } from 'heddle/testing';
 *
 * const sequencer = new Sequencer();
 * await TaskGroup.run((group) => {
 *   group.spawn(() => sequencer.at(1, () => console.log('second')));
 *   group.spawn(() => sequencer.at(0, () => console.log('first')));
 * });
 * ```
 */
export class Sequencer {
  readonly #taken = new Set<number>();
  readonly #waiting = new Map<number, Waiter<Turn>>();
  /** Whose turn it is, or comes next. */
  #next = 0;
  #broken: InvalidStateError | undefined;

  /**
   * Resolves when it is that turn's turn; `using turn = await sequencer.turn(2)` ends it with the block.
   *
   * @throws {RangeError} if it is no whole number from 0 on, or was taken before.
   * @throws {InvalidStateError} if the wait for an earlier turn was cut off.
   */
  async turn(number: number): Promise<Turn> {
    if (!Number.isSafeInteger(number) || number < 0)
      throw new RangeError(`Cannot take turn ${number}: turns are whole numbers from 0 on`);
    if (this.#taken.has(number)) throw new RangeError(`Cannot take turn ${number}: it was taken before`);
    if (this.#broken !== undefined) throw this.#broken;
    const scope = currentScope();
    if (scope?.cancellation !== undefined) {
      this.#break(number);
      throw scope.cancellation;
    }
    this.#taken.add(number);
    if (number === this.#next) return this.#turn(number);
    const waiter = new Waiter<Turn>(scope, () => this.#break(number));
    waiter.what = () => `turn ${number}`;
    this.#waiting.set(number, waiter);
    return await waiter.promise;
  }

  /** Calls `fn` when it is that turn's turn, and ends the turn when `fn` has ended, in whatever way. */
  async at<R>(number: number, fn: () => R | PromiseLike<R>): Promise<R> {
    const turn = await this.turn(number);
    try {
      return await fn();
    } finally {
      turn.end();
    }
  }

  #turn(number: number): Turn {
    const end = (): void => {
      if (number !== this.#next) return;
      this.#next++;
      const waiter = this.#waiting.get(this.#next);
      this.#waiting.delete(this.#next);
      waiter?.resolve(this.#turn(this.#next));
    };
    return { end, [Symbol.dispose]: end };
  }

  #break(number: number): void {
    this.#broken ??= new InvalidStateError(
      `The sequencer is broken: the wait for turn ${number} was cut off`,
    );
    this.#waiting.delete(number);
    for (const waiter of this.#waiting.values()) waiter.reject(this.#broken);
    this.#waiting.clear();
  }
}
