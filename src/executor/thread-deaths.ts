/** How the threads of a pool died, and whether too many do. */
import { startSystemTimer } from '../core/clock.ts';
import type { WorkerEnd } from '../platform/worker.ts';

/** As many deaths within a second, and no job finished, break a pool. */
const DEATHS_THAT_BREAK = 5;
const DEATHS_WITHIN_MS = 1000;
/** Whoever mends tells of the jobs of a dead thread, which may be a little later. */
const REMEMBER_MS = 1000;

export interface KnownEnd {
  readonly name: string;
  readonly end: WorkerEnd;
}

/** The end of a thread, and who waits to know it. */
interface Death {
  known: KnownEnd | undefined;
  readonly told: (() => void)[];
}

export class ThreadDeaths {
  /** By what stood for the thread in shared memory. */
  readonly #byToken = new Map<number, Death>();
  readonly #lately: number[] = [];
  #finishedThen = 0;
  #unstarted = 0;

  /** Calls `told` once the end of the thread is known. */
  whenEnded(token: number, told: () => void): void {
    const death = this.#of(token);
    if (death.known === undefined) death.told.push(told);
    else queueMicrotask(told);
  }

  endOf(token: number): KnownEnd | undefined {
    return this.#byToken.get(token)?.known;
  }

  ended(token: number, known: KnownEnd): void {
    const death = this.#of(token);
    death.known = known;
    for (const told of death.told.splice(0)) told();
    startSystemTimer(REMEMBER_MS, () => this.#byToken.delete(token), { hold: false });
  }

  /** A thread takes jobs now. */
  started(): void {
    this.#unstarted = 0;
  }

  /**
   * One more thread has died, when so many jobs had finished; `unstarted` if it never took jobs. Why that are too many deaths,
   * if they are: those of threads that never started are in any time, for nothing else would ever end it.
   */
  count(finished: number, unstarted: boolean): string | undefined {
    if (unstarted && ++this.#unstarted >= DEATHS_THAT_BREAK)
      return `${DEATHS_THAT_BREAK} threads in a row died while they started`;
    const now = performance.now();
    if (finished !== this.#finishedThen) this.#lately.length = 0;
    this.#finishedThen = finished;
    this.#lately.push(now);
    const first = this.#lately.at(-DEATHS_THAT_BREAK);
    if (first === undefined || now - first > DEATHS_WITHIN_MS) return undefined;
    return `${DEATHS_THAT_BREAK} threads died within a second and no job finished`;
  }

  #of(token: number): Death {
    let death = this.#byToken.get(token);
    if (death === undefined) {
      death = { known: undefined, told: [] };
      this.#byToken.set(token, death);
    }
    return death;
  }
}
