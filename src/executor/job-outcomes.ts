/** What came of jobs, out of shared memory into their futures. */
import { Atomics } from '#atomics';
import { openWith } from '../codec/received.ts';
import { BrokenPoolError, CancelledError, ThreadDiedError } from '../core/errors.ts';
import { PART_NEXT } from '../jobs/job-block.ts';
import type { JobStore } from '../jobs/job-store.ts';
import type { Payloads } from '../jobs/payloads.ts';
import { BY_PORT, DIED, EVICTED, LOST, VALUE } from '../jobs/states.ts';
import { JOB_OUTCOME, JOB_PARTS, JOB_RAN, JOB_STATE, POOL_FAILED, POOL_STATE } from '../memory/layout.ts';
import { holdLoop, releaseLoop } from '../platform/keep-alive.ts';
import type { ItemOutcomes } from '../thread/protocol.ts';
import { decodeValue } from '../thread/values.ts';
import { joinStacks } from './asker.ts';
import type { Job } from './job.ts';
import type { KeeperOfJobs } from './keeper-of-jobs.ts';
import { describeEnd } from './thread-death.ts';

/** Whose jobs they are. */
interface Pool {
  readonly store: JobStore;
  readonly payloads: Payloads;
  readonly keeper: KeeperOfJobs | undefined;
  checkOpen(action: string): void;
  describe(): string;
}

export class JobOutcomes {
  readonly #pool: Pool;
  readonly #words: Int32Array;
  /** Results that must load a module first hold up those that come after them. */
  #deliveries: Promise<void> | undefined;

  constructor(pool: Pool) {
    this.#pool = pool;
    this.#words = pool.store.parking.heap.words;
  }

  /** Takes what came of a job that has ended, and settles its future. `sync` if the thread is blocked for it. */
  take(job: Job, sync: boolean): void {
    const { address } = job;
    const outcome = this.#words[address + JOB_OUTCOME]!;
    if (Atomics.load(this.#words, address + JOB_PARTS) !== 0) this.#takeParts(job, sync);
    if (outcome === VALUE && this.#deliveries === undefined) this.#takeValue(job, sync);
    else if (outcome === DIED) this.#died(job, sync);
    else if (outcome === EVICTED) this.#evicted(job);
    else if (outcome === BY_PORT) this.#takeByPort(job, sync);
    else {
      const open = (): unknown => openFor(job, () => this.#pool.payloads.openResult(address, sync));
      this.#deliver(
        open,
        (value) => settle(job, outcome, value),
        (error) => job.reject(error),
        sync,
      );
    }
  }

  /** What most come to, and nothing is ahead of it. */
  #takeValue(job: Job, sync: boolean): void {
    let value: unknown;
    try {
      value = openFor(job, () => this.#pool.payloads.openResult(job.address, sync));
    } catch (error) {
      job.reject(error);
      return;
    }
    if (value instanceof Promise)
      this.#deliver(
        () => value,
        (loaded) => settle(job, VALUE, loaded),
        (error) => job.reject(error),
        sync,
      );
    else settle(job, VALUE, value);
  }

  /** How its thread ended, as far as shared memory tells. */
  #endOf({ address }: Job): { readonly reason: 'exit' | 'terminated'; readonly exitCode: number } {
    const said = this.#words[address + JOB_RAN]!;
    return said < 0 ? { reason: 'exit', exitCode: -1 - said } : { reason: 'terminated', exitCode: 1 };
  }

  #takeParts(job: Job, sync: boolean): void {
    const words = this.#words;
    const parts: number[] = [];
    for (let part = Atomics.load(words, job.address + JOB_PARTS); part !== 0; part = words[part + PART_NEXT]!)
      parts.push(part);
    for (const part of parts.reverse())
      this.#deliver(
        () => openFor(job, () => this.#pool.payloads.openPart(part, sync)),
        (outcomes) => tellPart(job, outcomes as ItemOutcomes),
        (error) => job.reject(error),
        sync,
      );
  }

  #takeByPort(job: Job, sync: boolean): void {
    const { address } = job;
    holdLoop();
    this.#pool.keeper!.resultByPort(address, (wire) => {
      releaseLoop();
      this.#deliver(
        () => openFor(job, () => decodeValue(wire)),
        (value) => settle(job, VALUE, value),
        (error) => job.reject(error),
        sync,
      );
    });
    if (sync) this.#pool.keeper!.drainPorts();
  }

  /** It was never run. */
  #evicted(job: Job): void {
    try {
      this.#pool.checkOpen('finish a job of');
    } catch (error) {
      const reason = this.#pool.store.read(POOL_STATE) === LOST ? this.#lost(job) : error;
      if (reason instanceof BrokenPoolError || reason instanceof ThreadDiedError) {
        if (job.reject(reason)) this.#pool.store.add(POOL_FAILED, 1);
      } else job.cancelBy(new CancelledError(`${this.#pool.describe()} is shutting down`));
    }
  }

  /** The thread that was to run it has died. */
  #lost(job: Job): ThreadDiedError {
    const end = this.#pool.keeper?.lost?.end ?? ({ reason: 'terminated', exitCode: 1 } as const);
    return new ThreadDiedError(
      `Cannot run ${job.describe()}: the thread of ${this.#pool.describe()} ended by ${describeEnd(end)} before`,
      end,
      'cause' in end ? { cause: end.cause } : {},
    );
  }

  #died(job: Job, sync: boolean): void {
    const token = Math.abs(this.#words[job.address + JOB_STATE]!);
    if (this.#pool.keeper === undefined) {
      job.reject(
        new ThreadDiedError(
          `Cannot finish ${job.describe()}: its thread died while it ran`,
          this.#endOf(job),
        ),
      );
      return;
    }
    if (sync) {
      if (job.reject(this.#pool.keeper.deathOf(token, job, this.#endOf(job))))
        this.#pool.store.add(POOL_FAILED, 1);
      return;
    }
    holdLoop();
    this.#pool.keeper.whenEnded(token, () => {
      releaseLoop();
      if (job.reject(this.#pool.keeper!.deathOf(token, job, this.#endOf(job))))
        this.#pool.store.add(POOL_FAILED, 1);
    });
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

/** Opens what has come of a job. */
function openFor(job: Job, open: () => unknown): unknown {
  const [value, received] = openWith(open);
  job.receives(received, !(value instanceof Promise));
  return value;
}

function settle(job: Job, outcome: number, value: unknown): void {
  if (job.work.kind === 'each' && outcome === VALUE) {
    tellPart(job, value as ItemOutcomes);
    value = undefined;
  }
  if (outcome === VALUE) job.resolve(value);
  else {
    joinStacks(value, job.asker, job.fn);
    job.reject(value);
  }
}

function tellPart(job: Job, outcomes: ItemOutcomes): void {
  if (job.work.kind !== 'each') return;
  for (const [, error] of outcomes.errors) joinStacks(error, undefined, job.fn);
  job.work.onPart(outcomes);
}
