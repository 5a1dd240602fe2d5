/** The place of a thread in the line of those that have no job: who puts one wakes the first. */
import type { JobStore } from '../jobs/job-store.ts';
import { CONDEMNED, POOL_QUEUED, RESERVED } from '../memory/layout.ts';
import type { LoopWait } from '../park/parking.ts';
import { Patience } from '../park/patience.ts';

/** A thread without jobs is blocked for so many microseconds at most before it goes back to its loop. */
const DOZE = 250;

export class IdlePlace {
  readonly #store: JobStore;
  /** The cell by which it stands in the line; 0 if it does not. */
  #cell = 0;
  readonly #wait: LoopWait;
  /** For how many microseconds it is worth it. */
  readonly #patience = new Patience(DOZE);

  /** `woken` is called on the loop once there is a job; it no longer stands in the line then. */
  constructor(store: JobStore, woken: () => void) {
    this.#store = store;
    this.#wait = {
      object: store.object,
      set: (cell) => {
        // Not if it was just leaving the line.
        if (cell !== this.#cell) return;
        this.#cell = 0;
        woken();
      },
    };
  }

  /** Looks for a job for so many microseconds before it stands there. */
  spin(microseconds: number): number {
    if (microseconds === 0) return 0;
    const end = performance.now() + microseconds / 1000;
    do {
      for (let looks = 0; looks < 64; looks++)
        if (this.#store.read(POOL_QUEUED) > 0) {
          const job = this.#store.next(true, 0, true);
          if (job !== 0) return job;
        }
    } while (performance.now() < end);
    return 0;
  }

  /**
   * Stands in the line for a moment, blocked, for who is woken by its loop is woken late. Gives a job that was put meanwhile; `mayTake`
   * says whether it still may, for errands are done here.
   */
  doze(mayTake: () => boolean): number {
    const { parking, record } = this.#store;
    const { cells, heap } = parking;
    if (this.#cell !== 0 || heap.words[record + CONDEMNED] !== 0) return 0;
    const cell = cells.take({ async: false });
    this.#store.lineForJobs(cell);
    // What was put between the last look and this did not see it in the line.
    const job = this.#store.next(true, 0);
    const isWoken = job === 0 && parking.block(cell, this.#patience.looks() / 1000);
    if (job === 0) this.#patience.learn(isWoken);
    if (!isWoken) {
      cells.cancel(cell);
      this.#store.idle.remove(cell);
    }
    cells.free(cell);
    if (!isWoken) return job;
    // It has been woken, and another must be if it takes none.
    return this.#store.next(mayTake(), 0, mayTake());
  }

  /** Stands in the line, unless there is a job now: that is taken. */
  stand(): number {
    if (this.#cell !== 0) return this.#store.next(true, 0);
    const { parking, record } = this.#store;
    // It would be woken for jobs that it may not take.
    if (parking.heap.words[record + CONDEMNED] !== 0) return 0;
    this.#cell = parking.cells.take({ async: true });
    parking.expect(this.#cell, this.#wait);
    this.#store.lineForJobs(this.#cell);
    // What was put between the last look and this did not see it in the line.
    const job = this.#store.next(true, 0);
    if (job !== 0) this.leave();
    return job;
  }

  leave(): void {
    const cell = this.#cell;
    if (cell === 0) return;
    this.#cell = 0;
    const { parking } = this.#store;
    if (parking.giveUp(cell)) {
      this.#store.idle.remove(cell);
      parking.cells.free(cell);
    } else if (parking.heap.words[this.#store.record + RESERVED] === 0) {
      // It has been woken, and looks for no job: another must.
      this.#store.next(false, 0);
    }
  }
}
