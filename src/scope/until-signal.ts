import { checkSignals, DEFAULT_SIGNALS, holdProcess, onSignals } from '../platform/signals.ts';
import { currentScope } from './scope.ts';
import { rejectedByCancellation, Waiter } from './waiter.ts';

/**
 * Resolves with the name of the next signal that the process receives, by default SIGINT or SIGTERM. While something
 * waits for it here, a signal is its business: `run` is not cancelled by it. Holds the process while it waits.
 *
 * @example
 * ```ts
 * import { run, untilSignal } from 'heddle';
 *
 * setTimeout(() => process.kill(process.pid, 'SIGTERM'), 10);
 * await run(async () => {
 *   console.log(`stopping after ${await untilSignal()}`); // stopping after SIGTERM
 * });
 * ```
 */
export function untilSignal(signals?: readonly NodeJS.Signals[]): Promise<NodeJS.Signals> {
  let names: readonly NodeJS.Signals[];
  try {
    names = checkSignals(signals) ?? DEFAULT_SIGNALS;
  } catch (error) {
    return Promise.reject(error);
  }
  const scope = currentScope();
  if (scope?.cancellation !== undefined) return rejectedByCancellation(scope.cancellation);
  const release = holdProcess();
  const stop = onSignals(names, (signal) => {
    end();
    waiter.resolve(signal);
  });
  const end = (): void => {
    stop();
    release();
  };
  const waiter = new Waiter<NodeJS.Signals>(scope, end);
  return waiter.promise;
}
