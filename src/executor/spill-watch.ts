/**
 * Wakes and starts threads for jobs that wait behind a long one. Nobody hears of a thread that drains, and has met a long job: so
 * what waits for long wakes another. One watch for each pool in a thread, however many handles of it there are.
 */
import { startSystemTimer, type Timer } from '../core/clock.ts';
import { IntMap } from '../core/int-map.ts';
import type { JobStore } from '../jobs/job-store.ts';
import { LIST_HEAD, LISTS, POOL_QUEUED, POOL_TAKEN } from '../memory/layout.ts';

/** After so many milliseconds a job that waits while a thread is idle wakes it: who drains has met a long one. */
const SPILL_MS = 2;
/** After so many times that, a thread more is started for it, if there may be one: that takes far longer. */
const SPILLS_TO_START = 10;

/** By the address of the pool: of those for which this thread has jobs under way. */
const watches = new IntMap<SpillWatch>();

export class SpillWatch {
  readonly #store: JobStore;
  readonly #startThread: () => void;
  /** How many handles have jobs under way. */
  #users = 0;
  #timer: Timer | undefined;
  #takenThen = 0;
  #spills = 0;

  private constructor(store: JobStore, startThread: () => void) {
    this.#store = store;
    this.#startThread = startThread;
  }

  /** The watch of a pool, for one handle that has jobs under way from now on, until it leaves. */
  static join(store: JobStore, startThread: () => void): SpillWatch {
    let watch = watches.get(store.object);
    if (watch === undefined) {
      watch = new SpillWatch(store, startThread);
      watches.set(store.object, watch);
    }
    watch.#users++;
    return watch;
  }

  /** The handle has none any more. Once none has, the pool is not looked at: it may be gone. */
  leave(): void {
    this.#users--;
    if (this.#timer === undefined) this.#forgetIfUnused();
  }

  /** A job has been put, and no thread was woken for it. */
  watch(): void {
    if (this.#timer !== undefined || this.#store.read(POOL_QUEUED) === 0) return;
    this.#takenThen = this.#store.read(POOL_TAKEN);
    this.#timer = startSystemTimer(SPILL_MS, () => this.#look(), { hold: false });
  }

  #look(): void {
    this.#timer = undefined;
    if (this.#forgetIfUnused() || this.#store.read(POOL_QUEUED) === 0) return;
    const moves = this.#store.read(POOL_TAKEN) !== this.#takenThen;
    this.#spills = moves ? 0 : this.#spills + 1;
    if (!moves) this.#store.wakeOne();
    if (this.#spills === SPILLS_TO_START) this.#startThread();
    if (this.#store.read(LISTS + LIST_HEAD) !== 0 || this.#spills < SPILLS_TO_START) this.watch();
  }

  #forgetIfUnused(): boolean {
    if (this.#users > 0) return false;
    watches.delete(this.#store.object);
    return true;
  }
}
