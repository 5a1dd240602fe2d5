/** Walking and extending the chain of an error's causes. */

const LONGEST_CHAIN = 100;

/** Whether `error` or one of its causes satisfies `test`. Chains that bite their own tail end all the same. */
export function someCause(error: unknown, test: (one: unknown) => boolean): boolean {
  for (let depth = 0; depth < LONGEST_CHAIN; depth++) {
    if (test(error)) return true;
    if (!(error instanceof Error) || error.cause === undefined) return false;
    error = error.cause;
  }
  return false;
}

/** Hangs `cause` at the end of the error's chain, where that is possible and it is not there already. */
export function addCause(error: unknown, cause: unknown): void {
  for (let depth = 0; depth < LONGEST_CHAIN && error instanceof Error && error !== cause; depth++) {
    if (error.cause === undefined) {
      if (Object.isExtensible(error))
        Object.defineProperty(error, 'cause', {
          value: cause,
          configurable: true,
          writable: true,
          enumerable: false,
        });
      return;
    }
    error = error.cause;
  }
}
