/** One thread of a pool, as its keeper sees it. It carries out what the keeper decides, and decides nothing. */

import { jobClockSince } from '../jobs/job-clock.ts';
import { BUSY, HELD, LAST_BEGAN, LAST_ENDED } from '../memory/layout.ts';
import type { WorkerEnd } from '../platform/worker.ts';
import type { FromThread } from '../thread/protocol.ts';
import { RemoteThread, type RemoteThreadOptions } from '../thread/remote-thread.ts';

export type ThreadState = 'starting' | 'ready' | 'stopping' | 'ended';

/** What a thread reports to its keeper. */
export interface PoolThreadEvents {
  message(thread: PoolThread, message: FromThread): void;
  /** Once, after the last message. */
  ended(thread: PoolThread, end: WorkerEnd): void;
}

export class PoolThread {
  /** The number of its place in the pool, from 0; a successor has the same. */
  readonly slot: number;
  readonly remote: RemoteThread;
  state: ThreadState = 'starting';
  /** What stands for it in shared memory, and the record by which it holds the pool; 0 until it has said so. */
  token = 0;
  record = 0;
  /** Whether the pool ended it on purpose. */
  condemned = false;
  /** Whether it stands in for one that a job blocks: it does not count as one of the pool. */
  spare = false;
  /** Whether it has ended, as far as is known: the event may come later. */
  gone = false;
  /** How it ends, if it has said so. */
  end: WorkerEnd | undefined;
  /** Whether it has said that it ends now. */
  saidEnd = false;
  /** Whether it was told to end. */
  stopped = false;
  readonly #words: Int32Array;

  constructor(slot: number, words: Int32Array, options: RemoteThreadOptions, events: PoolThreadEvents) {
    this.slot = slot;
    this.#words = words;
    this.remote = new RemoteThread(options, {
      message: (message) => events.message(this, message),
      end: (end) => {
        this.state = 'ended';
        events.ended(this, end);
      },
    });
  }

  get name(): string {
    return this.remote.name;
  }

  /** Whether it was told to end, and did: one that has not begun ends without a word. */
  endedAsTold(end: WorkerEnd): boolean {
    return this.stopped && (this.saidEnd || (end.reason === 'exit' && end.exitCode === 0));
  }

  /** How many jobs are in it, those included whose future is settled already. */
  get load(): number {
    return this.record === 0 || this.state === 'ended' ? 0 : this.#words[this.record + HELD]!;
  }

  /** Milliseconds that it was busy, the current job included. */
  get busyMs(): number {
    // One that ends has said how long it was busy.
    if (this.record === 0 || this.state === 'ended' || this.stopped) return 0;
    const current = this.load > 0 ? jobClockSince(this.#words[this.record + LAST_BEGAN]!) : 0;
    return this.#words[this.record + BUSY]! + current;
  }

  /** For how many milliseconds it has had no job; 0 if it has one. */
  get idleMs(): number {
    if (this.record === 0 || this.load > 0) return 0;
    return jobClockSince(this.#words[this.record + LAST_ENDED]!);
  }

  /** Ends the thread when its jobs have ended. */
  stop(): void {
    if (this.state === 'ended' || this.state === 'stopping') return;
    this.state = 'stopping';
    this.stopped = true;
    this.remote.hold();
    this.remote.stop();
  }

  terminate(): Promise<void> {
    this.condemned = true;
    this.remote.hold();
    return this.remote.terminate();
  }
}
