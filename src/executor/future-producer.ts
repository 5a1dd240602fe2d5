/** What a future asks of whoever produces its value. */
export interface FutureProducer {
  /** Called by `future.cancel()` while the future is not settled. */
  cancel(reason: unknown): boolean;
  /** What messages call the work: `job "resize"`. */
  describe(): string;
  /** Whether the work has begun. */
  readonly isRunning?: boolean;
  /**
   * Blocks the thread until the future is settled; false if `timeout` milliseconds have passed.
   *
   * @throws DeadlockError if this thread, blocked, could not settle it.
   */
  block?(timeout: number): boolean;
  /** Other threads know it from now on, as the object at that address. */
  shared?(settlement: number): void;
  /** It is about to settle. */
  settling?(): void;
  /** Another thread has cancelled it: the work is to end. */
  cancelled?(error: unknown): void;
  /** Whether a wait for it, once it is shared, keeps the process up: somebody else can settle it. */
  holds?(): boolean;
  /** Whether nothing comes of it while this thread is blocked. */
  onlyHere?(): boolean;
  /** A task begins to wait: gives what is to be called when it does not any more. */
  awaited?(hasWayOut: boolean): (() => void) | undefined;
}

/** What a rejection handler is given: as loosely typed as that of a Promise, which this stands in for. */
export type Reason = PromiseRejectedResult['reason'];
