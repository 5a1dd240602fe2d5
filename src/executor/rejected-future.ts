import { currentScope } from '../scope/scope.ts';
import { Future, settleFuture } from './future.ts';

/** A future that has failed already: what a call that is refused returns. */
export function rejectedFuture<T>(error: unknown, describe: () => string): Future<T> {
  const future = new Future<T>({ cancel: () => false, describe });
  settleFuture(future, error === currentScope()?.cancellation ? 'cancelled' : 'rejected', error);
  return future;
}
