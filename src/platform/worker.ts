/**
 * A worker of the platform, and the wire to it. The only file that makes Workers; it knows nothing of jobs.
 *
 * The wire is a MessageChannel of its own and not the worker's parent port, so that user code in the thread may use
 * `parentPort` for itself. Worker and channel keep the process up while their owner says `hold()`: the channel alone
 * would not do, for it closes a moment before the end of the worker is told.
 */
import { availableParallelism } from 'node:os';
import workerThreads, {
  isMainThread as isMainLoop,
  MessageChannel,
  MessagePort,
  threadId as ownThreadId,
  type ResourceLimits,
  receiveMessageOnPort,
  type Transferable,
  Worker,
  workerData,
} from 'node:worker_threads';
import type { ThreadDeath } from '../core/errors.ts';

/** Newer than Node 20. */
const { isMarkedAsUntransferable } = workerThreads as {
  isMarkedAsUntransferable?: (value: object) => boolean;
};

/** What a thread that heddle starts finds in its `workerData`. */
interface Seed<T> {
  readonly heddleThread: { readonly port: MessagePort; readonly settings: T };
}

export interface WorkerOptions {
  readonly name: string;
  readonly resourceLimits?: ResourceLimits | undefined;
  readonly env?: NodeJS.ProcessEnv | undefined;
  readonly execArgv?: readonly string[] | undefined;
}

/** How a worker ended. `cause` is the error that ended it, if there was one. */
export interface WorkerEnd {
  readonly reason: ThreadDeath;
  readonly exitCode: number;
  readonly cause?: unknown;
}

export interface WorkerEvents<M> {
  message(message: M): void;
  /** Called once, after the last message of the worker. */
  end(end: WorkerEnd): void;
}

/** The default number of threads: what the machine and its container let this process use. */
export function defaultThreads(): number {
  return availableParallelism();
}

/** The owner's side of a worker. `Out` are the messages to it, `In` those from it. */
export class WorkerHandle<Out, In> {
  /** The runtime's own number of the thread. */
  readonly threadId: number;
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #events: WorkerEvents<In>;
  #terminating: Promise<void> | undefined;
  #ended = false;
  #cause: { error: unknown } | undefined;

  constructor(entry: URL, settings: unknown, options: WorkerOptions, events: WorkerEvents<In>) {
    const { port1, port2 } = new MessageChannel();
    const seed: Seed<unknown> = { heddleThread: { port: port2, settings } };
    this.#events = events;
    this.#port = port1;
    this.#worker = new Worker(entry, {
      name: options.name,
      workerData: seed,
      transferList: [port2],
      ...(options.resourceLimits && { resourceLimits: options.resourceLimits }),
      ...(options.env && { env: options.env }),
      ...(options.execArgv && { execArgv: [...options.execArgv] }),
    });
    // Read early: it is forgotten when the worker ends.
    this.threadId = this.#worker.threadId;
    this.#worker.unref();
    this.#worker.on('error', (error) => {
      this.#cause ??= { error };
    });
    this.#worker.on('exit', (code) => this.#end(code));
    port1.on('message', (message: In) => events.message(message));
    port1.unref();
  }

  /**
   * `transfer`: what of the message is moved. @throws DataCloneError if structured clone refuses something in it; then nothing
   * was sent.
   */
  post(message: Out, transfer: readonly Transferable[] = []): void {
    this.#port.postMessage(message, transfer);
  }

  /** Keeps the process alive until `release()`. */
  hold(): void {
    if (this.#ended) return;
    this.#port.ref();
    this.#worker.ref();
  }

  release(): void {
    this.#port.unref();
    this.#worker.unref();
  }

  /** Takes the messages that have come, without returning to the event loop. */
  drain(): void {
    for (let next = takeMessage(this.#port); next !== undefined; next = takeMessage(this.#port))
      this.#events.message(next.message as In);
  }

  /** Ends the thread wherever it is. Resolves when it is gone. */
  terminate(): Promise<void> {
    this.#terminating ??= this.#ended ? Promise.resolve() : this.#worker.terminate().then(() => {});
    return this.#terminating;
  }

  #end(exitCode: number): void {
    this.#ended = true;
    // What the worker sent before it ended is still in the channel, and was sent: deliver it first.
    this.drain();
    this.#port.close();
    const error = this.#cause?.error;
    const reason = this.#reason(error);
    this.#events.end({ reason, exitCode, ...(this.#cause && { cause: error }) });
  }

  #reason(error: unknown): ThreadDeath {
    if ((error as { code?: unknown } | undefined)?.code === 'ERR_WORKER_OUT_OF_MEMORY') return 'memory';
    if (this.#terminating) return 'terminated';
    return this.#cause ? 'error' : 'exit';
  }
}

/** The worker's own side of the wire; `undefined` in a thread that heddle did not start. */
export function ownSeed<T>(): { readonly port: MessagePort; readonly settings: T } | undefined {
  return (workerData as Partial<Seed<T>> | null | undefined)?.heddleThread;
}

/** The next message that waits on `port`, without returning to the event loop; `undefined` if there is none. */
export function takeMessage(port: MessagePort): { message: unknown } | undefined {
  return receiveMessageOnPort(port);
}

/** Ends the calling thread. */
export function exitThread(): never {
  process.exit(0);
}

/** Whether the runtime says that it cannot be moved. Node 20 does not say. */
export function isUntransferable(value: object): boolean {
  return isMarkedAsUntransferable?.(value) ?? false;
}

export function isPort(value: object): value is MessagePort {
  return value instanceof MessagePort;
}

export type { MessagePort, ResourceLimits, Transferable };
/** The runtime's own number of the calling thread, 0 for main. `isMainLoop`: whether it is that. */
export { isMainLoop, ownThreadId };
