/** Chunks of a `map` that found the pool full: they wait for room together, and are tried again in their order. */
import { outside } from '../scope/outside.ts';

interface Ways<C> {
  room(signal: AbortSignal): Promise<void>;
  /** May add the chunk again. */
  start(chunk: C): void;
  fail(chunk: C, error: unknown): void;
  goOn(): void;
}

export class Stalled<C> {
  readonly #ways: Ways<C>;
  #chunks: C[] = [];
  #wait: AbortController | undefined;

  constructor(ways: Ways<C>) {
    this.#ways = ways;
  }

  get waiting(): boolean {
    return this.#wait !== undefined;
  }

  add(chunk: C): void {
    this.#chunks.push(chunk);
    if (this.#wait !== undefined) return;
    const wait = new AbortController();
    this.#wait = wait;
    // It is a wait of the map, whichever task called it last.
    outside(() => this.#ways.room(wait.signal)).then(
      () => this.#retry((each) => this.#ways.start(each)),
      (error: unknown) => this.#retry((each) => this.#ways.fail(each, error)),
    );
  }

  /** Forgets them all. */
  drop(): void {
    this.#chunks = [];
    this.#wait?.abort();
  }

  #retry(each: (chunk: C) => void): void {
    this.#wait = undefined;
    for (const chunk of this.#chunks.splice(0)) each(chunk);
    this.#ways.goOn();
  }
}
