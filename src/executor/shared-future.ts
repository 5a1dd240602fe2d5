/** What other threads know of a future. */
import { CancelledError, DeadlockError, SendError, TimeoutError } from '../core/errors.ts';
import type { Source } from '../park/source.ts';
import type { CheckedWait } from '../park/wait.ts';
import type { Settled, Settlement } from '../queue/settlement.ts';
import { GateWait, passGateSync } from '../sync/gate-wait.ts';
import { type Future, handleOfFuture, isOnlyHere } from './future.ts';
import { lostError } from './resolvers.ts';

/** A wait that nobody has asked for. */
export const UNASKED: CheckedWait = {
  timeout: Infinity,
  signal: undefined,
  keepAlive: false,
  holds: false,
};

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

/** Blocks the thread until another has settled it; false if `timeout` milliseconds have passed. */
export function blockForShared(future: Future<unknown>, timeout: number): boolean {
  try {
    passGateSync(handleOfFuture(future), { timeout });
    return true;
  } catch (error) {
    if (error instanceof TimeoutError) return false;
    throw error;
  }
}

/** For `selectSync`. */
export function sourceOfFuture(future: Future<unknown>): Source {
  return {
    wanted: new GateWait(handleOfFuture(future)),
    value: () => future.tryResult()!.value,
    check: () => {},
    checkOthers: () => {
      if (isOnlyHere(future))
        throw new DeadlockError(
          'Cannot select: the future settles on the loop of this thread, which would be blocked; await select()',
        );
    },
  };
}
