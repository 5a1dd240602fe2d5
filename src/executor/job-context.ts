/** Jobs that take the values of some storages along (`SubmitOptions.context`). */
import { referenceTo } from '../function/reference.ts';
import { registry } from '../function/registry.ts';
import { type ContextStorage, runOf, valueIn } from '../function/storage.ts';
import { type ContextOfCall, callInContext, type RunWith } from '../thread/context-call.ts';
import type { AnyFunction } from './executor.ts';
import type { Job, JobOptions } from './job.ts';
import type { JobSink } from './job-executor.ts';
import { addressOf, functionName } from './known-function.ts';
import type { Work } from './work.ts';

/**
 * Starts the job that calls `fn` where the storages have the values of now. They go behind the arguments, so that an argument
 * which is refused is called by its place.
 *
 * @throws TypeError for a storage that has no name; CaptureError; and as `sink.start`.
 */
export function startWithContext(
  sink: JobSink,
  fn: AnyFunction,
  site: AnyFunction,
  work: Work,
  options: JobOptions,
): Job {
  const reference = addressOf(fn) ?? referenceTo(fn, site);
  const context: ContextOfCall = {
    fn: reference,
    entries: options.context.map((storage, index) => [portableRunOf(storage, index), valueIn(storage)]),
  };
  const name = options.name ?? functionName(reference.name);
  const args = [...work.args, context];
  return sink.start(callInContext as AnyFunction, site, { ...work, args }, { ...options, name });
}

function portableRunOf(storage: ContextStorage, index: number): RunWith {
  const run = runOf(storage);
  if (registry.marks.has(run)) return run as RunWith;
  throw new TypeError(
    `Cannot send context[${index}] along: a thread would not find its own storage; name it where it is made: portable(import.meta, storage, 'name')`,
  );
}
