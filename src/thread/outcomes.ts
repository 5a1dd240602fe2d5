/** What the items of a chunk gave, on its way back. */
import { explainCloneFailure } from '../codec/refusal.ts';
import { releaseWire } from '../codec/wire.ts';
import { show } from '../core/arguments.ts';
import { HeddleError, SendError } from '../core/errors.ts';
import type { ItemOutcomes } from './protocol.ts';
import { encodeValue } from './values.ts';

/** Outcomes of a chunk that were not sent yet. */
export class Part implements ItemOutcomes {
  readonly values: unknown[] = [];
  readonly errors: [index: number, error: unknown][] = [];
  readonly #since = performance.now();

  get age(): number {
    return performance.now() - this.#since;
  }
}

/** The same outcomes, with an error in the place of each value that cannot travel. */
export function sendable({ values, errors }: Part): ItemOutcomes {
  const sent: ItemOutcomes & { values: unknown[]; errors: [number, unknown][] } = { values: [], errors: [] };
  const failed = new Map(errors);
  for (const [index, value] of values.entries()) {
    const error = failed.has(index) ? failed.get(index) : refusal(value);
    sent.values.push(error === undefined ? value : undefined);
    if (failed.has(index) || error !== undefined) sent.errors.push([index, carried(error)]);
  }
  return sent;
}

/** Why this result cannot travel; `undefined` if it can. */
function refusal(value: unknown): unknown {
  try {
    const encoded = encodeValue(value, 'result');
    releaseWire(encoded);
    const { handles: _, companions: __, ...wire } = encoded;
    // What is to be moved cannot be tried.
    if (wire.transfer === undefined) structuredClone(wire);
    return undefined;
  } catch (error) {
    return error instanceof HeddleError ? error : explainCloneFailure(value, 'result', error);
  }
}

/** What was thrown, or what can be said of it if it cannot travel itself. */
export function carried(error: unknown): unknown {
  return refusal(error) === undefined
    ? error
    : new SendError(`Cannot send what the function threw: ${show(error)}`, 'error');
}
