/** What runs jobs in this thread: for who waits in a job for another, and for what belongs to the thread. */
import type { JobRunner } from './job-runner.ts';
import type { MainLoop } from './protocol.ts';

const runners = new Map<number, JobRunner>();
let pool = 0;
let mainLoop: MainLoop | undefined;

/** This thread runs jobs of that pool, or loop, from now on. */
export function addRunner(object: number, runner: JobRunner): void {
  runners.set(object, runner);
}

export function removeRunner(object: number): void {
  runners.delete(object);
}

/** The runner, if this thread runs jobs of that pool. */
export function runnerFor(object: number): JobRunner | undefined {
  return runners.get(object);
}

/** All runners of this thread. */
export function allRunners(): Iterable<JobRunner> {
  return runners.values();
}

/** The pool that this thread was started for; 0 if for none. */
export function ownPool(): number {
  return pool;
}

export function setOwnPool(object: number): void {
  pool = object;
}

/** Where the loop of the main thread is found; `undefined` if that has none yet. */
export function knownMainLoop(): MainLoop | undefined {
  return mainLoop;
}

export function setMainLoop(found: MainLoop | undefined): void {
  mainLoop = found;
}
