/**
 * A job that waits for another, of its own pool or one that may lead back to it: its slot is given away meanwhile, or a spare
 * thread is wanted; and that it waits is written down, so that a cycle of such waits is seen (`jobs/job-cycle.ts`).
 */
import { DeadlockError } from '../core/errors.ts';
import { closesCycle, waitsFor } from '../jobs/job-cycle.ts';
import { ownParking } from '../park/own-parking.ts';
import { currentScope } from '../scope/scope.ts';
import type { JobRunner } from './job-runner.ts';
import type { Run } from './job-runs.ts';
import { allRunners } from './own-runner.ts';

/** What is waited for. */
export interface Awaited {
  /** Where the job stands; 0 if it is not known, or has not been made. */
  readonly address: number;
  describe(): string;
}

/**
 * The current task begins to await it: gives what is to be called when it does not any more. A wait that has a way out, as
 * a time-out of its own or around it, closes no cycle.
 *
 * @throws DeadlockError
 */
export function beginAwait(target: Awaited, hasWayOut: boolean): (() => void) | undefined {
  const job = target.address === 0 ? undefined : currentJob();
  if (job === undefined) return undefined;
  const forget = hasWayOut || currentScope()?.isLimited === true ? undefined : noteWait(job, target);
  const giveBack = job.runner.giveSlot(job.run);
  return () => {
    forget?.();
    giveBack();
  };
}

/** The same for a task that will block this thread. @throws DeadlockError also if there are no more spare threads. */
export function beginBlock(target: Awaited): (() => void) | undefined {
  const job = target.address === 0 ? undefined : currentJob();
  if (job === undefined) return undefined;
  const forget = noteWait(job, target);
  const giveBack = job.runner.blockSlot();
  if (giveBack === undefined) {
    forget();
    throw new DeadlockError(
      `Cannot block on ${target.describe()}: as many jobs of this pool block their threads already as there may be spare ones (maxSpares); await it`,
    );
  }
  return () => {
    forget();
    giveBack();
  };
}

interface OwnJob {
  readonly runner: JobRunner;
  readonly run: Run;
}

/** The job that the current code is part of. The outermost task is that of the job: it waits for all inside. */
function currentJob(): OwnJob | undefined {
  let scope = currentScope();
  while (scope?.parent !== undefined) scope = scope.parent;
  const task = scope?.task;
  if (task === undefined) return undefined;
  for (const runner of allRunners()) {
    const run = runner.runOf(task);
    if (run !== undefined) return { runner, run };
  }
  return undefined;
}

function noteWait({ runner, run }: OwnJob, target: Awaited): () => void {
  const to = target.address;
  const { heap } = ownParking();
  const forget = (): void => {
    awaits.splice(awaits.lastIndexOf(to), 1);
    // Once it has ended its block is somebody else's.
    if (runner.runs(run)) waitsFor(heap, run.job, awaits.at(-1) ?? 0);
  };
  run.awaits ??= [];
  const { awaits } = run;
  awaits.push(to);
  if (!closesCycle(heap, run.job, to)) return forget;
  forget();
  throw new DeadlockError(
    `Cannot wait for ${target.describe()}: it waits for this job, directly or through others, and neither would end`,
  );
}
