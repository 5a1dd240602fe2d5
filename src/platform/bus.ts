/**
 * Messages to whoever listens under a name, in any thread of the process, without knowing anybody there. They carry
 * SharedArrayBuffers, not ports; a listener's loop must run, but nobody else's has to.
 *
 * Measured, Node 20 to 26, Bun 1.4, Deno 2.9:
 * - A listener hears what was posted from the moment it listens on, in order. Deno loses messages and changes their
 *   order when hundreds come at a time: there post one, and wait for the answer before the next.
 * - Node alone lets a thread take a message without returning to its loop.
 * - A channel that nobody reads keeps on Node all that is said in it. So a thread that only posts opens one for each
 *   message. On Deno posting goes on after the call and a channel that closes would cut it off; an unread one keeps
 *   nothing there.
 * - Posting costs 80 µs on Node, 4 µs on Bun and Deno.
 */
import { BroadcastChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { outsideContext } from './no-context.ts';
import { runtimeName } from './runtime.ts';

/** Whether `Listener.take()` works: then a thread that is blocked can be answered here. */
export const takesFromBus: boolean = runtimeName === 'node';

export interface Listener {
  /** The next message, before the loop comes to it; `undefined` if there is none, and always unless `takesFromBus`. */
  take(): unknown;
  close(): void;
}

/** Node's channel, and Bun's and Deno's of `worker_threads`: it need not keep its loop alive. */
interface Channel {
  onmessage: unknown;
  postMessage(message: unknown): void;
  unref(): void;
  close(): void;
}

/**
 * Listens under `name` until it is closed. Without `heard` what comes lies there to be taken. It keeps the loop alive
 * only with `hold`.
 */
export function listenToBus(
  name: string,
  heard?: (message: unknown) => void,
  options?: { readonly hold?: boolean },
): Listener {
  const channel = outsideContext(open, name);
  if (heard !== undefined) channel.onmessage = (event: { data: unknown }) => heard(event.data);
  // Last: to listen takes hold of the loop.
  if (options?.hold !== true) channel.unref();
  return {
    take: () =>
      takesFromBus
        ? (receiveMessageOnPort(channel as unknown as MessagePort)?.message as unknown)
        : undefined,
    close: () => channel.close(),
  };
}

/** On Deno: one channel for each name. */
const posting = new Map<string, Channel>();

/** Posts to all who listen under `name` now, but not to this call's own channel. */
export function postToBus(name: string, message: unknown): void {
  if (runtimeName !== 'deno') {
    const channel = outsideContext(open, name);
    try {
      channel.postMessage(message);
    } finally {
      channel.close();
    }
    return;
  }
  let channel = posting.get(name);
  if (channel === undefined) {
    channel = outsideContext(open, name);
    channel.unref();
    posting.set(name, channel);
  }
  channel.postMessage(message);
}

function open(name: string): Channel {
  return new BroadcastChannel(name) as unknown as Channel;
}
