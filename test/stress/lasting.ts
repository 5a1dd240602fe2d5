/** The longest part of a run: after that all is shut down, looked at, and begun anew. */
const PART_MS = 3000;
/** The shortest, for in less a slow machine comes to nothing. */
const LEAST_MS = 1000;

/** How long a run of chaos goes on: for so long, and until it has seen `enough`, however slow the machine is. */
export class Lasting {
  readonly #end: number;
  readonly #enough: () => boolean;

  constructor(ms: number, enough: () => boolean = () => true) {
    this.#end = performance.now() + ms;
    this.#enough = enough;
  }

  get isOver(): boolean {
    return performance.now() >= this.#end && this.#enough();
  }

  /** When the part that begins now is to end. */
  partEnd(): number {
    const now = performance.now();
    return Math.min(Math.max(this.#end, now + LEAST_MS), now + PART_MS);
  }
}
