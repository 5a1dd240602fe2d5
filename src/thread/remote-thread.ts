/** The owner's view of one thread: typed messages, and an end that is told exactly once. */
import type { Wire } from '../codec/wire.ts';
import type { FunctionReference } from '../function/reference.ts';
import { loaderSettings } from '../platform/modules.ts';
import { ownEntry } from '../platform/own-files.ts';
import {
  ownThreadId,
  type ResourceLimits,
  type Transferable,
  type WorkerEnd,
  WorkerHandle,
} from '../platform/worker.ts';
import { discardMessage, packMessage, senderEnded } from './parcel-service.ts';
import type { FromThread, MainLoop, ThreadSettings, ToThread } from './protocol.ts';

export interface RemoteThreadOptions {
  readonly name: string;
  /** What stands for this thread in shared memory. */
  readonly keeper: number;
  readonly concurrency: number;
  readonly spin: number;
  readonly keepsOwn: boolean;
  readonly isLoop: boolean;
  readonly slowMs: number | undefined;
  readonly mainLoop: MainLoop | undefined;
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

let nextThreadId = 1;

export class RemoteThread {
  readonly id: number;
  readonly name: string;
  readonly #worker: WorkerHandle<ToThread, FromThread>;

  constructor(options: RemoteThreadOptions, events: RemoteThreadEvents) {
    this.id = nextThreadId++;
    this.name = options.name;
    const settings: ThreadSettings = {
      id: this.id,
      name: options.name,
      loader: loaderSettings(),
      owner: ownThreadId,
      keeper: options.keeper,
      concurrency: options.concurrency,
      spin: options.spin,
      keepsOwn: options.keepsOwn,
      isLoop: options.isLoop,
      ...(options.slowMs !== undefined && { slowMs: options.slowMs }),
      ...(options.mainLoop && { mainLoop: options.mainLoop }),
      ...(options.initializer && { initializer: options.initializer }),
    };
    this.#worker = new WorkerHandle(ownEntry('thread/entry.ts'), settings, options, {
      message: (message) => events.message(message),
      end: (end) => {
        senderEnded(this.#worker.threadId);
        events.end(end);
      },
    });
  }

  /** As `WorkerHandle.post`. */
  post(message: ToThread, transfer?: readonly Transferable[]): void {
    const packed = packMessage(message, this.#worker.threadId);
    try {
      this.#worker.post(packed, transfer);
    } catch (error) {
      if (packed !== message) discardMessage(packed);
      throw error;
    }
  }

  /** Takes the messages that have come, without returning to the event loop. */
  drain(): void {
    this.#worker.drain();
  }

  /** The runtime's number of it. */
  get threadId(): number {
    return this.#worker.threadId;
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
