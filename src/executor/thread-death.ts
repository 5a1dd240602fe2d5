/** How the end of a thread is told. */
import { ThreadDiedError } from '../core/errors.ts';
import type { WorkerEnd } from '../platform/worker.ts';

/** What a job gets whose thread ended before it did. `what` is the job, `thread` the name of the thread. */
export function diedError(what: string, thread: string, end: WorkerEnd): ThreadDiedError {
  return new ThreadDiedError(
    `Cannot finish ${what}: thread "${thread}" ended by ${describeEnd(end)} while it ran`,
    end,
    'cause' in end ? { cause: end.cause } : {},
  );
}

/** `process.exit(3)`, `running out of memory` … */
export function describeEnd({ reason, exitCode, cause }: WorkerEnd): string {
  switch (reason) {
    case 'exit':
      return `process.exit(${exitCode})`;
    case 'memory':
      return 'running out of memory';
    case 'terminated':
      return 'being terminated';
    case 'error':
      return `an uncaught error (${cause instanceof Error ? cause.message : String(cause)})`;
  }
}
