import type { JobStore } from '../jobs/job-store.ts';
import type { Payloads } from '../jobs/payloads.ts';

export interface JobRunnerOptions {
  readonly store: JobStore;
  /** The thread that the port leads to, and the values that go there. */
  readonly keeper: number;
  readonly payloads: Payloads;
  /** Jobs at once. */
  readonly concurrency: number;
  /** Microseconds of looking before it waits. */
  readonly spin: number;
  /** Fetches from the owner of the pool what only a message can carry; and sends it there. */
  readonly fetch: (job: number) => Promise<unknown>;
  readonly send: (job: number, value: unknown) => void;
  /** Called when it has stopped by itself, and no job runs. */
  readonly ended: (busyMs: number) => void;
}
