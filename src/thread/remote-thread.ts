/** The owner's view of one thread: typed messages, functions sent once, and an end that is told exactly once. */
import { Atomics } from '#atomics';
import type { Wire } from '../codec/wire.ts';
import type { FunctionReference } from '../function/reference.ts';
import { loaderSettings } from '../platform/modules.ts';
import { ownThreadId, type ResourceLimits, type WorkerEnd, WorkerHandle } from '../platform/worker.ts';
import { discardMessage, packMessage, senderEnded, wakeIfBlocked } from './parcel-service.ts';
import type { FromThread, FunctionOnWire, ThreadSettings, ToThread } from './protocol.ts';

export interface RemoteThreadOptions {
  readonly name: string;
  readonly initializer?: Wire<FunctionReference> | undefined;
  readonly resourceLimits?: ResourceLimits | undefined;
  readonly env?: NodeJS.ProcessEnv | undefined;
  readonly execArgv?: readonly string[] | undefined;
}

export interface RemoteThreadEvents {
  message(message: FromThread): void;
  /** Once, after the last message. */
  end(end: WorkerEnd): void;
}

/** A function as an owner knows it: a number that lasts as long as the process, and what a thread needs to find it. */
export interface KnownFunction {
  /** 0 for a function that is used once: the thread does not keep it. */
  readonly id: number;
  readonly reference: Wire<FunctionReference>;
  /** What messages call it. */
  readonly name: string;
}

/** Beyond this many functions a thread starts over, so that made-up functions do not fill its memory. */
const MOST_FUNCTIONS = 4096;

let nextThreadId = 1;

export class RemoteThread {
  readonly id: number;
  readonly name: string;
  readonly #worker: WorkerHandle<ToThread, FromThread>;
  readonly #sent = new Set<number>();
  readonly #cancels = new Int32Array(new SharedArrayBuffer(4));

  constructor(options: RemoteThreadOptions, events: RemoteThreadEvents) {
    this.id = nextThreadId++;
    this.name = options.name;
    const settings: ThreadSettings = {
      id: this.id,
      name: options.name,
      cancels: this.#cancels.buffer as SharedArrayBuffer,
      loader: loaderSettings(),
      owner: ownThreadId,
      ...(options.initializer && { initializer: options.initializer }),
    };
    // The entry stands beside this file, as a source or as built output.
    const entry = new URL(import.meta.url.endsWith('.ts') ? './entry.ts' : './entry.js', import.meta.url);
    this.#worker = new WorkerHandle(entry, settings, options, {
      message: (message) => events.message(message),
      end: (end) => {
        senderEnded(this.#worker.threadId);
        events.end(end);
      },
    });
  }

  /** @throws DataCloneError if structured clone refuses something in the message; then nothing was sent. */
  post(message: ToThread): void {
    const packed = packMessage(message, this.#worker.threadId);
    try {
      this.#worker.post(packed);
    } catch (error) {
      if (packed !== message) discardMessage(packed);
      throw error;
    }
  }

  /** Posts a message that names a function, which goes along if the thread does not have it yet. */
  postCall(fn: KnownFunction, message: (fn: FunctionOnWire) => ToThread): void {
    if (fn.id !== 0 && this.#sent.has(fn.id)) {
      this.post(message(fn.id));
      return;
    }
    if (this.#sent.size >= MOST_FUNCTIONS) {
      this.post({ type: 'forget' });
      this.#sent.clear();
    }
    this.post(message({ id: fn.id, reference: fn.reference }));
    if (fn.id !== 0) this.#sent.add(fn.id);
  }

  /** Tells a running job that it is cancelled; code that does not return to its loop sees it too, if it looks. */
  cancel(job: number, reason: Wire<unknown>): void {
    this.post({ type: 'cancel', job, reason });
    Atomics.add(this.#cancels, 0, 1);
    wakeIfBlocked(this.#worker.threadId);
  }

  stop(): void {
    this.post({ type: 'stop' });
  }

  terminate(): Promise<void> {
    return this.#worker.terminate();
  }

  hold(): void {
    this.#worker.hold();
  }

  release(): void {
    this.#worker.release();
  }
}
