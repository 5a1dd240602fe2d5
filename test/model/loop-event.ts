/** What may happen to a loop from outside, by the explorer's choice: a timer runs out, a wait is cancelled. */
import { AnySteps, current, type LoopOfThread, type Steps } from './operations.ts';

export interface LoopEvent {
  readonly kind: 'timeout' | 'cancel';
  readonly thread: LoopOfThread & { readonly state: string };
  /** The task that the loop runs when the event happens. */
  begin(): Steps;
}

/** Events that may still happen in this schedule. */
export const events: LoopEvent[] = [];

/** Lets `handler` run on the loop of the calling thread at a moment of the explorer's choice, at most once. */
export function offer(kind: LoopEvent['kind'], handler: () => unknown): LoopEvent {
  const event: LoopEvent = {
    kind,
    thread: current as LoopEvent['thread'],
    *begin() {
      const outcome = handler();
      if (outcome instanceof AnySteps) yield* outcome;
    },
  };
  events.push(event);
  return event;
}

/** Takes an event back; nothing if it has happened. */
export function withdraw(event: LoopEvent | undefined): void {
  const at = event === undefined ? -1 : events.indexOf(event);
  if (at >= 0) events.splice(at, 1);
}

/** `setTimeout` of transformed modules: time is the explorer's choice, so the delay does not matter. */
export function modelSetTimeout(
  handler: (...args: unknown[]) => unknown,
  _delay?: number,
  ...args: unknown[]
): LoopEvent {
  return offer('timeout', () => handler(...args));
}

/** `queueMicrotask` of transformed modules. */
export function modelQueueMicrotask(callback: () => unknown): void {
  current.enqueue({ task: undefined, callback, settles: undefined, value: undefined, throws: false });
}

type Listener = (event: { readonly type: 'abort' }) => unknown;

/**
 * Stands in for an `AbortSignal` which aborts at a moment of the explorer's choice, while somebody listens: each
 * choice takes one of the budget of cancellations. Make it in the thread that listens.
 */
export class ModelSignal {
  aborted = false;
  readonly reason: Error = Object.assign(new Error('Cancelled by the explorer'), { name: 'AbortError' });
  readonly #listeners: Listener[] = [];
  #event: LoopEvent | undefined;

  addEventListener(_type: 'abort', listener: Listener, _options?: unknown): void {
    this.#listeners.push(listener);
    if (!this.aborted) this.#event ??= offer('cancel', () => this.#abort());
  }

  removeEventListener(_type: 'abort', listener: Listener): void {
    const at = this.#listeners.indexOf(listener);
    if (at >= 0) this.#listeners.splice(at, 1);
    if (this.#listeners.length > 0) return;
    withdraw(this.#event);
    this.#event = undefined;
  }

  throwIfAborted(): void {
    if (this.aborted) throw this.reason;
  }

  *#abort(): Steps {
    this.aborted = true;
    for (const listener of this.#listeners.splice(0)) {
      const outcome = listener({ type: 'abort' });
      if (outcome instanceof AnySteps) yield* outcome;
    }
  }
}
