/**
 * Reports: what went wrong where nobody waits for the answer. Each is one `process.emitWarning` with a code of its own.
 */

export type ReportCode =
  | 'HEDDLE_UNAWAITED_ERROR'
  | 'HEDDLE_CALLBACK_ERROR'
  | 'HEDDLE_ABANDONED_GUARD'
  | 'HEDDLE_STALLED_LOOP'
  | 'HEDDLE_STARVING_POOL'
  | 'HEDDLE_SHUTDOWN_TIMEOUT'
  | 'HEDDLE_UNSETTLED_FUTURE';

/** Who gets the reports of this thread before the process: those for which it gives true are not for that. */
export type Listener = (code: ReportCode, message: string, error: unknown) => boolean;

let listener: Listener | undefined;

/** Shows the reports of this thread to `by`, until this is called with `undefined`. For tests. */
export function interceptReports(by: Listener | undefined): void {
  listener = by;
}

export function report(code: ReportCode, message: string, error?: unknown): void {
  if (listener?.(code, message, error) === true) return;
  const warning = new Error(message, error === undefined ? {} : { cause: error });
  // Given an Error, `emitWarning` reads code and detail from the object itself, and prints the detail below the message.
  Object.assign(warning, { name: 'HeddleWarning', code });
  if (error !== undefined)
    Object.assign(warning, { detail: error instanceof Error ? error.stack : String(error) });
  process.emitWarning(warning);
}
