/** Jobs into shared memory: functions by their addresses, values as bytes, or to be fetched if bytes cannot carry them. */
import { anyMarked } from '../codec/transfers.ts';
import { releaseWire, type Wire } from '../codec/wire.ts';
import { CaptureError, SendError } from '../core/errors.ts';
import { Functions } from '../jobs/functions.ts';
import { setPriority } from '../jobs/job-block.ts';
import type { JobStore } from '../jobs/job-store.ts';
import { type Payloads, payloadsOf } from '../jobs/payloads.ts';
import {
  ARGS_BY_PORT,
  ASYNC,
  CALL,
  CALL_SOON,
  EACH,
  NO_REASON,
  STOP,
  WITH_FUNCTION,
  WITH_NAME,
} from '../jobs/states.ts';
import { JOB_FUNCTION } from '../memory/layout.ts';
import { encodeValue } from '../thread/values.ts';
import type { AnyFunction } from './executor.ts';
import type { Job } from './job.ts';
import type { KeeperOfJobs } from './keeper-of-jobs.ts';
import { freeze, joinWires } from './work.ts';

/** Where jobs are written for. */
interface Target {
  readonly store: JobStore;
  readonly payloads: Payloads;
  readonly keeper: KeeperOfJobs | undefined;
}

export class JobWriter {
  readonly #target: Target;
  readonly #words: Int32Array;
  readonly #functions = new Functions();

  constructor(target: Target) {
    this.#target = target;
    this.#words = target.store.parking.heap.words;
  }

  /** A job in shared memory, for its owner alone: its address. @throws SendError, CaptureError, HeddleError */
  write(job: Job): number {
    const { fn, work, options } = job;
    const { object } = this.#target.store;
    const payloads = this.#target.payloads;
    const block = this.#functions.blockOf(fn, this.#target.store.parking, object);
    let flags = work.kind === 'each' ? EACH | (work.stop ? STOP : 0) : work.quiet === true ? CALL_SOON : CALL;
    if (job.isAsync) flags |= ASYNC;
    if (block === 0) flags |= WITH_FUNCTION;
    else if (options.name !== undefined) flags |= WITH_NAME;
    const args = work.kind === 'each' ? [work.items, work.args] : work.args;
    const named = block === 0 ? undefined : options.name === undefined ? args : [options.name, args];
    let address = named === undefined ? 0 : payloads.makeSimpleJob(object, named, flags);
    if (address === 0) address = this.#writeWire(job, flags);
    this.#words[address + JOB_FUNCTION] = block;
    if (options.priority !== 0) setPriority(this.#words, address, options.priority);
    return address;
  }

  /** Why a running job is cancelled, as a block of this thread. */
  reason(job: Job): number {
    try {
      return payloadsOf(this.#target.store.parking).makePart(job.withdrawal, 'reason');
    } catch {
      // The task sees that it is cancelled, though not why.
      return NO_REASON;
    }
  }

  /** What is not simple: as bytes, or if these cannot carry it, to be fetched by a message. */
  #writeWire(job: Job, flags: number): number {
    const { payloads, keeper } = this.#target;
    const { object } = this.#target.store;
    let parts: WirePart[] = [];
    try {
      // Most of what is moved is an argument by itself: there is no need to find that out by an error.
      if (keeper !== undefined && anyMarked(job.work.args)) return this.#writeForPort(job, flags);
      // What it captures was made ready for a message.
      if ((flags & WITH_FUNCTION) !== 0 && payloads.isForMessageOnly(job.fn.reference)) {
        if (keeper === undefined) releaseWire(job.fn.reference);
        throw new SendError(
          'captured: what cannot be copied as bytes cannot be sent to a thread',
          'captured',
        );
      }
      parts = partsOf(job, flags, (value, path) => payloads.wireOf(value, path));
      const wire = joined(parts, flags);
      job.moves = wire.transfer !== undefined;
      accompany(job, wire);
      return payloads.makeJobOfWire(object, wire, 'args', flags);
    } catch (error) {
      if (!(error instanceof SendError) || error instanceof CaptureError) throw error;
      if (keeper === undefined) {
        // Each by itself, for its path.
        for (const { wire, path } of parts) payloads.check(wire, path);
        throw error;
      }
      return this.#writeForPort(job, flags);
    }
  }

  /** Of what is fetched by a message only that is written. */
  #writeForPort(job: Job, flags: number): number {
    job.byPort ??= frozen(partsOf(job, flags, encodeValue), flags);
    job.moves = job.byPort.transfer !== undefined;
    accompany(job, job.byPort);
    return this.#target.payloads.makeSimpleJob(this.#target.store.object, [], flags | ARGS_BY_PORT);
  }
}

/** What stays here of a wire stays with the job, which may be written twice. */
function accompany(job: Job, { companions }: Wire<unknown>): void {
  if (companions !== undefined) job.companions = [...job.companions, ...companions];
}

const AsyncFunction = (async () => {}).constructor;

/** Whether it says so itself: its results are never there at once. */
export function isAsyncFunction(fn: AnyFunction): boolean {
  return fn instanceof AsyncFunction;
}

interface WirePart {
  readonly wire: Wire<unknown>;
  /** What messages call it. */
  readonly path: string;
}

/** What goes with a job: the function and the name, if they do, and what it is called with. */
function partsOf(
  { fn, work, options }: Job,
  flags: number,
  encode: (value: unknown, path: string) => Wire<unknown>,
): WirePart[] {
  const parts: WirePart[] = [];
  try {
    if ((flags & WITH_FUNCTION) !== 0) parts.push({ wire: fn.reference, path: 'captured' });
    if ((flags & (WITH_FUNCTION | WITH_NAME)) !== 0)
      parts.push({ wire: { value: options.name ?? fn.name }, path: 'name' });
    if (work.kind === 'each') parts.push({ wire: encode(work.items, work.path), path: work.path });
    parts.push({ wire: encode(work.args, 'args'), path: 'args' });
    return parts;
  } catch (error) {
    if ((flags & WITH_FUNCTION) !== 0) releaseWire(fn.reference);
    throw error;
  }
}

/** All of that as it is now. What is moved is moved at the end, when nothing can be refused any more. */
function frozen(parts: readonly WirePart[], flags: number): Wire<unknown> {
  const moves = ({ wire }: WirePart): boolean => wire.transfer !== undefined;
  const copies = parts.map((part) => (moves(part) ? part : { ...part, wire: freeze(part.wire, part.path) }));
  // One after the other: each has what is moved with it.
  const moved = copies.map((part) => (moves(part) ? { ...part, wire: freeze(part.wire, part.path) } : part));
  return joined(moved, flags);
}

/** All of that as one wire: arguments alone; or items and arguments; either behind the function and the name. */
function joined(parts: readonly WirePart[], flags: number): Wire<unknown> {
  const wires = parts.map(({ wire }) => wire);
  const before = (flags & WITH_FUNCTION) !== 0 ? 2 : (flags & WITH_NAME) !== 0 ? 1 : 0;
  const values = wires.slice(before);
  const called = values.length === 1 ? values[0]! : joinWires(values);
  return before === 0 ? called : joinWires([...wires.slice(0, before), called]);
}
