/** One listener per AbortSignal, however many waits it governs. */

type Callback = (reason: unknown) => void;

/** Everything that waits for one signal. The listener is there exactly while the set is not empty. */
class Watch {
  readonly #signal: AbortSignal;
  readonly #callbacks = new Set<{ readonly call: Callback }>();

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  add(call: Callback): () => void {
    const entry = { call };
    if (this.#callbacks.size === 0) this.#signal.addEventListener('abort', this.#fire);
    this.#callbacks.add(entry);
    return () => {
      if (this.#callbacks.delete(entry) && this.#callbacks.size === 0)
        this.#signal.removeEventListener('abort', this.#fire);
    };
  }

  readonly #fire = (): void => {
    this.#signal.removeEventListener('abort', this.#fire);
    for (const entry of this.#callbacks) {
      this.#callbacks.delete(entry);
      entry.call(this.#signal.reason);
    }
  };
}

const watches = new WeakMap<AbortSignal, Watch>();

/**
 * Calls `call` once when the signal aborts, in order of registration; returns what takes it off. The signal must not
 * be aborted yet, and `call` must not throw.
 */
export function onAbort(signal: AbortSignal, call: Callback): () => void {
  let watch = watches.get(signal);
  if (watch === undefined) {
    watch = new Watch(signal);
    watches.set(signal, watch);
  }
  return watch.add(call);
}
