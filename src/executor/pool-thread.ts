/** One thread of a pool, and the jobs that are in it. It carries out what the pool decides, and decides nothing. */
import type { Wire } from '../codec/wire.ts';
import type { WorkerEnd } from '../platform/worker.ts';
import { discardMessage } from '../thread/parcel-service.ts';
import type { FromThread, FunctionOnWire, ItemOutcomes, ToThread } from '../thread/protocol.ts';
import { RemoteThread, type RemoteThreadOptions } from '../thread/remote-thread.ts';
import { decodeValue, encodeValue } from '../thread/values.ts';
import type { Job } from './job.ts';

/** What a thread reports to its pool. */
export interface PoolThreadEvents {
  /** The thread runs and can take jobs. */
  ready(thread: PoolThread): void;
  /** Its initializer failed: it will never take a job. */
  unfit(thread: PoolThread, error: unknown): void;
  /** A job is over, its slot is free. Without an outcome if its future had been settled before. */
  finished(thread: PoolThread, outcome: 'fulfilled' | 'rejected' | 'cancelled' | undefined): void;
  /** The thread is gone, with the jobs it still had. */
  ended(thread: PoolThread, end: WorkerEnd, jobs: readonly Job[]): void;
}

export class PoolThread {
  /** The place in the pool: a thread that replaces another takes over its number, and its times. */
  readonly slot: number;
  readonly #thread: RemoteThread;
  readonly #jobs = new Map<number, Job>();
  readonly #startedAt = new Map<number, number>();
  readonly #events: PoolThreadEvents;
  #state: 'starting' | 'ready' | 'stopping' | 'ended' = 'starting';
  #busyMs = 0;
  /** The last delivery that waits for a module; what comes meanwhile lines up behind it. */
  #deliveries: Promise<void> | undefined;
  /** Whether its pool ended it on purpose. */
  condemned = false;

  constructor(slot: number, options: RemoteThreadOptions, events: PoolThreadEvents) {
    this.slot = slot;
    this.#events = events;
    this.#thread = new RemoteThread(options, {
      message: (message) => this.#receive(message),
      end: (end) => this.#ended(end),
    });
  }

  get name(): string {
    return this.#thread.name;
  }

  get state(): 'starting' | 'ready' | 'stopping' | 'ended' {
    return this.#state;
  }

  get jobs(): Iterable<Job> {
    return this.#jobs.values();
  }

  has(job: Job): boolean {
    return this.#jobs.has(job.id);
  }

  /** Whether it only runs jobs that nobody waits for. */
  get abandoned(): boolean {
    return this.#jobs.size > 0 && [...this.#jobs.values()].every((job) => job.abandoned);
  }

  /** How many jobs are in the thread, those included whose future is settled already. */
  get load(): number {
    return this.#jobs.size;
  }

  /** Milliseconds that jobs have run here, the current ones included. */
  get busyMs(): number {
    let busy = this.#busyMs;
    for (const started of this.#startedAt.values()) busy += performance.now() - started;
    return busy;
  }

  /** @throws DataCloneError if the arguments cannot be cloned; then the job is not in the thread. */
  run(job: Job): void {
    this.#thread.postCall(job.fn, (fn) => callMessage(job, fn));
    this.#jobs.set(job.id, job);
    job.sent();
    this.#thread.hold();
    job.start();
    if (this.#state === 'ready') this.#startClock(job);
  }

  cancel(job: Job): void {
    this.#thread.cancel(job.id, encodeValue(job.withdrawal, 'reason'));
  }

  /** Ends the thread when it has no jobs. */
  stop(): void {
    if (this.#state === 'ended') return;
    this.#state = 'stopping';
    this.#thread.hold();
    this.#thread.stop();
  }

  terminate(): Promise<void> {
    this.condemned = true;
    return this.#thread.terminate();
  }

  #receive(message: FromThread): void {
    switch (message.type) {
      case 'ready':
        if (this.#state === 'starting') this.#state = 'ready';
        for (const job of this.#jobs.values()) this.#startClock(job);
        this.#events.ready(this);
        return;
      case 'unfit':
        this.#unfit(message.error);
        return;
      case 'part':
        this.#part(message.job, message.outcomes);
        return;
      case 'value':
        this.#close(message.job, message.ran, message.value, 'fulfilled');
        return;
      case 'error':
        this.#close(message.job, message.ran, message.error, message.cancelled ? 'cancelled' : 'rejected');
        return;
      case 'done':
        this.#part(message.job, message.outcomes);
        this.#close(message.job, message.ran, { value: undefined }, 'fulfilled');
    }
  }

  #unfit(wire: Wire<unknown>): void {
    const unfit = (error: unknown): void => this.#events.unfit(this, error);
    this.#settle(wire, unfit, unfit);
  }

  #startClock(job: Job): void {
    this.#startedAt.set(job.id, performance.now());
    job.startClock();
  }

  #part(id: number, outcomes: Wire<ItemOutcomes>): void {
    const job = this.#jobs.get(id);
    if (job === undefined || job.work.kind !== 'each') {
      discardMessage({ outcomes });
      return;
    }
    const { onPart } = job.work;
    this.#settle(
      outcomes,
      (decoded) => onPart(decoded as ItemOutcomes),
      (error) => job.reject(error),
    );
  }

  /** Takes the job out of the thread first: settling it runs user code, which may submit the next one. */
  #close(
    id: number,
    ran: number,
    wire: Wire<unknown>,
    outcome: 'fulfilled' | 'rejected' | 'cancelled',
  ): void {
    const job = this.#jobs.get(id);
    if (job === undefined) {
      discardMessage({ wire });
      return;
    }
    const before = job.settled;
    this.#jobs.delete(id);
    this.#startedAt.delete(id);
    this.#busyMs += ran;
    job.ranMs = ran;
    if (this.#jobs.size === 0 && this.#state !== 'stopping') this.#thread.release();
    const settle = (how: 'fulfilled' | 'rejected' | 'cancelled', value: unknown): void => {
      if (how === 'fulfilled') job.resolve(value);
      else job.reject(value);
      job.finish();
    };
    this.#settle(
      wire,
      (value) => settle(outcome, value),
      (error) => settle('rejected', error),
    );
    this.#events.finished(this, before ? undefined : outcome);
  }

  /**
   * Decodes what the thread sent and hands it on, or `refuse`s it if a function or class in it cannot be had here. In
   * order: what must load a module first holds up what comes after it.
   */
  #settle(wire: Wire<unknown>, deliver: (value: unknown) => void, refuse: (error: unknown) => void): void {
    let decoded: unknown;
    try {
      decoded = decodeValue(wire);
    } catch (error) {
      decoded = Promise.reject(error);
    }
    if (!(decoded instanceof Promise) && this.#deliveries === undefined) {
      deliver(decoded);
      return;
    }
    const arrived = Promise.resolve(decoded).then(
      (value) => () => deliver(value),
      (error: unknown) => () => refuse(error),
    );
    const delivery = Promise.all([arrived, this.#deliveries]).then(([handOn]) => {
      if (this.#deliveries === delivery) this.#deliveries = undefined;
      handOn();
    });
    this.#deliveries = delivery;
  }

  #ended(end: WorkerEnd): void {
    this.#state = 'ended';
    const jobs = [...this.#jobs.values()];
    this.#busyMs = this.busyMs;
    this.#jobs.clear();
    this.#startedAt.clear();
    this.#events.ended(this, end, jobs);
  }
}

function callMessage(job: Job, fn: FunctionOnWire): ToThread {
  const { work } = job;
  if (work.kind === 'call') return { type: 'call', job: job.id, fn, args: work.args, name: job.name };
  return {
    type: 'each',
    job: job.id,
    fn,
    items: work.items,
    args: work.args,
    stop: work.stop,
    name: job.name,
  };
}
