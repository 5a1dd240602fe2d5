/** The end of an iterable that has come to another thread: asks for items, and says when it wants no more. */
import { DeadlockError, OwnerDiedError, QueueShutDownError } from '../core/errors.ts';
import type { Future } from '../executor/future.ts';
import { ownThreadId } from '../platform/worker.ts';
import type { Queue } from '../queue/queue.ts';
import type { AttachedChild, Scope } from '../scope/scope.ts';
import type { Event } from '../sync/event.ts';
import { selectSync } from '../sync/select.ts';
import type { Keep } from './lease.ts';

/** In an array, so that it may be a thenable; the second says that it is what the iterable returned at its end. */
export type StreamItem = readonly [value: unknown] | readonly [value: unknown, isReturned: true];

/** What an iterable is on its way. */
export interface StreamData {
  /** Shut down at the end, or with the error of the iterable. */
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

const END: IteratorReturnResult<undefined> = { value: undefined, done: true };

export class StreamReader implements AttachedChild {
  readonly ended: Promise<void> = Promise.resolve();
  readonly endsWithFunction = true;
  readonly #data: StreamData;
  #watched = false;
  #leave: (() => void) | undefined;
  #isOver = false;

  constructor(data: StreamData) {
    this.#data = data;
  }

  async next(): Promise<Result> {
    if (this.#isOver) return END;
    this.#begin();
    try {
      return this.#resultOf(await this.#data.items.get());
    } catch (error) {
      return this.#failed(error);
    }
  }

  /** Blocks the thread. @throws DeadlockError if the items come from its own loop. */
  nextSync(): Result {
    if (this.#isOver) return END;
    const { items, producing, thread } = this.#data;
    if (thread === ownThreadId)
      throw new DeadlockError(
        'Cannot block on an iterable: its items come from this loop, which would be blocked; use for await',
      );
    this.#begin();
    try {
      // No callback runs while the thread is blocked: so it waits for the death of the other as well.
      const got = items.tryGet() ?? takeFrom(selectSync({ items, producing })) ?? items.tryGet();
      if (got === undefined) throw lost();
      return this.#resultOf(got.value);
    } catch (error) {
      return this.#failed(error);
    }
  }

  #resultOf([value, isReturned]: StreamItem): Result {
    if (isReturned === undefined) return { value, done: false };
    this.stop();
    return { value, done: true };
  }

  /** Wants no more. */
  stop(): Result {
    if (this.#isOver) return END;
    this.#isOver = true;
    this.#leave?.();
    const { items, wanted, producing, keep } = this.#data;
    items.shutdown({ immediate: true });
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

  cancel(): void {
    this.stop();
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

  #failed(error: unknown): Result {
    const isEnd = error instanceof QueueShutDownError;
    // A wait that was cancelled has ended, and not what it waited for.
    if (isEnd || this.#isOver || this.#data.items.isShutDown) this.stop();
    if (isEnd) return END;
    throw error;
  }
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
