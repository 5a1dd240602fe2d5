/** How the threads of a pool died, and whether too many do. */
import { startTimer } from '../core/clock.ts';
import type { WorkerEnd } from '../platform/worker.ts';

/** As many deaths within a second, and no job finished, break a pool. */
export const DEATHS_THAT_BREAK = 5;
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
    startTimer(REMEMBER_MS, () => this.#byToken.delete(token), { hold: false });
  }

  /** One more thread has died, when so many jobs had finished. Whether that are too many deaths. */
  count(finished: number): boolean {
    const now = performance.now();
    if (finished !== this.#finishedThen) this.#lately.length = 0;
    this.#finishedThen = finished;
    this.#lately.push(now);
    const first = this.#lately.at(-DEATHS_THAT_BREAK);
    return first !== undefined && now - first <= DEATHS_WITHIN_MS;
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
