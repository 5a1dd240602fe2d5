/** `run` and `runSync` of everything that gives guards. */
import { checkFunction } from '../core/arguments.ts';
import type { Guard } from '../core/guard.ts';
import { StackProbe } from '../platform/stack.ts';
import { isThenable } from '../scope/call.ts';

const stack = new StackProbe();

/** Calls `fn` while it has the guard that `acquire` gives; gives what `fn` gave. */
export async function runGuarded<R>(acquire: () => Promise<Guard>, fn: () => R | PromiseLike<R>): Promise<R> {
  checkFunction(fn, 'fn');
  const guard = await acquire();
  try {
    return await fn();
  } finally {
    guard[Symbol.dispose]();
  }
}

/**
 * The same, blocking. `what` is held: `lock "cache"`.
 *
 * @throws TypeError if `fn` returned a promise: it would go on without the guard.
 */
export function runGuardedSync<R>(acquire: () => Guard, fn: () => R, what: string): R {
  checkFunction(fn, 'fn');
  // The guard must be released again here.
  stack.probe();
  const guard = acquire();
  try {
    const result = fn();
    if (!isThenable(result)) return result;
    throw new TypeError(
      `Cannot run with ${what}: fn returned a promise, and it would be released before that settles; use run()`,
    );
  } finally {
    guard[Symbol.dispose]();
  }
}
