/** Notices a pool whose queue does not move, and says so once. */
import { startTimer, type Timer } from '../core/clock.ts';
import { report } from '../platform/report.ts';

const STARVING_AFTER_MS = 10_000;

export class StarvationWatch {
  readonly #pool: string;
  readonly #look: () => { full: boolean; jobs: readonly string[] };
  #timer: Timer | undefined;
  #movedAt = 0;
  #warned = false;

  /** `look` is asked whether every thread is taken while jobs wait, and what the threads run. */
  constructor(pool: string, look: () => { full: boolean; jobs: readonly string[] }) {
    this.#pool = pool;
    this.#look = look;
  }

  /** A job has begun to wait. */
  watch(): void {
    if (this.#warned || this.#timer !== undefined) return;
    this.#movedAt = performance.now();
    this.#arm(STARVING_AFTER_MS);
  }

  /** A waiting job was given to a thread. */
  moved(): void {
    this.#movedAt = performance.now();
  }

  #arm(delay: number): void {
    this.#timer = startTimer(delay, () => this.#check(), { hold: false });
  }

  #check(): void {
    this.#timer = undefined;
    const { full, jobs } = this.#look();
    if (!full) return;
    const left = STARVING_AFTER_MS - (performance.now() - this.#movedAt);
    if (left > 0) return this.#arm(left);
    this.#warned = true;
    report(
      'HEDDLE_STARVING_POOL',
      `Pool "${this.#pool}" has started no waiting job for ${STARVING_AFTER_MS / 1000} s: its threads run ${jobs.map((job) => `"${job}"`).join(', ')}; use more threads, or a pool of their own for long jobs`,
    );
  }
}
