/** Values that are nested more deeply than the stack is. */
import { SendError } from '../core/errors.ts';

export function isStackOverflow(error: unknown): boolean {
  return error instanceof RangeError && error.message.startsWith('Maximum call stack');
}

export function tooDeep(path: string, cause: unknown): SendError {
  return new SendError(`${path} cannot be sent to a thread: it is nested too deeply`, path, { cause });
}

export function tooDeepHere(cause: unknown): SendError {
  return new SendError('Cannot receive item: it is nested too deeply for the stack of this thread', 'item', {
    cause,
  });
}
