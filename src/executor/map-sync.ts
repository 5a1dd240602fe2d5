/** `executor.mapSync`: as `map`, for a thread that blocks for each result. */
import { checkFunction } from '../core/arguments.ts';
import { now } from '../core/clock.ts';
import { CancelledError, TimeoutError } from '../core/errors.ts';
import { throwIfEnded } from '../park/wait.ts';
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
  run.fill();
  return run.results();
}

class SyncMap {
  readonly #request: MapRequest;
  readonly #settings: MapSettings;
  readonly #input: Iterator<unknown>;
  readonly #chunks: Chunk[] = [];
  readonly #deadline: number;
  #pulled = 0;
  #exhausted = false;

  constructor(request: MapRequest, settings: MapSettings, input: Iterator<unknown>) {
    this.#request = request;
    this.#settings = settings;
    this.#input = input;
    this.#deadline = now() + settings.timeout;
  }

  /** Reads ahead as far as the buffer goes. */
  fill(): void {
    const { chunkSize, buffer } = this.#settings;
    const size = chunkSize === 'auto' ? 1 : chunkSize;
    const most = buffer ?? 2 * this.#request.sink.width * size;
    let ahead = this.#chunks.reduce((sum, chunk) => sum + chunk.items.length, 0);
    while (!this.#exhausted && ahead < most) {
      // What is under way makes room first.
      if (ahead > 0 && this.#request.sink.full) return;
      const items: unknown[] = [];
      while (items.length < Math.min(size, most - ahead)) {
        const step = this.#input.next();
        if (step.done) {
          this.#exhausted = true;
          break;
        }
        items.push(step.value);
      }
      if (items.length > 0) this.#chunks.push(this.#submit(items));
      ahead += items.length;
    }
  }

  *results(): IterableIterator<unknown> {
    let failed: { readonly error: unknown } | undefined;
    try {
      for (let chunk = this.#chunks[0]; chunk !== undefined; chunk = this.#chunks[0]) {
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
        this.fill();
      }
    } finally {
      const reason = failed?.error ?? new CancelledError('The map was closed');
      for (const { job } of this.#chunks.splice(0)) job.future.cancel(reason);
      if (!this.#exhausted) this.#input.return?.();
    }
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
    const job = startInTask(
      sink,
      fn,
      site,
      {
        kind: 'each',
        items,
        path: items.length === 1 ? path : `items from ${path}`,
        args,
        stop: onError === 'stop',
        onPart,
      },
      jobOptions,
    );
    const first = this.#pulled;
    this.#pulled += items.length;
    return { job, first, items, outcomes };
  }

  #await({ job, items, outcomes }: Chunk): readonly PromiseSettledResult<unknown>[] {
    const { signal, timeout } = this.#settings;
    throwIfEnded(signal);
    const left = timeout === Infinity ? Infinity : Math.max(this.#deadline - now(), 0.001);
    let error: unknown;
    try {
      error = job.future.errorSync({ timeout: left });
    } catch (thrown) {
      if (thrown instanceof TimeoutError && !job.settled)
        throw new TimeoutError(`Cannot finish map within ${timeout} ms`);
      throw thrown;
    }
    if (error !== undefined)
      while (outcomes.length < items.length) outcomes.push({ status: 'rejected', reason: error });
    return outcomes;
  }
}
