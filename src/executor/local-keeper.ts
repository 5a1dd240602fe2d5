/** What keeps the jobs of a loop that submits to itself: nothing has to cross a thread, and no thread has to be started. */
import type { Wire } from '../codec/wire.ts';
import { HeddleError } from '../core/errors.ts';
import { SentBuffers } from '../jobs/message-buffers.ts';
import { type Payloads, payloadsBeside } from '../jobs/payloads.ts';
import type { Transferable } from '../platform/worker.ts';
import { decodeValue, encodeValue } from '../thread/values.ts';
import type { Job } from './job.ts';
import type { KeeperOfJobs } from './keeper-of-jobs.ts';
import type { PoolJobs } from './pool-jobs.ts';
import { freeze } from './work.ts';

export class LocalKeeper implements KeeperOfJobs {
  readonly broken = undefined;
  readonly payloads: Payloads;
  readonly #jobs: PoolJobs;
  readonly #values = new Map<number, Wire<unknown>>();

  constructor(jobs: PoolJobs) {
    this.#jobs = jobs;
    // Buffers are here already.
    this.payloads = payloadsBeside(jobs.store.parking, new SentBuffers({ post: () => {} }));
  }

  jobPut(): void {}

  jobEnded(): void {}

  drainPorts(): void {}

  lookWhileBlocked(): void {}

  startMore(): void {}

  whenEnded(): void {}

  terminate(): void {}

  deathOf(_token: number, job: Job): unknown {
    return new HeddleError(`Cannot finish ${job.describe()}: its loop ended`);
  }

  /** The arguments of a job that bytes cannot carry. */
  fetch(address: number): Promise<unknown> {
    const wire = this.#jobs.jobs.get(address)?.byPort;
    if (wire === undefined) return Promise.reject(new Error('Cannot run job: its arguments are gone'));
    // As a message would have brought them.
    const { handles: _, companions: __, ...data } = wire;
    const transfer = wire.transfer as Transferable[] | undefined;
    return Promise.resolve(decodeValue(structuredClone(data, transfer && { transfer })));
  }

  /** A result that bytes cannot carry. */
  send(address: number, value: unknown): void {
    this.#values.set(address, freeze(encodeValue(value, 'result'), 'result'));
  }

  resultByPort(address: number, take: (wire: Wire<unknown>) => void): void {
    const wire = this.#values.get(address)!;
    this.#values.delete(address);
    take(wire);
  }
}
