/** What other threads know of a future. */
import { CancelledError, SendError } from '../core/errors.ts';
import type { Settled, Settlement } from '../queue/settlement.ts';
import { lostError } from './resolvers.ts';

/** False if it was settled before. What cannot be sent is an error for the others, unless `strict`. */
export function putOutcome(core: Settlement, how: Settled, value: unknown, strict: boolean): boolean {
  try {
    return core.put(how, value);
  } catch (error) {
    if (strict) throw error;
    if (how === 'cancelled') return core.put(how, new CancelledError('The future was cancelled'));
    return core.put(
      'rejected',
      new SendError(`Cannot send the result: ${(error as Error).message}`, 'result'),
    );
  }
}

/** What it came to, once it is settled. */
export function readOutcome(core: Settlement): readonly [how: Settled, value: unknown] {
  try {
    return core.read() ?? ['rejected', lostError()];
  } catch (error) {
    return ['rejected', error];
  }
}
