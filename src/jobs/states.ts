/**
 * What the words of pools and jobs say: see `job-store.ts`.
 *
 * **Rejected** there. A queue per thread, filled by who submits: it must guess how long jobs take, and a stuck thread strands
 * what was given to it. A heap for priorities: nearly all jobs have the same, and withdrawing from the middle is not rare.
 */

/** Of a job: nobody has it but who makes it; it is in the queue. Else it is the token of the thread that runs it. */
export const MADE = 0;
export const QUEUED = 1;

/** A job whose function took no longer, in microseconds, is worth no thread of its own: to wake one takes as long. */
export const SHORT = 20;

/** A thread that takes its own jobs first takes the first of all after so many, lest one that has always more serve nobody else. */
export const OWN_IN_TURN = 61;

/** Of a pool. Closed: it takes no more jobs, and those that wait are run. States only rise. */
export const OPEN = 0;
export const CLOSED = 1;
export const BROKEN = 2;
/** All its threads have ended: it was shut down; or it is a loop, whose thread died. */
export const ENDED = 3;
export const LOST = 4;

/** What `put` says. */
export const ACCEPTED = 1;
/** … and an idle thread was woken. */
export const WAKING = 4;
export const FULL = 2;
export const REFUSED = 3;

/** How a job ended. `BY_PORT`: its value comes by a message. */
export const VALUE = 1;
export const ERROR = 2;
export const CANCELLED_ERROR = 3;
export const DIED = 4;
export const BY_PORT = 5;
/** It was never run: its pool is broken, or was shut down. */
export const EVICTED = 6;

/** What kind of job it is. `EACH`: one call for each item of a chunk. `CALL_SOON`: nobody waits for its result. */
export const CALL = 0;
export const EACH = 1;
export const CALL_SOON = 2;
export const KIND_MASK = 3;
/** The function, or a name, comes with the arguments. */
export const WITH_FUNCTION = 4;
export const WITH_NAME = 8;
/** The arguments are fetched from the owner, by a message: only structured clone can carry them. */
export const ARGS_BY_PORT = 16;
/** An `EACH` ends with the first failure. */
export const STOP = 32;
/** Its function is async: it cannot be run in place. */
export const ASYNC = 128;
/** Its thread is to be ended: `onCancel: 'terminate'`. */
export const KILL = 64;

/** `JOB_CANCEL` of a job that is cancelled without a reason that could be sent. */
export const NO_REASON = 1;

/** What the keeper of a pool is asked for. */
export const THREAD_WANTED = 1;
export const KILL_WANTED = 2;
export const END_WANTED = 4;

/** Counts end here. */
export const MOST: number = 2 ** 30;
