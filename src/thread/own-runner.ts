/** What runs the jobs of this thread, if it is one of a pool: for who waits in a job for another. */
import type { JobRunner } from './job-runner.ts';

let own: { readonly pool: number; readonly runner: JobRunner } | undefined;

export function setOwnRunner(pool: number, runner: JobRunner): void {
  own = { pool, runner };
}

/** The runner, if this thread runs jobs of that pool. */
export function runnerFor(pool: number): JobRunner | undefined {
  return own?.pool === pool ? own.runner : undefined;
}

/** The pool whose jobs this thread runs; 0 if none. */
export function ownPool(): number {
  return own?.pool ?? 0;
}
