/**
 * Every error that heddle itself raises. Each class has one stable `code`; messages read "action, colon, state"
 * and say what to do next where there is something to do. Wrong arguments are plain `TypeError`s (wrong kind)
 * and `RangeError`s (out of range), as everywhere in JavaScript.
 */
import type { Guard } from './guard.ts';

/** The base of every error that heddle raises, apart from the `TypeError` and `RangeError` of a wrong argument. */
export class HeddleError extends Error {
  /** Stable across versions: test for it where `instanceof` cannot reach (two copies of the package, logs). */
  readonly code: string = 'ERR_HEDDLE';
}

/** A task, a job or a wait was cancelled; `cause` is the reason that was given. */
export class CancelledError extends HeddleError {
  override readonly code: string = 'ERR_HEDDLE_CANCELLED';
}

/** A wait or a job ran out of time. */
export class TimeoutError extends HeddleError {
  override readonly code: string = 'ERR_HEDDLE_TIMEOUT';
}

/** A function given to another thread uses variables of its surroundings, which do not exist there. */
export class CaptureError extends HeddleError {
  override readonly code: string = 'ERR_HEDDLE_CAPTURE';
  /** The names of the captured variables, in order of first use. */
  readonly variables: readonly string[];

  constructor(message: string, variables: readonly string[], options?: ErrorOptions) {
    super(message, options);
    this.variables = variables;
  }
}

/** A value cannot travel to another thread; the message has the path to it. */
export class SendError extends HeddleError {
  override readonly code: string = 'ERR_HEDDLE_SEND';
  /** Where in the arguments or the result the value stands, such as `args[0].socket`. */
  readonly path: string;

  constructor(message: string, path: string, options?: ErrorOptions) {
    super(message, options);
    this.path = path;
  }
}

/**
 * The owner of what was asked for ended while it held it: its thread died, or its task ended without releasing.
 *
 * Whoever gets this error from a lock **has** the lock, by `guard`, so that what it protects can be mended. Releasing
 * the guard makes the lock whole; not to release it hands the error on to the next.
 */
export class OwnerDiedError extends HeddleError {
  override readonly code: string = 'ERR_HEDDLE_OWNER_DIED';
  readonly guard: Guard | undefined;

  constructor(message: string, guard?: Guard, options?: ErrorOptions) {
    super(message, options);
    this.guard = guard;
  }
}

/** Something was given back that is not held, or not any more. */
export class NotOwnerError extends HeddleError {
  override readonly code: string = 'ERR_HEDDLE_NOT_OWNER';
}

/** How a thread came to its end: it called `process.exit`, threw outside any job, ran out of memory, or was stopped. */
export type ThreadDeath = 'exit' | 'error' | 'memory' | 'terminated';

/** The thread that ran a job ended before the job did. */
export class ThreadDiedError extends HeddleError {
  override readonly code: string = 'ERR_HEDDLE_THREAD_DIED';
  readonly reason: ThreadDeath;
  readonly exitCode: number;

  constructor(message: string, details: { reason: ThreadDeath; exitCode: number }, options?: ErrorOptions) {
    super(message, options);
    this.reason = details.reason;
    this.exitCode = details.exitCode;
  }
}

/** A pool cannot start threads that work: its initializer failed, or they die faster than they finish jobs. */
export class BrokenPoolError extends HeddleError {
  override readonly code: string = 'ERR_HEDDLE_BROKEN_POOL';
}

/** A pool has `maxPending` jobs waiting already. */
export class PoolFullError extends HeddleError {
  override readonly code: string = 'ERR_HEDDLE_POOL_FULL';
}

/** A barrier was broken: one of those it waits for has given up, failed or died, or somebody said so. */
export class BrokenBarrierError extends HeddleError {
  override readonly code: string = 'ERR_HEDDLE_BROKEN_BARRIER';
}

/** The object was shut down, and takes nothing new. */
export class ShutDownError extends HeddleError {
  override readonly code: string = 'ERR_HEDDLE_SHUT_DOWN';
}

/** The queue was shut down, and takes or has nothing more. */
export class QueueShutDownError extends ShutDownError {
  override readonly code: string = 'ERR_HEDDLE_QUEUE_SHUT_DOWN';
}

/** The operation does not fit the state that the object is in. */
export class InvalidStateError extends HeddleError {
  override readonly code: string = 'ERR_HEDDLE_INVALID_STATE';
}

/** A wait that nothing could ever end. */
export class DeadlockError extends HeddleError {
  override readonly code: string = 'ERR_HEDDLE_DEADLOCK';
}

/** Tasks of a group failed. `errors` holds the failures in the order in which they happened; `cause` is the first. */
export class TaskGroupError extends AggregateError {
  readonly code: string = 'ERR_HEDDLE_TASK_GROUP';

  constructor(errors: readonly unknown[], message?: string) {
    super(errors, message ?? describeFailures(errors), { cause: errors[0] });
  }

  /** The first failure that is an instance of `type`, looked for in nested groups too. */
  find<E>(type: abstract new (...args: never[]) => E): E | undefined {
    for (const error of this.errors as readonly unknown[]) {
      if (error instanceof type) return error;
      if (error instanceof TaskGroupError) {
        const found = error.find(type);
        if (found !== undefined) return found;
      }
    }
    return undefined;
  }
}

function describeFailures(errors: readonly unknown[]): string {
  const first = errors[0] instanceof Error ? errors[0].message : String(errors[0]);
  if (errors.length === 1) return `A task of the group failed: ${first}`;
  return `${errors.length} tasks of the group failed, the first: ${first}`;
}

// An AggregateError cannot also descend from HeddleError, but `instanceof HeddleError` is promised for it.
Object.defineProperty(HeddleError, Symbol.hasInstance, {
  value(this: typeof HeddleError, value: unknown): boolean {
    if (Function.prototype[Symbol.hasInstance].call(this, value)) return true;
    return this === HeddleError && value instanceof TaskGroupError;
  },
});

// The name belongs to the class, not to each object: errors print it, and nothing else carries it about.
for (const type of [
  HeddleError,
  CancelledError,
  TimeoutError,
  CaptureError,
  SendError,
  ThreadDiedError,
  BrokenPoolError,
  PoolFullError,
  BrokenBarrierError,
  ShutDownError,
  QueueShutDownError,
  InvalidStateError,
  DeadlockError,
  OwnerDiedError,
  NotOwnerError,
  TaskGroupError,
]) {
  Object.defineProperty(type.prototype, 'name', { value: type.name, configurable: true, writable: true });
}
