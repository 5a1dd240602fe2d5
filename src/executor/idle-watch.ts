import { startSystemTimer, type Timer } from '../core/clock.ts';
import type { PoolThread } from './pool-thread.ts';

interface Bounds {
  readonly min: number;
  /** Whether there may be fewer threads than at most. */
  readonly elastic: boolean;
  /** Milliseconds. */
  readonly idleTimeout: number;
}

/** Above `min`, a thread ends that has had nothing to do for `idleTimeout`. */
export class IdleWatch {
  readonly #bounds: Bounds;
  readonly #threads: ReadonlySet<PoolThread>;
  #timer: Timer | undefined;

  constructor(bounds: Bounds, threads: ReadonlySet<PoolThread>) {
    this.#bounds = bounds;
    this.#threads = threads;
  }

  /** Looks from time to time, for as long as there are more than `min`. */
  watch(): void {
    const { min, elastic, idleTimeout } = this.#bounds;
    if (!elastic || this.#timer !== undefined || this.#threads.size <= min) return;
    this.#timer = startSystemTimer(Math.max(idleTimeout / 2, 1), () => this.#end(), { hold: false });
  }

  stop(): void {
    this.#timer?.stop();
  }

  #end(): void {
    this.#timer = undefined;
    const { min, idleTimeout } = this.#bounds;
    let left = 0;
    for (const thread of this.#threads) if (!thread.stopped) left++;
    for (const thread of this.#threads) {
      if (left <= min) return;
      if (thread.state !== 'ready' || thread.load > 0 || thread.idleMs < idleTimeout) continue;
      thread.stop();
      left--;
    }
    this.watch();
  }
}
