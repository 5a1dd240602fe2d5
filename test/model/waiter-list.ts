import type { Choices } from '../../src/testing/explore/choices.ts';
import type { ModelPromise } from './model-promise.ts';
import type { ModelThread } from './model-thread.ts';
import type { Operation } from './operations.ts';

/** One entry in the list of waiters of a word: a parked thread, or a promise of `waitAsync`. */
export interface Waiter {
  readonly thread: ModelThread;
  readonly buffer: ArrayBufferLike;
  readonly address: number;
  /** It waits with a limit. */
  readonly timed: boolean;
  readonly promise: ModelPromise<unknown> | undefined;
  outcome: 'ok' | 'timed-out';
}

/** Who waits for a notification, of all words, in the order of arrival. */
export class WaiterList {
  readonly entries: Waiter[] = [];

  clear(): void {
    if (this.entries.length > 0) this.entries.length = 0;
  }

  add(thread: ModelThread, { array, index, y }: Operation, promise?: ModelPromise<unknown>): void {
    this.entries.push({
      thread,
      buffer: array.buffer,
      address: addressOf(array, index),
      timed: y !== undefined && Number(y) !== Infinity,
      promise,
      outcome: 'ok',
    });
  }

  take(at: number): Waiter {
    return this.entries.splice(at, 1)[0]!;
  }

  /**
   * Takes up to `count` waiters of a word, hands the living to `wake`, and gives what `Atomics.notify` returns. A dead
   * waiter may still stand in the list, and count, or be gone already.
   */
  notify(at: Operation, count: number, choices: Choices, wake: (waiter: Waiter) => void): number {
    const address = addressOf(at.array, at.index);
    const { buffer } = at.array;
    let woken = 0;
    for (let next = 0; next < this.entries.length && woken < count; ) {
      const waiter = this.entries[next]!;
      if (waiter.address !== address || waiter.buffer !== buffer) next++;
      else {
        this.take(next);
        if (waiter.thread.state === 'dead') woken += 1 - choices.choose(2);
        else {
          woken++;
          wake(waiter);
        }
      }
    }
    return woken;
  }
}

function addressOf(array: Int32Array, index: number): number {
  return array.byteOffset + index * array.BYTES_PER_ELEMENT;
}
