/** The end of an iterable that has come to another thread: asks for items, and says when it wants no more. */
import { CancelledError, DeadlockError, OwnerDiedError, QueueShutDownError } from '../core/errors.ts';
import type { Future } from '../executor/future.ts';
import { ownThreadId } from '../platform/worker.ts';
import type { Queue } from '../queue/queue.ts';
import type { AttachedChild, Scope } from '../scope/scope.ts';
import type { Event } from '../sync/event.ts';
import { selectSync } from '../sync/select.ts';
import type { Keep } from './lease.ts';
import { isPulledInVain } from './pull.ts';

/** In an array, so that it may be a thenable; the second says that it is what the iterable gave at its end. */
export type StreamItem = readonly [value: unknown] | readonly [value: unknown, end: 'returned' | 'thrown'];

/** What an iterable is on its way. */
export interface StreamData {
  /** Shut down at the end, and by the reader when it wants no more: by an error that has its reason, if it gave one. */
  readonly items: Queue<StreamItem>;
  /** Set when the first item is wanted. */
  readonly wanted: Event;
  /** Pending as long as there is somebody who puts items. */
  readonly producing: Future<unknown>;
  readonly keep: Keep;
  /** Whose loop puts them. */
  readonly thread: number;
}

type Result = IteratorResult<unknown, unknown>;

/** By what the reader shuts the queue down if it has a reason. */
interface Stopped {
  readonly stoppedBecause: unknown;
}

/** The reason of the reader, if that is why the queue was shut down; else the error. */
export function reasonOf(error: unknown): unknown {
  return Object.hasOwn(Object(error), 'stoppedBecause') ? (error as Stopped).stoppedBecause : error;
}

/** The readers of what is received. */
const readers = new WeakMap<object, StreamReader>();

export function noteReader<T extends object>(received: T, reader: StreamReader): T {
  readers.set(received, reader);
  return received;
}

const END: IteratorReturnResult<undefined> = { value: undefined, done: true };

export class StreamReader implements AttachedChild {
  readonly ended: Promise<void> = Promise.resolve();
  readonly endsWithFunction = true;
  readonly #data: StreamData;
  #watched = false;
  #leave: (() => void) | undefined;
  #isOver = false;
  /** Why it was closed, if not by who reads. */
  #closedBy: CancelledError | undefined;

  constructor(data: StreamData) {
    this.#data = data;
  }

  async next(): Promise<Result> {
    if (this.#isOver) return this.#over();
    this.#begin();
    let item: StreamItem;
    try {
      item = await this.#data.items.get();
    } catch (error) {
      return this.#failed(error);
    }
    return this.#resultOf(item);
  }

  /** Blocks the thread. @throws DeadlockError if the items come from its own loop. */
  nextSync(): Result {
    if (this.#isOver) return this.#over();
    const { items, producing, thread } = this.#data;
    if (thread === ownThreadId)
      throw new DeadlockError(
        'Cannot block on an iterable: its items come from this loop, which would be blocked; use for await',
      );
    this.#begin();
    let got: { readonly value: StreamItem } | undefined;
    try {
      // No callback runs while the thread is blocked: so it waits for the death of the other as well.
      got = items.tryGet() ?? takeFrom(selectSync({ items, producing })) ?? items.tryGet();
      if (got === undefined) throw lost();
    } catch (error) {
      return this.#failed(error);
    }
    return this.#resultOf(got.value);
  }

  #resultOf([value, end]: StreamItem): Result {
    if (end === undefined) return { value, done: false };
    this.stop();
    if (end === 'thrown') throw value;
    return { value, done: true };
  }

  /** Wants no more; for that reason, if it is not `undefined`. */
  stop(reason?: unknown): Result {
    if (this.#isOver) return END;
    this.#isOver = true;
    this.#leave?.();
    const { items, wanted, producing, keep } = this.#data;
    shutDown(items, reason);
    wanted.set();
    keep(undefined);
    for (const one of [items, wanted, producing, keep as Keep & Disposable]) one[Symbol.dispose]();
    return END;
  }

  /** It ends with the scope in which it has come. */
  attachTo(scope: Scope): void {
    this.#leave = scope.attach(this);
    if (this.#isOver) this.#leave();
  }

  /** The value in which it has come was not wanted any more. */
  drop(): void {
    this.stop();
  }

  // For the scope

  cancel(reason: unknown): void {
    if (this.#isOver) return;
    this.#closedBy = new CancelledError('Cannot read iterable: what it belongs to has ended', {
      cause: reason,
    });
    this.stop();
  }

  givenBack(value: unknown, heir: Scope | undefined): boolean {
    if (!contains(value, this)) return false;
    this.#leave?.();
    if (heir !== undefined) this.attachTo(heir);
    return true;
  }

  terminate(): void {}

  describe(): string {
    return 'an iterable of another thread';
  }

  #begin(): void {
    const { wanted, producing } = this.#data;
    if (this.#watched) return;
    this.#watched = true;
    wanted.set();
    // Weakly: one that nobody has any more is collected, and so the other end learns that nobody reads on.
    const self = new WeakRef(this);
    producing.addDoneCallback(() => {
      const reader = self.deref();
      if (reader !== undefined) reader.#hasEnded();
    });
  }

  /** Whoever put items does not any more. */
  #hasEnded(): void {
    const { items, producing } = this.#data;
    if (!this.#isOver && producing.status !== 'fulfilled') items.shutdown({ error: lost() });
  }

  #over(): Result {
    if (this.#closedBy !== undefined) throw this.#closedBy;
    return END;
  }

  #failed(error: unknown): Result {
    if (this.#isOver) return this.#over();
    const isEnd = error instanceof QueueShutDownError;
    if (isEnd || this.#data.items.isShutDown) {
      if (error instanceof CancelledError) this.#closedBy = error;
      this.stop();
      // A wait that was cancelled has ended, and not what it waited for; unless its code can never wait again.
    } else if (isPulledInVain()) this.stop();
    if (isEnd) return END;
    throw error;
  }
}

function shutDown(items: Queue<StreamItem>, reason: unknown): void {
  try {
    if (reason !== undefined)
      items.shutdown({ immediate: true, error: { stoppedBecause: reason } satisfies Stopped });
  } catch {
    // It cannot be sent.
  }
  items.shutdown({ immediate: true });
}

/** Whether a value is, or has anywhere inside, what that reader reads for. */
function contains(value: unknown, reader: StreamReader): boolean {
  const seen = new Set<unknown>([value]);
  for (const one of seen) {
    if (typeof one !== 'object' || one === null || ArrayBuffer.isView(one)) continue;
    if (readers.get(one) === reader) return true;
    const inside = one instanceof Map || one instanceof Set ? one.values() : Object.values(one);
    for (const each of inside) if (typeof each === 'object') seen.add(each);
  }
  return false;
}

function takeFrom(selected: {
  readonly key: string;
  readonly value: unknown;
}): { readonly value: StreamItem } | undefined {
  return selected.key === 'items' ? { value: selected.value as StreamItem } : undefined;
}

function lost(): OwnerDiedError {
  return new OwnerDiedError('Cannot read iterable: the thread that it comes from has ended');
}
