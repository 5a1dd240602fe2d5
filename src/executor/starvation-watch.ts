/** Notices a pool whose queue does not move, and says so once. */
import { startSystemTimer, type Timer } from '../core/clock.ts';
import { report } from '../platform/report.ts';

const STARVING_AFTER_MS = 10_000;

/** What is asked of the pool. */
interface Watched {
  /** Whether jobs wait. */
  waits(): boolean;
  /** How many jobs were taken out of the queue so far. */
  taken(): number;
  /** Whether every thread is taken while jobs wait, and what the threads run. */
  look(): { readonly full: boolean; readonly jobs: readonly string[] };
}

export class StarvationWatch {
  readonly #pool: string;
  readonly #watched: Watched;
  #timer: Timer | undefined;
  #takenThen = 0;
  #warned = false;

  constructor(pool: string, watched: Watched) {
    this.#pool = pool;
    this.#watched = watched;
  }

  /** A job was put. */
  watch(): void {
    if (this.#warned || this.#timer !== undefined || !this.#watched.waits()) return;
    this.#takenThen = this.#watched.taken();
    this.#timer = startSystemTimer(STARVING_AFTER_MS, () => this.#check(), { hold: false });
  }

  /** The pool has ended. */
  stop(): void {
    this.#timer?.stop();
  }

  #check(): void {
    this.#timer = undefined;
    if (!this.#watched.waits()) return;
    const { full, jobs } = this.#watched.look();
    if (!full || this.#watched.taken() !== this.#takenThen) return this.watch();
    this.#warned = true;
    report(
      'HEDDLE_STARVING_POOL',
      `Pool "${this.#pool}" has started no waiting job for ${STARVING_AFTER_MS / 1000} s: its threads run ${jobs.map((job) => `"${job}"`).join(', ')}; use more threads, or a pool of their own for long jobs`,
    );
  }
}
