/**
 * A Worker that does something for the thread which starts it while that thread is blocked. Its answers are taken
 * without returning to the loop.
 *
 * It starts although its starter and the main thread are blocked (20 to 60 ms; Deno: up to 500). It keeps nothing
 * alive, and ends with its starter, however that ends; on Deno one whose starter was terminated lives on.
 */
import {
  MessageChannel,
  type MessagePort,
  receiveMessageOnPort,
  Worker,
  workerData,
} from 'node:worker_threads';
import { outsideContext } from './no-context.ts';
import { runtimeName } from './runtime.ts';

interface Seed<T> {
  readonly heddleAttendant: { readonly port: MessagePort; readonly settings: T };
}

export class Attendant {
  readonly #worker: Worker;
  readonly #port: MessagePort;

  /** `ended` is called when it has ended while its starter lives, in the starter's loop. */
  constructor(entry: URL, name: string, settings: unknown, ended: () => void) {
    const { port1, port2 } = outsideContext(() => new MessageChannel());
    const seed: Seed<unknown> = { heddleAttendant: { port: port2, settings } };
    this.#port = port1;
    this.#worker = outsideContext(
      () =>
        new Worker(entry, {
          name,
          workerData: seed,
          transferList: [port2],
          ...(runtimeName === 'node' && { execArgv: conditions() }),
        }),
    );
    this.#worker.once('exit', () => {
      port1.close();
      ended();
    });
    this.#worker.unref();
    // Nobody listens: what comes is taken.
    port1.unref();
  }

  post(message: unknown): void {
    this.#port.postMessage(message);
  }

  /** The next message from it; `undefined` if there is none. */
  take(): unknown {
    return receiveMessageOnPort(this.#port)?.message as unknown;
  }

  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }
}

/** The attendant's own side. */
export function ownAttendance<T>(): { readonly port: MessagePort; readonly settings: T } {
  return (workerData as Seed<T>).heddleAttendant;
}

/**
 * The options of the process that say where imports lead. No others: it is not to preload what user code preloads, and a
 * program given by `--eval` has options with which no file can be run.
 */
function conditions(): string[] {
  const { execArgv } = process;
  return execArgv.flatMap((option, index) => {
    if (option === '--conditions' || option === '-C') return [`--conditions=${execArgv[index + 1]}`];
    return option.startsWith('--conditions=') ? [option] : [];
  });
}
