/** What a pool asks of its keeper, and what it says if that has ended it. */
import type { Wire } from '../codec/wire.ts';
import { BrokenPoolError, ShutDownError } from '../core/errors.ts';
import type { Payloads } from '../jobs/payloads.ts';
import { BROKEN, LOST } from '../jobs/states.ts';
import type { WorkerEnd } from '../platform/worker.ts';
import type { Job } from './job.ts';
import { describeEnd } from './thread-death.ts';
import type { ThreadSet } from './thread-set.ts';

/** What the keeper does for jobs of its own thread. */
export interface KeeperOfJobs {
  /** Values that go to its threads. */
  readonly payloads: Payloads;
  /** A job was put: a thread may be wanted. */
  jobPut(): void;
  /** Calls `told` once the end of the thread is known that died over a job. */
  whenEnded(token: number, told: () => void): void;
  /** The error to reject a job by over which the thread died; `end` is what is known if its end was not told. */
  deathOf(token: number, job: Job, end: WorkerEnd): unknown;
  /** The result of a job that came by a message, or comes soon. */
  resultByPort(address: number, take: (wire: Wire<unknown>) => void): void;
  terminate(job: number): void;
  /** Takes the messages that have come, while this thread is blocked. */
  drainPorts(): void;
  /** The same, and replaces threads that have died meanwhile. */
  lookWhileBlocked(): void;
  /** Jobs wait, and none is idle: starts threads for them. */
  startMore(): void;
  /** A job has ended: the threads that it kept may be too many now. */
  jobEnded(): void;
  readonly broken: BrokenPoolError | undefined;
  /** None of a loop of this very thread. */
  readonly threads?: ThreadSet;
  /** By what the thread of a loop died. */
  readonly lost?: { readonly end: WorkerEnd } | undefined;
}

/** Why a pool that is not open takes no job. */
export function closedError(
  what: string,
  state: number,
  keeper: KeeperOfJobs | undefined,
): BrokenPoolError | ShutDownError {
  if (state === BROKEN) return keeper?.broken ?? new BrokenPoolError(`${what}: it is broken`);
  if (state !== LOST) return new ShutDownError(`${what}: it was shut down`);
  const end = keeper?.lost?.end;
  if (end === undefined) return new ShutDownError(`${what}: its thread died`);
  const cause = 'cause' in end ? { cause: end.cause } : {};
  return new ShutDownError(`${what}: its thread died by ${describeEnd(end)}`, cause);
}
