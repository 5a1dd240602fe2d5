/**
 * Jobs of a pool that wait for a module before they begin. Their thread takes no other meanwhile: that would be stuck behind one
 * that never ends, though other threads are idle.
 */
import { startSystemTimer } from '../core/clock.ts';

/** A module that takes longer to load, or never has, holds up no other job. */
const LONG_IMPORT_MS = 1000;

export class JobBegins {
  readonly #over: () => void;
  #count = 0;

  /** `over` is called whenever one begins, or is not waited for any more. */
  constructor(over: () => void) {
    this.#over = over;
  }

  get none(): boolean {
    return this.#count === 0;
  }

  /** One waits, until the function that this gives is called. */
  add(): () => void {
    let isOver = false;
    const end = (): void => {
      if (isOver) return;
      isOver = true;
      timer.stop();
      this.#count--;
      this.#over();
    };
    this.#count++;
    const timer = startSystemTimer(LONG_IMPORT_MS, end, { hold: false });
    return end;
  }
}
