/** `executor.mapSync`: as `map`, for a thread that blocks for each result. */
import { checkFunction } from '../core/arguments.ts';
import { now } from '../core/clock.ts';
import { CancelledError, PoolFullError, TimeoutError } from '../core/errors.ts';
import { throwIfEnded } from '../park/wait.ts';
import { captureContext } from '../platform/context.ts';
import { attachToTask } from '../scope/scope.ts';
import type { ItemOutcomes } from '../thread/protocol.ts';
import type { Job } from './job.ts';
import { startInTask } from './job-executor.ts';
import type { MapRequest } from './map.ts';
import { type MapSettings, readMapOptions } from './map-options.ts';

/** A chunk that was submitted, with the outcomes of its items as they are known. */
interface Chunk {
  readonly job: Job;
  readonly first: number;
  readonly items: readonly unknown[];
  readonly outcomes: PromiseSettledResult<unknown>[];
}

/**
 * The results in the order of the items, whatever `ordered` says: who blocks waits for the first of those that are left.
 *
 * @throws TypeError, RangeError for a wrong argument. Everything else comes out of the iterator.
 */
export function mapItemsSync(request: MapRequest): IterableIterator<unknown> {
  checkFunction(request.fn, 'fn');
  const settings = readMapOptions(request.options);
  const items = request.items as Iterable<unknown>;
  if (typeof items?.[Symbol.iterator] !== 'function') throw new TypeError('items must be iterable');
  const run = new SyncMap(request, settings, items[Symbol.iterator]());
  run.join();
  run.begin();
  return run.results();
}

class SyncMap {
  readonly #request: MapRequest;
  readonly #settings: MapSettings;
  readonly #input: Iterator<unknown>;
  readonly #chunks: Chunk[] = [];
  readonly #deadline: number;
  /** Jobs are submitted where the map was made, not where its reader is. */
  readonly #inContext = captureContext();
  #pulled = 0;
  /** Read, and not taken by the pool. */
  #waiting: readonly unknown[] = [];
  #exhausted = false;
  #closed = false;
  #leave: (() => void) | undefined;

  constructor(request: MapRequest, settings: MapSettings, input: Iterator<unknown>) {
    this.#request = request;
    this.#settings = settings;
    this.#input = input;
    this.#deadline = now() + settings.timeout;
  }

  /** Reads ahead as far as the buffer goes, and the pool has room. */
  fill(): void {
    const { chunkSize, buffer } = this.#settings;
    const size = chunkSize === 'auto' ? 1 : chunkSize;
    const most = buffer ?? 2 * this.#request.sink.width * size;
    let ahead = this.#chunks.reduce((sum, chunk) => sum + chunk.items.length, 0);
    while (ahead < most && !this.#request.sink.full) {
      const items = this.#waiting.length > 0 ? this.#waiting : this.#read(Math.min(size, most - ahead));
      if (items.length === 0) return;
      this.#waiting = items;
      try {
        this.#chunks.push(this.#submit(items));
      } catch (error) {
        // Others were faster.
        if (error instanceof PoolFullError) return;
        throw error;
      }
      this.#waiting = [];
      ahead += items.length;
    }
  }

  #read(most: number): readonly unknown[] {
    const items: unknown[] = [];
    while (items.length < most && !this.#exhausted) {
      const step = this.#input.next();
      if (step.done) this.#exhausted = true;
      else items.push(step.value);
    }
    return items;
  }

  /** The chunk whose results come next. If none is under way, for others have filled the pool, it waits for room. */
  #next(): Chunk | undefined {
    for (;;) {
      if (this.#closed) return undefined;
      this.fill();
      const [first] = this.#chunks;
      if (first !== undefined || (this.#exhausted && this.#waiting.length === 0)) return first;
      throwIfEnded(this.#settings.signal);
      this.#inTime((left) => this.#request.sink.waitForRoomSync?.(left, () => this.fill()));
    }
  }

  #inTime<T>(wait: (left: number) => T): T {
    const { timeout } = this.#settings;
    const left = timeout === Infinity ? Infinity : Math.max(this.#deadline - now(), 0.001);
    try {
      return wait(left);
    } catch (error) {
      if (error instanceof TimeoutError) throw new TimeoutError(`Cannot finish map within ${timeout} ms`);
      throw error;
    }
  }

  *results(): IterableIterator<unknown> {
    let failed: { readonly error: unknown } | undefined;
    try {
      for (let chunk = this.#next(); chunk !== undefined; chunk = this.#next()) {
        const outcomes = this.#await(chunk);
        this.#chunks.shift();
        for (const [index, outcome] of outcomes.entries()) {
          if (outcome.status === 'rejected' && this.#settings.onError === 'stop') {
            failed = { error: outcome.reason };
            throw outcome.reason;
          }
          this.fill();
          if (outcome.status === 'rejected' && this.#settings.onError === 'skip') continue;
          const value =
            this.#settings.onError === 'settle' ? outcome : (outcome as { value?: unknown }).value;
          yield this.#settings.entries
            ? { index: chunk.first + index, item: chunk.items[index], value }
            : value;
        }
      }
    } finally {
      this.#close(failed?.error ?? new CancelledError('The map was closed'));
    }
  }

  /** Fills the buffer; if that is refused the input is closed, for nobody will read it. */
  begin(): void {
    try {
      this.fill();
    } catch (error) {
      this.#close(error);
      throw error;
    }
  }

  /** It ends with the scope in which it was made, if nobody reads it to its end. Its jobs are members of that themselves. */
  join(): void {
    this.#leave = attachToTask({
      endsWithFunction: true,
      cancel: (reason) => this.#close(reason),
      ended: Promise.resolve(),
      terminate: () => {},
      describe: () => 'a map',
    });
  }

  #close(reason: unknown): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#leave?.();
    for (const { job } of this.#chunks.splice(0)) job.future.cancel(reason);
    if (!this.#exhausted) this.#input.return?.();
  }

  #submit(items: readonly unknown[]): Chunk {
    const { sink, fn, site, jobOptions } = this.#request;
    const { args, onError } = this.#settings;
    const outcomes: PromiseSettledResult<unknown>[] = [];
    const path = `items[${this.#pulled}]`;
    const onPart = ({ values, errors }: ItemOutcomes): void => {
      const failures = new Map(errors);
      for (const [index, value] of values.entries())
        outcomes.push(
          failures.has(index)
            ? { status: 'rejected', reason: failures.get(index) }
            : { status: 'fulfilled', value },
        );
    };
    const work = {
      kind: 'each',
      items,
      path: items.length === 1 ? path : `items from ${path}`,
      args,
      stop: onError === 'stop',
      onPart,
    } as const;
    const job = this.#inContext(() => startInTask(sink, fn, site, work, jobOptions));
    const first = this.#pulled;
    this.#pulled += items.length;
    return { job, first, items, outcomes };
  }

  #await({ job, items, outcomes }: Chunk): readonly PromiseSettledResult<unknown>[] {
    throwIfEnded(this.#settings.signal);
    const error = this.#inTime((timeout) => job.future.errorSync({ timeout }));
    if (error !== undefined)
      while (outcomes.length < items.length) outcomes.push({ status: 'rejected', reason: error });
    return outcomes;
  }
}
