/**
 * What says that something is held: a lock, a permit. Whoever has the guard gives it back by `release()`, or leaves
 * that to `using`.
 *
 * - **Scope.** It belongs to its thread: any task there may release it, and it cannot be sent to another.
 * - **Death.** A task that ends while it holds a guard, without `keep()`, counts as a dead owner, as does a thread.
 */
export interface Guard extends Disposable {
  /** Gives back what is held. @throws {NotOwnerError} if that was done before. */
  release(): void;
  /** Lets the guard outlive the task that got it. Returns the guard. */
  keep(): this;
  /** Whether it was given back. */
  readonly released: boolean;
}
