/** What came of one item of a `map`. */
import type { Future } from './future.ts';

export type Outcome =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: unknown };

export function settledResult(outcome: Outcome): PromiseSettledResult<unknown> {
  return outcome.ok
    ? { status: 'fulfilled', value: outcome.value }
    : { status: 'rejected', reason: outcome.error };
}

/** The error of a future that has one. */
export function errorOf(future: Future<unknown>): unknown {
  try {
    return future.tryResult();
  } catch (error) {
    return error;
  }
}
