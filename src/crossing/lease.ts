/** Whether anybody elsewhere still has something of this thread: those who have it hold `keep`. */
import { Future } from '../executor/future.ts';

/** Gives it up; so does whoever dies, or loses it to the garbage collector. */
export type Keep = (value: undefined) => boolean;

export class Lease implements Disposable {
  /** To be sent along. */
  readonly keep: Keep;
  readonly #resolvers = Future.withResolvers<undefined>();
  #gone: ((wasSent: boolean) => void) | undefined;
  #sent = false;

  /** `gone` is called once, when nobody has it any more; or at once if it was never sent. */
  constructor(gone: (wasSent: boolean) => void) {
    this.keep = this.#resolvers.resolve;
    this.#gone = gone;
    this.#resolvers.future.addDoneCallback(() => this.#tell());
  }

  /** It was sent, or never will be. */
  [Symbol.dispose](): void {
    this.#resolvers[Symbol.dispose]();
    this.#sent = this.#resolvers.future.status === 'pending';
    if (!this.#sent) this.#tell();
  }

  #tell(): void {
    const gone = this.#gone;
    if (gone === undefined) return;
    this.#gone = undefined;
    this.#resolvers.future[Symbol.dispose]();
    gone(this.#sent);
  }
}
