/** Wakes and starts threads for jobs that wait behind a long one. */
import { startTimer, type Timer } from '../core/clock.ts';
import type { JobStore } from '../jobs/job-store.ts';
import { LIST_HEAD, LISTS, POOL_QUEUED, POOL_TAKEN } from '../memory/layout.ts';

/** After so many milliseconds a job that waits while a thread is idle wakes it: who drains has met a long one. */
const SPILL_MS = 2;
/** After so many times that, a thread more is started for it, if there may be one: that takes far longer. */
const SPILLS_TO_START = 10;

export class SpillWatch {
  readonly #store: JobStore;
  readonly #startThread: () => void;
  #timer: Timer | undefined;
  #takenThen = 0;
  #spills = 0;

  constructor(store: JobStore, startThread: () => void) {
    this.#store = store;
    this.#startThread = startThread;
  }

  /** Nobody hears of a thread that drains, and has met a long job: so what waits for long wakes another. */
  watch(): void {
    if (this.#timer !== undefined || this.#store.read(POOL_QUEUED) === 0) return;
    this.#takenThen = this.#store.read(POOL_TAKEN);
    this.#timer = startTimer(SPILL_MS, () => this.#look(), { hold: false });
  }

  #look(): void {
    this.#timer = undefined;
    if (this.#store.read(POOL_QUEUED) === 0) return;
    const moves = this.#store.read(POOL_TAKEN) !== this.#takenThen;
    this.#spills = moves ? 0 : this.#spills + 1;
    if (!moves) this.#store.wakeOne();
    if (this.#spills === SPILLS_TO_START) this.#startThread();
    if (this.#store.read(LISTS + LIST_HEAD) !== 0 || this.#spills < SPILLS_TO_START) this.watch();
  }
}
