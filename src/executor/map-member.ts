/** A `map` as a member of the scope in which it was made: it ends with that, and is awaited. */
import { type AttachedChild, attachToTask } from '../scope/scope.ts';

export class ScopeMember implements AttachedChild {
  readonly endsWithFunction = true;
  readonly ended: Promise<void>;
  /** Ends the map. */
  readonly cancel: (reason: unknown) => void;
  #end!: () => void;
  #leave: (() => void) | undefined;

  constructor(cancel: (reason: unknown) => void) {
    this.cancel = cancel;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  join(): void {
    this.#leave = attachToTask(this);
  }

  /** Nothing more comes out of the map: it has ended when all these have, none of which rejects. */
  endsWith(left: readonly PromiseLike<unknown>[]): void {
    void Promise.all(left).then(() => {
      this.#leave?.();
      this.#end();
    });
  }

  /** Its jobs are members of the scope themselves. */
  terminate(): void {}

  describe(): string {
    return 'a map';
  }
}
