/** What explored code stops for. */

export type Stop =
  /** Before a step: somebody else may move first. */
  | { readonly kind: 'point'; readonly site: number }
  /** Until the promise settles. `blocks`: with its whole thread. */
  | {
      readonly kind: 'wait';
      readonly site: number;
      readonly promise: PromiseLike<unknown>;
      readonly blocks: boolean;
    }
  /** An async function is called: its code goes first, until it awaits. The answer is its promise. */
  | { readonly kind: 'begin'; readonly steps: Steps };

/** Explored code that runs. */
export type Steps = Generator<Stop, unknown, unknown>;
