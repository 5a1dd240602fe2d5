/**
 * A pool as one thread sees it that submits: puts jobs into shared memory, and takes what came of them. What starts and ends
 * the threads of the pool, and hears of their deaths, is its keeper (`pool-keeper.ts`), in the thread that made it.
 */
import { Atomics } from '#atomics';
import { releaseWire, type Wire } from '../codec/wire.ts';
import { now, startTimer, type Timer } from '../core/clock.ts';
import {
  BrokenPoolError,
  CancelledError,
  CaptureError,
  DeadlockError,
  PoolFullError,
  SendError,
  ShutDownError,
  ThreadDiedError,
} from '../core/errors.ts';
import { Functions } from '../jobs/functions.ts';
import { freeJob, PART_NEXT, setPriority } from '../jobs/job-block.ts';
import { jobClockSince } from '../jobs/job-clock.ts';
import type { JobStore } from '../jobs/job-store.ts';
import { type Payloads, payloadsOf } from '../jobs/payloads.ts';
import {
  ACCEPTED,
  ARGS_BY_PORT,
  ASYNC,
  BROKEN,
  BY_PORT,
  CALL,
  CALL_SOON,
  DIED,
  EACH,
  EVICTED,
  FULL,
  KILL,
  KILL_WANTED,
  LOST,
  NO_REASON,
  OPEN,
  QUEUED,
  STOP,
  THREAD_WANTED,
  VALUE,
  WAKING,
  WITH_FUNCTION,
  WITH_NAME,
} from '../jobs/states.ts';
import {
  CELL_ASYNC,
  CELL_STATE,
  FIRST_TOKEN,
  JOB_BEGAN,
  JOB_CANCEL,
  JOB_FLAGS,
  JOB_FUNCTION,
  JOB_OUTCOME,
  JOB_PARTS,
  JOB_RAN,
  JOB_STATE,
  JOB_TICKET,
  LIST_HEAD,
  LISTS,
  POOL_ASKED,
  POOL_BLOCKED,
  POOL_CANCELLED,
  POOL_DRAINING,
  POOL_FAILED,
  POOL_KEEPER,
  POOL_QUEUED,
  POOL_SPARES,
  POOL_STATE,
  POOL_TAKEN,
  WAITING,
} from '../memory/layout.ts';
import { callErrand } from '../park/mailbox.ts';
import type { Parking } from '../park/parking.ts';
import { holdLoop, releaseLoop } from '../platform/keep-alive.ts';
import { isMainLoop } from '../platform/worker.ts';
import { currentTask } from '../scope/current-task.ts';
import { currentScope } from '../scope/scope.ts';
import { runnerFor } from '../thread/own-runner.ts';
import type { ItemOutcomes } from '../thread/protocol.ts';
import { decodeValue, encodeValue } from '../thread/values.ts';
import type { AnyFunction } from './executor.ts';
import { Job, type JobOptions, type JobOwner } from './job.ts';
import { knowFunction } from './known-function.ts';
import { freeze, joinWires, SENT, type Work } from './work.ts';

/** What the keeper does for jobs of its own thread. */
export interface KeeperOfJobs {
  /** Values that go to its threads. */
  readonly payloads: Payloads;
  /** A job was put: a thread may be wanted. */
  jobPut(): void;
  /** Calls `told` once the end of the thread is known that died over a job. */
  whenEnded(token: number, told: () => void): void;
  /** The error to reject a job by over which the thread died. */
  deathOf(token: number, job: Job): unknown;
  /** The result of a job that came by a message, or comes soon. */
  resultByPort(address: number, take: (wire: Wire<unknown>) => void): void;
  terminate(token: number): void;
  /** Takes the messages that have come, while this thread is blocked. */
  drainPorts(): void;
  /** The same, and replaces threads that have died meanwhile. */
  lookWhileBlocked(): void;
  /** Jobs wait, and none is idle: starts threads for them. */
  startMore(): void;
  /** A job has ended: the threads that it kept may be too many now. */
  jobEnded(): void;
  readonly broken: BrokenPoolError | undefined;
}

/** After so many milliseconds a job that waits while a thread is idle wakes it: who drains has met a long one. */
const SPILL_MS = 2;
/** After so many times that, a thread more is started for it, if there may be one: that takes far longer. */
const SPILLS_TO_START = 10;

export class PoolJobs implements JobOwner {
  readonly store: JobStore;
  readonly jobs: Map<number, Job> = new Map();
  /** Whether one thread alone runs the jobs. */
  isLoop = false;
  /** In the thread of the keeper. */
  keeper: KeeperOfJobs | undefined;
  /** What messages call the pool; and its handle, which is in use while a job of this thread is under way. */
  handle: { readonly name: string; inUse(more: boolean): void } | undefined;
  readonly #parking: Parking;
  readonly #words: Int32Array;
  readonly #functions = new Functions();
  /** Results that must load a module first hold up those that come after them. */
  #deliveries: Promise<void> | undefined;
  /** Jobs whose threads are to be ended, and when. */
  #kills: { readonly job: Job; readonly due: number }[] = [];
  #spill: Timer | undefined;
  #takenThen = 0;
  #spills = 0;

  constructor(store: JobStore) {
    this.store = store;
    this.#parking = store.parking;
    this.#words = store.parking.heap.words;
  }

  get #payloads(): Payloads {
    return this.keeper?.payloads ?? payloadsOf(this.#parking);
  }

  /** @throws TypeError, CaptureError, SendError, the reason of the signal, BrokenPoolError, ShutDownError, PoolFullError */
  start(fn: AnyFunction, site: AnyFunction, work: Work, options: JobOptions): Job {
    const job = new Job(knowFunction(fn, site), work, options, this);
    job.isAsync = isAsyncFunction(fn);
    this.#make(job);
    try {
      options.signal?.throwIfAborted();
      this.checkOpen();
      if (options.limiter !== undefined) this.#holdForPermit(job);
      else this.#put(job);
    } catch (error) {
      this.#drop(job);
      throw error;
    }
    this.#begin(job);
    job.watch();
    return job;
  }

  /** @throws BrokenPoolError, ShutDownError */
  checkOpen(action = 'submit to'): void {
    const state = this.store.read(POOL_STATE);
    if (state === OPEN) return;
    if (state === LOST) throw new ShutDownError(`Cannot ${action} ${this.#describe()}: its thread died`);
    if (state === BROKEN)
      throw this.keeper?.broken ?? new BrokenPoolError(`Cannot ${action} ${this.#describe()}: it is broken`);
    throw new ShutDownError(`Cannot ${action} ${this.#describe()}: it was shut down`);
  }

  get isFull(): boolean {
    return this.store.read(POOL_STATE) === OPEN && !this.store.hasRoom();
  }

  /** Puts the job into shared memory, for its owner alone. */
  #make(job: Job): void {
    job.object = this.store.object;
    job.address = this.#write(job);
    // Values may change, and must not be kept longer than it takes.
    if (job.options.idempotent && job.work.kind === 'call') job.spare = this.#write(job);
    if (job.work.kind === 'call') job.work = SENT;
  }

  #write(job: Job): number {
    const { fn, work, options } = job;
    const { object } = this.store;
    const payloads = this.#payloads;
    const block = this.#functions.blockOf(fn, this.#parking, object);
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

  /** What is not simple: as bytes, or if these cannot carry it, to be fetched by a message. */
  #writeWire(job: Job, flags: number): number {
    const payloads = this.#payloads;
    const { object } = this.store;
    const parts = partsOf(job, flags, (value, path) => payloads.wireOf(value, path));
    try {
      return payloads.makeJobOfWire(object, joined(parts, flags), 'args', flags);
    } catch (error) {
      if (!(error instanceof SendError) || error instanceof CaptureError) throw error;
      if (this.keeper === undefined) {
        // Each by itself, for its path.
        for (const { wire, path } of parts) payloads.check(wire, path);
        throw error;
      }
      const copies = partsOf(job, flags, encodeValue).map(({ wire, path }) => ({
        wire: freeze(wire, path),
        path,
      }));
      job.byPort ??= joined(copies, flags);
      return payloads.makeSimpleJob(object, 0, flags | ARGS_BY_PORT);
    }
  }

  /** @throws BrokenPoolError, ShutDownError, PoolFullError */
  #put(job: Job): void {
    this.#parking.expect(job.address, job);
    const put = this.store.put(job.address);
    if (put === ACCEPTED || put === WAKING) {
      if (put === ACCEPTED) this.#wantThread();
      this.#watchSpill();
      return;
    }
    this.#parking.forget(job.address);
    if (put === FULL)
      throw new PoolFullError(
        `Cannot submit to ${this.#describe()}: ${this.store.read(POOL_QUEUED)} jobs are waiting already (maxPending); await some of them first, or waitForRoom()`,
      );
    this.checkOpen();
  }

  #describe(): string {
    return this.handle?.name ?? 'pool';
  }

  #holdForPermit(job: Job): void {
    job.hold();
    const given = new AbortController();
    job.release = () => given.abort();
    job.options.limiter!.acquire({ signal: given.signal, keepAlive: true }).then(
      (guard) => {
        guard.keep();
        job.release = () => guard.release();
        if (job.phase === 'ended') return guard.release();
        job.queued();
        try {
          this.#put(job);
        } catch (error) {
          job.reject(error);
          this.#over(job);
        }
      },
      (error: unknown) => {
        if (job.phase === 'ended') return;
        job.reject(error);
        this.#over(job);
      },
    );
  }

  #begin(job: Job): void {
    if (this.jobs.size === 0) this.handle?.inUse(true);
    this.jobs.set(job.address, job);
    if (isMainLoop) holdLoop();
  }

  /** A job that has not been begun. */
  #drop(job: Job): void {
    freeJob(this.#parking.heap, job.address);
    if (job.spare !== 0) freeJob(this.#parking.heap, job.spare);
    if (job.byPort !== undefined) releaseWire(job.byPort);
    job.address = 0;
  }

  /** The job is over: nothing of it is left. */
  #over(job: Job): void {
    const { heap } = this.#parking;
    this.jobs.delete(job.address);
    this.#parking.forget(job.address);
    freeJob(heap, job.address);
    if (job.spare !== 0) freeJob(heap, job.spare);
    if (job.byPort !== undefined) releaseWire(job.byPort);
    job.finish();
    if (isMainLoop) releaseLoop();
    if (this.jobs.size === 0) this.handle?.inUse(false);
    this.keeper?.jobEnded();
  }

  /** Nobody hears of a thread that drains, and has met a long job: so what waits for long wakes another. */
  #watchSpill(): void {
    if (this.#spill !== undefined || this.store.read(POOL_QUEUED) === 0) return;
    this.#takenThen = this.store.read(POOL_TAKEN);
    this.#spill = startTimer(SPILL_MS, () => this.#spillOver(), { hold: false });
  }

  #spillOver(): void {
    this.#spill = undefined;
    if (this.store.read(POOL_QUEUED) === 0) return;
    const moves = this.store.read(POOL_TAKEN) !== this.#takenThen;
    this.#spills = moves ? 0 : this.#spills + 1;
    if (!moves) this.store.wakeOne();
    if (this.#spills === SPILLS_TO_START) this.#wantThread();
    if (this.store.read(LISTS + LIST_HEAD) !== 0 || this.#spills < SPILLS_TO_START) this.#watchSpill();
  }

  /** No thread was idle: one more may be started. */
  #wantThread(): void {
    if (this.keeper !== undefined) this.keeper.jobPut();
    else if (this.store.read(POOL_DRAINING) === 0) this.ask(THREAD_WANTED);
  }

  /** Asks the keeper for something. */
  ask(what: number): void {
    Atomics.or(this.#words, this.store.object + POOL_ASKED, what);
    callErrand(this.#words, this.store.read(POOL_KEEPER));
  }

  // For the job

  isRunning({ address }: Job): boolean {
    return Atomics.load(this.#words, address + JOB_STATE) >= FIRST_TOKEN;
  }

  ranFor(job: Job): number | undefined {
    const began = this.isRunning(job) ? this.#words[job.address + JOB_BEGAN]! : 0;
    return began === 0 ? undefined : jobClockSince(began);
  }

  withdrawn(job: Job): void {
    const count = job.future.status === 'cancelled' ? POOL_CANCELLED : POOL_FAILED;
    this.store.add(count, 1);
    if (job.phase === 'held' || this.store.remove(job.address, false)) {
      this.#over(job);
      return;
    }
    this.#stopWork(job);
  }

  /** The future of a running job is settled: now its work is to end. */
  #stopWork(job: Job): void {
    const words = this.#words;
    const { address } = job;
    if (Atomics.load(words, address + JOB_CANCEL) === 0) {
      const reason = this.#reason(job);
      Atomics.store(words, address + JOB_CANCEL, reason);
      if (reason !== NO_REASON) this.#parking.heap.blocks.publish(reason, address);
    }
    callErrand(words, Atomics.load(words, address + JOB_STATE));
    const { onCancel, grace } = job.options;
    if (onCancel === 'abandon') {
      job.abandon();
      this.keeper?.jobEnded();
    }
    if (onCancel === 'terminate') {
      this.#kills.push({ job, due: now() + grace });
      startTimer(grace, () => this.#killDue());
    }
  }

  /** Ends the threads of jobs that had time enough to end by themselves. */
  #killDue(): void {
    const time = now();
    const due = this.#kills.filter((kill) => kill.due <= time);
    if (due.length === 0) return;
    this.#kills = this.#kills.filter((kill) => kill.due > time);
    for (const { job } of due) job.terminate();
  }

  #reason(job: Job): number {
    try {
      return payloadsOf(this.#parking).makePart(job.withdrawal, 'reason');
    } catch {
      // The task sees that it is cancelled, though not why.
      return NO_REASON;
    }
  }

  terminate(job: Job): void {
    const token = Atomics.load(this.#words, job.address + JOB_STATE);
    if (token < FIRST_TOKEN) return;
    if (this.keeper !== undefined) return this.keeper.terminate(token);
    Atomics.or(this.#words, job.address + JOB_FLAGS, KILL);
    this.ask(KILL_WANTED);
  }

  block(job: Job, timeout: number): boolean {
    const words = this.#words;
    if (job.phase === 'held')
      throw new DeadlockError(
        `Cannot block on ${job.describe()}: it waits for its limiter on this loop; await it`,
      );
    const runner = runnerFor(this.store.object);
    const mayRunHere = (words[job.address + JOB_FLAGS]! & ASYNC) === 0;
    if (runner !== undefined && mayRunHere && Atomics.load(words, job.address + JOB_STATE) === QUEUED)
      runner.runInPlace(job.address);
    // Only this loop goes on with it; and a loop has no other thread.
    const isHere = Atomics.load(words, job.address + JOB_STATE) === this.#parking.heap.token;
    const onlyHere = runner !== undefined && (isHere || this.isLoop);
    if (onlyHere && Atomics.load(words, job.address + CELL_STATE) === WAITING)
      throw new DeadlockError(
        `Cannot block on ${job.describe()}: only this loop can run it, and it would be blocked; await it`,
      );
    const isOver = (): boolean => {
      this.keeper?.lookWhileBlocked();
      return job.settled || Atomics.load(words, job.address + CELL_STATE) !== WAITING;
    };
    const deadline = now() + timeout;
    this.#hurry();
    while (!job.settled) {
      const blocks = runner !== undefined && !isOver();
      if (blocks) this.#blockSlot(job, true);
      Atomics.store(words, job.address + CELL_ASYNC, 0);
      let over: boolean;
      try {
        const next = Math.min(deadline, job.due(), ...this.#kills.map(({ due }) => due));
        over = this.#parking.blockUntil(isOver, Math.max(next - now(), 0));
      } finally {
        Atomics.store(words, job.address + CELL_ASYNC, 1);
        if (blocks) this.#blockSlot(job, false);
      }
      if (job.settled) return true;
      if (over) this.#take(job, true);
      else if (now() >= deadline || currentScope()?.cancellation !== undefined) return false;
      else {
        // No timer of this loop fires meanwhile.
        this.#killDue();
        job.expireIfDue();
      }
    }
    return true;
  }

  /** This loop will be blocked: it will not see whether its jobs wait longer than they should. */
  #hurry(): void {
    if (this.store.read(POOL_QUEUED) === 0) return;
    this.store.wakeOne();
    if (this.store.read(LISTS + LIST_HEAD) === 0) this.keeper?.startMore();
  }

  /** A job of this pool blocks its thread for another: a spare thread may be wanted. */
  #blockSlot(job: Job, blocks: boolean): void {
    if (blocks && this.store.read(POOL_BLOCKED) >= this.store.read(POOL_SPARES))
      throw new DeadlockError(
        `Cannot block on ${job.describe()}: ${this.store.read(POOL_BLOCKED)} jobs of ${this.#describe()} block their threads already (maxSpares); await it`,
      );
    this.store.giveSlot(blocks, true);
    if (blocks) this.ask(THREAD_WANTED);
  }

  awaited(_job: Job): (() => void) | undefined {
    const runner = runnerFor(this.store.object);
    const task = runner && currentTask();
    return task && runner.giveSlot(task);
  }

  /** The cell of the job was set, and nobody can touch it any more. */
  ended(job: Job): void {
    if (!job.taken) this.#take(job, false);
    // If it was put again, by another address.
    if (job.taken) this.#over(job);
  }

  /** Takes what came of the job, and settles its future; or puts it again, if its thread died. */
  #take(job: Job, sync: boolean): void {
    const words = this.#words;
    const { address } = job;
    const outcome = words[address + JOB_OUTCOME]!;
    if (outcome === DIED && job.mayRepeat && !job.settled && this.#repeat(job, sync)) return;
    job.taken = true;
    job.ranMs = words[address + JOB_RAN]! / 1000;
    this.#takeParts(job, sync);
    if (outcome === DIED) this.#died(job, sync);
    else if (outcome === EVICTED) this.#evicted(job);
    else if (outcome === BY_PORT) this.#takeByPort(job, sync);
    else {
      const open = (): unknown => this.#payloads.openResult(address, sync);
      this.#deliver(
        open,
        (value) => settle(job, outcome, value),
        (error) => job.reject(error),
        sync,
      );
    }
  }

  #takeParts(job: Job, sync: boolean): void {
    const words = this.#words;
    const parts: number[] = [];
    for (let part = Atomics.load(words, job.address + JOB_PARTS); part !== 0; part = words[part + PART_NEXT]!)
      parts.push(part);
    for (const part of parts.reverse())
      this.#deliver(
        () => this.#payloads.openPart(part, sync),
        (outcomes) => tellPart(job, outcomes as ItemOutcomes),
        (error) => job.reject(error),
        sync,
      );
  }

  #takeByPort(job: Job, sync: boolean): void {
    const { address } = job;
    holdLoop();
    this.keeper!.resultByPort(address, (wire) => {
      releaseLoop();
      this.#deliver(
        () => decodeValue(wire),
        (value) => settle(job, VALUE, value),
        (error) => job.reject(error),
        sync,
      );
    });
    if (sync) this.keeper!.drainPorts();
  }

  /** It was never run. */
  #evicted(job: Job): void {
    try {
      this.checkOpen('finish a job of');
    } catch (error) {
      if (error instanceof BrokenPoolError) {
        if (job.reject(error)) this.store.add(POOL_FAILED, 1);
      } else job.cancelBy(new CancelledError(`${this.#describe()} is shutting down`));
    }
  }

  #died(job: Job, sync: boolean): void {
    const token = this.#words[job.address + JOB_STATE]!;
    if (this.keeper === undefined) {
      job.reject(
        new ThreadDiedError(`Cannot finish ${job.describe()}: its thread died while it ran`, UNKNOWN_END),
      );
      return;
    }
    if (sync) {
      if (job.reject(this.keeper.deathOf(token, job))) this.store.add(POOL_FAILED, 1);
      return;
    }
    holdLoop();
    this.keeper.whenEnded(token, () => {
      releaseLoop();
      if (job.reject(this.keeper!.deathOf(token, job))) this.store.add(POOL_FAILED, 1);
    });
  }

  /** Its thread died, and it may be run again: before the others. False if the pool does not take it any more. */
  #repeat(job: Job, sync: boolean): boolean {
    const words = this.#words;
    const { heap } = this.#parking;
    const { address: old, spare } = job;
    words[spare + JOB_TICKET] = words[old + JOB_TICKET]!;
    this.#parking.expect(spare, job);
    const put = this.store.put(spare, true);
    if (put !== ACCEPTED && put !== WAKING) {
      this.#parking.forget(spare);
      return false;
    }
    this.jobs.delete(old);
    if (sync) {
      // It comes by the mailbox, and is in use until then.
      this.#parking.expect(old, { object: 0, ownsCell: true, set: () => freeJob(heap, old) });
    } else freeJob(heap, old);
    job.repeated = true;
    job.address = spare;
    job.spare = 0;
    this.jobs.set(spare, job);
    if (put === ACCEPTED) this.#wantThread();
    return true;
  }

  /**
   * Opens what a thread sent and hands it on, or `refuse`s it if a function or class in it cannot be had here. In order: what
   * must load a module first holds up what comes after it.
   */
  #deliver(
    open: () => unknown,
    give: (value: unknown) => void,
    refuse: (error: unknown) => void,
    sync: boolean,
  ): void {
    let opened: unknown;
    try {
      opened = open();
    } catch (error) {
      opened = Promise.reject(error);
      if (sync) {
        (opened as Promise<never>).catch(() => {});
        return refuse(error);
      }
    }
    if (!(opened instanceof Promise) && (sync || this.#deliveries === undefined)) {
      give(opened);
      return;
    }
    const arrived = Promise.resolve(opened).then(
      (value) => () => give(value),
      (error: unknown) => () => refuse(error),
    );
    const delivery = Promise.all([arrived, this.#deliveries]).then(([handOn]) => {
      if (this.#deliveries === delivery) this.#deliveries = undefined;
      handOn();
    });
    this.#deliveries = delivery;
  }
}

const AsyncFunction = (async () => {}).constructor;

/** Whether it says so itself: its results are never there at once. */
export function isAsyncFunction(fn: AnyFunction): boolean {
  return fn instanceof AsyncFunction;
}

const UNKNOWN_END = { reason: 'terminated', exitCode: 1 } as const;

function settle(job: Job, outcome: number, value: unknown): void {
  if (job.work.kind === 'each' && outcome === VALUE) {
    tellPart(job, value as ItemOutcomes);
    value = undefined;
  }
  if (outcome === VALUE) job.resolve(value);
  else job.reject(value);
}

function tellPart(job: Job, outcomes: ItemOutcomes): void {
  if (job.work.kind === 'each') job.work.onPart(outcomes);
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

/** All of that as one wire: arguments alone; or items and arguments; either behind the function and the name. */
function joined(parts: readonly WirePart[], flags: number): Wire<unknown> {
  const wires = parts.map(({ wire }) => wire);
  const before = (flags & WITH_FUNCTION) !== 0 ? 2 : (flags & WITH_NAME) !== 0 ? 1 : 0;
  const values = wires.slice(before);
  const called = values.length === 1 ? values[0]! : joinWires(values);
  return before === 0 ? called : joinWires([...wires.slice(0, before), called]);
}
