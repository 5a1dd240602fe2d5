/** A future that another thread has made: what this one can do with it. */
import { Atomics } from '#atomics';
import { DeadlockError } from '../core/errors.ts';
import { ASYNC, QUEUED } from '../jobs/states.ts';
import { SHARED } from '../memory/blocks.ts';
import { EVENT_LOOP, EVENT_LOOP_THREAD } from '../memory/kinds.ts';
import {
  FIRST_TOKEN,
  JOB,
  JOB_FLAGS,
  JOB_FUTURE,
  JOB_STATE,
  KIND,
  SETTLEMENT_JOB,
  SETTLEMENT_POOL,
} from '../memory/layout.ts';
import type { Settlement } from '../queue/settlement.ts';
import { runnerFor } from '../thread/own-runner.ts';
import { type Awaited, beginAwait, beginBlock } from '../thread/waiting.ts';
import { type Future, settleFuture } from './future.ts';
import type { FutureProducer } from './future-producer.ts';
import { cancelledError } from './resolvers.ts';
import { blockForShared } from './shared-future.ts';

export class RemoteWork implements FutureProducer {
  future!: Future<unknown>;
  readonly #settlement: () => Settlement;

  constructor(settlement: () => Settlement) {
    this.#settlement = settlement;
  }

  get isRunning(): boolean {
    const { heap } = this.#settlement().parking;
    const { address: job } = this.#awaited();
    return job !== 0 && Atomics.load(heap.words, job + JOB_STATE) >= FIRST_TOKEN;
  }

  cancel(reason: unknown): boolean {
    return settleFuture(this.future, 'cancelled', cancelledError(reason));
  }

  describe(): string {
    return 'a future';
  }

  holds(): boolean {
    return true;
  }

  awaited(hasWayOut: boolean): (() => void) | undefined {
    return beginAwait(this.#awaited(), hasWayOut);
  }

  block(timeout: number): boolean {
    const { parking, object } = this.#settlement();
    const { words, token } = parking.heap;
    const pool = words[object + SETTLEMENT_POOL]!;
    const { address: job } = this.#awaited();
    const runner = job === 0 ? undefined : runnerFor(pool);
    if (runner !== undefined) {
      const mayRunHere = (words[job + JOB_FLAGS]! & ASYNC) === 0;
      if (mayRunHere && words[job + JOB_STATE] === QUEUED) runner.runInPlace(job, object);
      const isLoop = words[pool + KIND] === EVENT_LOOP || words[pool + KIND] === EVENT_LOOP_THREAD;
      const isHere = this.#awaited().address !== 0 && Atomics.load(words, job + JOB_STATE) === token;
      if ((isHere || isLoop) && !this.#settlement().isSettled)
        throw new DeadlockError(
          'Cannot block on a future: only this loop can run its job, and it would be blocked; await it',
        );
    }
    const unblock = this.#settlement().isSettled ? undefined : beginBlock(this.#awaited());
    try {
      return blockForShared(this.future, timeout);
    } finally {
      unblock?.();
    }
  }

  /** Its job, if it has one that has not ended. */
  #awaited(): Awaited {
    const { parking, object } = this.#settlement();
    const { words, blocks } = parking.heap;
    const job = words[object + SETTLEMENT_JOB]!;
    const isThere =
      job !== 0 &&
      blocks.stateOf(job) === SHARED &&
      words[job + KIND] === JOB &&
      words[job + JOB_FUTURE] === object;
    return {
      address: isThere ? job : 0,
      describe: () => this.describe(),
    };
  }
}
