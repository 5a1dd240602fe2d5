/**
 * The end of an iterable that stays where it was made: pulls items out of it as far as somebody elsewhere wants them.
 *
 * ```text
 * waiting     nobody has asked for the first item: the iterable has not been touched
 * pumping     pull an item; put it into the queue, whose capacity is how far this goes ahead
 * over        the iterable has ended, failed, or was closed because nobody reads on
 * ```
 */
import type { Companion } from '../codec/wire.ts';
import { CancelledError, QueueShutDownError } from '../core/errors.ts';
import { report } from '../platform/report.ts';
import { ownThreadId } from '../platform/worker.ts';
import { Queue } from '../queue/queue.ts';
import { outside } from '../scope/outside.ts';
import { type AttachedChild, currentScope, type Scope } from '../scope/scope.ts';
import { Event } from '../sync/event.ts';
import { beforeThreadEnd } from '../thread/end-hooks.ts';
import { Announcement } from './announcement.ts';
import { Lease } from './lease.ts';
import { Pull, type Pulled } from './pull.ts';
import { reasonOf, type StreamData, type StreamItem } from './stream-reader.ts';

/** So far ahead of the reader at first, in items; then so many as have this many bytes, within these bounds. */
const AHEAD = 16;
const AHEAD_BYTES = 2 ** 20;
const AHEAD_LEAST = 2;
const AHEAD_MOST = 256;

const UNHELD = { keepAlive: false } as const;

/** Those that have not ended: the thread closes them before it does. */
const alive = new Set<StreamSource>();

function noteAlive(source: StreamSource): void {
  if (alive.size === 0) beforeThreadEnd(closeAll);
  alive.add(source);
}

async function closeAll(mayWait: boolean): Promise<void> {
  // Else who reads learns of the end of this thread.
  if (!mayWait) return;
  const sources = [...alive];
  for (const source of sources) source.cancel();
  await Promise.all(sources.map(({ ended }) => ended));
}

export class StreamSource implements Companion, AttachedChild {
  readonly data: StreamData;
  readonly needsLoop = 'reads an iterable of this loop';
  /** For the scope. */
  readonly ended: Promise<void>;
  readonly endsWithFunction = true;
  readonly #pull: Pull;
  readonly #items = new Queue<StreamItem>({ capacity: AHEAD });
  readonly #wanted = new Event();
  readonly #producing = new Announcement();
  readonly #lease: Lease;
  readonly #scope: Scope | undefined = currentScope();
  #isOver = false;
  /** Whether it was refused, or was never sent for another reason: then it is as if nobody had had it. */
  #untouched = false;
  #hasEnded = false;
  #leave: (() => void) | undefined;
  #end!: () => void;

  /** `open` gives what is pulled from, when the first item is wanted. */
  constructor(open: () => Pulled) {
    this.#pull = new Pull(open);
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.#lease = new Lease((wasSent) => {
      this.#untouched ||= !wasSent;
      this.#stop();
    });
    this.data = {
      items: this.#items,
      wanted: this.#wanted,
      producing: this.#producing.future(),
      keep: this.#lease.keep,
      thread: ownThreadId,
    };
    noteAlive(this);
    outside(() => void this.#run());
  }

  // For the wire and the job

  [Symbol.dispose](): void {
    this.data.producing[Symbol.dispose]();
    this.#lease[Symbol.dispose]();
  }

  refused(): void {
    this.#untouched = true;
  }

  /** What the job gave may still read it. Else nobody does. */
  jobEnded(leftWith: boolean): void {
    if (!leftWith) this.cancel();
    if (!this.#hasEnded && this.#scope?.closed === false) this.#leave = this.#scope.attach(this);
  }

  // For the scope

  cancel(): void {
    this.#stop(new CancelledError('Cannot read iterable: what it belongs to has ended'));
  }

  terminate(): void {
    this.#end();
  }

  describe(): string {
    return 'an iterable that another thread reads';
  }

  async #run(): Promise<void> {
    try {
      await this.#wanted.wait(UNHELD);
      if (!this.#isOver) await this.#pump();
    } catch (error) {
      this.#fail(error);
    }
    await this.#close();
    this.#isOver = true;
    this.#producing.say(undefined);
    for (const one of [this.#items, this.#wanted, this.#producing]) one[Symbol.dispose]();
    this.#hasEnded = true;
    alive.delete(this);
    this.#leave?.();
    this.#end();
  }

  async #pump(): Promise<void> {
    for (let count = 0; !this.#isOver; count++) {
      const next = await this.#pull.next();
      // Or it was stopped meanwhile.
      if (next === undefined) return;
      const { done, value } = next;
      if (done === true) {
        if (value !== undefined) this.#putLast([value, 'returned']);
        this.#items.shutdown();
        return;
      }
      await this.#items.put([value], UNHELD);
      // The first may be large already.
      if (count < AHEAD || count % AHEAD === 0) this.#adapt();
    }
  }

  /** Does not wait for room: it may be read when this thread has ended. */
  #putLast(item: StreamItem): void {
    this.#items.capacity = Infinity;
    this.#items.tryPut(item);
  }

  /** Items may be numbers, or large. */
  #adapt(): void {
    const { bytes, size } = this.#items.statistics();
    if (size === 0) return;
    const items = Math.floor((AHEAD_BYTES * size) / Math.max(bytes, 1));
    this.#items.capacity = Math.min(Math.max(items, AHEAD_LEAST), AHEAD_MOST);
  }

  /** The reader gets the error, after the items before it. */
  #fail(error: unknown): void {
    // Nobody reads on: that is no failure.
    if (this.#items.isShutDown) return;
    try {
      this.#putLast([error, 'thrown']);
      this.#items.shutdown();
    } catch {
      this.#items.shutdown({ error: new Error(`The iterable failed: ${String(error)}`) });
    }
  }

  /** Nobody reads on; or who does gets this error. */
  #stop(error?: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#items.shutdown({ immediate: true, error });
    this.#wanted.set();
    this.#pull.leave();
  }

  /** Closes what is pulled from, unless that has ended by itself. */
  async #close(): Promise<void> {
    if (this.#untouched) return;
    try {
      await this.#pull.close(this.#reason());
    } catch (error) {
      report('HEDDLE_CALLBACK_ERROR', 'An iterable that another thread read threw when it was closed', error);
    }
  }
  /** Why it is closed, if that was said. */
  #reason(): unknown {
    if (!this.#items.isShutDown || this.#items.size > 0) return undefined;
    try {
      this.#items.tryGet();
      return undefined;
    } catch (error) {
      if (error instanceof QueueShutDownError) return undefined;
      return reasonOf(error);
    }
  }
}
